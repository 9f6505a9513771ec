"""`urban rules …`: what raises alerts on a running platform; try rules of a file on its history, add them."""

from __future__ import annotations

import getpass
import tomllib
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from commands.http_api import HttpApi, Json, JsonOption, UrlOption, platform_url
from commands.quarantine_view import console, print_json
from telemetry.errors import DeclarationError, QueryError
from telemetry.settings import load_settings

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="What raises alerts: list it, try rules of your own on history, add and remove them.\n\n"
    "Example: urban rules try rules.toml --start 2026-11-01T00:00:00+07:00",
)

FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="Rules as docs/rules.md describes, TOML.")
]
By = Annotated[str, typer.Option("--by", help="Who does it; by default whoever is logged in.")]


@app.command("list")
def list_rules(
    own: Annotated[bool, typer.Option("--own", help="Only those that were added.")] = False,
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Every rule, of the kinds, of the platform and of engineers.

    Example: urban rules list --own
    """
    with _api(url) as api:
        found = [r for r in api.get("/rules")["items"] if r["definition"] or not own]
    if as_json:
        print_json(found)
        return
    if not found:
        console().print("No rule was added here.")
        return
    _show(
        ("code", "from", "kind", "severity", "title"),
        [(r["code"], r["origin"], r["kind"], r["severity"], r["title"]["vi"]) for r in found],
    )


@app.command("try")
def try_rules(
    file: FileArgument,
    start: Annotated[str | None, typer.Option("--start", help="From; RFC 3339.")] = None,
    end: Annotated[str | None, typer.Option("--end", help="Until; RFC 3339.")] = None,
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """How often each rule of a file would have raised an alert; by default over the last day. Nothing is changed.

    Example: urban rules try rules.toml --start 2026-11-01T00:00:00+07:00
    """
    rules = _read(file)
    with _api(url) as api:
        tried = [
            (r["code"], api.post("/rules/try", r, {"start": start, "end": end})) for r in rules
        ]
    if as_json:
        print_json(dict(tried))
        return
    _show(
        ("code", "devices", "readings", "raised", "stood [h]", "most"),
        [
            (
                code, str(t["devices"]), str(t["readings"]), str(t["raised"]),
                f"{t['standing_s'] / 3_600:.1f}",
                ", ".join(f"{d} {n} ×" for d, n in list(t["by_device"].items())[:3]),
            )
            for code, t in tried
        ],
    )  # fmt: skip


@app.command()
def add(file: FileArgument, by: By = "", url: UrlOption = "") -> None:
    """Add the rules of a file, or change those that were added before; in force from the next readings on.

    Example: urban rules add rules.toml
    """
    rules = _read(file)
    with _api(url) as api:
        for rule in rules:  # all are looked at before the first is in force
            api.post("/rules/try", rule, {"start": _MOMENT[0], "end": _MOMENT[1]})
        for rule in rules:
            api.put(f"/rules/{rule['code']}", rule, {"by": by or getpass.getuser()})
            console().print(f"{rule['code']}: in force")


@app.command()
def remove(
    code: Annotated[str, typer.Argument(metavar="CODE", help="The rule's code.")],
    url: UrlOption = "",
) -> None:
    """Remove a rule that was added; its alerts end.

    Example: urban rules remove school_dust
    """
    if not code.replace("_", "").isalnum():
        raise QueryError("CODE", "must be a rule's code", code)
    with _api(url) as api:
        api.delete(f"/rules/{code}")
    console().print(f"{code}: removed")


_MOMENT = (
    "2000-01-01T00:00:00Z",
    "2000-01-01T00:00:01Z",
)  # nothing is stored there: only the rule is looked at


def _read(file: Path) -> list[Json]:
    """The rules of a file as JSON; the platform checks what they say."""
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise DeclarationError(
            str(file), f"must be a file that can be read ({error.strerror})"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DeclarationError(str(file), f"must be TOML: {error}") from None
    rules: Any = table.get("rules")
    if not isinstance(rules, list) or not rules or set(table) != {"rules"}:
        raise DeclarationError(str(file), "must hold rules, [[rules]] for each, and nothing else")
    for number, rule in enumerate(rules, 1):
        if not isinstance(rule, dict) or not isinstance(rule.get("code"), str):
            raise DeclarationError(f"{file}: rules[{number}].code", "must be the rule's code")
    found: list[Json] = msgspec.to_builtins(rules)
    return found


def _api(url: str) -> HttpApi:
    return HttpApi(platform_url(url, load_settings()))


def _show(names: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console().print(table)
