"""The threads of all channels: one that fails is told of, holds up nobody, and is well again when it works."""

from __future__ import annotations

from pathlib import Path

from analytics.notify.notifier import FAILING, Notifier
from tests.brokers import wait_until
from tests.notify.world import DUTY, ROUTE, World


def test_a_failing_channel_is_told_of_and_recovers(tmp_path: Path) -> None:
    world = World(tmp_path, DUTY + "group_s = 0\ngap_s = 0\n" + ROUTE)
    world.notes.broken = True
    told: list[tuple[str, str]] = []
    notifier = Notifier([world.post], lambda channel, words: told.append((channel, words)), 0.01)
    notifier.start()
    try:
        world.raised()
        wait_until(lambda: world.post.failures == 1)
        assert notifier.trouble() == ""
        while world.post.failures < FAILING:
            world.clock.advance(60_000_000_000)
        wait_until(lambda: told != [])
        assert told == [("duty", f"has not taken {FAILING} messages in a row")]
        assert "duty" in notifier.trouble()
        world.notes.broken = False
        world.clock.advance(3_600_000_000_000)
        wait_until(lambda: len(told) == 2)
        assert told[1] == ("duty", "")
        assert notifier.trouble() == ""
        assert len(world.notes.messages) == 1
    finally:
        notifier.stop()
