"""Promise 10: a device that sends far too often is refused and named; one that has much to tell is not."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from devices.device import Device
from devices.intake import Message
from ingest.decode import Decoder
from ingest.fairness import Fairness, Rates
from ingest.pipeline import Pipeline
from store.telemetry import Series
from telemetry.clock import DAY, HOUR, MINUTE, SECOND, ManualClock
from telemetry.errors import StoreError
from telemetry.reasons import Reason
from tests.ingest.conftest import NOW, Bench, build, holds

REFUSED = f"quarantined:{Reason.RATE_LIMITED}"
# Of a kind that reports every minute: 600 at once, and 600 of each hour of event time.
BURST = HOURLY = 600


class Gate:
    """A pipeline with allowances, a clock that tests move, and short ways to feed it."""

    def __init__(self, bench: Bench, rates: Rates | None = None) -> None:
        self.bench = bench
        self.clock = ManualClock(NOW)
        self.rates = rates or Rates(full=1_000)
        self.restart()

    def restart(self) -> None:
        """As after an end and a start of the process."""
        b = self.bench
        self.fairness = Fairness(b.catalogue, self.rates)
        self.fairness.adopt(b.telemetry.latest(Series()), self.clock.now())
        self.decoder = Decoder(b.catalogue)
        self.pipeline = Pipeline(
            b.catalogue,
            b.telemetry,
            b.operations,
            self.decoder,
            None,
            self.clock,
            fairness=self.fairness,
        )

    def send(self, *messages: tuple[str, bytes], cut: int = 1_000) -> int:
        """Put messages through, in batches; returns how many records were refused for their rate."""
        before = self.refused()
        for start in range(0, len(messages), cut):
            batch = [Message(t, p, self.clock.now()) for t, p in messages[start : start + cut]]
            for prepared in self.pipeline.prepare(batch):
                self.pipeline.write(prepared)
        assert holds(self.bench.account())
        return self.refused() - before

    def pass_time(self, ns: int) -> None:
        """Time passes, and nothing comes."""
        self.clock.advance(ns)
        news = self.pipeline.news()
        if news is not None:
            self.pipeline.write(news)

    def refused(self) -> int:
        return self.bench.account().get(REFUSED, 0)

    def told(self, device: str) -> list[float]:
        """What `refused_share` said of a device, in order."""
        b = self.bench
        code = np.array([b.catalogue.code(device)], dtype=np.int32)
        quantity = np.array([b.kinds.quantity_code["refused_share"]], dtype=np.int16)
        rows = b.telemetry.raw(Series(code, quantity), 0, 2**62, 10_000)
        return [float(v) for v in rows.value]


@pytest.fixture
def gate(bench: Bench) -> Gate:
    return Gate(bench)


def flat(
    device: str, at: int, value: int = 1, kind: str = "air", name: str = "pm25"
) -> tuple[str, bytes]:
    body = b'{"time": %d.%09d, "%s": %d}' % (*divmod(at, SECOND), name.encode(), value % 400)
    return f"city/{kind}/{device}/telemetry", body


def untimed(device: str, value: int) -> tuple[str, bytes]:
    return f"city/air/{device}/telemetry", b'{"pm25": %d.%d}' % (value % 400, value)


def day(
    device: str, until: int = NOW, kind: str = "air", step: int = MINUTE
) -> list[tuple[str, bytes]]:
    name = {"air": "pm25", "waste": "fill", "lamp": "power"}[kind]
    times = range(until - DAY, until, step)
    return [flat(device, at, i % 100, kind, name) for i, at in enumerate(times)]


# ── what is welcome ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("order", ["as it was", "newest first", "any"])
def test_a_day_that_was_stored_up_comes_at_once(gate: Gate, order: str) -> None:
    told = day("aq-1")
    if order == "newest first":
        told.reverse()
    elif order == "any":
        random.Random(7).shuffle(told)
    assert gate.send(*told) == 0
    assert len(gate.bench.stored()) == 1_440
    # And once more, as after a broken connection.
    assert gate.send(*told) == 0


def test_a_bad_message_or_a_lost_clock_within_a_backlog_is_no_madness(gate: Gate) -> None:
    told = day("aq-1")
    for i in range(0, 1_400, 10):
        told.insert(i, ("city/air/aq-1/telemetry", b"garbage %d" % i))
        told.insert(i, flat("aq-1", 946_900_000 * SECOND, i))  # its clock was lost, and set again
    assert gate.send(*told) == 0
    assert gate.bench.account()["quarantined:not_json"] == 140


def test_the_first_start_fills_a_day_of_every_device_in_a_minute(gate: Gate) -> None:
    kinds = (("air", MINUTE), ("lamp", 5 * MINUTE), ("waste", 30 * MINUTE))
    city = [day(f"{kind}-{n}", kind=kind, step=step) for kind, step in kinds for n in range(4)]
    mixed = [m for told in city for m in told]
    random.Random(1).shuffle(mixed)
    mixed.sort(key=lambda m: m[1][:16])  # in about the order of event time, as a simulator sends it
    assert gate.send(*mixed) == 0
    assert gate.fairness.watches() is False


def test_thousands_of_devices_may_be_met_in_one_batch(gate: Gate) -> None:
    batch = [Message(*flat(f"new-{i}", NOW), NOW) for i in range(3_000)]
    (prepared,) = gate.pipeline.prepare(batch)
    assert len(gate.pipeline.write(prepared).readings) == 3_000


def test_a_year_of_one_device_as_fast_as_it_can(gate: Gate) -> None:
    # Every ten minutes, so that the test is short: 52,560 messages, in full batches, and live ones between.
    year = [flat("aq-1", NOW - 365 * DAY + i * 10 * MINUTE) for i in range(52_560)]
    live = [flat("aq-1", NOW + i * SECOND) for i in range(60)]
    for i, message in enumerate(live):
        year.insert(i * 870, message)
    allowed = Fairness(gate.bench.catalogue, gate.rates)
    judged = _judged(gate, allowed, year)
    assert judged == 0


def _judged(gate: Gate, fairness: Fairness, messages: list[tuple[str, bytes]]) -> int:
    """How many are refused where nothing is stored: the quick way to try many."""
    refused = 0
    for start in range(0, len(messages), 1_000):
        batch = [Message(t, p, gate.clock.now()) for t, p in messages[start : start + 1_000]]
        unread = fairness.before(batch, gate.decoder.owner, gate.clock.now())
        intake = gate.decoder.decode(batch, unread.others(len(batch)))
        fairness.after(batch, gate.decoder.owner, unread, intake, gate.clock.now())
        fairness.keep()
        refused += sum(r.reason == Reason.RATE_LIMITED for r in intake.rejects)
    return refused


def test_eight_quantities_in_eight_messages_each_minute_are_fine(gate: Gate) -> None:
    names = ("pm25", "pm10", "o3", "no2", "so2", "co", "temperature", "humidity")
    told = [flat("aq-1", at, 10, name=n) for at in range(NOW - DAY, NOW, MINUTE) for n in names]
    assert gate.send(*told) == 0


def test_a_days_backlog_without_times_is_welcome_after_a_days_silence(gate: Gate) -> None:
    gate.send(untimed("aq-1", 0))
    gate.clock.advance(DAY)
    assert gate.send(*(untimed("aq-1", i) for i in range(1_440))) == 0


def test_that_holds_across_a_restart(gate: Gate) -> None:
    gate.send(untimed("aq-1", 0))
    gate.clock.advance(DAY)
    gate.restart()
    assert gate.send(*(untimed("aq-1", i) for i in range(1_440))) == 0


def test_a_stuck_or_lost_clock_at_the_usual_rate_is_no_madness(gate: Gate) -> None:
    for i in range(1_500):  # a day and an hour of minutes, all of the first second of 2001
        assert gate.send(flat("aq-1", 978_307_200 * SECOND + i % 3, i)) == 0
        gate.clock.advance(MINUTE)


def test_a_pack_of_a_day_counts_by_its_times(gate: Gate) -> None:
    records = [
        f'{{"t": {NOW // SECOND - 86_400 + i * 60}, "n": "pm25", "v": 1}}' for i in range(1_440)
    ]
    pack = ("city/air/aq-1/telemetry", f"[{','.join(records)}]".encode())
    assert gate.send(pack) == 0


def test_a_gateways_backlog_of_many_devices_is_welcome(gate: Gate) -> None:
    packs = [
        gateway_pack([f"aq-{n}" for n in range(50)], NOW - DAY + i * MINUTE) for i in range(600)
    ]
    assert gate.send(*packs) == 0


def gateway_pack(devices: list[str], at: int) -> tuple[str, bytes]:
    records = ",".join(
        f'{{"bn": "air/{d}/", "n": "pm25", "v": 1, "t": {at // SECOND}}}' for d in devices
    )
    return "city/gateway/gw-1/telemetry", f"[{records}]".encode()


# ── what is not ──────────────────────────────────────────────────────────────────────────────────────


def mad_untimed(count: int) -> list[tuple[str, bytes]]:
    return [untimed("mad", i) for i in range(count)]


def mad_dense(count: int) -> list[tuple[str, bytes]]:
    """50 times as many as its kind declares, by event time: one every 1.2 s."""
    return [flat("mad", NOW - DAY + i * 1_200_000_000, i) for i in range(count)]


def mad_repeat(count: int) -> list[tuple[str, bytes]]:
    return [flat("mad", NOW - HOUR, i) for i in range(count)]


def mad_ahead(count: int) -> list[tuple[str, bytes]]:
    return [flat("mad", NOW + DAY + i * HOUR, i) for i in range(count)]


def mad_garbage(count: int) -> list[tuple[str, bytes]]:
    return [("city/air/mad/telemetry", b"garbage %d" % i) for i in range(count)]


def mad_status(count: int) -> list[tuple[str, bytes]]:
    return [("city/air/mad/status", (b"online", b"offline")[i % 2]) for i in range(count)]


@pytest.mark.parametrize(
    ("mad", "most"),
    [
        (mad_untimed, BURST + HOURLY),
        (mad_dense, BURST + 2 * HOURLY),  # of two hours, until it is found out in the first
        (mad_repeat, BURST + HOURLY),
        (mad_ahead, BURST),
        (mad_garbage, BURST),
        (mad_status, BURST + HOURLY),
    ],
    ids=lambda x: getattr(x, "__name__", ""),
)
@pytest.mark.parametrize("cut", [1_000, 130])
def test_a_mad_device_is_refused_and_told_and_the_calm_are_not(
    gate: Gate, mad: Callable[[int], list[tuple[str, bytes]]], most: int, cut: int
) -> None:
    gate.send(flat("mad", NOW - 2 * DAY), flat("calm", NOW - 2 * DAY))
    sent = mad(5_000)
    calm = [flat("calm", NOW - HOUR + i * MINUTE, i) for i in range(50)]
    for i, message in enumerate(calm):
        sent.insert(i * 100, message)
    refused = gate.send(*sent, cut=cut)
    # One batch may still be read whole when it is found out in it.
    assert refused >= 5_000 - most - (
        cut if "garbage" in mad.__name__ or "ahead" in mad.__name__ else 1
    )
    assert refused < 5_000
    assert {t for d, _, t in gate.bench.stored() if d == "calm" and t >= NOW - HOUR} == {
        NOW - HOUR + i * MINUTE for i in range(50)
    }
    assert gate.told("mad") and gate.told("calm") == []
    assert all(0 < v <= 100 for v in gate.told("mad"))


def test_one_that_spreads_its_times_over_years_is_bounded(gate: Gate) -> None:
    # As of a kind that reports every 30 minutes: a year of it are 17,568 messages.
    random_times = np.random.default_rng(5).integers(NOW - 9_000 * DAY, NOW, 25_000).tolist()
    sent = [flat("mad", t, i, "waste", "fill") for i, t in enumerate(random_times)]
    refused = _judged(gate, gate.fairness, sent)
    assert 25_000 - 17_568 - 20 - 1 <= refused <= 25_000 - 17_568


def test_what_one_sends_weighs_by_its_bytes(gate: Gate) -> None:
    blank = b" " * 60_000
    sent = []
    for i in range(600):
        topic, body = flat("mad", NOW - 9_000 * DAY + i * DAY, i, "waste", "fill")
        sent.append((topic, body + blank))
    # 17,568 KiB of 59 each, in batches behind which others wait.
    assert _judged(Gate(gate.bench, Rates(full=100)), gate.fairness, sent) == 0
    hurried = Fairness(gate.bench.catalogue, Rates(full=100))
    assert 600 - 17_568 // 58 - 21 <= _judged(gate, hurried, sent) <= 600 - 17_568 // 60


def test_of_a_gateways_pack_only_the_mad_device_is_refused(gate: Gate) -> None:
    packs = []
    for i in range(3_000):
        at = NOW - DAY + i * SECOND
        packs.append(gateway_pack(["mad", f"calm-{i % 100}"], at))
    assert gate.send(*packs) >= 3_000 - BURST - HOURLY
    stored = gate.bench.stored()
    assert len([1 for d, _, _ in stored if d.startswith("calm")]) == 3_000
    items = gate.bench.operations.quarantine(limit=10_000)
    assert {(i.reason, i.device, i.path) for i in items} == {(Reason.RATE_LIMITED, "mad", "$[0]")}
    assert gate.told("mad") and not gate.told("calm-1")


def test_a_gateway_that_brings_nothing_is_refused_unread(gate: Gate) -> None:
    gate.send(flat("aq-1", NOW - HOUR))
    sent = [("city/gateway/gw-1/telemetry", b"nothing %d" % i) for i in range(3_000)]
    assert gate.send(*sent) >= 3_000 - BURST - 1_000
    assert gate.bench.account()["quarantined:not_json"] <= BURST + 1_000
    other = [("city/gateway/gw-2/telemetry", b"nothing")]
    assert gate.send(*other) == 0
    gate.pass_time(61 * SECOND)
    assert gate.send(gateway_pack(["aq-1"], NOW)) == 0


# ── being limited ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("times", "within_min"), [(9, None), (50, 45), (200, 9), (1_000, 2)], ids=lambda x: str(x)
)
def test_how_soon_one_at_many_times_its_rate_is_found_out(
    gate: Gate, times: int, within_min: int | None
) -> None:
    fairness = Fairness(gate.bench.catalogue, gate.rates)
    for _ in range(within_min or 24 * 60):
        at = gate.clock.now()
        sent = [flat("mad", at + i * MINUTE // times, i) for i in range(times)]
        if _judged(gate, fairness, sent):
            break
        gate.clock.advance(MINUTE)
    assert fairness.watches() == (within_min is not None)


def test_it_is_told_from_time_to_time_and_0_when_it_is_over(gate: Gate) -> None:
    gate.send(*mad_untimed(3_000))
    first = gate.told("mad")
    assert len(first) == 1 and first[0] > 30
    gate.clock.advance(5 * SECOND)
    gate.send(*mad_untimed(100))
    assert len(gate.told("mad")) == 1
    gate.clock.advance(6 * SECOND)
    gate.send(*mad_untimed(100))
    assert len(gate.told("mad")) == 2
    gate.pass_time(30 * SECOND)
    assert len(gate.told("mad")) == 2
    gate.pass_time(31 * SECOND)  # it fell silent: nobody's message is needed to say that it is over
    assert gate.told("mad")[-1] == 0 and len(gate.told("mad")) == 3
    assert gate.fairness.watches() is False
    gate.pass_time(HOUR)
    assert len(gate.told("mad")) == 3
    assert gate.send(*mad_untimed(100)) == 0


def test_while_limited_it_may_send_at_the_rate_it_is_allowed(gate: Gate) -> None:
    gate.send(*mad_untimed(3_000))
    for _ in range(10):
        gate.clock.advance(30 * SECOND)
        assert gate.send(*mad_untimed(8)) == 3  # ten a minute
    # And within it, it is limited no longer after a minute.
    for _ in range(3):
        gate.clock.advance(30 * SECOND)
        assert gate.send(*mad_untimed(2)) == 0
    assert gate.told("mad")[-1] == 0


def test_what_is_said_of_it_is_no_message(gate: Gate) -> None:
    gate.send(*mad_untimed(3_000))
    gate.pass_time(2 * MINUTE)
    account = gate.bench.account()
    assert account["messages"] == account["received"] == 3_000
    assert account["stored"] + account["duplicate"] + account[REFUSED] == 3_000
    mine = [k for k in gate.bench.stored() if k[1] != "refused_share"]
    assert len(mine) == account["stored"]


def test_a_restart_takes_it_up_and_ends_it(gate: Gate) -> None:
    gate.send(*mad_untimed(3_000))
    gate.restart()
    assert gate.fairness.watches()
    gate.pass_time(59 * SECOND)
    assert gate.told("mad")[-1] > 0
    gate.pass_time(2 * SECOND)
    assert gate.told("mad")[-1] == 0
    gate.restart()
    assert not gate.fairness.watches()


def test_who_is_resent_by_hand_is_let_in(gate: Gate) -> None:
    gate.send(*mad_untimed(3_000))
    (item, *_) = gate.bench.operations.quarantine(limit=1)
    assert item.reason == Reason.RATE_LIMITED and item.device == "mad" and item.path == "$"
    assert "10 times as often as its kind declares (air: every 60 s)" in item.detail
    message = Message(item.topic, item.payload, item.received + 1)
    (prepared,) = gate.pipeline.prepare([message], asked=True)
    assert len(gate.pipeline.write(prepared).readings) == 1


def test_a_batch_that_a_store_did_not_take_is_charged_once(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = [Message(t, p, NOW) for t, p in mad_untimed(500)]

    def away(*_: object) -> int:
        raise StoreError("disk", "is full")

    with monkeypatch.context() as broken:
        broken.setattr(gate.bench.telemetry, "append", away)
        for _ in range(10):
            (prepared,) = gate.pipeline.prepare(batch)
            with pytest.raises(StoreError):
                gate.pipeline.write(prepared)
    assert gate.send(*mad_untimed(BURST)) == 0


def test_a_seq_that_was_not_read_is_no_gap(gate: Gate) -> None:
    start = NOW // SECOND - 3_600
    sent = [
        ("city/air/mad/telemetry", b'{"time": %d.%04d, "seq": %d, "pm25": 1}' % (start, i, i))
        for i in range(4_000)
    ]
    assert gate.send(*sent[:3_999]) > 2_000
    gate.pass_time(2 * MINUTE)
    assert gate.send(sent[-1]) == 0
    assert gate.bench.account().get("gap", 0) == 0


def test_without_allowances_nothing_is_refused(bench: Bench) -> None:
    bench.send(*mad_untimed(3_000))
    assert REFUSED not in bench.account()


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gate, Gate]]:
    made = [build(tmp_path_factory.mktemp(n), [Device(id="aq-1", kind="air")]) for n in "ab"]
    yield Gate(made[0]), Gate(made[1])
    for bench in made:
        bench.telemetry.close()
        bench.operations.close()


@pytest.mark.parametrize("cut", [1, 7, 100])
def test_how_a_stream_is_cut_changes_no_more_than_a_batch(
    tmp_path: Path, two: tuple[Gate, Gate], cut: int
) -> None:
    stream = [untimed(f"cut-{cut}", i) for i in range(1_400)]
    whole, pieces = two
    assert whole.send(*stream, cut=1_400) == pieces.send(*stream, cut=cut) == 1_400 - BURST - HOURLY
