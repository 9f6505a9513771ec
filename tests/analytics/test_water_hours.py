"""Water through the engine: VN_WQI and the class of a day, told, corrected, and not told."""

from __future__ import annotations

from devices.device import Device
from telemetry.clock import DAY, HOUR, MINUTE, parse_time
from tests.analytics.city import Row, Told, batch, catalogue, engine

MIDNIGHT = parse_time("2026-11-21T00:00:00+07:00")
DEVICES = (Device(id="nuoc-1", kind="water"), Device(id="gio-1", kind="weather"))
SAMPLE = {"temperature": 29.5, "ph": 6.9, "dissolved_oxygen": 4.1, "bod5": 9.0, "cod": 22.0, "tss": 40.0, "ammonium": 0.45}  # fmt: skip
INDICES = ("vn_wqi", "vn_wqi_iv2", "water_class", "water_class_main")


def told_of(*batches: list[Row]) -> Told:
    known = catalogue(DEVICES)
    e, told = engine(known), Told(known)
    for rows in batches:
        told.take(e.process(batch(known, rows, MIDNIGHT + DAY + HOUR), MIDNIGHT + DAY + HOUR))
        after = MIDNIGHT + DAY + HOUR
        told.take(e.process(batch(known, [("gio-1", "pressure", after, 1010.0)]), after))
    return told


def sample(at: int, **more: float) -> list[Row]:
    return [("nuoc-1", q, at, v) for q, v in {**SAMPLE, **more}.items()]


def test_one_sample_with_coliform_gives_index_and_class() -> None:
    told = told_of(sample(MIDNIGHT + 9 * HOUR, coliform=6000.0))
    # M4 of DO 54.6, BOD 66.7, COD 63.3 and ammonium 62.5 is 61.8, M5 is 65.
    values = {q: told.of(q) for q in INDICES}
    assert values == {
        "vn_wqi": {("nuoc-1", MIDNIGHT): 63.0},
        "vn_wqi_iv2": {("nuoc-1", MIDNIGHT): 63.0},
        "water_class": {("nuoc-1", MIDNIGHT): 4.0},  # COD 22 > 20
        "water_class_main": {("nuoc-1", MIDNIGHT): 3.0},
    }


def test_without_coliform_two_groups_are_too_few_for_the_index() -> None:
    told = told_of(sample(MIDNIGHT + 9 * HOUR))
    assert told.of("vn_wqi") == {} and told.of("water_class") == {("nuoc-1", MIDNIGHT): 4.0}


def test_a_sample_that_comes_late_completes_and_corrects_the_day() -> None:
    first = sample(MIDNIGHT + 9 * HOUR)
    late: list[Row] = [("nuoc-1", "coliform", MIDNIGHT + 9 * HOUR + MINUTE, 6000.0)]
    assert told_of(first, late).of("vn_wqi") == {("nuoc-1", MIDNIGHT): 63.0}
    worse: list[Row] = [*late, ("nuoc-1", "coliform", MIDNIGHT + 10 * HOUR, 100_000.0)]
    corrected = told_of(first, late, worse[1:]).of("vn_wqi")
    assert corrected == told_of([*first, *worse]).of("vn_wqi")
    assert corrected["nuoc-1", MIDNIGHT] < 40


def test_foul_water_raises_an_alert() -> None:
    foul = {"dissolved_oxygen": 0.5, "bod5": 60.0, "cod": 160.0, "ammonium": 6.0}
    told = told_of(sample(MIDNIGHT + 9 * HOUR, coliform=50_000.0, **foul))
    assert told.of("vn_wqi") == {("nuoc-1", MIDNIGHT): 10.0}
    assert told.changes("water_quality_poor") == [("raise", "nuoc-1")]
