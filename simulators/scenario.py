"""A scenario file → what happens in a simulated city on which local day and hour: faults and real events.

A scenario is a cycle of whole days that repeats, so it is a function of time like all of the city: it needs
no start, and joins history and live. Everything is checked before the first message.
"""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from simulators.events import EVENT_TYPES
from simulators.fault_types import FAULT_TYPES, GATEWAY
from simulators.toml_file import TomlFile, read_toml
from telemetry.clock import DAY, HOUR, MINUTE, from_datetime, parse_duration
from telemetry.errors import DeclarationError, TimeError

FOLDER = Path(__file__).parent.parent / "scenarios"
MOST_DAYS = 31
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that happens: a fault or a real event, at one place in the cycle or at several.

    at      local times of its beginning, "HH:MM"; `days`: of which days of the cycle, 1 the first; none: all
    lasts   how long: 30m, 6h, 2d; or `until`, a local time of the same day
    device, devices   whom it strikes by id; or `kind` with `count` or `share`, drawn anew each cycle; or all
    lat, lon, radius_m   where; only `radius_m`: around the city's centre; `area`: a ward by its code
    strength, quantity   as the type means them
    """

    type: str
    at: str | tuple[str, ...]
    lasts: str = ""
    until: str = ""
    days: tuple[int, ...] = ()
    device: str = ""
    devices: tuple[str, ...] = ()
    kind: str = ""
    count: int = 0
    share: float = 0.0
    area: str = ""
    lat: float | None = None
    lon: float | None = None
    radius_m: float = 0.0
    strength: float | None = None
    quantity: str = ""

    @property
    def begins(self) -> tuple[int, ...]:
        """When it begins, in local time of day. [ns]"""
        return tuple(clock_ns(at) for at in ((self.at,) if isinstance(self.at, str) else self.at))

    def ends(self, begin: int) -> int:
        """When what begins at this time of day ends. [ns]"""
        return clock_ns(self.until) if self.until else begin + parse_duration(self.lasts)

    @property
    def named(self) -> tuple[str, ...]:
        """The devices that are named by their ids."""
        return (self.device,) if self.device else self.devices


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A scenario file.

    text      in a line; days: of its cycle
    begins    a local date at which a cycle begins; the season that it is written for
    ordinary  whether the faults of an ordinary city are there too; nature: what nature draws by itself
    """

    text: str
    days: int = 1
    begins: str = "1970-01-01"
    ordinary: bool = False
    nature: bool = False
    faults: tuple[Entry, ...] = ()
    events: tuple[Entry, ...] = ()
    name: str = ""

    def first_cycle(self, zone: ZoneInfo) -> tuple[int, int]:
        """[start, end) of the cycle that begins at `begins`, in a city's local time. [ns]"""
        first = datetime.datetime.fromisoformat(self.begins).replace(tzinfo=zone)
        last = first + datetime.timedelta(days=self.days)
        return from_datetime(first), from_datetime(last)

    @property
    def day(self) -> int:
        """The local day `begins`, in days since 1970-01-01."""
        return _day(self.begins)


def known_scenarios() -> list[Path]:
    """The scenarios that come with the platform."""
    return sorted(FOLDER.glob("*.toml"))


def find_scenario(name: str, place: str = "--scenario") -> Path:
    """The file of a scenario's name, or of a path. Raises DeclarationError for neither."""
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(p.stem for p in known_scenarios())
        raise DeclarationError(place, f"must be a .toml file or one of {known}", name)
    return path


def load_scenario(path: Path) -> tuple[Scenario, TomlFile]:
    """Read and check a scenario. Raises DeclarationError with file, line, key and what is allowed."""
    file = read_toml(path)
    fields = [f for f in Scenario.__struct_fields__ if f != "name"]
    file.refuse_unknown(fields)
    for part in ("faults", "events"):
        entries = file.table.get(part, [])
        for i, entry in enumerate(entries if isinstance(entries, list) else []):
            if isinstance(entry, dict):
                file.refuse_unknown(Entry.__struct_fields__, part, i)
    try:
        found = msgspec.convert(file.table | {"name": path.stem}, Scenario)
    except msgspec.ValidationError as error:
        raise DeclarationError(file.place(*named_keys(str(error))), str(error)) from None
    _check(file, found)
    return found, file


def named_keys(words: str) -> list[str | int]:
    """The keys that msgspec's words name: `… - at `$.values[0].column`` → values, 0, column."""
    _, _, path = words.partition("`$")
    return [int(p) if p.isdecimal() else p for p in re.findall(r"[A-Za-z0-9_]+", path)]


def clock_ns(text: str) -> int:
    """A local time of day, "HH:MM" → ns since midnight."""
    hours, _, minutes = text.partition(":")
    return int(hours) * HOUR + int(minutes) * MINUTE


def _check(file: TomlFile, found: Scenario) -> None:
    if not 1 <= found.days <= MOST_DAYS:
        raise DeclarationError(file.place("days"), f"must be 1…{MOST_DAYS}", found.days)
    if not _DATE.fullmatch(found.begins) or _day(found.begins) < 0:
        need = 'must be a date, written like "2026-11-22"'
        raise DeclarationError(file.place("begins"), need, found.begins)
    for part, entries in (("faults", found.faults), ("events", found.events)):
        for i, entry in enumerate(entries):
            _check_type(file, part, i, entry)
            _check_time(file, part, i, entry, found.days)
            _check_whom(file, part, i, entry)


def _check_type(file: TomlFile, part: str, i: int, entry: Entry) -> None:
    known: Any = FAULT_TYPES if part == "faults" else EVENT_TYPES
    if entry.type not in known:
        need = f"must be one of {', '.join(known)}"
        other = EVENT_TYPES if part == "faults" else FAULT_TYPES
        remedy = f"write it under [[{'events' if part == 'faults' else 'faults'}]]"
        raise DeclarationError(
            file.place(part, i, "type"), need, entry.type, remedy if entry.type in other else ""
        )
    of = known[entry.type]
    if entry.strength is not None and not of.low <= entry.strength <= of.high:
        need = f"must lie in {of.low}…{of.high} {of.unit}".rstrip()
        raise DeclarationError(file.place(part, i, "strength"), need, entry.strength)
    if entry.strength is None and part == "events" and of.low != of.high:
        need = f"is needed, {of.low}…{of.high} {of.unit}"
        raise DeclarationError(file.place(part, i, "strength"), need)
    if entry.quantity and not (part == "faults" and of.quantity):
        words = ", ".join(n for n, f in FAULT_TYPES.items() if f.quantity)
        raise DeclarationError(
            file.place(part, i, "quantity"), f"is for {words} only", entry.quantity
        )


def _check_time(file: TomlFile, part: str, i: int, entry: Entry, days: int) -> None:
    times = (entry.at,) if isinstance(entry.at, str) else entry.at
    for key, texts in (("at", times), ("until", (entry.until,) if entry.until else ())):
        for text in texts:
            if not _CLOCK.fullmatch(text):
                need = 'must be a local time, written like "17:30"'
                raise DeclarationError(file.place(part, i, key), need, text)
    if not times:
        raise DeclarationError(file.place(part, i, "at"), "must hold a local time")
    if bool(entry.lasts) == bool(entry.until):
        need = "is needed, or `until`" if not entry.lasts else "and `until` exclude each other"
        raise DeclarationError(file.place(part, i, "lasts"), need)
    for day in entry.days:
        if not 1 <= day <= days:
            raise DeclarationError(file.place(part, i, "days"), f"must be of 1…{days}", day)
    if entry.lasts:
        try:
            lasts = parse_duration(entry.lasts)
        except TimeError as error:
            raise DeclarationError(file.place(part, i, "lasts"), error.need, entry.lasts) from None
        if lasts > days * DAY:
            need = f"must be no longer than the scenario, {days}d"
            raise DeclarationError(file.place(part, i, "lasts"), need, entry.lasts)
    elif clock_ns(entry.until) <= max(entry.begins):
        need = f"must lie after its beginning, {max(times)}"
        remedy = "for what goes on after midnight, use `lasts`"
        raise DeclarationError(file.place(part, i, "until"), need, entry.until, remedy)


def _check_whom(file: TomlFile, part: str, i: int, entry: Entry) -> None:
    if entry.device and entry.devices:
        raise DeclarationError(
            file.place(part, i, "devices"), "and `device` exclude each other", entry.device
        )
    if not 0 <= entry.share <= 1:
        raise DeclarationError(file.place(part, i, "share"), "must lie in 0…1", entry.share)
    if entry.count < 0:
        raise DeclarationError(file.place(part, i, "count"), "must be 0 or more", entry.count)
    if entry.count and entry.share:
        raise DeclarationError(
            file.place(part, i, "share"), "and `count` exclude each other", entry.share
        )
    if (entry.lat is None) != (entry.lon is None):
        raise DeclarationError(file.place(part, i, "lat"), "a place needs both lat and lon")
    if entry.radius_m < 0 or (entry.lat is not None and not entry.radius_m):
        raise DeclarationError(
            file.place(part, i, "radius_m"), "must be above 0 at a place", entry.radius_m
        )
    kinds = of_kinds(part, entry.type)
    if entry.kind and entry.kind not in kinds:
        raise DeclarationError(
            file.place(part, i, "kind"), f"must be one of {', '.join(kinds)}", entry.kind
        )
    some = entry.count or entry.share
    if not entry.named and not entry.kind and len(kinds) > 1 and (part == "faults" or some):
        need = f"is needed, or `device`; it must be one of {', '.join(kinds)}"
        raise DeclarationError(file.place(part, i, "kind"), need)


def of_kinds(part: str, type_: str) -> tuple[str, ...]:
    """The kinds that a type of fault or event can strike; GATEWAY stands for gateways."""
    return FAULT_TYPES[type_].kinds if part == "faults" else EVENT_TYPES[type_].kinds


def _day(date: str) -> int:

    try:
        return datetime.date.fromisoformat(date).toordinal() - datetime.date(1970, 1, 1).toordinal()
    except ValueError:
        return -1


__all__ = ["GATEWAY", "Entry", "Scenario", "find_scenario", "known_scenarios", "load_scenario"]
