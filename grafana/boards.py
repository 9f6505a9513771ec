"""Every board, in the order people meet them."""

from __future__ import annotations

from devices.registry import Kinds
from grafana.city_board import city_board
from grafana.device_board import device_board
from grafana.kind_board import kind_board
from grafana.queries import Json
from grafana.tongue import Tongue


def all_boards(kinds: Kinds, tongue: Tongue) -> list[Json]:
    """The boards in one language."""
    return [
        city_board(kinds, tongue),
        *(kind_board(kind, tongue) for kind in kinds),
        device_board(kinds, tongue),
    ]
