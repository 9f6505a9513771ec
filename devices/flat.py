"""Flat JSON payloads → columns: {"time": …, "seq": 41, "pm25": 31.2, "pm10": null}.

Messages with the same kind and the same keys share a layout; a layout's messages are turned into columns
together. Only a column that holds something odd is looked at value by value, to say what and where.
The form (WHOLE, UPLINK, …) says where in the payload the keys stood, so that a path leads there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite

import numpy as np

from devices.intake import WHOLE, Intake, missing_flags, seq_path, shown, time_path, value_path
from devices.registry import Kinds
from devices.times import device_time, plain_times
from telemetry.arrays import AnyArray, Mask, Times, Values
from telemetry.errors import TimeError
from telemetry.readings import Readings
from telemetry.reasons import Reason

_NUMBERS = {float, int, type(None)}
_MAX_LAYOUTS = 4_096


@dataclass(frozen=True, slots=True)
class Layout:
    """Where in a message of these keys each thing stands. -1: absent."""

    quantities: tuple[tuple[int, str, int], ...]  # (place, name, quantity code)
    unknown: tuple[tuple[int, str], ...]
    time: int
    seq: int
    form: int


@dataclass(slots=True)
class Group:
    """Messages of one layout: their numbers, devices, receipt times, and rows of values."""

    layout: Layout
    message: list[int] = field(default_factory=list)
    device: list[int] = field(default_factory=list)
    received: list[int] = field(default_factory=list)
    rows: list[tuple[object, ...]] = field(default_factory=list)


class FlatDecoder:
    """Collects the flat messages of a batch by layout, then fills an Intake."""

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self._layouts: dict[tuple[int, int, tuple[str, ...]], Layout] = {}
        self._groups: dict[int, Group] = {}

    def forget(self) -> None:
        """Let go of what a batch that failed has left."""
        self._groups = {}

    def take(
        self,
        message: int,
        kind: int,
        device: int,
        received: int,
        body: dict[str, object],
        form: int = WHOLE,
    ) -> None:
        """Add one message to its group."""
        keys = (form, kind, tuple(body))
        layout = self._layouts.get(keys) or self._new_layout(keys)
        group = self._groups.get(id(layout))
        if group is None:
            group = self._groups[id(layout)] = Group(layout)
        group.message.append(message)
        group.device.append(device)
        group.received.append(received)
        group.rows.append(tuple(body.values()))

    def finish(self, intake: Intake) -> None:
        """Turn all groups into columns and rejects, and be ready for the next batch."""
        groups, self._groups = self._groups, {}
        for group in groups.values():
            _decode_group(group, intake)
        if len(self._layouts) > _MAX_LAYOUTS:  # keys are the sender's: keep them bounded
            self._layouts.clear()

    def _new_layout(self, keys: tuple[int, int, tuple[str, ...]]) -> Layout:
        form, kind, names = keys
        quantities, unknown, time, seq = [], [], -1, -1
        for place, name in enumerate(names):
            code = self._kinds.quantity_code.get(name)
            if name == "time":
                time = place
            elif name == "seq":
                seq = place
            elif code is not None and self._kinds.accepted[kind, code]:
                quantities.append((place, name, code))
            else:
                unknown.append((place, name))
        layout = self._layouts[keys] = Layout(tuple(quantities), tuple(unknown), time, seq, form)
        return layout


def _decode_group(group: Group, intake: Intake) -> None:
    layout = group.layout
    if not layout.quantities and not layout.unknown:
        path = value_path(layout.form, "").rstrip(".")
        detail = f"{path}: must hold at least one quantity"
        for message, device in zip(group.message, group.device, strict=True):
            intake.reject(message, Reason.EMPTY, path, detail, device)
        return
    columns = list(zip(*group.rows, strict=True))
    messages, devices = np.array(group.message), np.array(group.device, dtype=np.int32)
    received = np.array(group.received, dtype=np.int64)
    time, timely = _times(group, columns, received, intake)
    _unknown(group, timely, intake)
    if layout.seq >= 0:
        _seqs(group, columns[layout.seq], timely, intake)
    for place, name, code in layout.quantities:
        value, numeric = _values(group, name, columns[place], timely, intake)
        keep = timely & numeric
        rows = Readings(
            devices[keep],
            np.full(int(keep.sum()), code, dtype=np.int16),
            time[keep],
            value[keep],
            missing_flags(value[keep]),
            received[keep],
        )
        intake.add(rows, messages[keep], np.full(len(rows), layout.form, dtype=np.int32))


def _times(
    group: Group, columns: list[tuple[object, ...]], received: Times, intake: Intake
) -> tuple[Times, Mask]:
    """The time of each message, and which messages have one; the others are rejected whole."""
    fine: Mask = np.ones(len(received), dtype=bool)
    if group.layout.time < 0:
        return received, fine
    column = columns[group.layout.time]
    plain = plain_times(column)
    if plain is not None:
        return plain, fine
    time = received.copy()
    for i, value in enumerate(column):
        try:
            time[i] = device_time(value, group.received[i])
        except TimeError as error:
            fine[i] = False
            reason = Reason.NAIVE_TIME if "offset" in error.need else Reason.BAD_TIME
            path = time_path(group.layout.form)
            detail = f"{path}{str(error).removeprefix('time')}"
            intake.reject(group.message[i], reason, path, detail, group.device[i])
    return time, fine


def _unknown(group: Group, timely: Mask, intake: Intake) -> None:
    for _, name in group.layout.unknown:
        known = ", ".join(q[1] for q in group.layout.quantities) or "none"
        path = value_path(group.layout.form, name)
        detail = f"{path:.200}: is no quantity that this kind takes from a device (recognised here: {known})"
        for i in np.flatnonzero(timely):
            intake.reject(group.message[i], Reason.UNKNOWN_QUANTITY, path, detail, group.device[i])


def _seqs(group: Group, column: tuple[object, ...], timely: Mask, intake: Intake) -> None:
    for i, seq in enumerate(column):
        if type(seq) is int and 0 <= seq < 2**53:
            if timely[i]:
                intake.seqs.append((group.message[i], group.device[i], seq))
        elif seq is not None and timely[i]:
            path = seq_path(group.layout.form)
            detail = f"{path}: must be a whole number from 0, got {shown(seq)}"
            intake.reject(group.message[i], Reason.BAD_SEQ, path, detail, group.device[i])


def _values(
    group: Group, name: str, column: tuple[object, ...], timely: Mask, intake: Intake
) -> tuple[Values, Mask]:
    """A column of numbers, NaN for null, and which rows are numbers at all."""
    fine: Mask = np.ones(len(column), dtype=bool)
    if set(map(type, column)) <= _NUMBERS:
        try:
            return np.array(column, dtype=np.float64), fine
        except OverflowError:  # a whole number beyond any float; named below
            pass
    value: AnyArray = np.full(len(column), np.nan)
    for i, given in enumerate(column):
        reason, detail = _number(given)
        if reason is None:
            value[i] = np.nan if given is None else float(given)  # type: ignore[arg-type]
            continue
        fine[i] = False
        if timely[i]:
            path = value_path(group.layout.form, name)
            intake.reject(group.message[i], reason, path, f"{path}: {detail}", group.device[i])
    return value, fine


def _number(given: object) -> tuple[Reason | None, str]:
    if given is None:
        return None, ""
    if type(given) not in (int, float):
        return Reason.NOT_A_NUMBER, f"must be a number, got {shown(given)}"
    try:
        finite = isfinite(given)  # type: ignore[arg-type]
    except OverflowError:
        finite = False
    return (None, "") if finite else (Reason.NOT_FINITE, "must be a finite number")
