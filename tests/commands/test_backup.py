"""`urban doctor backup` and `restore`: on files, beside a running platform, and what is refused in words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from commands.copying import back_up, restore
from commands.stores import RESTORING, Stores
from devices.device import Device
from ingest.spool import Spool
from store.copy_files import read_manifest
from telemetry.clock import ManualClock
from telemetry.errors import StartError
from telemetry.settings import Settings, load_settings
from tests.brokers import publish_all, wait_until
from tests.commands.conftest import urban
from tests.ingest.test_spool import batch
from tests.platform_process import UpProcess
from tests.store.influx_world import T0, deliver, everything, pm25, totals

CLOCK = ManualClock(T0)


def settings_in(folder: Path) -> Settings:
    return load_settings({"URBAN_DATA_DIR": str(folder)})


def quiet(part: str, share: float) -> None:
    """Nobody looks."""


def fill(folder: Path, values: int = 20) -> None:
    """A data folder as a platform leaves it."""
    stores = Stores(settings_in(folder))
    device = Device(id="aq-0", kind="air", name="Bến Thành")
    stores.operations.put_devices([device])
    stores.catalogue.put(device)
    kinds = stores.catalogue.kinds
    deliver(stores.telemetry, pm25(kinds, *((0, 60 * i, 1.5 * i) for i in range(values))))
    stores.close()
    spool = Spool(folder / "spool", 10**6)
    spool.append(batch(1))
    spool.close()
    (folder / "analytics.npz").write_bytes(b"how far")


def content(folder: Path) -> dict[str, Any]:
    stores = Stores(settings_in(folder))
    spool = Spool(folder / "spool", 10**6)
    try:
        return {
            "devices": stores.operations.devices(),
            "readings": everything(stores.telemetry),
            "account": totals(stores.telemetry),
            "waits": spool.bytes(),
            "state": (folder / "analytics.npz").read_bytes(),
        }
    finally:
        spool.close()
        stores.close()


def run(folder: Path, *words: str, **more: str) -> tuple[int, str, str]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ({"URBAN_DATA_DIR": str(folder)} | more).items():
            patch.setenv(name, value)
        return urban("doctor", *words)


def test_what_was_copied_is_what_comes_back(tmp_path: Path) -> None:
    fill(tmp_path / "one")
    code, said, told = run(tmp_path / "one", "backup", str(tmp_path / "copy"))
    assert (code, "Backed up into" in said) == (0, True), told
    assert "telemetry…" in told and "operations…" in told
    manifest = read_manifest(tmp_path / "copy")
    assert manifest.rows("telemetry")["readings"] == 20
    assert {f.path.split("/")[0] for f in manifest.files} == {"state", "telemetry", "operations"}
    assert (tmp_path / "copy").stat().st_mode & 0o077 == 0, "people's names may stand in it"
    code, said, told = run(tmp_path / "two", "restore", str(tmp_path / "copy"))
    assert (code, "Restored from" in said) == (0, True), told
    assert content(tmp_path / "two") == content(tmp_path / "one")


def test_a_place_that_holds_something_is_refused_unless_told(tmp_path: Path) -> None:
    fill(tmp_path / "one")
    fill(tmp_path / "two", values=5)
    run(tmp_path / "one", "backup", str(tmp_path / "copy"))
    before = content(tmp_path / "two")
    code, _, told = run(tmp_path / "two", "restore", str(tmp_path / "copy"))
    assert code == 2 and len(told.strip().splitlines()[-1:]) == 1
    for word in ("empty place", "devices", "telemetry.duckdb", "--replace"):
        assert word in told
    assert content(tmp_path / "two") == before
    code, _, told = run(tmp_path / "two", "restore", str(tmp_path / "copy"), "--replace")
    assert code == 0, told
    assert content(tmp_path / "two") == content(tmp_path / "one")


def test_a_backup_overwrites_nothing_and_leaves_nothing_half_done(tmp_path: Path) -> None:
    fill(tmp_path / "one")
    settings = settings_in(tmp_path / "one")

    def interrupt(part: str, share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        back_up(settings, tmp_path / "copies" / "a", CLOCK, interrupt)
    assert list((tmp_path / "copies").iterdir()) == []
    back_up(settings, tmp_path / "copies" / "a", CLOCK, quiet)
    with pytest.raises(StartError, match="no backup is overwritten"):
        back_up(settings, tmp_path / "copies" / "a", CLOCK, quiet)


def test_no_platform_starts_on_half_a_restore(tmp_path: Path) -> None:
    fill(tmp_path / "one")
    back_up(settings_in(tmp_path / "one"), tmp_path / "copy", CLOCK, quiet)

    def interrupt(part: str, share: float) -> None:
        if part == "telemetry":
            raise KeyboardInterrupt

    two = settings_in(tmp_path / "two")
    with pytest.raises(KeyboardInterrupt):
        restore(two, tmp_path / "copy", False, interrupt)
    assert (tmp_path / "two" / RESTORING).exists()
    with pytest.raises(StartError, match="not finished"):
        Stores(two)
    restore(two, tmp_path / "copy", True, quiet)
    assert content(tmp_path / "two") == content(tmp_path / "one")


def test_a_damaged_copy_changes_nothing(tmp_path: Path) -> None:
    fill(tmp_path / "one")
    back_up(settings_in(tmp_path / "one"), tmp_path / "copy", CLOCK, quiet)
    before = content(tmp_path / "one")
    file = tmp_path / "copy" / "telemetry" / "readings.parquet"
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    code, _, told = run(tmp_path / "one", "restore", str(tmp_path / "copy"), "--replace")
    assert code == 2 and "checksum" in told
    assert content(tmp_path / "one") == before


@pytest.mark.parametrize(
    ("telemetry", "word"),
    [("influx1://h:8086/db", "duckdb"), ("", "manifest.json")],
)
def test_what_does_not_fit_is_one_clear_line(tmp_path: Path, telemetry: str, word: str) -> None:
    fill(tmp_path / "one")
    back_up(settings_in(tmp_path / "one"), tmp_path / "copy", CLOCK, quiet)
    copy = tmp_path / "copy" if telemetry else tmp_path / "one"
    code, _, told = run(tmp_path / "two", "restore", str(copy), URBAN_TELEMETRY=telemetry)
    assert code == 2 and word in told and len(told.strip().splitlines()) == 1


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[UpProcess]:
    up = UpProcess(tmp_path / "one")
    yield up
    up.close()


@pytest.mark.timeout(120)
def test_a_running_platform_copies_itself(tmp_path: Path, platform: UpProcess) -> None:
    """DuckDB's file is its own; the copy goes into an empty place, on which a platform starts."""
    platform.start_ready()
    sent = [
        (
            f"city/level/gauge-{n % 3}/telemetry",
            b'{"time": %d, "level": 1.25}' % (1_790_000_000 + n),
        )
        for n in range(300)
    ]
    publish_all(platform.mqtt, sent)
    wait_until(lambda: platform.get("/api/v1/accounting")["totals"]["stored"] == 300)
    data = tmp_path / "one" / "data"
    port = str(platform.http)
    code, said, told = run(data, "backup", str(tmp_path / "copy"), URBAN_HTTP_PORT=port)
    assert code == 0, told
    assert "Backed up into" in said and list((data / "backups").iterdir()) == []
    code, _, told = run(data, "restore", str(tmp_path / "copy"), "--replace")
    assert code == 2 and "is in use by another run" in told
    ask = "/api/v1/latest?kind=level"
    wanted = platform.get(ask)["items"], platform.get("/api/v1/accounting")["totals"]
    platform.interrupt()
    other = UpProcess(tmp_path / "two")
    code, _, told = run(tmp_path / "two" / "data", "restore", str(tmp_path / "copy"))
    assert code == 0, told
    try:
        other.start_ready()
        found = other.get(ask)["items"], other.get("/api/v1/accounting")["totals"]
        assert found == wanted
        assert "Traceback" not in other.interrupt()
    finally:
        other.close()
