"""A TOML file that people write → a table whose every key knows its line, so that an error can name it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from telemetry.errors import DeclarationError

_HEADER = re.compile(r"\s*\[(\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([A-Za-z0-9_.-]+|\"[^\"]*\"|'[^']*')\s*=")

Keys = tuple[str | int, ...]


class TomlFile:
    """`table` is what tomllib reads; `place` words where a key stands: "x.toml, line 4: faults[0].type"."""

    def __init__(self, path: Path, table: dict[str, Any], lines: dict[Keys, int]) -> None:
        self.path = path
        self.table = table
        self._lines = lines

    def place(self, *keys: str | int) -> str:
        """File, line and key; the line of what holds a key that is not there."""
        line = next(
            (self._lines[keys[:n]] for n in range(len(keys), 0, -1) if keys[:n] in self._lines), 1
        )
        return f"{self.path}, line {line}: {dotted(keys)}" if keys else str(self.path)

    def refuse_unknown(self, allowed: Sequence[str], *keys: str | int) -> None:
        """Raises DeclarationError for a key of the table at `keys` that is none of those allowed."""
        part: Any = self.table
        for key in keys:
            part = part[key]
        for key in part if isinstance(part, dict) else ():
            if key not in allowed:
                need = f"is no key; allowed are {', '.join(allowed)}"
                raise DeclarationError(self.place(*keys, key), need)


def read_toml(path: Path) -> TomlFile:
    """Raises DeclarationError for a file that can't be read, or is no TOML."""
    try:
        text = path.read_text(encoding="utf-8")
        table = tomllib.loads(text)
    except OSError as error:
        raise DeclarationError(str(path), f"must be a file that can be read ({error})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DeclarationError(str(path), f"must be TOML: {error}") from None
    return TomlFile(path, table, lines_of(text))


def dotted(keys: Keys) -> str:
    """("faults", 0, "type") → faults[0].type"""
    text = ""
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text


def lines_of(text: str) -> dict[Keys, int]:
    """The line of each table header and key of a valid TOML file. Inline tables count as their key."""
    found: dict[Keys, int] = {}
    table: Keys = ()
    number: dict[Keys, int] = {}
    inside = _Inside()
    for line, row in enumerate(text.splitlines(), start=1):
        if inside.open():
            inside.read(row)
            continue
        if header := _HEADER.match(row):
            name: Keys = _names(header[2])
            if header[1]:
                number[name] = number.get(name, -1) + 1
                name = (*name, number[name])
            elif name[:1] in number:
                name = (*name[:1], number[name[:1]], *name[1:])
            table = name
            found.setdefault(table, line)
        elif key := _KEY.match(row):
            found.setdefault((*table, *_names(key[1])), line)
            inside.read(row[key.end() :])
    return found


class _Inside:
    """Whether a value goes on in the next line: an open bracket, or text in three quotes."""

    def __init__(self) -> None:
        self._depth = 0
        self._quote = ""

    def open(self) -> bool:
        """True where the value has not ended yet."""
        return self._depth > 0 or bool(self._quote)

    def read(self, row: str) -> None:
        """Take in the rest of a line."""
        at = 0
        while at < len(row):
            if self._quote:
                at = self._text(row, at)
            elif row[at] in "\"'":
                self._quote = row[at] * 3 if row.startswith(row[at] * 3, at) else row[at]
                at += len(self._quote)
            elif row[at] == "#":
                return
            else:
                self._depth += (row[at] in "[{") - (row[at] in "]}")
                at += 1
        if len(self._quote) == 1:
            self._quote = ""

    def _text(self, row: str, at: int) -> int:
        if row[at] == "\\" and self._quote[0] == '"':
            return at + 2
        if row.startswith(self._quote, at):
            at += len(self._quote)
            self._quote = ""
            return at
        return at + 1


def _names(text: str) -> Keys:
    return tuple(part.strip().strip("\"'") for part in text.split("."))
