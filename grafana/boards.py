"""Every board, in the order people meet them."""

from __future__ import annotations

from devices.registry import Kinds
from grafana.alerts_board import alerts_board
from grafana.city_board import city_board
from grafana.device_board import device_board
from grafana.energy_board import energy_board
from grafana.flood_board import flood_board
from grafana.kind_board import kind_board
from grafana.platform_board import platform_board
from grafana.queries import Json
from grafana.tongue import Tongue


def all_boards(kinds: Kinds, tongue: Tongue) -> list[Json]:
    """The boards in one language."""
    return [
        city_board(kinds, tongue),
        *(kind_board(kind, tongue) for kind in kinds),
        device_board(kinds, tongue),
        alerts_board(kinds, tongue),
        *([energy_board(kinds, tongue)] if {"lamp", "feeder"} <= kinds.code.keys() else ()),
        *([flood_board(kinds, tongue)] if "level" in kinds else ()),
        platform_board(tongue),
    ]
