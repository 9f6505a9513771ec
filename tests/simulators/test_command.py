"""`urban simulate` as people and `urban up` call it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from commands.city_process import CityProcess
from simulators.truth import Truth, read_truth
from telemetry.settings import load_settings
from tests.brokers import Broker, make_broker, wait_until
from tests.simulators.listener import Listener

ROOT = Path(__file__).parent.parent.parent
# What a test waits for must come at any hour: in an ordinary city an evening's outage may silence it.
QUIET = "--scenario", "quiet-day"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    found = make_broker("nats", tmp_path_factory.mktemp("broker"))
    found.start()
    yield found
    found.stop()


@contextmanager
def started(*options: str) -> Iterator[subprocess.Popen[str]]:
    """The command as a process that does not outlive the test."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", "simulate", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": "1", "COLUMNS": "200"},
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def ended(*options: str, timeout_s: float = 40) -> tuple[int, str, str]:
    with started(*options) as process:
        out, err = process.communicate(timeout=timeout_s)
        return process.returncode, out, err


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_history_then_live_then_a_clean_end_within_a_second(
    broker: Broker, how: signal.Signals
) -> None:
    url = f"mqtt://127.0.0.1:{broker.port}"
    options = *QUIET, "--devices", "60", "--since", "1h", "--broker", url, "--progress-json"
    with started(*options) as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(json.loads(line))
            if said[-1] == {"live": True}:
                break
        counts = said[:-1]
        assert counts
        assert all(set(c) == {"done", "total"} for c in counts)
        assert counts[-1]["done"] == counts[-1]["total"] > 1_500
        before = time.monotonic()
        process.send_signal(how)
        _, err = process.communicate(timeout=10)
        # Within a second; a machine that is busy with other tests may need another.
        assert time.monotonic() - before < 2.0
        assert (process.returncode, err) == (0, "")


def test_a_killed_city_leaves_its_wills_and_is_born_again(broker: Broker) -> None:
    listener = Listener(broker.port, "wills")
    url = f"mqtt://127.0.0.1:{broker.port}"
    options = *QUIET, "--devices", "20", "--seed", "3", "--broker", url, "--progress-json"
    will = b'{"status":"offline"}'
    with started(*options) as process:
        wait_until(lambda: len(listener.said("status")) >= 8)
        born = {t for t, p in listener.said("status") if b'"online"' in p}
        process.kill()
        process.wait(10)
        wait_until(lambda: born <= {t for t, p in listener.said("status") if p == will})
    killed = len(listener.said("status"))
    with started(*options):
        wait_until(
            lambda: born <= {t for t, p in listener.said("status")[killed:] if b'"online"' in p}
        )
    listener.close()


def test_a_clean_end_while_the_broker_is_away(tmp_path: Path) -> None:
    gone = make_broker("nats", tmp_path / "gone")
    gone.start()
    url = f"mqtt://127.0.0.1:{gone.port}"
    with started(*QUIET, "--devices", "40", "--broker", url, "--progress-json") as process:
        listener = Listener(gone.port)
        wait_until(lambda: len(listener.said("status")) >= 15)
        listener.close()
        gone.stop()
        before = time.monotonic()
        process.terminate()
        _, err = process.communicate(timeout=10)
        assert time.monotonic() - before < 2.0
        assert (process.returncode, err) == (0, "")


def test_a_signal_during_history_ends_it_within_a_second(broker: Broker) -> None:
    url = f"mqtt://127.0.0.1:{broker.port}"
    options = "--devices", "300", "--since", "48h", "--broker", url, "--progress-json"
    with started(*options) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line).get("done", 0) > 0:
                break
        before = time.monotonic()
        process.terminate()
        process.communicate(timeout=10)
        # Within a second; a machine that is busy with other tests may need another.
        assert time.monotonic() - before < 2.0
        assert process.returncode == 0


def test_a_bounded_run_and_too_few_devices(broker: Broker) -> None:
    code, out, err = ended(
        "--city", "hanoi", "--devices", "5", "--seed", "7",
        "--since", "2026-11-20T00:00:00Z", "--until", "2026-11-20T01:00:00Z",
        "--broker", f"mqtt://127.0.0.1:{broker.port}", "--progress-json",
    )  # fmt: skip
    assert code == 0
    assert [json.loads(line) for line in out.splitlines()][-1]["done"] > 100
    assert "5 devices are too few for every kind; there is no weather" in err


def test_people_see_a_bar(broker: Broker) -> None:
    code, out, err = ended(
        "--devices", "30", "--since", "2026-11-20T00:00:00Z", "--until", "2026-11-20T03:00:00Z",
        "--broker", f"mqtt://127.0.0.1:{broker.port}",
    )  # fmt: skip
    assert (code, out) == (0, "")
    assert "history" in err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--since", "yesterday"], "--since: must be a duration like 24h or an RFC 3339 time"),
        (["--since", "2026-11-20T00:00:00"], "must name its offset from UTC"),
        (["--since", "2126-11-20T00:00:00Z"], "must not lie in the future"),
        (["--since", "1h", "--until", "2020-01-01T00:00:00Z"], "--until: must lie after the start"),
        (["--city", "atlantis"], "must be a .toml file or one of hanoi, hcmc"),
        (["--devices", "0"], "--devices"),
        (["--scenario", "calm"], "--scenario: must be a .toml file or one of bad-firmware"),
        (["--since", "season"], "name it with --scenario"),
        (["--speed", "60"], "--speed: needs a past to publish"),
        (["--truth", "truth.txt"], "--truth: must end in .csv or .parquet"),
        (["--broker", "http://x"], "must look like mqtt://host:1883"),
    ],
)
def test_wrong_use_is_one_line_and_code_2(options: list[str], said: str) -> None:
    code, out, err = ended(*options)
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def test_no_broker_is_said_after_ten_seconds() -> None:
    before = time.monotonic()
    code, _, err = ended("--broker", "mqtt://127.0.0.1:1")
    assert code == 2
    assert 8 < time.monotonic() - before < 20
    assert "the broker can't be reached" in err
    assert len(err.strip().splitlines()) == 1


def test_help_has_an_example() -> None:
    code, out, _ = ended("--help")
    assert code == 0
    assert "Example: urban simulate" in out


def test_a_scenario_at_speed_with_its_truth(broker: Broker, tmp_path: Path) -> None:
    truth = tmp_path / "truth.csv"
    before = time.monotonic()
    code, out, err = ended(
        "--devices", "30", "--scenario", "king-tide", "--since", "2025-11-06T09:00:00Z",
        "--until", "2025-11-06T10:00:00Z", "--speed", "1200", "--truth", str(truth),
        "--broker", f"mqtt://127.0.0.1:{broker.port}",
    )  # fmt: skip
    assert (code, out) == (0, ""), err
    assert time.monotonic() - before > 3.0  # an hour at 1,200 times
    rows = read_truth(truth)
    assert {r.type for r in rows} >= {"surge", "cloudburst", "bias"}
    assert {r.what for r in rows} == {"fault", "event"}
    assert all(r.start < r.end and r.device and r.kind for r in rows)


def test_the_truth_as_parquet(broker: Broker, tmp_path: Path) -> None:
    truth = tmp_path / "truth.parquet"
    code, _, err = ended(
        "--devices", "30", "--since", "2026-11-06T09:00:00Z", "--until", "2026-11-06T09:01:00Z",
        "--truth", str(truth), "--broker", f"mqtt://127.0.0.1:{broker.port}",
    )  # fmt: skip
    assert code == 0, err
    table = duckdb.read_parquet(str(truth))
    assert table.columns == list(Truth._fields)
    assert len(table.project('device, start < "end"').fetchall()) > 5
    assert not list(tmp_path.glob(".*"))


def test_scenarios_are_listed() -> None:
    code, out, _ = ended("--scenario", "list")
    assert code == 0
    assert "king-tide" in out and "bad-firmware" in out


def test_urban_up_takes_a_scenario_and_refuses_an_unknown_one_before_anything_starts(
    tmp_path: Path,
) -> None:
    settings = load_settings({"URBAN_SCENARIO": "storm", "URBAN_DATA_DIR": str(tmp_path)})
    city = CityProcess(settings, "mqtt://127.0.0.1:1", 0, lambda _: None)
    assert city._command[-2:] == ["--scenario", "storm"]
    done = subprocess.run(
        [sys.executable, "-m", "cli", "up"], cwd=ROOT, capture_output=True, text=True, timeout=60,
        env=os.environ | {"URBAN_SCENARIO": "calm", "URBAN_DATA_DIR": str(tmp_path / "data")},
    )  # fmt: skip
    assert done.returncode == 2
    assert "URBAN_SCENARIO: must be a .toml file or one of bad-firmware" in done.stderr
    assert not (tmp_path / "data").exists()
