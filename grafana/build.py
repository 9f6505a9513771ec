"""Boards, maps and Grafana's own rules → files: what `urban dashboards build` writes, and `check` compares."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from devices.city import FOLDER as CITIES
from devices.city import load_city
from devices.registry import Kinds
from grafana.alerting import provisioning
from grafana.boards import all_boards
from grafana.maps import GEOJSON, STYLE, geojson, style
from grafana.queries import Json
from grafana.tongue import LANGUAGES, Tongue
from telemetry.errors import StartError

FOLDER = Path(__file__).parent
DASHBOARDS, PUBLIC, ALERTING = "dashboards", "public", "provisioning/alerting"

_SUFFIXES = (".json", ".geojson", ".yaml")


@dataclass(frozen=True, slots=True)
class Drift:
    """How files differ from the code; paths under the folder that was compared."""

    missing: tuple[str, ...]
    changed: tuple[str, ...]
    extra: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.missing or self.changed or self.extra)


def files(kinds: Kinds) -> dict[str, str]:
    """Path under the folder → text, of every file."""
    found = {}
    for language in LANGUAGES:
        for board in all_boards(kinds, Tongue(language)):
            name = board["uid"].removeprefix(f"urban-{language}-")
            found[f"{DASHBOARDS}/{language}/{name}.json"] = _text(board)
    for path in sorted(CITIES.glob("*.toml")):
        city = load_city(path.stem)
        found[f"{PUBLIC}/{path.stem}/{STYLE}"] = _text(style(city))
        found[f"{PUBLIC}/{path.stem}/{GEOJSON}"] = _text(geojson(city), None)
    # JSON is YAML, and so needs nobody to write YAML.
    found[f"{ALERTING}/platform.yaml"] = (
        f"# Made by urban dashboards build.\n{_text(provisioning())}"
    )
    return found


def compare(kinds: Kinds, folder: Path = FOLDER) -> Drift:
    """How the files of a folder differ from what the code says."""
    wanted = files(kinds)
    here = _here(folder)
    changed = [
        p for p, text in wanted.items() if p in here and (folder / p).read_text("utf-8") != text
    ]
    return Drift(
        tuple(sorted(wanted.keys() - here)), tuple(changed), tuple(sorted(here - wanted.keys()))
    )


def build(kinds: Kinds, folder: Path = FOLDER) -> Drift:
    """Write what is missing or changed and remove what no board stands for. Returns what was done.

    Raises StartError where the folder can't be written.
    """
    drift, wanted = compare(kinds, folder), files(kinds)
    try:
        for path in (*drift.missing, *drift.changed):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(wanted[path], encoding="utf-8")
        for path in drift.extra:
            (folder / path).unlink()
    except OSError as error:
        raise StartError(
            str(folder), f"must be a folder that can be written ({error.strerror})"
        ) from None
    return drift


def _here(folder: Path) -> set[str]:
    found = [
        p
        for name in (DASHBOARDS, PUBLIC, ALERTING)
        for p in (folder / name).rglob("*")
        if p.is_file()
    ]
    return {p.relative_to(folder).as_posix() for p in found if p.suffix in _SUFFIXES}


def _text(value: Json, indent: int | None = 1) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent) + "\n"
