"""A message and the time-out cross: whatever the interleaving, nobody who was heard in time is offline."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analytics.engine import Engine
from devices.device import Device
from telemetry.clock import SECOND
from tests.analytics.city import T0, ZONE, Told, batch, catalogue

TIMEOUT_S = 10
DEVICE = Device(id="aq-1", kind="air", limits={"timeout_s": float(TIMEOUT_S)})
# What may happen, in any order; the clock goes on by so many seconds before it, or is set back.
WHAT = ("reading", "will", "process", "process all", "look", "restart")
STEPS = st.lists(
    st.tuples(st.sampled_from(WHAT), st.integers(-3, TIMEOUT_S + 2)), min_size=1, max_size=40
)


@dataclass
class Race:
    """Messages wait between receipt and the engine, as they do while a store stalls."""

    now: int = T0
    waiting: deque[tuple[str, int]] = field(default_factory=deque)
    readings: list[int] = field(default_factory=list)
    wills: list[int] = field(default_factory=list)
    heard: int | None = None  # the newest receipt that the engine knows of
    waited: int | None = None  # the first look since a start: silence counts from there
    lost: bool = (
        False  # a look has found it silent for longer than its time-out, and nothing has come since
    )

    def __post_init__(self) -> None:
        self.known = catalogue((DEVICE,))
        self.engine = Engine(self.known, ZONE)
        self.told = Told(self.known)
        self.look()

    def do(self, what: str, seconds: int) -> None:
        # One nanosecond more each: no two messages are received at one time.
        self.now += seconds * SECOND + 1
        if what in ("reading", "will"):
            self.waiting.append((what, self.now))
            (self.readings if what == "reading" else self.wills).append(self.now)
        elif what == "look":
            self.look()
        elif what == "restart":
            self.engine = Engine.restore(self.engine.snapshot(), self.known, ZONE)
            self.waited = None
        while what.startswith("process") and self.waiting:
            self.process(*self.waiting.popleft())
            if what == "process":
                break

    def process(self, what: str, received: int) -> None:
        quantity, value = ("pm25", 12.0) if what == "reading" else ("online", 0.0)
        rows = batch(self.known, [("aq-1", quantity, received, value)], received)
        self.told.take(self.engine.process(rows, self.now))
        if what == "reading":
            self.heard = max(received, self.heard or received)
        self.lost = False

    def look(self) -> None:
        """As the worker does: not past what waits."""
        taken = min((received for _, received in self.waiting), default=self.now)
        at = min(self.now, taken)
        self.told.take(self.engine.advance(at))
        self.waited = at if self.waited is None else self.waited
        since = max(self.waited, self.waited if self.heard is None else self.heard)
        self.lost = self.lost or at - since > TIMEOUT_S * SECOND

    def raised(self) -> list[int]:
        return [
            t for w, r, _, t, _ in self.told.transitions if (w, r) == ("raise", "device_offline")
        ]


@settings(max_examples=100, deadline=None)
@given(STEPS)
def test_no_interleaving_makes_one_offline_that_was_heard_in_time(
    steps: list[tuple[str, int]],
) -> None:
    race, known = Race(), 0
    for what, seconds in steps:
        race.do(what, seconds)
        raised = race.raised()
        # What is received later, under a clock that was set back, was not there to be heard.
        for at in raised[known:]:
            heard = [r for r in race.readings if at - TIMEOUT_S * SECOND < r <= at]
            # Or it said so itself; what is told after a clock was set back is told a little later.
            said = [w for w in race.wills if w <= at <= w + len(steps)]
            assert said or not heard, (at, race.readings)
        known = len(raised)


@settings(max_examples=100, deadline=None)
@given(STEPS)
@example([("reading", 0), ("process", 0), ("look", TIMEOUT_S)])  # just over its time-out
def test_in_the_end_it_is_offline_exactly_when_the_model_says_so(
    steps: list[tuple[str, int]],
) -> None:
    race = Race()
    for what, seconds in steps:
        race.do(what, seconds)
    race.now = max([race.now, *race.readings, *race.wills])
    race.do("process all", 0)
    online = [v for (_, q, _), v in race.told.derived.items() if q == "online"]
    last_word = max([(r, 1) for r in race.readings] + [(w, 0) for w in race.wills], default=None)
    if last_word is not None:
        assert online[-1] == (last_word[1] and not race.lost)
    race.do("look", 0)
    race.do("look", TIMEOUT_S + 4 * len(steps))  # the clock was set back by less
    race.do("look", 1)
    assert [v for (_, q, _), v in race.told.derived.items() if q == "online"][-1] == 0


@pytest.mark.parametrize(("late_ns", "raised"), [(-1, 0), (0, 0), (1, 1)])
@pytest.mark.parametrize("stall_s", [0, 1, 3_600])
def test_at_the_time_out_just_before_and_just_after(
    late_ns: int, raised: int, stall_s: int
) -> None:
    """However long the store stalls between receipt and engine: what counts is when it was received."""
    race = Race()
    race.waiting.append(("reading", race.now))
    race.process(*race.waiting.popleft())
    received = race.now + TIMEOUT_S * SECOND + late_ns
    race.now = received
    race.waiting.append(("reading", received))
    race.now += stall_s * SECOND
    race.look()
    race.process(*race.waiting.popleft())
    assert len(race.raised()) == raised
