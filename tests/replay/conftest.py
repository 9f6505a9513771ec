"""Fixtures: the kinds, small mappings and recordings on disk, and a broker of our own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devices.registry import Kinds, load_kinds
from telemetry.address import BrokerAddress, broker_address
from tests.brokers import make_broker, mosquitto_present

ROOT = Path(__file__).parent.parent.parent
DATA_SETS = Path(os.environ.get("URBAN_DATA_SETS", ROOT.parent / "shared" / "data"))

MAPPING = """\
text = "two columns"
[time]
column = "when"
zone = "UTC"
[[values]]
column = "pm"
device = "aq-1"
kind = "air"
quantity = "pm25"
unit = "ug/m3"
[[values]]
column = "wind"
device = "met-1"
kind = "weather"
quantity = "wind_speed"
unit = "km/h"
"""


@pytest.fixture(scope="session")
def kinds() -> Kinds:
    return load_kinds()


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    def write_file(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


@pytest.fixture(
    scope="module", params=["nats", pytest.param("mosquitto", marks=pytest.mark.mosquitto)]
)
def broker(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BrokerAddress]:
    if request.param == "mosquitto" and not mosquitto_present():
        pytest.skip("mosquitto is not installed")
    running = make_broker(request.param, tmp_path_factory.mktemp("broker"))
    running.start()
    yield broker_address(f"mqtt://127.0.0.1:{running.port}")
    running.stop()


@pytest.fixture
def recordings() -> Path:
    if not DATA_SETS.is_dir():
        pytest.skip(f"no recordings in {DATA_SETS}: set URBAN_DATA_SETS")
    return DATA_SETS
