"""A simulated day on which nothing happens: the sea's level and a few loud roads, and no other alert."""

from __future__ import annotations

import pytest

from devices.device import Catalogue
from simulators.models import Scene
from simulators.placement import simulated_devices
from telemetry.clock import parse_time
from tests.analytics import test_quiet_city as quiet
from tests.analytics.city import catalogue
from tests.simulators.cities import KINDS, SEED, city

KINDS_OF_NATURE = ("air", "weather", "noise", "water", "level")
# A dry and a wet day of the south at neap tides; a summer's day of the north.
DAYS = [
    ("hcmc", "2026-03-09T17:00:00Z"),
    ("hcmc", "2026-07-20T17:00:00Z"),
    ("hanoi", "2026-06-14T17:00:00Z"),
]


@pytest.mark.parametrize(("name", "start"), DAYS)
def test_a_quiet_day_raises_few_alerts(
    name: str, start: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    devices = simulated_devices(city(name), KINDS, 300, SEED)
    of = catalogue(devices), Scene(city(name), KINDS, devices, SEED, nature=False)

    def simulated() -> tuple[Catalogue, Scene]:
        return of

    monkeypatch.setattr(quiet, "simulated", simulated)
    monkeypatch.setattr(quiet, "MONDAY", parse_time(start))
    told = quiet.told_of(KINDS_OF_NATURE, 1.0)
    raised = [(rule, device) for what, rule, device, _, _ in told.transitions if what == "raise"]
    loud = [r for r in raised if r[0] == "noise_over_limit"]
    assert len(loud) <= 5  # of 24 meters, by night
    assert [r for r in raised if r[0] != "noise_over_limit"] == []
