"""Alarm quality by the published definitions: EEMUA 191, ANSI/ISA-18.2-2016 (clause 16 and its terms).

Flood: more than 10 alarms in ten minutes for one operator, over when fewer than 5. Chattering: raised three
times and more within a minute. Stale: standing for more than 24 hours.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.alerts.benchmarks import BENCHMARKS, BY_SEVERITY
from analytics.alerts.figures import PERIOD, AlarmQuality, alarm_quality
from store.alert_history import AlertHistory, AlertLine, AlertTimes
from telemetry.clock import DAY, HOUR, MINUTE, SECOND, parse_time

T0 = parse_time("2026-11-22T00:00:00Z")


def line(
    at: int,
    subject: str = "a",
    what: str = "raised",
    state: str = "unacknowledged",
    severity: int = 1,
) -> AlertLine:
    return AlertLine(
        alert=f"{subject}{at}", time=T0 + at, what=what, state=state, severity=severity,
        rule="r", family="r", subject=subject, raised=T0 + at,
    )  # fmt: skip


def count(
    lines: list[AlertLine],
    hours: int = 1,
    operators: int = 1,
    standing: tuple[AlertLine, ...] = (),
    times: tuple[AlertTimes, ...] = (),
) -> AlarmQuality:
    history = AlertHistory(lines=lines, standing=list(standing), times=list(times))
    return alarm_quality(history, T0, T0 + hours * HOUR, operators)


def test_six_an_hour_is_one_an_operator_and_ten_minutes() -> None:
    found = count([line(i * PERIOD, f"d{i}") for i in range(6)])
    assert (found.count, found.average, found.most, found.over_ten) == (6, 1.0, 1.0, 0.0)
    assert count([line(i * PERIOD, f"d{i}") for i in range(6)], operators=2).average == 0.5


def test_144_a_day_is_one_in_ten_minutes() -> None:
    found = count([line(i * PERIOD, f"d{i}") for i in range(144)], hours=24)
    assert found.average == 1.0


@pytest.mark.parametrize(("alerts", "floods"), [(10, 0), (11, 1)])
def test_a_flood_is_more_than_ten_in_ten_minutes(alerts: int, floods: int) -> None:
    found = count([line(i * SECOND, f"d{i}") for i in range(alerts)])
    assert len(found.floods) == floods
    assert found.over_ten == pytest.approx(floods / 6)


def test_a_flood_lasts_until_there_are_fewer_than_five() -> None:
    per_period = [2, 11, 5, 6, 4, 12]
    lines = [
        line(p * PERIOD + i * SECOND, f"d{p}-{i}")
        for p, n in enumerate(per_period)
        for i in range(n)
    ]
    found = count(lines)
    assert [((f.start - T0) // PERIOD, (f.end - T0) // PERIOD, f.count) for f in found.floods] == [
        (1, 4, 22),
        (5, 6, 12),
    ]
    assert found.flooded == pytest.approx(4 / 6)
    assert count(lines, operators=2).floods == []


@pytest.mark.parametrize(("last", "chattering"), [(60, [("r", "a")]), (61, [])])
def test_chattering_is_three_times_within_a_minute(
    last: int, chattering: list[tuple[str, str]]
) -> None:
    lines = [line(s * SECOND) for s in (0, 30, last)]
    assert count(lines).chattering == chattering
    others = [line(s * SECOND, subject) for s, subject in ((0, "a"), (10, "b"), (20, "c"))]
    assert count(others).chattering == []


def test_what_is_held_as_flapping_is_chattering_and_counts_once() -> None:
    lines = [
        line(0),
        line(1, what="chattering"),
        *(line(i * MINUTE, what="updated") for i in range(2, 30)),
    ]
    found = count(lines)
    assert (found.chattering, found.count) == ([("r", "a")], 1)


@pytest.mark.parametrize(("age", "stale"), [(DAY, 0), (DAY + 1, 1)])
def test_stale_is_standing_for_more_than_a_day(age: int, stale: int) -> None:
    old = line(HOUR - age)
    found = count([], standing=(old,))
    assert (found.standing, found.stale) == (1, stale)


@pytest.mark.parametrize("state", ["suppressed", "shelved", "out_of_service", "acknowledged"])
def test_what_asks_nobody_to_act_is_not_counted(state: str) -> None:
    assert count([line(0, state=state)]).count == 0


@pytest.mark.parametrize(
    ("what", "counted"),
    [("released", 1), ("unshelved", 1), ("in_service", 1), ("worse", 1), ("updated", 0), ("reminded", 0), ("unattended", 0), ("commented", 0)],
)  # fmt: skip
def test_what_announces_an_alert(what: str, counted: int) -> None:
    assert count([line(0, what=what)]).count == counted


def test_the_top_ten_and_their_share() -> None:
    lines = [line(i * SECOND + n, f"d{n:02d}") for n in range(12) for i in range(12 - n)]
    found = count(lines)
    assert [(s.subject, s.count) for s in found.top] == [(f"d{n:02d}", 12 - n) for n in range(10)]
    assert found.top[0].share == pytest.approx(12 / 78)
    assert found.top_share == pytest.approx(75 / 78)


def test_severities_as_shares() -> None:
    lines = [
        line(i * SECOND, f"d{i}", severity=s) for i, s in enumerate([1] * 80 + [2] * 15 + [3] * 5)
    ]
    assert count(lines).by_severity == {1: 0.80, 2: 0.15, 3: 0.05}


def test_times_to_acknowledge_and_to_clear() -> None:
    times = tuple(
        AlertTimes(
            subject="aq-1",
            raised=T0 - HOUR,
            announced=T0,
            acknowledged=T0 + n * SECOND,
            cleared=T0 + n * MINUTE - HOUR,
        )
        for n in range(101)
    )
    found = count([], times=times)
    assert (found.to_acknowledge.median, found.to_acknowledge.p95) == (50.0, 95.0)
    assert found.to_clear.count == 41  # what was over before the range is not counted
    none = count([])
    assert (none.to_acknowledge.median, none.average, none.most, none.top_share) == (None, 0, 0, 0)


@given(st.lists(st.integers(0, 6 * 3600 - 1), max_size=80), st.integers(1, 4))
def test_every_alert_is_in_one_period_and_one_share(seconds: list[int], operators: int) -> None:
    lines = [line(s * SECOND, f"d{s % 7}") for s in sorted(seconds)]
    found = count(lines, hours=6, operators=operators)
    assert found.count == len(seconds)
    assert found.average * 36 * operators == pytest.approx(len(seconds))
    assert found.most <= len(seconds) / operators
    assert found.top_share == pytest.approx(1.0 if seconds else 0.0)
    assert sum(f.count for f in found.floods) <= len(seconds)


def test_benchmarks_name_figures_that_there_are_and_their_source() -> None:
    for benchmark in BENCHMARKS:
        assert benchmark.figure in AlarmQuality.__dataclass_fields__
        assert "EEMUA 191" in benchmark.source or "ISA-18.2" in benchmark.source
    targets = {b.figure: (b.target, b.manageable) for b in BENCHMARKS}
    assert targets["average"] == (1.0, 2.0)
    assert targets["most"] == (10.0, None)
    assert targets["flooded"] == targets["over_ten"] == (0.01, None)
    assert targets["top_share"] == (0.01, 0.05)
    assert BY_SEVERITY == {1: 0.80, 2: 0.15, 3: 0.05, 4: 0.01}
