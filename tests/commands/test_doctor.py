"""`urban doctor`: what it finds in a platform that answers and in the files of one that does not run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from api.schemas import AccountLine
from commands import doctor as command
from commands.doctor import look
from commands.doctor_facts import Facts
from commands.doctor_findings import BEHIND, FREE_BYTES, Finding, Level, examine, size
from commands.runbook import heading, remedy
from devices.device import Device
from ingest.broker import free_port
from store.schema import REVISION
from telemetry import metrics
from telemetry.clock import HOUR, ManualClock
from telemetry.errors import StartError
from telemetry.ledger import NOBODY, OUTCOME_CODE, Ledger
from telemetry.readings import Readings
from telemetry.reasons import Reason
from telemetry.settings import Settings, load_settings
from tests.commands.conftest import Running, urban
from tests.ingest.conftest import NOW, Bench

CLOCK = ManualClock(NOW + HOUR)
ROOM = (100 * FREE_BYTES, 50 * FREE_BYTES)


def line(device: str = "aq-1", **counts: Any) -> AccountLine:
    values: dict[str, Any] = {
        "messages": 100, "received": 100, "stored": 100, "duplicate": 0, "quarantined": 0, "late": 0,
        "gap": 0, "balanced": True, "reasons": {},
    }  # fmt: skip
    return AccountLine(**values | counts, device=device)


def facts(*devices: AccountLine, **more: Any) -> Facts:
    """A platform that is well, but for what is given."""
    given: dict[str, Any] = {
        "checks": {"ingest": "", "analytics": ""}, "total": line(""), "devices": list(devices),
        "quarantine": {}, "spool_bytes": 0, "behind": 0, "disk": ROOM,
    }  # fmt: skip
    return Facts("a test", True, 24, **given | more)


def told(found: Facts, part: str) -> list[Finding]:
    return [f for f in examine(found) if f.part == part]


def test_a_platform_that_is_well_needs_nothing() -> None:
    found = examine(facts(line()))
    assert {f.level for f in found} == {Level.WELL}
    assert [f.part for f in found] == [
        "parts", "account", "quarantine", "gaps", "late", "spool", "analytics", "disk",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("found", "part", "level", "words"),
    [
        (facts(checks={"ingest": "no broker"}), "ingest", "attention", "no broker"),
        (facts(filling=(1, 4)), "history", "note", "25%"),
        (facts(line(gap=1)), "gaps", "note", "1 devices"),
        (facts(line(messages=99, gap=1)), "gaps", "note", "1 devices"),
        (facts(line(messages=300, gap=3)), "gaps", "note", "1 devices"),
        (facts(line(messages=297, gap=3)), "gaps", "attention", "1 devices"),
        (facts(line(late=9)), "late", "note", "1 devices"),
        (facts(line(late=10)), "late", "attention", "1 devices"),
        (facts(line(stored=2, late=2)), "late", "note", "1 devices"),
        (facts(spool_bytes=1), "spool", "attention", "1 bytes wait"),
        (facts(spool_bytes=None), "spool", None, ""),
        (facts(behind=BEHIND), "analytics", "well", f"{BEHIND} batches"),
        (facts(behind=BEHIND + 1), "analytics", "attention", f"{BEHIND + 1} batches"),
        (facts(behind=BEHIND + 1, filling=(1, 2)), "analytics", "note", "batches"),
        (facts(disk=(10 * FREE_BYTES, FREE_BYTES)), "disk", "well", "1.0 GiB of 10.0 GiB"),
        (facts(disk=(10 * FREE_BYTES, FREE_BYTES - 1)), "disk", "attention", "free"),
        (facts(disk=(100 * FREE_BYTES, 5 * FREE_BYTES)), "disk", "well", "free"),
        (facts(disk=(100 * FREE_BYTES, 5 * FREE_BYTES - 1)), "disk", "attention", "free"),
        (facts(quarantine={"not_json": 2}), "quarantine", "attention", "2 × not_json wait"),
        (facts(quarantine=None, unread={"quarantine": "away"}), "quarantine", "attention", "away"),
        (facts(total=None, unread={"account": "away"}), "account", "attention", "away"),
        (facts(total=line("", received=99, balanced=False)), "account", "attention", "off by -1"),
    ],
)
def test_each_limit_below_at_and_above(
    found: Facts, part: str, level: str | None, words: str
) -> None:
    findings = told(found, part)
    if level is None:
        assert findings == []
    else:
        (finding,) = findings
        assert finding.level == level
        assert words in finding.text
        assert finding.level != Level.ATTENTION or finding.do or words == "away"


def test_a_device_out_of_balance_is_named_with_the_hour_and_the_causes() -> None:
    lost = line("aq-1", received=103, balanced=False)
    extra = line("aq-2", received=98, balanced=False)
    since = {"aq-1": "2026-11-22T02:00:00Z"}
    first, second = told(facts(lost, extra, line("aq-3"), since=since), "account")
    assert first.text == "aq-1: off by 3 records since 2026-11-22T02:00:00Z (without an outcome)"
    assert first.more == ["103 received, 100 stored, 0 duplicate, 0 quarantined"]
    assert "deleted or restored by hand" in first.do
    assert second.text == "aq-2: off by 2 records (more outcomes than records)"
    assert "two platforms" in second.do


def test_the_worst_devices_are_named_first_and_not_all() -> None:
    found = facts(*(line(f"aq-{i}", gap=10 + i) for i in range(8)))
    (gaps,) = told(found, "gaps")
    assert gaps.more[0] == "aq-7: 17 of 117 messages"
    assert gaps.more[-1] == "and 3 more"
    assert len(gaps.more) == 6


@pytest.mark.parametrize("reason", list(Reason))
def test_each_reason_comes_with_the_runbooks_remedy(reason: Reason) -> None:
    (finding,) = told(facts(quarantine={str(reason): 1}), "quarantine")
    assert finding.do == f"{remedy(reason)} ({heading(reason)})"
    assert len(remedy(reason)) >= len("the clock.")
    assert "\n" not in finding.do and "###" not in finding.do


def test_a_code_that_is_in_no_runbook_has_no_remedy() -> None:
    assert remedy("nonsense") == ""


@pytest.mark.parametrize(
    ("n", "text"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1.0 KiB"), (3 * 2**29, "1.5 GiB"), (2**52, "4096.0 TiB")],
)  # fmt: skip
def test_bytes_in_words(n: int, text: str) -> None:
    assert size(n) == text


def settings_of(bench: Bench, port: int = 0) -> Settings:
    return load_settings(
        {
            "URBAN_DATA_DIR": str(bench.folder),
            "URBAN_TELEMETRY": f"duckdb:///{bench.folder / 't.duckdb'}",
            "URBAN_OPERATIONS": f"sqlite:///{bench.folder / 'o.db'}",
            "URBAN_HTTP_PORT": str(port or free_port()),
        }
    )


def fill(bench: Bench) -> None:
    """One device in balance with a gap and a late value, one out of balance since two o'clock."""
    bench.air(b'{"seq": 1, "pm25": 1}')
    bench.air(b'{"seq": 5, "pm25": 2, "time": "2026-11-22T02:59:00Z"}')
    bench.air(b'{"pm25": "n/a"}')
    bad = bench.catalogue.put(Device(id="aq-2", kind="air"))
    rows = [
        (NOW - 2 * HOUR, bad, OUTCOME_CODE["received"], 4),
        (NOW - 2 * HOUR, bad, OUTCOME_CODE["stored"], 4),
        (NOW - HOUR, bad, OUTCOME_CODE["received"], 3),
        (NOW, bad, OUTCOME_CODE["received"], 2),
        (NOW, bad, OUTCOME_CODE["stored"], 2),
        (NOW, NOBODY, OUTCOME_CODE["received"], 1),
    ]
    bench.telemetry.append(Readings.empty(), Ledger.of(rows))


def check(found: Facts) -> None:
    """What `fill` made is found."""
    assert found.total is not None and not found.total.balanced
    by_device = {d.device: d for d in found.devices}
    assert by_device["aq-1"].balanced and (by_device["aq-1"].gap, by_device["aq-1"].late) == (3, 1)
    assert not by_device["aq-2"].balanced
    assert found.since["aq-2"] == "2026-11-22T02:00:00Z"
    assert found.quarantine == {"not_a_number": 1}
    account = told(found, "account")
    assert [f.text.partition(":")[0] for f in account] == [
        "messages that no device could be named for",
        "aq-2",
    ]
    assert "off by 3 records since 2026-11-22T02:00:00Z" in account[1].text


def test_a_running_platform_is_asked(running: Running) -> None:
    fill(running.bench)
    running.context.checks = {"ingest": lambda: "no broker", "analytics": lambda: ""}
    running.context.progress = lambda: (1, 2)
    metrics.SPOOL_BYTES.set(2048)
    metrics.ENGINE_BEHIND.set(7)
    try:
        found = look(running.url, settings_of(running.bench), 24, CLOCK)
    finally:
        metrics.SPOOL_BYTES.set(0)
        metrics.ENGINE_BEHIND.set(0)
    check(found)
    assert found.running and found.checks == {"ingest": "no broker", "analytics": ""}
    assert (found.filling, found.spool_bytes, found.behind) == ((1, 2), 2048, 7)
    assert found.disk is not None


def test_all_devices_are_asked_for_page_by_page(running: Running) -> None:
    rows = []
    for i in range(1_005):
        code = running.bench.catalogue.put(Device(id=f"aq-{i}", kind="air"))
        rows += [(NOW, code, OUTCOME_CODE[o], 1) for o in ("received", "stored")]
    running.bench.telemetry.append(Readings.empty(), Ledger.of(rows))
    found = look(running.url, settings_of(running.bench), 24, CLOCK)
    assert len({d.device for d in found.devices}) == 1_005


def test_a_part_that_does_not_answer_is_one_finding_among_others(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> object:
        raise StartError("telemetry", "is away")

    monkeypatch.setattr(running.bench.telemetry, "account", away)
    found = look(running.url, settings_of(running.bench), 24, CLOCK)
    (account,) = told(found, "account")
    assert (account.level, account.text) == (Level.ATTENTION, "telemetry: is away")
    assert found.quarantine == {}


def contents(folder: Path) -> dict[str, bytes]:
    """Every file but SQLite's notes for readers, which are empty of data and go with the next start."""
    files = [p for p in folder.rglob("*") if p.is_file()]
    assert all(p.stat().st_size == 0 for p in files if p.name.endswith("-wal"))
    return {p.name: p.read_bytes() for p in files if not p.name.endswith(("-wal", "-shm"))}


def test_the_files_are_read_where_none_runs_and_stay_as_they_are(
    tmp_path: Path, bench: Bench
) -> None:
    fill(bench)
    bench.telemetry.close()
    bench.operations.close()
    spool = tmp_path / "spool"
    spool.mkdir()
    (spool / f"{1:020d}.spool").write_bytes(b"x" * 100)
    before = contents(tmp_path)
    found = look("", settings_of(bench), 24, CLOCK)
    assert contents(tmp_path) == before
    check(found)
    assert (found.running, found.spool_bytes, found.behind) == (False, 100, None)
    (platform,) = told(found, "platform")
    assert (platform.level, platform.do) == (Level.ATTENTION, "start it: urban up")
    (tables,) = told(found, "tables")
    assert (tables.level, tables.text) == (Level.WELL, f"operations store at step {REVISION}")


@pytest.mark.parametrize(
    ("here", "level", "do"),
    [("", Level.NOTE, "takes them to 0009: keep a copy"), ("0008", Level.NOTE, "takes them to 0009"),
     ("0010", Level.ATTENTION, "start the newer version that wrote it")],
)  # fmt: skip
def test_tables_of_another_version_are_told(here: str, level: Level, do: str) -> None:
    (tables,) = told(facts(tables=(here, "0009")), "tables")
    assert tables.level == level and do in tables.do


def test_files_that_another_process_has_open_are_said_so(bench: Bench) -> None:
    found = look("", settings_of(bench), 24, CLOCK)
    # The same process may open it twice, but not in another way: to the doctor it is busy.
    (account,) = told(found, "account")
    assert "t.duckdb" in account.text
    assert found.total is None


def test_an_empty_folder_is_no_fault_of_its_own(tmp_path: Path) -> None:
    settings = load_settings({"URBAN_DATA_DIR": str(tmp_path), "URBAN_HTTP_PORT": str(free_port())})
    found = look("", settings, 24, CLOCK)
    assert "nothing was stored yet" in told(found, "account")[0].text
    assert [f.part for f in examine(found) if f.level == Level.ATTENTION] == ["platform"]
    assert list(tmp_path.iterdir()) == []


def test_a_platform_that_was_named_and_does_not_answer_is_wrong_use() -> None:
    port = free_port()
    code, out, err = urban("doctor", "--url", f"http://127.0.0.1:{port}")
    assert (code, out) == (2, "")
    assert "no platform answers here" in err and err.count("\n") == 1


def test_it_ends_with_0_or_1_and_says_so(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "SystemClock", lambda: CLOCK)
    monkeypatch.setattr("commands.doctor_facts._disk", lambda _: ROOM)
    running.bench.air(b'{"pm25": 1}')
    code, out, err = running.urban("doctor")
    assert (code, err) == (0, "")
    first, *_, last = out.splitlines()
    assert (first, last) == (f"Looking at the platform at {running.url}", "All is well.")
    assert "✓ account: in balance over the last 24 h: 1 received = 1 stored + 0 duplicate" in out
    running.bench.air(b"\x1b[31m")
    code, out, _ = running.urban("doctor", "--hours", "1")
    assert code == 1
    assert "✗ quarantine: 1 × not_json wait" in out
    assert "→ the device's firmware. (docs/runbook.md#not_json)" in out
    assert out.splitlines()[-1] == "1 needs attention."
    code, out, _ = running.urban("doctor", "--json")
    found = json.loads(out)
    assert (code, found["well"]) == (1, False)
    assert [f["part"] for f in found["findings"] if f["level"] == "attention"] == ["quarantine"]
