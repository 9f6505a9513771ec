"""`urban publish`, `urban tail` and `urban replay` as a person calls them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from cli import main
from ingest.broker import free_port
from telemetry.address import BrokerAddress
from tests.replay.conftest import MAPPING, ROOT

Write = Callable[[str, str], Path]
CSV = "when,pm,wind\n2024-01-01T00:00:00,31.2,7.2\nnever,1,1\n2024-01-01T01:00:00,,3\n"


def run(*args: str, stdin: bytes = b"") -> tuple[int, str, str]:
    """`urban …` in this process: exit code, stdout, stderr."""
    out, err = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        main(args)
    return int(ended.value.code or 0), out.getvalue(), err.getvalue()


@pytest.fixture
def arrived(broker: BrokerAddress) -> Iterator[list[tuple[str, bytes, int, bool]]]:
    """What a subscriber to # sees: (topic, payload, qos, retained)."""
    seen: list[tuple[str, bytes, int, bool]] = []
    ready = threading.Event()
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.on_message = lambda c, u, m: seen.append((m.topic, bytes(m.payload), m.qos, m.retain))
    client.on_subscribe = lambda *a: ready.set()
    client.on_connect = lambda c, *a: c.subscribe("#", qos=1)
    client.connect(broker.host, broker.port)
    client.loop_start()
    assert ready.wait(10)
    seen.clear()
    yield seen
    client.disconnect()
    client.loop_stop()


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def test_publish_confirms(
    broker: BrokerAddress, arrived: list[tuple[str, bytes, int, bool]]
) -> None:
    code, out, _ = run(
        "publish", "city/air/p-1/telemetry", '{"pm25": 31.2}', "--broker", str(broker)
    )
    assert code == 0
    assert out == f"confirmed city/air/p-1/telemetry (14 bytes, QoS 1) by {broker}\n"
    wait_for(lambda: len(arrived) == 1)
    assert arrived == [("city/air/p-1/telemetry", b'{"pm25": 31.2}', 1, False)]


def test_publish_reads_stdin_byte_for_byte(
    broker: BrokerAddress, arrived: list[tuple[str, bytes, int, bool]]
) -> None:
    body = b"\x00\xff\n raw"
    code, out, _ = run("publish", "x/y", "-", "--qos", "0", "--broker", str(broker), stdin=body)
    assert (code, out) == (0, f"sent x/y (7 bytes, QoS 0) by {broker}\n")
    wait_for(lambda: len(arrived) == 1)
    assert arrived[0][1] == body


def test_publish_retains(broker: BrokerAddress) -> None:
    code, out, _ = run("publish", "kept/1", "online", "--retain", "--broker", str(broker))
    assert code == 0 and "retained" in out
    code, out, _ = run("tail", "kept/1", "--count", "1", "--json", "--broker", str(broker))
    row = json.loads(out)
    assert code == 0
    assert (row["topic"], row["payload"], row["retained"]) == ("kept/1", "online", True)
    run("publish", "kept/1", "", "--retain", "--broker", str(broker))


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("publish", "city/+/x", "{}"), "without the wildcards"),
        (("publish", "city/#", "{}"), "without the wildcards"),
        (("publish", "", "{}"), "1 to 65535 bytes"),
        (("publish", "$SYS/x", "{}"), "must not start with $"),
        (("publish", "a\0b", "{}"), "NUL"),
        (("publish", "a", "{}", "--broker", "http://x"), "--broker: must look like mqtt://"),
        (("publish", "a", "{}", "--broker", "mqtt://127.0.0.1:{free}"), "can't be reached"),
        (("tail", "--broker", "mqtt://127.0.0.1:{free}"), "can't be reached"),
        (("tail", "a#"), "a wildcard must stand alone"),
        (("tail", "#/a"), "# may only stand at the end"),
        (("tail", ""), "must be a topic filter"),
        (("replay",), "are both needed"),
        (("replay", "x.csv", "--map", "nonsense"), "must be a .toml file or one of beijing_pm25"),
        (("replay", "absent.csv", "--map", "valencia_air"), "can be read"),
        (("replay", "x.csv", "--map", "valencia_air", "--start", "2024-01-01T00:00:00"), "--start"),
        (("replay", "x.csv", "--map", "valencia_air", "--speed", "inf"), "--speed"),
        (
            (
                "replay",
                "x.csv",
                "--map",
                "valencia_air",
                "--start",
                "2024-01-02T00:00:00Z",
                "--end",
                "2024-01-01T00:00:00Z",
            ),
            "--end: must lie after --start",
        ),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(args: tuple[str, ...], words: str) -> None:
    code, out, err = run(*(a.replace("{free}", str(free_port())) for a in args))
    assert code == 2
    assert words in err
    assert err.startswith("urban: ")
    assert err.count("\n") == 1
    assert out == ""


def test_the_broker_comes_from_the_settings(
    broker: BrokerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("URBAN_MQTT_PORT", str(broker.port))
    assert run("publish", "a/b", "{}")[0] == 0
    monkeypatch.setenv("URBAN_BROKER", f"mqtt://127.0.0.1:{free_port()}")
    assert run("publish", "a/b", "{}")[0] == 2


def _tail(broker: BrokerAddress, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "cli", "tail", *args, "--broker", str(broker)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


def test_tail_shows_one_line_a_message_and_ends_cleanly_on_ctrl_c(broker: BrokerAddress) -> None:
    tailing = _tail(broker, "city/tailed/#")
    assert tailing.stdout is not None
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(iter(tailing.stdout.readline, "")))  # type: ignore[union-attr]
    reader.start()
    try:
        # A subscription is there when the first message arrives; until then, knock.
        def heard() -> bool:
            run("publish", "city/tailed/a", "ngập\nở đây", "--broker", str(broker))
            return bool(lines)

        wait_for(heard, 20)
        run("publish", "city/tailed/b", "-", "--broker", str(broker), stdin=b"\xff\x01")
        wait_for(lambda: any("city/tailed/b" in line for line in lines))
        tailing.send_signal(signal.SIGINT)
        assert tailing.wait(10) == 0
    finally:
        tailing.kill()
        tailing.wait()
        reader.join(10)
    assert lines[0].endswith(" city/tailed/a ngập\\x0aở đây\n")
    assert lines[0][:4].isdigit() and lines[0].split(" ")[0].endswith("Z")
    assert lines[-1].endswith(" city/tailed/b 0xff01\n")
    assert tailing.stderr is not None and tailing.stderr.read() == ""
    tailing.stdout.close()
    tailing.stderr.close()


def test_replay_publishes_and_tells_what_it_left_out(
    broker: BrokerAddress, write: Write, arrived: list[tuple[str, bytes, int, bool]]
) -> None:
    csv, mapping = write("r.csv", CSV), write("m.toml", MAPPING)
    code, out, _ = run("replay", str(csv), "--map", str(mapping), "--broker", str(broker))
    assert code == 0
    assert out.splitlines() == [
        "r.csv: 3 rows, 2 of them taken",
        f"  3 messages with 3 values sent, confirmed by {broker}",
        "  recorded from 2024-01-01T00:00:00Z to 2024-01-01T01:00:00Z",
        "  missing: pm 1",
        "  1 rows refused: not a time (first in line 3)",
    ]
    wait_for(lambda: len(arrived) == 3)
    assert {(topic, qos) for topic, _, qos, _ in arrived} == {
        ("city/air/aq-1/telemetry", 1),
        ("city/weather/met-1/telemetry", 1),
    }


def test_replay_dry_run_sends_nothing(
    write: Write, broker: BrokerAddress, arrived: list[tuple[str, bytes, int, bool]]
) -> None:
    csv, mapping = write("r.csv", CSV), write("m.toml", MAPPING)
    args = ("replay", str(csv), "--map", str(mapping), "--broker", str(broker))
    code, out, _ = run(*args, "--dry-run", "--end", "2024-01-01T01:00:00Z")
    assert code == 0
    assert "2 messages with 2 values would be sent" in out
    assert "1 rows outside of --start and --end" in out
    assert out.startswith("city/air/aq-1/telemetry [{")
    run("publish", "after", "{}", "--broker", str(broker))
    wait_for(lambda: bool(arrived))
    assert [topic for topic, *_ in arrived] == ["after"]


def test_several_recordings_and_copies_at_once(write: Write) -> None:
    one, other = write("one.csv", CSV), write("other.csv", CSV)
    maps = write("m.toml", MAPPING), write("n.toml", MAPPING.replace("-1", "-9"))
    words = ("replay", str(one), str(other), "--map", str(maps[0]))
    code, out, _ = run(*words, "--map", str(maps[1]), "--copies", "2", "--dry-run")
    assert code == 0
    assert "one.csv: 3 rows" in out and "other.csv: 3 rows" in out
    assert "  12 messages with 12 values would be sent" in out
    code, _, err = run(*words, "--dry-run")
    assert code == 2
    assert "other.csv: pm25 of aq-1 comes from one.csv too" in err
    code, _, err = run(*words, *(("--map", str(maps[1])) * 2))
    assert code == 2
    assert "--map: must be given once, or for each of the 2 CSV" in err


def test_replay_lists_the_mappings() -> None:
    code, out, _ = run("replay", "--list")
    assert code == 0
    assert "valencia_air: " in out
    assert "  from Valencia regional network, through skforecast-datasets; BSD-3" in out
    assert "  co → air/valencia-air co [mg/m3]" in out


@pytest.mark.parametrize("command", ["publish", "tail", "replay"])
def test_help_has_an_example(command: str) -> None:
    code, out, _ = run(command, "--help")
    assert code == 0
    assert f"Example: urban {command}" in out


def test_replay_interrupted_tells_what_is_left(
    broker: BrokerAddress, write: Write, arrived: list[tuple[str, bytes, int, bool]]
) -> None:
    csv, mapping = write("r.csv", CSV), write("m.toml", MAPPING)
    # At its own speed the second row is an hour away.
    args = [str(csv), "--map", str(mapping), "--speed", "1", "--broker", str(broker)]
    replaying = subprocess.Popen(
        [sys.executable, "-m", "cli", "replay", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
    )
    try:
        wait_for(lambda: len(arrived) == 2, 20)
        replaying.send_signal(signal.SIGINT)
        out, _ = replaying.communicate(timeout=10)
    finally:
        replaying.kill()
        replaying.wait()
    assert replaying.returncode == 130
    # The broker has both messages of the first row; Ctrl-C may have come before its confirmation.
    sent, left = (int(n) for n in re.findall(r"^  (?:interrupted: )?(\d) messages", out, re.M))
    assert sent + left == 3
    assert left >= 1
