"""What the boards may read in InfluxDB: measurements with their tags and fields.

Readings stand under their kind with the tag `device` alone. What boards need beside them (areas, places,
alerts, the platform's own figures) is written by `grafana.feed` into measurements of its own. Their names
hold a dot, which no kind's name may, so that neither can ever be taken for the other.
"""

from __future__ import annotations

from dataclasses import dataclass

from devices.kind import Kind
from devices.registry import Kinds
from store.influx_points import COMPUTED, RECEIVED, flag_field
from telemetry import metrics
from telemetry.ledger import OUTCOMES

DEVICE = "board.device"  # a device: its place, its latest values, whether it is online
AREA = "board.area"  # a kind in an area: mean, highest and lowest of the latest values
KIND = "board.kind"  # a kind: devices, how many are online, how many report in time
QUALITY = "board.quality"  # a quantity: how many of the latest values have which flag
ALERTS = "board.alerts"  # how many alerts stand, by severity and kind
OPEN = "board.open"  # an alert that stands
EVENT = "board.event"  # a line of an alert's history
COMMAND = "board.command"  # a command to a device, and what became of it
TIDE = "board.tide"  # the astronomical tide of the hours to come
PLATFORM = "board.platform"  # the platform's own metrics
QUARANTINE = "board.quarantine"  # records in quarantine so far, by reason
ACCOUNT = "account"
ALL = "all"  # the kind under which the alerts of all kinds are counted
LIMITS = ("bd1", "bd2", "bd3", "rated_power")  # a device's own levels that boards draw
FLAGS = ("good", "not_evaluated", "suspect", "fail", "missing")
AGGREGATES = ("mean", "min", "max")


@dataclass(frozen=True, slots=True)
class Measurement:
    """The tags and fields that a measurement may have."""

    tags: frozenset[str]
    fields: frozenset[str]


def shown(kind: Kind) -> tuple[str, ...]:
    """The quantities that boards show of every device of a kind: main, indices, and what rules look at."""
    names = (kind.main, *kind.indices, *(r.quantity for r in kind.rules))
    own = [n for n in dict.fromkeys(names) if n not in ("online", "refused_share")]
    return tuple(own)


def measured(kind: Kind) -> tuple[str, ...]:
    """The quantities that the devices of a kind send."""
    return tuple(q.name for q in kind.quantities if not q.derived)


def schema(kinds: Kinds) -> dict[str, Measurement]:
    """Every measurement that a board may read."""
    found = {k.name: _of_kind(k) for k in kinds}
    values = {name for k in kinds for name in shown(k)}

    def put(name: str, tags: str, fields: set[str]) -> None:
        found[name] = Measurement(frozenset(tags.split()), frozenset(fields))

    place = {"name", "lat", "lon", "online", "seen"} | {f"limit_{name}" for name in LIMITS}
    put(DEVICE, "kind area area_name device", place | values)
    put(AREA, "kind area area_name", {f"{v}_{a}" for v in values for a in AGGREGATES} | {"devices"})
    put(KIND, "kind", {"devices", "online", "offline", "current"})
    put(QUALITY, "kind quantity", set(FLAGS))
    put(ALERTS, "severity kind", {"shown", "unacknowledged", "held", "oldest_s"})
    words = {f"{w}_{language}" for w in ("title", "place", "act") for language in ("vi", "en")}
    put(
        OPEN,
        "severity kind rule subject area",
        {"alert", "state", "since", "value", "level"} | words,
    )
    put(EVENT, "severity kind rule subject what", {"alert", "value", "by"} | words)
    put(COMMAND, "device kind command", {"state", "by", "error", "value", "applied", "answered_s"})
    put(TIDE, "station", {"level"})
    put(PLATFORM, "", platform_fields())
    put(QUARANTINE, "reason", {"total"})
    put(ACCOUNT, "device", {*OUTCOMES, "batch"})
    return found


def platform_fields() -> set[str]:
    """The platform's metrics without labels, and the disk."""
    return {name for name, _ in platform_samples()} | {"disk_free_bytes", "disk_used_percent"}


def platform_samples() -> list[tuple[str, float]]:
    """(field, value) of every metric of this process that has no label; buckets are left out."""
    return [
        (sample.name.removeprefix("urban_"), float(sample.value))
        for family in metrics.REGISTRY.collect()
        for sample in family.samples
        if not sample.labels and not sample.name.endswith("_created")
    ]


def _of_kind(kind: Kind) -> Measurement:
    names = [q.name for q in kind.quantities]
    fields = {*names, *(flag_field(n) for n in names), RECEIVED, COMPUTED}
    return Measurement(frozenset({"device"}), frozenset(fields))
