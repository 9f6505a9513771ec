"""SenML records → resolved records (RFC 8428): absolute, in order of time, without base fields.

`Base` keeps what base fields say while a pack is read from front to back; `resolve` gives a whole pack in
its resolved form. What becomes of a resolved record here is told in devices/senml.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from math import isfinite

from devices.intake import Refused, shown
from telemetry.clock import SECOND
from telemetry.reasons import Reason

# Section 4.5.3: below 2**28 s a time is relative to now, from there on it counts from 1970.
ABSOLUTE_S = 2**28
# Section 4.4: version 10 is the one of RFC 8428, and the default.
VERSION = 10
# Section 4.5.1.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-:./_]*")
# Table 4: the integer that stands for a label in CBOR.
CBOR_LABELS: dict[int, str] = {
    -6: "bs", -5: "bv", -4: "bu", -3: "bt", -2: "bn", -1: "bver",
    0: "n", 1: "u", 2: "v", 3: "vs", 4: "vb", 5: "s", 6: "t", 7: "ut", 8: "vd",
}  # fmt: skip
BASE_LABELS = frozenset({"bn", "bt", "bu", "bv", "bs", "bver"})
OTHER_VALUES = ("vs", "vb", "vd")

Record = Mapping[str, object]


def number(label: str, value: object, reason: Reason = Reason.BAD_SENML) -> float:
    """A field's number: JSON's, or CBOR's with its decimal fractions. Raises Refused; infinity and NaN too."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise Refused(reason, label, f"must be a number, got {shown(value)}")
    try:
        plain = float(value)
    except (OverflowError, ValueError):
        plain = float("inf")
    if not isfinite(plain):
        finite = Reason.NOT_FINITE if reason is Reason.NOT_A_NUMBER else reason
        raise Refused(finite, label, "must be a finite number")
    return plain


def labelled(record: object) -> dict[str, object]:
    """A record with the labels of JSON, whatever it came in. Raises Refused for what is no record."""
    if not isinstance(record, dict):
        raise Refused(Reason.BAD_SENML, "", f"must be an object, got {shown(record)}")
    named: dict[str, object] = {}
    for key, value in record.items():
        label = CBOR_LABELS.get(key, "") if type(key) is int else key
        if label and isinstance(
            label, str
        ):  # other keys are no labels: section 6 allows text alone
            named[label] = value
    return named


def check_version(pack: Sequence[object]) -> None:
    """Section 4.4: one version for the whole pack, and one that is understood. Raises Refused, whole.

    An unknown base field that must be understood condemns the pack too: it would apply to every record.
    """
    first: object = None
    for i, record in enumerate(pack):
        for key, value in record.items() if isinstance(record, dict) else ():
            label = CBOR_LABELS.get(key, "") if type(key) is int else key
            if not isinstance(label, str) or label[:1] != "b":
                continue
            place = f"[{i}].{label}"
            if label.endswith("_"):
                need = "must be understood, and is not known here"
                raise Refused(Reason.BAD_SENML, place, need, whole=True)
            if label != "bver":
                continue
            if type(value) is not int or not 0 < value <= VERSION:
                need = f"must be a whole number from 1 to {VERSION}, got {shown(value)}"
                raise Refused(Reason.BAD_SENML, place, need, whole=True)
            first = value if first is None else first
            if value != first:
                need = f"must be the same in all of a pack, got {value} after {first}"
                raise Refused(Reason.BAD_SENML, place, need, whole=True)


class Base:
    """The base fields that hold for the record at hand.

    name, time [s], unit, and value and sum where they were given
    owner   the base name without what separates it from a name; None where names run on without
    broken  by label, what is wrong with a base field: until it is given anew all would be guessed
    """

    def __init__(self) -> None:
        self.name = ""
        self.owner: str | None = ""
        self.time = 0.0
        self.unit: str | None = None
        self.value: float | None = None
        self.sum: float | None = None
        self.version = VERSION
        self.broken: dict[str, str] = {}

    def update(self, record: Record) -> Refused | None:
        """Take over a record's base fields; where one is wrong the others are taken, and it is told."""
        refused: Refused | None = None
        for label in record.keys() & BASE_LABELS:
            self.broken.pop(label, None)
            try:
                self._take(label, record[label])
            except Refused as error:
                self.broken[label] = error.need
                refused = error
        return refused

    def check(self, record: Record) -> None:
        """Raise Refused where a field must be understood and is not, or a base field before was wrong."""
        for label in record:
            if label.endswith("_"):
                need = "must be understood, and is not known here"
                raise Refused(Reason.BAD_SENML, label, need)
        for label, need in self.broken.items():
            raise Refused(Reason.BAD_SENML, "", f"builds on a record before, whose {label} {need}")

    def _take(self, label: str, given: object) -> None:
        match label:
            case "bn":
                self.name = _text("bn", given)
                self.owner = self.name.rstrip("/:")
                if bool(self.owner) != bool(self.name) or (self.owner and self.owner == self.name):
                    self.owner = None
            case "bu":
                self.unit = _text("bu", given)
            case "bt":
                self.time = number("bt", given)
            case "bv":
                self.value = number("bv", given)
            case "bs":
                self.sum = number("bs", given)
            case _:  # checked for the whole pack before
                self.version = int(number("bver", given))

    def name_of(self, record: Record) -> str:
        """Base name and name, one after the other. Raises Refused: section 4.5.1."""
        name = self.name + _text("n", record.get("n", ""))
        if not _NAME.fullmatch(name):
            need = f"must begin with a letter or digit and hold only those and -:./_, got {shown(name)}"
            raise Refused(Reason.BAD_SENML, "n", need)
        return name

    def unit_of(self, record: Record) -> str | None:
        """The record's unit, or the base unit, or None."""
        given = record.get("u", self.unit)
        if given is not None and not isinstance(given, str):
            raise Refused(Reason.BAD_UNIT, "u", f"must be text, got {shown(given)}")
        return given

    def seconds_of(self, record: Record) -> float:
        """Base time and time added up: relative to now below ABSOLUTE_S. [s]"""
        return self.time + number("t", record.get("t", 0), Reason.BAD_TIME)

    def value_of(self, record: Record) -> float | None:
        """Base value and value added up; None where neither was given. Raises Refused."""
        if "v" not in record and self.value is None:
            return None
        return (self.value or 0.0) + number("v", record.get("v", 0), Reason.NOT_A_NUMBER)

    def sum_of(self, record: Record) -> float | None:
        """Base sum and sum added up; None where neither was given. Raises Refused."""
        if "s" not in record and self.sum is None:
            return None
        return (self.sum or 0.0) + number("s", record.get("s", 0), Reason.NOT_A_NUMBER)


def only_base(record: Record) -> bool:
    """True for a record that says something for those behind it and measures nothing itself."""
    return bool(record) and all(label.startswith("b") for label in record)


def resolve(pack: Sequence[object], now: int) -> list[dict[str, object]]:
    """A pack in its resolved form (section 4.6): a list of {n, u?, t, v | vs | vb | vd, s?, …}.

    now  what relative times count from [ns, UTC]; `t` is in seconds since 1970, as in the pack.
    Raises Refused for the first record that breaks RFC 8428. Fields that are not known stay as they are.
    """
    check_version(pack)
    return sorted(_resolved(pack, now / SECOND), key=lambda record: record["t"])  # type: ignore[arg-type, return-value]


def _resolved(pack: Sequence[object], now_s: float) -> Iterator[dict[str, object]]:
    base = Base()
    for given in pack:
        record = labelled(given)
        refused = base.update(record)
        if refused is not None:
            raise refused
        base.check(record)
        if not only_base(record):
            yield _resolve_one(base, record, now_s)


def _resolve_one(base: Base, record: Record, now_s: float) -> dict[str, object]:
    out = {k: v for k, v in record.items() if k not in BASE_LABELS}
    seconds = base.seconds_of(record)
    out["n"] = base.name_of(record)
    out["t"] = seconds if seconds >= ABSOLUTE_S else now_s + seconds
    fields = {"u": base.unit_of(record), "s": base.sum_of(record)}
    other = [label for label in OTHER_VALUES if label in record]
    if not other:  # a base value is added to numbers alone
        fields["v"] = base.value_of(record)
    out.update({label: field for label, field in fields.items() if field is not None})
    if len(other) + ("v" in out) != 1 and not ("s" in out and not other):
        raise Refused(Reason.BAD_SENML, "v", "must hold exactly one value, or a sum")
    if base.version != VERSION:  # section 4.6: named where it is not the default
        out["bver"] = base.version
    return out


def _text(label: str, value: object) -> str:
    if not isinstance(value, str):
        raise Refused(Reason.BAD_SENML, label, f"must be text, got {shown(value)}")
    return value
