"""A mapping file → which CSV column is which device's quantity, and how the times read.

Everything is checked before the first message: keys, columns, device ids, kinds, quantities, units.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from devices.device import DEVICE_ID
from devices.registry import Kinds
from simulators.toml_file import TomlFile, read_toml
from telemetry.clock import parse_duration, parse_time
from telemetry.errors import DeclarationError, TimeError, UnitError
from telemetry.units import conversion

FOLDER = Path(__file__).parent.parent / "mappings"

# Formats that are no strptime pattern.
EPOCH_NS = {"epoch_s": 1_000_000_000, "epoch_ms": 1_000_000}
ISO = "iso"
EACH = "{column}"


class Layout(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the file is written. `comment`: lines that start with it are passed over; "": none.

    `missing` are the cells, stripped of blanks, that hold no value.
    """

    delimiter: str = ","
    quote: str = '"'
    comment: str = ""
    missing: frozenset[str] = frozenset({""})


class TimeColumn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the time stands and how it reads.

    column  one column, or several whose cells are joined by one blank (year, month, day, hour)
    format  iso, epoch_s, epoch_ms, or a strptime pattern
    zone    UTC or an IANA name, for times that name no offset themselves
    start, step   in place of a column, where the file holds no times: RFC 3339 of the first row, and the time
            from row to row (5m)
    """

    column: str | tuple[str, ...] = ()
    format: str = ISO
    zone: str = ""
    start: str = ""
    step: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns, also where there is only one."""
        return (self.column,) if isinstance(self.column, str) else self.column


class ValueColumn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One column: the quantity that a device measures, in the recording's own unit.

    `file` is a pattern for the CSV's name; in a recording of several files the entry holds for those only.
    `column` may be a pattern too: then the entry holds for each column that it fits, and `{column}` in
    `device` stands for the column's name.
    """

    column: str
    device: str
    kind: str
    quantity: str
    unit: str
    file: str = "*"

    @property
    def pattern(self) -> bool:
        """True where `column` may fit several."""
        return "*" in self.column and EACH in self.device

    def named(self, column: str) -> ValueColumn:
        """The entry for one column that its pattern fits."""
        device = self.device.replace(EACH, column.lower())
        return msgspec.structs.replace(self, column=column, device=device)


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mapping file. `text` says in a line what the recording is; `source` where it is from, `licence` of it."""

    text: str
    time: TimeColumn
    values: tuple[ValueColumn, ...]
    csv: Layout = Layout()
    source: str = ""
    licence: str = ""

    def values_in(self, file_name: str) -> tuple[ValueColumn, ...]:
        """The entries that hold for a CSV of this name."""
        return tuple(v for v in self.values if fnmatchcase(file_name, v.file))


def find_mapping(name: str) -> Path:
    """The file of a mapping's name in `mappings/`, or of a path. Raises DeclarationError for neither."""
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(p.stem for p in known_mappings())
        raise DeclarationError("--map", f"must be a .toml file or one of {known}", name)
    return path


def known_mappings() -> list[Path]:
    """The mappings that come with the platform."""
    return sorted(FOLDER.glob("*.toml"))


def load_mapping(path: Path, kinds: Kinds) -> Mapping:
    """Read and check a mapping file. Raises DeclarationError with file, line, key and what is allowed."""
    file = read_toml(path)
    for keys, type_ in _tables(file.table):
        file.refuse_unknown(type_.__struct_fields__, *keys)
    try:
        mapping = msgspec.convert(file.table, Mapping)
    except msgspec.ValidationError as error:
        raise DeclarationError(file.place(*_named(str(error))), str(error)) from None
    _check_layout(file, mapping.csv)
    _check_time(file, mapping.time)
    _check_values(file, mapping.values, kinds)
    return mapping


def _tables(table: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], type[msgspec.Struct]]]:
    """Where a table of the file stands, and what it must be."""
    yield (), Mapping
    for key, type_ in (("time", TimeColumn), ("csv", Layout)):
        if isinstance(table.get(key), dict):
            yield (key,), type_
    values = table.get("values")
    for i, entry in enumerate(values if isinstance(values, list) else []):
        if isinstance(entry, dict):
            yield ("values", i), ValueColumn


def _named(words: str) -> list[str | int]:
    """The keys that msgspec's words name: `…` - at `$.values[0].column` → values, 0, column."""
    _, _, path = words.partition("`$")
    return [int(p) if p.isdecimal() else p for p in re.findall(r"[A-Za-z0-9_]+", path)]


def _check_layout(file: TomlFile, layout: Layout) -> None:
    for key in ("delimiter", "quote"):
        if len(getattr(layout, key)) != 1:
            place = file.place("csv", key)
            raise DeclarationError(place, "must be one character", getattr(layout, key))
    if layout.delimiter == layout.quote:
        raise DeclarationError(
            file.place("csv", "quote"), "must differ from delimiter", layout.quote
        )


def _check_time(file: TomlFile, time: TimeColumn) -> None:
    if time.start or time.step:
        _check_start(file, time)
        return
    if not time.columns:
        raise DeclarationError(file.place("time", "column"), "must name at least one column")
    pattern = time.format
    if pattern != ISO and pattern not in EPOCH_NS and "%" not in pattern:
        allowed = ", ".join([ISO, *EPOCH_NS])
        raise DeclarationError(
            file.place("time", "format"), f"must be {allowed} or a strptime pattern", pattern
        )
    if "%" in pattern and "%z" not in pattern and not time.zone:
        raise DeclarationError(
            file.place("time", "zone"),
            "is needed, because the times name no offset from UTC",
            remedy='set zone = "UTC" or an IANA name like "Asia/Ho_Chi_Minh"',
        )
    if time.zone:
        try:
            ZoneInfo(time.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise DeclarationError(
                file.place("time", "zone"), "must be UTC or an IANA name", time.zone
            ) from None


def _check_start(file: TomlFile, time: TimeColumn) -> None:
    """A file without times: both the first and the step, and nothing that reads times."""
    for key in ("column", "format", "zone"):
        if key in file.table["time"]:
            raise DeclarationError(
                file.place("time", key),
                "is for times in the file, and `start` says that there are none",
            )
    try:
        parse_time(time.start, file.place("time", "start"))
        parse_duration(time.step, file.place("time", "step"))
    except TimeError as error:
        raise DeclarationError(error.place, error.need, error.value, error.remedy) from None


def _check_values(file: TomlFile, values: tuple[ValueColumn, ...], kinds: Kinds) -> None:
    if not values:
        raise DeclarationError(file.place("values"), "must hold at least one entry")
    kind_of: dict[str, str] = {}
    taken: set[tuple[str, str, str]] = set()
    for i, value in enumerate(values):
        _check_value(file, i, value, kinds)
        if kind_of.setdefault(value.device, value.kind) != value.kind:
            raise DeclarationError(
                file.place("values", i, "kind"),
                f"must be {kind_of[value.device]}, as above",
                value.kind,
            )
        series = (value.file, value.device, value.quantity)
        if series in taken:
            place = file.place("values", i, "quantity")
            raise DeclarationError(place, "is mapped twice", value.quantity)
        taken.add(series)


def _check_value(file: TomlFile, i: int, value: ValueColumn, kinds: Kinds) -> None:
    device = value.device.replace(EACH, "x") if value.pattern else value.device
    if "*" in value.column and not value.pattern:
        need = f"fits several columns, so device must hold {EACH}"
        raise DeclarationError(file.place("values", i, "column"), need, value.column)
    if not DEVICE_ID.fullmatch(device):
        raise DeclarationError(
            file.place("values", i, "device"),
            "must look like [a-z0-9][a-z0-9-]{1,63}",
            value.device,
        )
    if value.kind not in kinds:
        raise DeclarationError(
            file.place("values", i, "kind"), f"must be one of {', '.join(kinds.code)}", value.kind
        )
    quantity = kinds[value.kind].quantity(value.quantity)
    if quantity is None or quantity.derived:
        accepted = ", ".join(q.name for q in kinds[value.kind].quantities if not q.derived)
        raise DeclarationError(
            file.place("values", i, "quantity"),
            f"must be one of {accepted} ({value.kind})",
            value.quantity,
        )
    try:
        conversion(value.unit, quantity.unit, file.place("values", i, "unit"))
    except UnitError as error:
        raise DeclarationError(error.place, error.need, error.value, error.remedy) from None
