"""The shapes of what the API tells about commands and shadows."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Unit = Annotated[str, Meta(description="UCUM code; empty where the command takes no value")]
Time = Annotated[str, Meta(description="RFC 3339, UTC", examples=["2026-11-22T03:00:00Z"])]


class KindCommand(Struct):
    """What devices of a kind can be told. Values lie within low…high, in multiples of `step`; null where
    the command takes none. quantity: what tells the same in telemetry, or ""."""

    name: str
    vi: str
    en: str
    unit: Unit
    low: float | None
    high: float | None
    step: float | None
    quantity: str


class CommandInfo(Struct):
    """A command to one device.

    state: requested, sent (the broker has it), acknowledged, refused or timed_out. batch: the request that
    it came with. applied: what the device says it did. late: it answered after the time-out.
    """

    id: str
    batch: str
    device: str
    kind: str
    command: str
    value: float | None
    unit: Unit
    state: str
    requested: Time
    requested_by: str
    why: str
    expires: Time
    sent: Time | None
    answered: Time | None
    applied: float | None
    late: bool
    error: str


class LeftOut(Struct):
    """A device that was meant and is not commanded, and why."""

    device: str
    kind: str
    why: str


class CommandsRequested(Struct):
    """What was asked for. A dry run has no batch and no commands; `devices` are those (to be) commanded."""

    dry_run: bool
    batch: str | None
    command: str
    value: float | None
    devices: list[str]
    left_out: list[LeftOut]
    commands: list[CommandInfo]


class ShadowDesired(Struct):
    """What was asked for last, unless the device refused it."""

    value: float | None
    time: Time
    by: str
    state: str
    command: str


class ShadowReported(Struct):
    """What the device said last. source: acknowledgement or telemetry."""

    value: float
    time: Time
    source: str


class ShadowFacet(Struct):
    """One command of a device. in_step: desired and reported agree; null where one is not known."""

    name: str
    unit: Unit
    desired: ShadowDesired | None
    reported: ShadowReported | None
    in_step: bool | None


class Shadow(Struct):
    """Desired and reported state of a device."""

    device: str
    items: list[ShadowFacet]
