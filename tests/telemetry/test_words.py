"""Time, units, flags, settings, errors: the words that every stage speaks."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.address import broker_address
from telemetry.clock import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    ManualClock,
    format_time,
    from_datetime,
    parse_duration,
    parse_time,
    to_datetime,
)
from telemetry.errors import SettingsError, TimeError, UnitError, UrbanError
from telemetry.flags import Flag, counts_in_windows, worst
from telemetry.readings import Readings
from telemetry.retention import removed_before
from telemetry.setting_table import SETTINGS
from telemetry.settings import as_table, load_settings
from telemetry.units import conversion, unit
from telemetry.wording import unit_text


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-11-22T03:00:00Z", 1_795_316_400 * SECOND),
        ("2026-11-22T10:00:00+07:00", 1_795_316_400 * SECOND),
        ("2026-11-22T03:00:00.123456789Z", 1_795_316_400 * SECOND + 123_456_789),
        ("2026-11-22t03:00:00.5z", 1_795_316_400 * SECOND + 500_000_000),
    ],
)
def test_rfc3339_is_read_to_the_nanosecond(text: str, ns: int) -> None:
    assert parse_time(text) == ns


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T03:00:00",
        "2026-11-22",
        "now",
        "2026-02-30T00:00:00Z",
        "2026-11-22T25:00:00Z",
        "",
    ],
)
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(TimeError):
        parse_time(text)


@given(st.integers(0, 2**33 * SECOND))
def test_a_time_survives_writing_and_reading(ns: int) -> None:
    assert parse_time(format_time(ns)) == ns


@pytest.mark.parametrize(
    ("text", "within"),
    [
        ("0001-01-01T00:00:00+23:59", False),
        ("1677-12-31T23:59:59.999999999Z", False),
        ("1678-01-01T00:00:00Z", True),
        ("2261-12-31T23:59:59.999999999Z", True),
        ("2262-01-01T06:59:59+07:00", True),
        ("2262-01-01T00:00:00Z", False),
        ("9999-12-31T23:59:59-23:59", False),
    ],
)
def test_a_year_whose_ns_do_not_fit_is_refused_in_words(text: str, within: bool) -> None:
    if within:
        assert np.int64(parse_time(text)) == parse_time(text)
        return
    with pytest.raises(
        TimeError, match=r"^start: must lie within the years 1678…2261, got '\d{4}-"
    ):
        parse_time(text, "start")
    with pytest.raises(TimeError, match="1678…2261"):
        from_datetime(datetime.fromisoformat(text))


@given(st.datetimes(timezones=st.just(UTC)))
def test_any_moment_is_ns_of_64_bits_or_refused(moment: datetime) -> None:
    try:
        ns = parse_time(moment.isoformat())
    except TimeError:
        assert not 1678 <= moment.year <= 2261
        return
    assert -(2**63) < ns < 2**63
    assert to_datetime(ns) == moment


def test_naive_datetimes_are_refused() -> None:
    with pytest.raises(TimeError, match="time zone"):
        from_datetime(datetime(2026, 1, 1))  # noqa: DTZ001
    assert to_datetime(from_datetime(datetime(2026, 1, 1, tzinfo=UTC))) == datetime(
        2026, 1, 1, tzinfo=UTC
    )


def test_durations() -> None:
    assert [parse_duration(t) for t in ("30s", "5m", "1h", "7d")] == [
        30 * SECOND,
        5 * MINUTE,
        HOUR,
        7 * DAY,
    ]
    for text in ("0s", "5", "m", "1w", "-1h", "1.5h"):
        with pytest.raises(TimeError):
            parse_duration(text)


def test_the_manual_clock_only_goes_forward() -> None:
    clock = ManualClock(5)
    clock.advance(3)
    assert clock.now() == 8
    with pytest.raises(ValueError, match="at least 0"):
        clock.advance(-1)


# Exact by definition: NIST SP 811 (mile 1609.344 m, degree Fahrenheit 5/9 K, 459.67).
@pytest.mark.parametrize(
    ("given_unit", "wanted", "value", "expected"),
    [
        ("mg/m3", "ug/m3", 0.3, 300.0),
        ("[mi_i]/h", "km/h", 60.0, 96.56064),
        ("[degF]", "Cel", 212.0, 100.0),
        ("K", "Cel", 288.28, 15.13),
        ("cm", "m", 160.0, 1.6),
        ("%RH", "%", 55.0, 55.0),
        ("Wh", "kW.h", 1250.5, 1.2505),
        ("ug/m3", "ug/m3", 7.0, 7.0),
    ],
)
def test_units_convert_within_a_dimension(
    given_unit: str, wanted: str, value: float, expected: float
) -> None:
    factor, offset = conversion(given_unit, wanted)
    assert factor * value + offset == pytest.approx(expected, rel=1e-12)


def test_units_of_another_dimension_are_refused() -> None:
    with pytest.raises(UnitError, match="mass concentration"):
        conversion("W", "ug/m3")
    with pytest.raises(UnitError, match="UCUM"):
        unit("furlong")


def test_flags_roll_up_in_qartods_order() -> None:
    every = np.array(list(Flag), dtype=np.uint8)
    ranked = [Flag.MISSING, Flag.NOT_EVALUATED, Flag.GOOD, Flag.SUSPECT, Flag.FAIL]
    for i, better in enumerate(ranked):
        for worse in ranked[i:]:
            pair = worst(np.array([better], np.uint8), np.array([worse], np.uint8))
            assert pair[0] == worse
    assert [Flag(f) for f in every[counts_in_windows(every)]] == [Flag.GOOD, Flag.NOT_EVALUATED]


def test_columns_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        Readings.of([1, 2], [1], [1], [1.0])


def test_settings_have_the_documented_defaults() -> None:
    s = load_settings({})
    assert (s.http_port, s.mqtt_port, s.bind, s.devices, s.city) == (
        8000,
        1883,
        "127.0.0.1",
        300,
        "hcmc",
    )
    assert s.telemetry_path == Path("data/telemetry.duckdb")
    assert s.operations_url == "sqlite:///data/operations.db"
    assert s.in_flight == 2 * s.batch


@pytest.mark.parametrize(
    "setting",
    [s for s in SETTINGS if s.name not in ("city", "data_dir", "broker_files")],
    ids=lambda s: s.name,
)
def test_every_setting_says_its_name_value_and_what_is_allowed(setting: object) -> None:
    name = "URBAN_" + setting.name.upper()  # type: ignore[attr-defined]
    bad = "x" * 65 if name == "URBAN_CLIENT_ID" else "no such thing"
    with pytest.raises(SettingsError) as caught:
        load_settings({name: bad})
    text = str(caught.value)
    assert name in text and setting.allowed in text  # type: ignore[attr-defined]
    assert (bad[:30] in text) is not setting.hidden  # type: ignore[attr-defined]


def test_only_loopback_until_there_is_a_log_in() -> None:
    with pytest.raises(
        SettingsError, match="URBAN_BIND.*nobody has to log in.*'0.0.0.0'.*URBAN_AUTH=on"
    ):
        load_settings({"URBAN_BIND": "0.0.0.0"})


def test_settings_from_a_file_lose_to_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text('http_port = 9000\ncity = "hanoi"\n')
    s = load_settings({"URBAN_SETTINGS": str(file), "URBAN_HTTP_PORT": "9001"})
    assert (s.http_port, s.city) == (9001, "hanoi")
    file.write_text("colour = 1\n")
    with pytest.raises(SettingsError, match="colour: is no setting"):
        load_settings({"URBAN_SETTINGS": str(file)})
    file.write_text("http_port = 99999999\n")
    with pytest.raises(SettingsError, match="s.toml: http_port: must be a port"):
        load_settings({"URBAN_SETTINGS": str(file)})


@pytest.mark.parametrize(
    ("raw", "minutes", "hours", "wrong"),
    [
        ("0", "0", "0", ""),
        ("400", "1830", "0", ""),
        ("400", "400", "400", ""),
        ("400", "0", "0", ""),
        ("400", "399", "0", "URBAN_RETENTION_MINUTES_DAYS: must be 400 days or more.*got 399"),
        ("0", "400", "0", "URBAN_RETENTION_MINUTES_DAYS: must be 0"),
        ("400", "1830", "400", "URBAN_RETENTION_HOURS_DAYS: must be 1830 days or more"),
        ("400", "0", "4000", "URBAN_RETENTION_HOURS_DAYS: must be 0"),
        ("7", "0", "0", "URBAN_RETENTION_RAW_DAYS: must be 0.*8…36500"),
    ],
)
def test_what_is_made_of_readings_is_kept_as_long_as_they_are(
    raw: str, minutes: str, hours: str, wrong: str
) -> None:
    given = {
        "URBAN_RETENTION_RAW_DAYS": raw,
        "URBAN_RETENTION_MINUTES_DAYS": minutes,
        "URBAN_RETENTION_HOURS_DAYS": hours,
    }
    if wrong:
        with pytest.raises(SettingsError, match=wrong):
            load_settings(given)
        return
    kept = load_settings(given).retention
    assert [kept.raw, kept.minutes, kept.hours] == [int(n) * DAY for n in (raw, minutes, hours)]


def test_only_whole_days_are_removed_and_a_day_late() -> None:
    now = parse_time("2026-11-22T03:00:00Z")
    assert removed_before(0, now) is None
    assert removed_before(10 * DAY, now) == parse_time("2026-11-11T00:00:00Z")


def test_the_settings_table_names_every_setting() -> None:
    assert all(f"`URBAN_{s.name.upper()}`" in as_table() for s in SETTINGS)


def test_a_broker_address_is_taken_apart_and_hides_its_password() -> None:
    a = broker_address("mqtts://ingest:s%40cret@broker.local")
    assert (a.host, a.port, a.tls, a.user, a.password) == (
        "broker.local",
        8883,
        True,
        "ingest",
        "s@cret",
    )
    assert "s@cret" not in str(a) + repr(a)
    for bad in ("http://x", "mqtt://", "mqtt://h:99999", "broker"):
        with pytest.raises(SettingsError):
            broker_address(bad)
    with pytest.raises(SettingsError) as caught:
        broker_address("tcp://u:topsecret@h")
    assert "topsecret" not in str(caught.value)


def test_an_error_is_one_line_with_place_need_value_and_remedy() -> None:
    assert (
        str(UrbanError("$.pm25", "must be a number", "n/a", "send a number"))
        == "$.pm25: must be a number, got 'n/a'; send a number"
    )
    assert "\n" not in str(UrbanError("a\nb", "c"))
    assert len(str(UrbanError("p", "n", "x" * 10_000))) < 200


def test_a_wrong_address_is_refused_without_its_password() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"URBAN_TELEMETRY": "influxx://t0ken@db:8086/org/bucket"})
    assert "t0ken" not in str(caught.value) and "db:8086/org/bucket" in str(caught.value)
    for good in ("influx1://u:p@h/db", "influx://t@h:8086/o/b", "duckdb:///x"):
        assert load_settings({"URBAN_TELEMETRY": good}).telemetry == good


@pytest.mark.parametrize(
    ("unit", "vi", "en"),
    [
        ("{veh}/h", "xe/h", "veh/h"),
        ("{veh}.h", "xe·h", "veh·h"),
        ("{PCU}/h", "PCU/h", "PCU/h"),
        ("{index}", "", ""),
        ("ug/m3", "µg/m³", "µg/m³"),
    ],
)
def test_units_as_people_write_them(unit: str, vi: str, en: str) -> None:
    assert (unit_text(unit, "vi"), unit_text(unit, "en")) == (vi, en)
