"""A kind of device, declared as data. Others derive: validation, simulation, rules, API, page, dashboards.

A kind knows neither the store nor Grafana. To add one, add a file to `devices/kinds/`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise
from math import inf

from devices.command import Command, check_commands
from devices.ties import ALL_HOURS, ALL_MONTHS, Climate, Meter, Pair
from telemetry.errors import DeclarationError
from telemetry.units import UNITS

NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


class Severity(IntEnum):
    """How bad; ISA-18.2 priorities. Higher is worse."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


@dataclass(frozen=True, slots=True)
class Span:
    """A closed interval, in the quantity's unit."""

    low: float = -inf
    high: float = inf

    def holds(self, other: Span) -> bool:
        """True where `other` lies inside."""
        return self.low <= other.low and other.high <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """What is measured, and what its values can look like.

    possible      outside of it no sensor can have measured this: quarantine
    plausible     outside of it the value is suspect (QARTOD gross range, suspect span)
    rate_per_min  the largest believable change [unit/min]; None: any
    spike         |x(n-1) - mean(x(n-2), x(n))| above it is suspect, above twice it fails (QARTOD spike)
    resolution    the sensor's step; changes up to it count as standing still
    flat_line_s   standing still for this long is suspect, for twice this long fails [s]; None: may rest
    rest          a value at which standing still is normal (no rain, lamp off)
    additive      the sum over time means something (counts, rain)
    circular      an angle: 359 is next to 1
    derived       computed here, never accepted from a device
    climate       bands by month and hour; outside of them a value is suspect (QARTOD climatology)
    learns        bands by month and hour are learned per series, never narrower than this to either side
                  [unit]; None: none are
    attenuated    (suspect, fail): a range over twelve hours below it (QARTOD attenuated signal)
    neighbour     the difference from the median of its neighbours, the nearest stations, that is
                  believable [unit] (QARTOD neighbour); None: places differ too much
    drift         a lasting shift of that difference that is suspect [unit]; None: any
    """

    name: str
    unit: str
    vi: str
    en: str
    possible: Span
    plausible: Span
    rate_per_min: float | None = None
    spike: float | None = None
    resolution: float = 0.01
    flat_line_s: int | None = None
    rest: float | None = None
    additive: bool = False
    circular: bool = False
    derived: bool = False
    climate: tuple[Climate, ...] = ()
    learns: float | None = None
    attenuated: tuple[float, float] | None = None
    neighbour: float | None = None
    drift: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """When a quantity of this kind raises an alert, and when it clears.

    Exactly one of `above` and `below` is set. `above=150, clear=140` raises at x > 150 and clears at
    x <= 140; `below=1, clear=1` raises at x < 1 and clears at x >= 1. `dwell_s`: the condition must
    hold for this long in event time before the alert is raised. Rules of one `family` are levels of one
    alert, whose severity rises and falls with them: same quantity and direction, severity not falling. Rules
    of several quantities may be of one family where all are equally severe: one thing seen in several ways.
    """

    code: str
    quantity: str
    above: float | None = None
    below: float | None = None
    clear: float
    dwell_s: int = 0
    severity: Severity
    vi: str
    en: str
    act_vi: str
    act_en: str
    edition: str = ""
    family: str = ""

    @property
    def level(self) -> float:
        """The level at which it raises, in the quantity's unit."""
        assert self.above is not None or self.below is not None
        return self.above if self.above is not None else self.below  # type: ignore[return-value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of device.

    interval_s  how often a device of this kind reports [s]
    timeout_s   silent for longer: offline [s]
    domain      the department it belongs to; roles are scoped by it
    model       its FIWARE Smart Data Model, or "" where there is none
    main        the quantity that stands for the device on a map
    indices     the official indices that are computed from it
    pairs       what physics ties: quantities of one device at one time
    meters      what physics ties: a device and those that hang on it
    commands    what it can be told; `interval` and `restart` come by themselves
    beside      the kind whose nearest stations its devices are judged by (a tree by the wind); "": none
    """

    name: str
    vi: str
    en: str
    domain: str
    interval_s: int
    timeout_s: int
    model: str
    main: str
    quantities: tuple[Quantity, ...]
    indices: tuple[str, ...] = ()
    rules: tuple[AlertRule, ...] = ()
    pairs: tuple[Pair, ...] = ()
    meters: tuple[Meter, ...] = ()
    commands: tuple[Command, ...] = ()
    beside: str = ""

    def quantity(self, name: str) -> Quantity | None:
        """The quantity of this name, or None."""
        return next((q for q in self.quantities if q.name == name), None)

    def command(self, name: str) -> Command | None:
        """The command of this name, or None."""
        return next((c for c in self.commands if c.name == name), None)


# Every kind has it: 1 while the device is heard of, 0 after its time-out or its will message.
ONLINE = Quantity(
    name="online",
    unit="{state}",
    vi="Kết nối",
    en="Online",
    possible=Span(0, 1),
    plausible=Span(0, 1),
    resolution=1,
    derived=True,
)


def offline_rule(severity: Severity = Severity.MEDIUM) -> AlertRule:
    """The rule that every kind has: the device has gone silent."""
    return AlertRule(
        code="device_offline",
        quantity="online",
        below=1,
        clear=1,
        severity=severity,
        vi="Thiết bị mất kết nối",
        en="Device offline",
        act_vi="Kiểm tra nguồn điện và đường truyền của thiết bị; cử người đến nếu không tự nối lại.",
        act_en="Check the device's power and link; send someone if it does not come back.",
    )


# Every kind has it: how much of what a device sends is refused because it sends too often; 0 when that is over.
REFUSED_SHARE = Quantity(
    name="refused_share",
    unit="%",
    vi="Tỷ lệ bản tin bị từ chối",
    en="Share of messages refused",
    possible=Span(0, 100),
    plausible=Span(0, 100),
    rest=0.0,
    derived=True,
)


def rate_limited_rule(severity: Severity = Severity.MEDIUM) -> AlertRule:
    """The rule that every kind has: the device sends so often that a part of it is refused."""
    return AlertRule(
        code="rate_limited",
        quantity="refused_share",
        above=0,
        clear=0,
        severity=severity,
        vi="Thiết bị gửi quá dày, bị hạn chế",
        en="Device sends too often and is limited",
        act_vi="Kiểm tra cấu hình và phần mềm của thiết bị; bản tin vượt mức nằm trong khu cách ly.",
        act_en="Check the device's settings and firmware; what was too much waits in quarantine.",
    )


def check(kind: Kind) -> None:
    """Raise DeclarationError, in words, where a kind declares something impossible."""
    place = f"devices/kinds/{kind.name}"
    if not NAME.fullmatch(kind.name):
        raise DeclarationError(
            place, "a kind's name is lower case letters, digits and _", kind.name
        )
    if kind.timeout_s <= kind.interval_s:
        raise DeclarationError(
            place, f"timeout_s must be more than interval_s ({kind.interval_s})", kind.timeout_s
        )
    names = [q.name for q in kind.quantities]
    for name in names:
        if names.count(name) > 1:
            raise DeclarationError(place, "a quantity is declared twice", name)
    for quantity in kind.quantities:
        _check_quantity(f"{place}.{quantity.name}", quantity)
    for tied in [q for p in kind.pairs for q in (p.less, p.more, p.only or p.less)]:
        if tied not in names:
            raise DeclarationError(f"{place}: pairs", f"needs one of {', '.join(names)}", tied)
    for meter in kind.meters:
        if meter.quantity not in names or meter.share <= 0:
            raise DeclarationError(
                f"{place}: meters", "needs a quantity of its kind and share > 0", meter
            )
    if kind.main not in names:
        raise DeclarationError(place, f"main must be one of {', '.join(names)}", kind.main)
    for rule in kind.rules:
        _check_rule(f"{place}: rule {rule.code}", rule, names)
    check_commands(place, kind.commands, {q.name: q.unit for q in kind.quantities})
    for family in {r.family for r in kind.rules if r.family}:
        _check_family(f"{place}: family {family}", [r for r in kind.rules if r.family == family])


def _check_quantity(place: str, quantity: Quantity) -> None:
    if not NAME.fullmatch(quantity.name):
        raise DeclarationError(place, "a quantity's name is lower case letters, digits and _")
    if quantity.unit not in UNITS:
        raise DeclarationError(
            place, "unit must be a UCUM code that is known", quantity.unit, "see telemetry/units.py"
        )
    if not quantity.possible.holds(quantity.plausible):
        raise DeclarationError(place, "plausible must lie inside possible", quantity.plausible)
    if not quantity.possible.low < quantity.possible.high:
        raise DeclarationError(place, "possible must have low < high", quantity.possible)
    for band in quantity.climate:
        whole = set(band.months) <= set(ALL_MONTHS) and set(band.hours) <= set(ALL_HOURS)
        if not whole or not band.low < band.high:
            need = "a band must have low < high, months of 1…12, hours of 0…23"
            raise DeclarationError(place, need, band)
    for name in ("learns", "neighbour", "drift"):
        if (width := getattr(quantity, name)) is not None and width <= 0:
            raise DeclarationError(place, f"{name} must be above 0", width)
    if quantity.attenuated is not None and not quantity.attenuated[0] >= quantity.attenuated[1] > 0:
        raise DeclarationError(place, "attenuated must be (suspect, fail), suspect >= fail > 0")
    if quantity.drift is not None and quantity.neighbour is None:
        raise DeclarationError(place, "drift is seen against neighbours: declare neighbour too")


def _check_rule(place: str, rule: AlertRule, names: list[str]) -> None:
    if not NAME.fullmatch(rule.code):
        raise DeclarationError(place, "a rule's code is lower case letters, digits and _")
    if rule.quantity not in names:
        raise DeclarationError(
            place, f"needs a quantity of its kind ({', '.join(names)})", rule.quantity
        )
    if (rule.above is None) == (rule.below is None):
        raise DeclarationError(place, "needs exactly one of above and below")
    if rule.above is not None and rule.clear > rule.above:
        raise DeclarationError(place, f"must clear at or under {rule.above}", rule.clear)
    if rule.below is not None and rule.clear < rule.below:
        raise DeclarationError(place, f"must clear at or over {rule.below}", rule.clear)
    if rule.dwell_s < 0:
        raise DeclarationError(place, "dwell_s must be 0 or more", rule.dwell_s)


def _check_family(place: str, rules: list[AlertRule]) -> None:
    if not NAME.fullmatch(rules[0].family):
        raise DeclarationError(place, "a family's name is lower case letters, digits and _")
    quantities = {r.quantity for r in rules}
    if len(quantities) > 1:
        if len({r.severity for r in rules}) > 1:
            raise DeclarationError(place, "its rules must be of one quantity, or of one severity")
        for name in quantities:
            _check_family(f"{place} ({name})", [r for r in rules if r.quantity == name])
        return
    if len({r.above is None for r in rules}) > 1:
        raise DeclarationError(place, "its rules must be of one direction")
    rising = sorted(rules, key=lambda r: r.level, reverse=rules[0].above is None)
    for lower, higher in pairwise(rising):
        if lower.level == higher.level:
            raise DeclarationError(place, "two of its rules have one level", lower.level)
        if higher.severity < lower.severity:
            need = f"severity must not fall with the level: {higher.code} is under {lower.code}"
            raise DeclarationError(place, need, higher.severity.name)
