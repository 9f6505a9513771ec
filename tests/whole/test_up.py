"""`urban up` as a newcomer meets it: the whole path, from a device's message to the API, and its ending."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.brokers import publish_all, wait_until
from tests.platform_process import ROOT, UpProcess
from tests.services import require


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UpProcess]:
    """The default city with its history, started once for this file."""
    made = UpProcess(tmp_path_factory.mktemp("city"), devices=300, history_hours=24)
    made.start_ready()
    yield made
    made.close()


@pytest.fixture(scope="module")
def filled(city: UpProcess) -> UpProcess:
    """The same, when its history is filled in and analysed: within 90 s of a ready platform."""
    allowed = 90 * slack()
    wait_until(lambda: city.get("/readyz")["history"] is None and behind(city) == 0, allowed)
    return city


def behind(platform: UpProcess) -> float:
    """Stored batches that analytics has not taken in yet."""
    lines = platform.get("/metrics").decode().splitlines()
    return float(next(x for x in lines if x.startswith("urban_engine_batches_behind ")).split()[1])


def total(platform: UpProcess, outcome: str) -> int:
    return int(platform.get("/api/v1/accounting")["totals"][outcome])


def test_the_city_has_300_devices_of_11_kinds(city: UpProcess) -> None:
    found, cursor = [], ""
    while True:
        page = city.get(f"/api/v1/devices?limit=100{cursor}")
        found += page["items"]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert len(found) == 300
    assert len({d["kind"] for d in found}) == 11


def test_a_reading_is_there_within_two_seconds(city: UpProcess) -> None:
    publish_all(city.mqtt, [("city/air/my-sensor/telemetry", b'{"pm25": 31.2}')])
    begun = time.monotonic()
    wait_until(lambda: latest(city), 2)
    assert time.monotonic() - begun < 2
    (reading,) = latest(city)
    assert (reading["device"], reading["value"], reading["unit"], reading["flag"]) == (
        "my-sensor",
        31.2,
        "ug/m3",
        1,
    )
    assert str(reading["time"]).endswith("Z")


def latest(city: UpProcess) -> list[dict[str, object]]:
    """My sensor's newest PM2.5; nothing while the device is not known yet."""
    try:
        answer = city.get("/api/v1/latest?device=my-sensor&quantity=pm25")
    except urllib.error.HTTPError as error:
        assert error.code in (400, 404)
        error.close()
        return []
    rows: list[dict[str, object]] = answer["items"]
    return rows


def test_what_cannot_be_read_is_in_quarantine_and_the_account_adds_up(city: UpProcess) -> None:
    topic = "city/air/my-sensor/telemetry"
    publish_all(city.mqtt, [(topic, b'{"pm25": "n/a"}'), (topic, b"hello")])
    wait_until(lambda: len(city.get("/api/v1/quarantine?device=my-sensor")["items"]) == 2, 5)
    items = {q["reason"]: q for q in city.get("/api/v1/quarantine?device=my-sensor")["items"]}
    assert items["not_a_number"]["path"] == "$.pm25"
    assert "must be a number, got 'n/a'" in items["not_a_number"]["detail"]
    assert set(items) == {"not_a_number", "not_json"}
    totals = city.get("/api/v1/accounting?device=my-sensor")["totals"]
    assert totals["balanced"] is True
    assert totals["received"] == totals["stored"] + totals["duplicate"] + totals["quarantined"]
    assert totals["reasons"] == {"not_a_number": 1, "not_json": 1}


def readme_commands() -> list[str]:
    """The README's own lines with mosquitto_pub and curl, in order."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(r"^(?:mosquitto_pub|curl) .*$", text, flags=re.M)


@pytest.mark.mosquitto
def test_the_readmes_commands_do_what_it_says(city: UpProcess) -> None:
    require("mosquitto_pub", shutil.which("mosquitto_pub") is not None)
    publish, ask, publish_bad, ask_bad = [
        c.replace("mosquitto_pub", f"mosquitto_pub -p {city.mqtt}")
        .replace(":8000", f":{city.http}")
        .replace("my-sensor", "readme-sensor")
        for c in readme_commands()
    ]

    def shell(command: str) -> str:
        return subprocess.run(
            command, shell=True, capture_output=True, text=True, check=True
        ).stdout

    shell(publish)
    wait_until(lambda: '"value":31.2,"unit":"ug/m3","flag":1' in shell(ask), 2)
    shell(publish_bad)
    wait_until(lambda: "$.pm25: must be a number, got 'n/a'" in shell(ask_bad), 2)


@pytest.mark.timeout(240)
def test_history_fills_in_within_90_seconds_and_raises_alerts(filled: UpProcess) -> None:
    hours = filled.get("/api/v1/telemetry?kind=air&quantity=pm25&every=1h&agg=mean")["items"]
    with_data = {r["time"] for r in hours if r["count"]}
    assert len(with_data) >= 24
    assert filled.get("/api/v1/alerts")["items"] != []
    kinds = {r["kind"] for r in filled.get("/api/v1/latest?limit=5000")["items"]}
    assert len(kinds) == 11


def test_devices_that_its_history_has_offline_have_their_alerts(filled: UpProcess) -> None:
    """Those that are offline now one that stands, however soon after the start; there were others too."""
    latest = filled.get("/api/v1/latest?quantity=online&limit=5000")["items"]
    alerts = filled.get("/api/v1/alerts?rule=device_offline&limit=1000")["items"]
    assert alerts != []
    stands = {a["subject"] for a in alerts if a["state"] not in ("returned", "cleared")}
    assert {r["device"] for r in latest if r["value"] == 0} <= stands


def test_derived_quantities_are_readings_like_any_other(filled: UpProcess) -> None:
    found = {r["quantity"] for r in filled.get("/api/v1/latest?limit=5000")["items"]}
    assert {"vn_aqi", "flood_stage", "lamp_failure", "supply_loss", "online"} <= found


def test_the_account_of_the_whole_city_adds_up(filled: UpProcess) -> None:
    totals = filled.get("/api/v1/accounting")["totals"]
    assert totals["balanced"] is True
    assert totals["stored"] > 100_000
    assert "rate_limited" not in totals["reasons"], "a day in a minute is no madness"


@pytest.mark.timeout(240)
def test_it_ends_cleanly_and_a_second_start_is_quick_and_finds_the_data(filled: UpProcess) -> None:
    before = total(filled, "stored")
    printed = filled.interrupt()
    assert "Traceback" not in printed and "nanobind" not in printed
    assert f"http://127.0.0.1:{filled.http}/" in printed
    assert f"mqtt://127.0.0.1:{filled.mqtt}" in printed
    seconds = filled.start_ready()
    assert seconds < 5 * slack(), f"a second start took {seconds:.1f} s"
    assert total(filled, "stored") >= before
    assert "Traceback" not in filled.interrupt()


def slack() -> float:
    """How much slower this machine is just now than when it is idle; 1 or more, by a known piece of work."""
    begun = time.monotonic()
    subprocess.run([sys.executable, "-c", "import numpy, duckdb, fastapi"], check=True)
    return max(1.0, (time.monotonic() - begun) / 0.8)


def run_up(platform: UpProcess) -> tuple[int, str]:
    platform.start()
    assert platform.process is not None
    printed = platform.output()
    return platform.process.returncode, printed


def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    first = UpProcess(tmp_path / "a")
    (tmp_path / "a").mkdir()
    try:
        first.start_ready()
        for setting, port in (("URBAN_HTTP_PORT", first.http), ("URBAN_MQTT_PORT", first.mqtt)):
            second = UpProcess(tmp_path / "b")
            second.env[setting] = str(port)
            code, printed = run_up(second)
            assert code == 2
            assert len(printed.strip().splitlines()) == 1
            assert setting in printed and str(port) in printed
        third = UpProcess(tmp_path / "a")
        code, printed = run_up(third)
        assert code == 2
        assert len(printed.strip().splitlines()) == 1
        assert str(tmp_path / "a" / "data") in printed and "in use by another run" in printed
        fourth = UpProcess(
            tmp_path / "c", telemetry=f"duckdb:///{tmp_path / 'a' / 'data' / 'telemetry.duckdb'}"
        )
        code, printed = run_up(fourth)
        assert code == 2 and len(printed.strip().splitlines()) == 1
        assert "telemetry.duckdb" in printed and "in use by another run" in printed
    finally:
        first.close()


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    code, printed = run_up(UpProcess(tmp_path, data_dir=tmp_path / "file" / "data"))
    assert code == 2
    assert len(printed.strip().splitlines()) == 1
    assert "URBAN_DATA_DIR" in printed


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("http_port", "eighty"),
        ("bind", "0.0.0.0"),
        ("city", "atlantis"),
        ("devices", "-1"),
        ("broker", "http://x"),
    ],
)
def test_a_wrong_setting_is_one_clear_line(tmp_path: Path, setting: str, value: str) -> None:
    code, printed = run_up(UpProcess(tmp_path, **{setting: value}))
    assert code == 2
    assert len(printed.strip().splitlines()) == 1
    assert f"URBAN_{setting.upper()}" in printed and value in printed


def test_make_up_runs_this_command() -> None:
    made = subprocess.run(
        ["make", "-n", "up"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ".venv/bin/urban up" in made.stdout
