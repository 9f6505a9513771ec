"""How often what goes wrong in an ordinary city: a lane a type, as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lane:
    """How often a type of fault comes.

    kinds    kinds of device that suffer it; one in `one_per` of them, at least one, every `days` days
    begins   earliest and latest local hour of the first day; `lasts`: shortest and longest [h]
    """

    type: str
    kinds: tuple[str, ...]
    one_per: int
    days: int
    begins: tuple[float, float]
    lasts: tuple[float, float]


MEASURING = ("air", "noise", "traffic", "weather", "waste", "tree", "water")
BY_ITSELF = ("air", "noise", "traffic", "weather", "water")  # without a gateway

# What each type does stands in simulators/fault_types.py.
LANES = (
    Lane("offline", MEASURING, 200, 1, (0.0, 3.0), (8.0, 12.0)),
    Lane("offline", MEASURING, 200, 1, (9.0, 12.0), (8.0, 13.0)),
    Lane("stuck", ("noise",), 80, 1, (1.0, 20.0), (5.0, 9.0)),
    Lane("stuck", ("water",), 80, 2, (1.0, 12.0), (26.0, 34.0)),
    Lane("spikes", ("air",), 120, 1, (0.0, 18.0), (4.0, 6.0)),
    Lane("spikes", ("water",), 60, 1, (0.0, 18.0), (8.0, 12.0)),
    Lane("malformed", ("air", "weather", "noise", "traffic"), 150, 1, (0.0, 14.0), (4.0, 9.0)),
    Lane("duplicate", MEASURING, 150, 1, (0.0, 14.0), (4.0, 9.0)),
    Lane("late_burst", BY_ITSELF, 200, 1, (2.0, 16.0), (1.0, 4.0)),
    Lane("gap", BY_ITSELF, 200, 1, (2.0, 20.0), (2.0, 4.0)),
    Lane("wrong_clock", ("noise", "traffic"), 300, 2, (3.0, 15.0), (2.0, 5.0)),
    Lane("dead_gateway", ("tree",), 400, 2, (4.0, 12.0), (4.0, 7.0)),
    Lane("episode", ("air",), 10_000, 1, (5.0, 17.0), (4.0, 7.0)),
    # Longer than three days and the latest beginning: one stands at any moment.
    Lane("lamp_failure", ("lamp",), 120, 3, (0.0, 12.0), (84.0, 90.0)),
    Lane("day_burner", ("lamp",), 200, 2, (0.0, 6.0), (42.0, 48.0)),
    Lane("supply_loss", ("feeder",), 60, 1, (19.0, 23.0), (1.5, 3.5)),
    Lane("door_open", ("feeder",), 60, 1, (7.0, 16.0), (0.4, 0.8)),
    Lane("leaning", ("tree",), 80, 4, (0.0, 10.0), (90.0, 106.0)),
    Lane("overfull", ("waste",), 40, 1, (5.0, 10.0), (14.0, 22.0)),
    Lane("congestion", ("traffic",), 60, 1, (6.5, 7.5), (0.7, 1.4)),
    Lane("congestion", ("traffic",), 60, 1, (16.5, 18.0), (0.7, 1.6)),
    Lane("breaker_trip", ("feeder",), 80, 2, (19.0, 23.0), (1.5, 4.0)),
    Lane("cable_theft", ("feeder",), 80, 10, (0.5, 3.5), (30.0, 64.0)),
)
