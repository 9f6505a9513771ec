"""The types of fault there are, as data: what each does, the kinds that it can strike, what its strength means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ANY = (
    "air", "weather", "noise", "water", "level", "traffic", "lamp", "feeder", "waste", "emission", "tree",
)  # fmt: skip
GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class FaultType:
    """What a fault does.

    says      in a line
    kinds     that it can strike; `gateway` stands for a gateway's id
    unit      of its strength; "": strength says nothing. low, high: what it may be; usual: where none is given
    quantity  True: it strikes one quantity, which may be named; without, the kind's first that it suits
    """

    says: str
    kinds: tuple[str, ...] = ANY
    unit: str = ""
    low: float = 1.0
    high: float = 1.0
    usual: float = 1.0
    quantity: bool = False


FAULT_TYPES: Mapping[str, FaultType] = {
    "stuck": FaultType("the same values again and again"),
    "spikes": FaultType("single values far off, in spike thresholds", unit="thresholds", low=0.5, high=20, usual=3),
    "drift": FaultType("ever further off, in steps a day", unit="steps/d", low=-100, high=100, usual=4, quantity=True),
    "bias": FaultType("off by as much all the time, in steps", unit="steps", low=-100, high=100, usual=4, quantity=True),
    "noise": FaultType("scattered about the true value, in steps", unit="steps", low=0.01, high=100, usual=2, quantity=True),
    "gap": FaultType("messages get lost; the device lives on", unit="share", low=0.01, high=1),
    "late_burst": FaultType("no signal: kept, and sent in a burst when it is back"),
    "duplicate": FaultType("some messages come twice", unit="share", low=0.01, high=1, usual=0.15),
    "wrong_unit": FaultType("a firmware that means another unit than it says", quantity=True),
    "wrong_clock": FaultType("its clock is wrong by so many hours", unit="h", low=-400_000, high=400_000, usual=7),
    "malformed": FaultType("bytes that nobody can read", unit="share", low=0.01, high=1, usual=0.10),
    "offline": FaultType("dead: silent, its last status is offline"),
    "flat_battery": FaultType("its battery runs down, and it dies", kinds=("waste", "tree")),
    "dead_gateway": FaultType("nothing comes through this gateway", kinds=(GATEWAY,)),
    "supply_loss": FaultType("a feeder without voltage, its lamps silent", kinds=("feeder",)),
    "breaker_trip": FaultType("a feeder's breaker is out: voltage, no load, its lamps silent", kinds=("feeder",)),
    "cable_theft": FaultType("cable cut off and carried away: the lamps behind it are silent, the cabinet was opened", kinds=("feeder",), unit="share", low=0.05, high=1, usual=0.5),
    "door_open": FaultType("a cabinet's door stands open", kinds=("feeder",)),
    "lamp_failure": FaultType("told to burn and dark", kinds=("lamp",)),
    "day_burner": FaultType("told to be dark and burning", kinds=("lamp",)),
    "episode": FaultType("fine dust over a few stations", kinds=("air",)),
    "leaning": FaultType("the tree gives way", kinds=("tree",)),
    "overfull": FaultType("the round went by", kinds=("waste",)),
    "congestion": FaultType("a road at walking pace", kinds=("traffic",)),
}  # fmt: skip
