"""An export needs the memory of one piece, however large it is."""

from __future__ import annotations

import os
from pathlib import Path

import httpx
import numpy as np
import pytest

from api.app import create_app
from telemetry.clock import DAY, HOUR, format_time
from telemetry.ledger import Ledger
from telemetry.readings import Readings
from tests.api.world import NOW, World
from tests.browser.server import Server

ROWS = 1_500_000
START = NOW - 30 * DAY


def resident() -> int:
    """Memory of this process. [bytes]"""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("ending", ["ndjson", "parquet"])
def test_memory_is_flat_over_a_large_export(world: World, ending: str) -> None:
    code, quantity = world.code("aq-2"), world.kinds.quantity_code["pm25"]
    for part in np.array_split(np.arange(START, START + DAY, DAY // ROWS), 10):
        n = len(part)
        made = Readings.of(np.full(n, code), np.full(n, quantity), part, part % 97, 1, NOW)
        world.telemetry.append(made, Ledger.empty())
    asked = {"start": format_time(START), "end": format_time(START + DAY)}
    with Server(create_app(world.context, console=False)) as server:
        small = {**asked, "end": format_time(START + 4 * HOUR)}
        assert read(server, ending, small)[1] > 0  # everything is imported, DuckDB has its pages
        held = resident()
        size, most = 0, 0
        size, most = read(server, ending, asked)
    assert size > (50 << 20 if ending == "ndjson" else 1 << 20)
    # The answer as text is 180 MB; six times the small one, which had warmed everything up.
    assert most - held < 90 << 20


def read(server: Server, ending: str, asked: dict[str, str]) -> tuple[int, int]:
    """(bytes of the answer, most memory while it came)."""
    size = most = 0
    url = f"{server.url}/api/v1/export.{ending}"
    with httpx.stream("GET", url, params=asked, timeout=120) as answer:
        assert answer.status_code == 200
        for part in answer.iter_raw():
            size += len(part)
            most = max(most, resident())
    return size, most
