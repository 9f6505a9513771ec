"""Minutes of a traffic station → detector_fault: no hits, chatter, locked on, spikes.

After IRIS (Minnesota DOT), whose bounds are for one lane of cars: 38 vehicles in 30 s. A lane's width of
motorcycles breaches it day by day, so here it is the station's own `most_vehicles_per_min`, and where
there is none 76 a minute and lane times the 2.2 riders that pass abreast. A value that
never changes is found by the flat line test of quality control.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum

import numpy as np

from analytics.framed import Framed, Input
from analytics.frames import Look
from analytics.layout import Layout
from analytics.limits import CHATTER, LANES, Limits
from analytics.traffic.equivalents import CLASSES
from analytics.traffic.performance import LANES_USUAL
from telemetry.arrays import AnyArray, Values
from telemetry.clock import MINUTE

NO_HITS_MIN = 240.0  # IRIS, mainline: four hours
LOCKED_MIN = 2.0
LOCKED_PERCENT = 99.5
SPIKE_PERCENT, SPIKES = (
    25.0,
    2,
)  # a jump adds a sample of 30 s, calm takes one off; over 60 s it is a fault
CHATTER_MIN = 1_440.0  # chatter stands for a day after the last of it
PER_LANE = 2 * 38 * 2.2
KEPT = 40


class Fault(IntEnum):
    """What is wrong with a detector; the first that applies."""

    NONE = 0
    NO_HITS = 1
    CHATTER = 2
    LOCKED_ON = 3
    SPIKES = 4


class Health(Framed):
    """State per station: minutes without a vehicle, minutes held, minutes that chatter still stands."""

    def __init__(self, layout: Layout, limits: Limits) -> None:
        inputs = {c: Input(c, "sum") for c in CLASSES} | {"occupancy": Input("occupancy")}
        super().__init__(
            "detector_health", layout, ["traffic"], inputs,
            ("detector_fault", "_silent", "_locked", "_chatter", "_spikes"), step=MINUTE, kept=KEPT, back=1,
        )  # fmt: skip
        self._limits = limits

    def judge(self, look: Look) -> Mapping[str, AnyArray]:
        """A Fault for each minute that was heard."""
        classes = [look.of(c) for c in CLASSES]
        heard = np.logical_or.reduce([~np.isnan(x) for x in classes])
        vehicles = np.asarray(sum(np.nan_to_num(x) for x in classes))
        occupancy = look.of("occupancy", 1)
        held = occupancy[:, 1:] >= LOCKED_PERCENT
        most = self._most(look)[:, None]
        silent = _lasting(look, "_silent", heard & (vehicles == 0))
        locked = _lasting(look, "_locked", held)
        chatter = _left(look, "_chatter", vehicles > most)
        spikes = _spiking(look, "_spikes", np.abs(np.diff(occupancy, axis=1)) > SPIKE_PERCENT)
        fault = np.select(
            [locked >= LOCKED_MIN, chatter > 0, silent >= NO_HITS_MIN, spikes > SPIKES],
            [Fault.LOCKED_ON, Fault.CHATTER, Fault.NO_HITS, Fault.SPIKES],
            Fault.NONE,
        ).astype(np.float64)
        fault[~heard] = np.nan
        return {
            "detector_fault": fault, "_silent": silent, "_locked": locked, "_chatter": chatter,
            "_spikes": spikes,
        }  # fmt: skip

    def _most(self, look: Look) -> Values:
        device = self.frames.members.device[look.rows]
        own, lanes = self._limits.of(CHATTER, device), self._limits.of(LANES, device)
        return np.where(own > 0, own, PER_LANE * np.where(lanes > 0, lanes, LANES_USUAL))


def _lasting(look: Look, name: str, holds: AnyArray) -> Values:
    """Minutes up to each for which it has held."""
    return _counted(look, name, holds, lambda before, now: np.where(now, before + 1.0, 0.0))


def _left(look: Look, name: str, happens: AnyArray) -> Values:
    """Minutes for which it still stands."""

    def step(before: AnyArray, now: AnyArray) -> AnyArray:
        return np.where(now, CHATTER_MIN, np.maximum(before - 1.0, 0.0))

    return _counted(look, name, happens, step)


def _spiking(look: Look, name: str, jumps: AnyArray) -> Values:
    """Samples that jumped, less those since that did not."""

    def step(before: AnyArray, now: AnyArray) -> AnyArray:
        return np.where(now, before + 1.0, np.maximum(before - 1.0, 0.0))

    return _counted(look, name, jumps, step)


def _counted(
    look: Look, name: str, happens: AnyArray, step: Callable[[AnyArray, AnyArray], AnyArray]
) -> Values:
    """Minute by minute where something is counted or happens; elsewhere it stays 0."""
    told = np.nan_to_num(look.found(name, 1))
    out: AnyArray = np.where(look.settled, told[:, 1:], 0.0)
    some = np.flatnonzero((told > 0).any(axis=1) | happens.any(axis=1))
    before, settled, happens = told[some, 0], look.settled[some], happens[some]
    for at in range(look.count if len(some) else 0):
        now = step(before, happens[:, at])
        before = out[some, at] = np.where(settled[:, at], told[some, at + 1], now)
    return out
