"""Devices ↔ CSV, for spreadsheets: what a line says, and a list of devices as lines.

id,kind,name,lat,lon,area,parent,limits,tags   tags: words with | between; limits: bd1=1.4|bd2=1.5
Comma or semicolon (as a Vietnamese Excel writes it); a column that is not there is left as it is.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from control.register import EDITABLE
from devices.device import Device
from telemetry.errors import QueryError

COLUMNS = ("id", "kind", *EDITABLE)
MAX_LINES = 100_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would calculate
_WORDS = ("name", "tags")  # columns that hold people's words


def read_lines(text: str) -> Iterator[tuple[int, dict[str, Any] | QueryError]]:
    """(number of the line, what it says of a device, or what is wrong with it); the header is line 1.

    Raises QueryError where the header is not right, or there are too many lines.
    """
    text = text.removeprefix("\ufeff")
    first = text.partition("\n")[0]
    reader = csv.reader(
        io.StringIO(text), delimiter=";" if first.count(";") > first.count(",") else ","
    )
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        _check_header(header)
        for row in reader:
            if reader.line_num > MAX_LINES:
                raise QueryError("csv", f"must have {MAX_LINES} lines at most")
            if any(cell.strip() for cell in row):
                yield reader.line_num, _said(header, row)
    except csv.Error as error:
        raise QueryError("csv", f"can't be read in line {reader.line_num}: {error}") from None


def write_lines(devices: Iterable[Device]) -> Iterator[str]:
    """The header, and a line a device; `read_lines` reads it back."""
    yield _line(COLUMNS)
    for device in devices:
        yield _line([_cell(name, getattr(device, name)) for name in COLUMNS])


def _check_header(header: list[str]) -> None:
    unknown = [name for name in header if name not in COLUMNS]
    if unknown:
        raise QueryError(
            "csv", f"has columns {', '.join(COLUMNS)}", unknown[0], "in its first line"
        )
    twice = [name for name in header if header.count(name) > 1]
    if twice or "id" not in header:
        raise QueryError(
            "csv", "must name id, and no column twice, in its first line", ",".join(header)
        )


def _said(header: list[str], row: list[str]) -> dict[str, Any] | QueryError:
    if len(row) != len(header):
        return QueryError("csv", f"must have {len(header)} cells", len(row))
    try:
        return {name: _value(name, cell.strip()) for name, cell in zip(header, row, strict=True)}
    except QueryError as error:
        return error


def _value(name: str, cell: str) -> Any:
    if name in _WORDS and cell.startswith("'") and cell[1:].startswith(_FORMULA):
        cell = cell[1:]
    if name in ("lat", "lon"):
        return _number(name, cell) if cell else None
    if name == "tags":
        return tuple(word.strip() for word in cell.split("|") if word.strip())
    if name == "limits":
        pairs = (part.partition("=") for part in cell.split("|") if part.strip())
        return {key.strip(): _number(name, value.strip()) for key, _, value in pairs}
    return cell


def _number(name: str, cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        raise QueryError(name, "must be a number like 10.7769", cell) from None


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name == "limits":
        return "|".join(f"{key}={number!r}" for key, number in value.items())
    text = "|".join(value) if name == "tags" else str(value)
    return f"'{text}" if name in _WORDS and text.startswith(_FORMULA) else text


def _line(cells: Iterable[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()
