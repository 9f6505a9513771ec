"""A device's shadow: of each command what is wanted and what the device says, and whether the two agree."""

from __future__ import annotations

from dataclasses import dataclass
from math import isclose

import numpy as np

from devices.command import Command
from devices.device import Catalogue
from store.command_records import CommandRecord
from store.operations import OperationsStore
from store.telemetry import Series, TelemetryStore


@dataclass(frozen=True, slots=True)
class Reported:
    """What the device said last. `time` [ns]; source: acknowledgement | telemetry."""

    value: float
    time: int
    source: str


@dataclass(frozen=True, slots=True)
class Facet:
    """One command of a device. in_step: desired and reported agree; None where one is not known."""

    command: Command
    desired: CommandRecord | None
    reported: Reported | None

    @property
    def in_step(self) -> bool | None:
        """Whether they agree, to half a step of the command."""
        if self.desired is None or self.reported is None or self.desired.value is None:
            return None
        return isclose(self.desired.value, self.reported.value, abs_tol=self.command.step / 2)


def shadow(
    catalogue: Catalogue, operations: OperationsStore, telemetry: TelemetryStore, code: int
) -> list[Facet]:
    """Every command of a device that takes a value: what happens once leaves no state."""
    device = catalogue.devices[code]
    desired, told = operations.last_commands(device.id)
    found = []
    for command in catalogue.kinds[device.kind].commands:
        if command.unit:
            measured = _measured(catalogue, telemetry, code, command)
            said = _said(told.get(command.name))
            both = [r for r in (said, measured) if r is not None]
            newest = max(both, key=lambda r: r.time, default=None)
            found.append(Facet(command, desired.get(command.name), newest))
    return found


def _said(record: CommandRecord | None) -> Reported | None:
    if record is None or record.applied is None or record.answered is None:
        return None
    return Reported(record.applied, record.answered, "acknowledgement")


def _measured(
    catalogue: Catalogue, telemetry: TelemetryStore, code: int, command: Command
) -> Reported | None:
    if not command.quantity:
        return None
    quantity = catalogue.kinds.quantity_code[command.quantity]
    series = Series(np.array([code], np.int32), np.array([quantity], np.int16))
    latest = telemetry.latest(series)
    if not len(latest) or np.isnan(latest.value[0]):
        return None
    return Reported(float(latest.value[0]), int(latest.time[0]), "telemetry")
