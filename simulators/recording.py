"""A CSV of a real recording → columns of times and values, with an account of what was left out.

Every row of the file is counted once: as taken, as outside of the wanted time, or as refused.
"""

from __future__ import annotations

import csv
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import isfinite, nan
from pathlib import Path
from typing import TextIO

import numpy as np

from devices.device import DEVICE_ID
from simulators.mapping import Layout, Mapping, ValueColumn
from simulators.recorded_time import RowRefused, TimeReader
from telemetry.arrays import Times, Values
from telemetry.errors import DeclarationError


@dataclass(slots=True)
class Refusal:
    """How often something was refused, and the line of the file where it was first."""

    count: int
    first_line: int


@dataclass(frozen=True, slots=True)
class Recording:
    """What a CSV holds, as a mapping reads it. Memory: 8 bytes a row and column.

    time     one a row taken, in the order of the file [ns, UTC]; shape (rows,)
    values   in the recording's own units, NaN where missing; shape (columns, rows)
    read     data rows in the file: rows taken + outside + refused rows
    missing  missing cells of rows taken, by column
    refused_rows, refused_cells  by reason
    """

    name: str
    columns: tuple[ValueColumn, ...]
    time: Times
    values: Values
    read: int
    outside: int
    missing: dict[str, int]
    refused_rows: dict[str, Refusal]
    refused_cells: dict[str, Refusal]

    def __len__(self) -> int:
        return len(self.time)


def read_recording(
    path: Path, mapping: Mapping, start: int | None = None, end: int | None = None
) -> Recording:
    """Read the rows with start <= time < end [ns, UTC; None: open].

    Raises DeclarationError where the mapping does not fit the file, or a time is naive and the mapping
    names no zone; a single row or cell that makes no sense is refused and counted.
    """
    columns = mapping.values_in(path.name)
    if not columns:
        known = ", ".join(sorted({v.file for v in mapping.values}))
        raise DeclarationError(str(path), f"no value of the mapping is for it; there are {known}")
    _refuse_twice(path, columns)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _read(path, file, mapping, columns, start, end)
    except OSError as error:
        raise DeclarationError(str(path), f"must be a file that can be read ({error})") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DeclarationError(str(path), f"must be a CSV in UTF-8: {error}") from None


def _refuse_twice(path: Path, columns: Sequence[ValueColumn]) -> None:
    for (device, quantity), times in Counter((v.device, v.quantity) for v in columns).items():
        if times > 1:
            raise DeclarationError(str(path), f"two values of the mapping are {quantity}", device)


def _expanded(
    path: Path, columns: Sequence[ValueColumn], header: Sequence[str]
) -> tuple[ValueColumn, ...]:
    """The columns with each pattern in place of what it fits in the header."""
    found: list[ValueColumn] = []
    for value in columns:
        if not value.pattern:
            found.append(value)
            continue
        fitting = [value.named(name) for name in header if fnmatchcase(name, value.column)]
        if not fitting:
            need = f"fits none of the columns {', '.join(header[:12])}"
            raise DeclarationError(f"{path}: column", need, value.column)
        for one in fitting:
            if not DEVICE_ID.fullmatch(one.device):
                need = "must make a device id like [a-z0-9][a-z0-9-]{1,63}"
                raise DeclarationError(f"{path}: column", need, one.device)
        found += fitting
    _refuse_twice(path, found)
    return tuple(found)


class _Table:
    """The columns while they grow."""

    def __init__(self, columns: tuple[ValueColumn, ...], missing: frozenset[str]) -> None:
        self.columns = columns
        self.time = array("q")
        self.cells = [array("d") for _ in columns]
        self.missing = dict.fromkeys((c.column for c in columns), 0)
        self.refused_rows: dict[str, Refusal] = {}
        self.refused_cells: dict[str, Refusal] = {}
        self._missing_tokens = missing

    def add(self, time: int, cells: list[str], line: int) -> None:
        """Take one row; `cells` in the order of the columns."""
        self.time.append(time)
        for column, into, text in zip(self.columns, self.cells, cells, strict=True):
            if text in self._missing_tokens:
                self.missing[column.column] += 1
                into.append(nan)
            else:
                into.append(self._number(text, line))

    def _number(self, text: str, line: int) -> float:
        try:
            # Python reads 1_000 as a thousand; a recording that holds it means something else.
            number = float(text.replace("_", "?"))
        except ValueError:
            _count(self.refused_cells, "not a number", line)
            return nan
        if not isfinite(number):
            _count(self.refused_cells, "not finite, and not named as missing", line)
            return nan
        return number

    def arrays(self) -> tuple[Times, Values]:
        """The times, and the values as (columns, rows)."""
        values = np.array([np.frombuffer(c, dtype=np.float64) for c in self.cells])
        return np.frombuffer(self.time, dtype=np.int64), values


def _read(
    path: Path,
    file: TextIO,
    mapping: Mapping,
    columns: tuple[ValueColumn, ...],
    start: int | None,
    end: int | None,
) -> Recording:
    rows = _rows(file, mapping.csv)
    _, header = next(rows, (0, []))
    columns = _expanded(path, columns, header)
    time_at = [_place(path, header, name) for name in mapping.time.columns]
    value_at = [_place(path, header, v.column) for v in columns]
    table, times = _Table(columns, mapping.csv.missing), TimeReader(mapping.time, str(path))
    read = outside = 0
    for line, row in rows:
        read += 1
        try:
            if len(row) != len(header):
                raise RowRefused("another number of cells than the header")
            if times.counts:
                time = times.at(read - 1)
            else:
                time = times.read(" ".join(row[i] for i in time_at), line)
        except RowRefused as refused:
            _count(table.refused_rows, str(refused), line)
            continue
        if (start is not None and time < start) or (end is not None and time >= end):
            outside += 1
        else:
            table.add(time, [row[i] for i in value_at], line)
    return Recording(
        path.name,
        columns,
        *table.arrays(),
        read,
        outside,
        table.missing,
        table.refused_rows,
        table.refused_cells,
    )


def _count(into: dict[str, Refusal], reason: str, line: int) -> None:
    into.setdefault(reason, Refusal(0, line)).count += 1


def _rows(file: TextIO, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """(line number in the file, cells without blanks around them); comments and empty lines are no rows."""
    line = 0

    def lines() -> Iterator[str]:
        nonlocal line
        for text in file:
            line += 1
            if not (layout.comment and text.startswith(layout.comment)):
                yield text

    for row in csv.reader(
        lines(), delimiter=layout.delimiter, quotechar=layout.quote, skipinitialspace=True
    ):
        if row:
            yield line, [cell.strip() for cell in row]


def _place(path: Path, header: list[str], name: str) -> int:
    if header.count(name) != 1:
        need = "is there twice" if name in header else f"must be one of {', '.join(header)}"
        raise DeclarationError(f"{path}: column", need, name)
    return header.index(name)
