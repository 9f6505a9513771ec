"""What people hear of an alert's life: worse, unattended, reminded, put aside and back again."""

from __future__ import annotations

from pathlib import Path

import pytest

from store.records import AlertState
from telemetry.clock import HOUR
from telemetry.errors import SettingsError
from telemetry.settings import load_settings
from tests.notify.world import World, air_alert

pytestmark = pytest.mark.usefixtures("either_operations")


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("worse", "nặng hơn"),
        ("unattended", "chưa ai nhận"),
        ("reminded", "vẫn còn"),
        ("unshelved", "mới"),
        ("in_service", "mới"),
    ],
)
def test_what_happens_to_a_standing_alert_is_told(tmp_path: Path, what: str, words: str) -> None:
    world = World(tmp_path)
    world.save([air_alert(world.clock.now())], what)
    world.run(120)
    ((title, _),) = world.notes.messages
    assert words in title


@pytest.mark.parametrize("state", [AlertState.SHELVED, AlertState.OUT_OF_SERVICE])
def test_what_is_put_aside_before_it_was_told_is_not_told(
    tmp_path: Path, state: AlertState
) -> None:
    world = World(tmp_path)
    alert = world.raised()
    world.save([alert.but(state=state)], str(state))
    world.run(300)
    assert world.notes.messages == []


def test_an_alert_that_an_operator_closed_while_it_stood_is_told_as_over(tmp_path: Path) -> None:
    world = World(tmp_path)
    alert = world.raised()
    world.run(31)
    ended = alert.but(
        state=AlertState.CLEARED, active=False, cleared=world.clock.now(), acknowledged=1
    )
    world.save([ended], "closed")
    world.run(120)
    assert [title.rsplit("(")[-1] for title, _ in world.notes.messages] == ["mới)", "đã hết)"]
    assert world.store.notified("duty") == set()


def test_times_by_severity_are_settings() -> None:
    found = load_settings({"URBAN_ESCALATE": "critical=30s, low=1h", "URBAN_REMIND": ""})
    assert found.escalate == {"critical": HOUR // 120, "low": HOUR}
    assert found.remind == {}
    assert load_settings({}).escalate["high"] == HOUR // 4
    for wrong in ("critical", "urgent=5m", "high=5", "high=1m,high=2m", "high=0s"):
        with pytest.raises(
            SettingsError, match="URBAN_ESCALATE: must be severities with durations"
        ):
            load_settings({"URBAN_ESCALATE": wrong})
