"""What a device can be told to do, declared as data; a command and its answer ↔ bytes.

city/{kind}/{device}/cmd/{command}  {"id": …, "value": …, "time": …, "expires": …}     to the device
city/{kind}/{device}/ack/{command}  {"id": …, "ok": true, "value": …, "error": "", "time": …}  its answer

A device does a command once: the same id again it answers again. What has expired it leaves undone.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta

from telemetry.clock import format_time, parse_time
from telemetry.errors import DeclarationError, QueryError, TimeError
from telemetry.units import UNITS

COMMAND_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
MAX_ANSWER = 4_096  # bytes; an acknowledgement is five short fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Something that a kind of device can be told.

    unit      of its value (UCUM); "": it takes none
    low, high the values that make sense, in `unit`
    step      values are whole multiples of it
    quantity  what the kind measures that tells the same afterwards, or ""
    """

    name: str
    vi: str
    en: str
    unit: str = ""
    low: float = 0.0
    high: float = 0.0
    step: float = 1.0
    quantity: str = ""

    def checked(self, value: float | None, place: str = "value") -> float | None:
        """The value, where a device may be sent it. Raises QueryError in words."""
        if not self.unit:
            if value is not None:
                raise QueryError(place, f"{self.name} takes no value", value)
            return None
        shown = f"{self.low:g}…{self.high:g} {self.unit}"
        if value is None:
            raise QueryError(place, f"{self.name} needs a value of {shown}")
        if not math.isfinite(value) or not self.low <= value <= self.high:
            raise QueryError(place, f"of {self.name} must lie within {shown}", value)
        if not math.isclose(value / self.step, round(value / self.step), abs_tol=1e-9):
            raise QueryError(place, f"of {self.name} must be a multiple of {self.step:g}", value)
        return float(value)


RESTART = Command(name="restart", vi="Khởi động lại", en="Restart")


def interval_command(interval_s: int, timeout_s: int) -> Command:
    """How often to report: no more than ten times as often as the kind declares, which is what ingest lets
    through, and twice within the time after which a silent device is offline."""
    return Command(
        name="interval",
        vi="Chu kỳ gửi số liệu",
        en="Reporting interval",
        unit="s",
        low=max(1, math.ceil(interval_s / 10)),
        high=max(interval_s, timeout_s // 2),
    )


def check_commands(place: str, commands: tuple[Command, ...], quantities: dict[str, str]) -> None:
    """Raise DeclarationError where a kind declares a command that can't be; quantities: name → unit."""
    names = [c.name for c in commands]
    for command in commands:
        at = f"{place}: command {command.name}"
        if not COMMAND_NAME.fullmatch(command.name):
            raise DeclarationError(at, "a command's name is lower case letters, digits and _")
        if names.count(command.name) > 1:
            raise DeclarationError(at, "is declared twice")
        if command.unit and command.unit not in UNITS:
            raise DeclarationError(at, "unit must be a UCUM code that is known", command.unit)
        if command.unit and not (command.low < command.high and command.step > 0):
            raise DeclarationError(at, "must have low < high and step > 0", command)
        if command.quantity and quantities.get(command.quantity) != command.unit:
            need = f"quantity must be one of its kind in {command.unit or 'no unit'}"
            raise DeclarationError(at, need, command.quantity)


def encode_command(command_id: str, value: float | None, time: int, expires: int) -> bytes:
    """What is published to the device. Times [ns]."""
    shown = int(value) if value is not None and value == int(value) else value
    fields = {
        "id": command_id, "value": shown, "time": format_time(time), "expires": format_time(expires),
    }  # fmt: skip
    return msgspec.json.encode(fields)


@dataclass(frozen=True, slots=True)
class Answer:
    """A device's acknowledgement. `value` is what it applied; `time` by its own clock [ns], None: not told."""

    id: str
    ok: bool
    value: float | None = None
    error: str = ""
    time: int | None = None


class _Wire(msgspec.Struct):
    id: Annotated[str, Meta(min_length=1, max_length=64)]
    ok: bool
    value: float | None = None
    error: str | None = None
    time: str | None = None


_DECODER = msgspec.json.Decoder(_Wire)


def decode_answer(payload: bytes) -> Answer:
    """Bytes of an acknowledgement. Raises QueryError in words for what is none."""
    if len(payload) > MAX_ANSWER:
        raise QueryError("acknowledgement", f"must have {MAX_ANSWER} bytes at most", len(payload))
    try:
        found = _DECODER.decode(payload)
        time = None if found.time is None else parse_time(found.time)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, TimeError) as error:
        raise QueryError("acknowledgement", f"can't be read: {error}") from None
    error_text = "".join(c for c in (found.error or "")[:200] if c.isprintable())
    return Answer(found.id, found.ok, found.value, error_text, time)
