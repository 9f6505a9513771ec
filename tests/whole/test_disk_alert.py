"""A disk that fills up under the running platform: an alert before it is full, over by itself once there is room."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.brokers import wait_until
from tests.platform_process import UpProcess
from tests.whole.test_own_outages import alerts, only

MIB = 2**20
DISK, NEEDED = 300 * MIB, 100


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A data folder with a small disk of its own."""
    place = tmp_path / "data"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(place)]
    if os.getuid() or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("a file system may be mounted by root only")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_fills_is_one_alert_that_ends_when_there_is_room(
    tmp_path: Path, data: Path
) -> None:
    platform = UpProcess(tmp_path, own_dwell_s=1, disk_free_mb=NEEDED)
    try:
        platform.start_ready()
        assert alerts(platform) == []
        ballast = data / "ballast"
        with ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, DISK - (NEEDED - 20) * MIB - _used(data))
        wait_until(lambda: only(platform, "disk_filling", "unacknowledged"), 20)
        (alert,) = alerts(platform)
        assert alert["subject"] == "platform:disk"
        assert "MiB are free" in alert["detail"]
        assert str(NEEDED) in alert["detail"]
        ballast.unlink()
        wait_until(lambda: only(platform, "disk_filling", "returned"), 20)
    finally:
        platform.close()


def _used(folder: Path) -> int:
    found = os.statvfs(folder)
    return (found.f_blocks - found.f_bavail) * found.f_frsize
