"""`urban up` as a process, for tests that start, kill and end the real thing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ingest.broker import free_port
from tests.brokers import wait_until

ROOT = Path(__file__).parent.parent


class UpProcess:
    """One `urban up` (or another command that answers HTTP) on free ports and a data folder of its own."""

    def __init__(self, folder: Path, *, words: Sequence[str] = ("up",), **settings: object) -> None:
        self.words = words
        self.http = free_port()
        self.mqtt = free_port()
        self.folder = folder
        given = {k: v for k, v in os.environ.items() if not k.startswith("URBAN_")}
        self.env = given | {
            "URBAN_HTTP_PORT": str(self.http), "URBAN_INGEST_PORT": str(self.http),
            "URBAN_MQTT_PORT": str(self.mqtt),
            "URBAN_DATA_DIR": str(folder / "data"), "URBAN_DEVICES": "0",
            "PYTHONUNBUFFERED": "1",
        } | {f"URBAN_{k.upper()}": str(v) for k, v in settings.items()}  # fmt: skip
        self.process: subprocess.Popen[str] | None = None
        self.key = ""  # what it is asked with, where people log in

    def start(self) -> None:
        """Start it; does not wait."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cli", *self.words], cwd=ROOT, env=self.env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def start_ready(self, timeout_s: float = 30.0) -> float:
        """Start it and wait until /readyz says so. Returns how long it took. [s]"""
        begun = time.monotonic()
        self.start()
        wait_until(self._ready_or_ended, timeout_s)
        assert self.process is not None and self.process.poll() is None, self.output()
        return time.monotonic() - begun

    def ready(self) -> bool:
        try:
            self.get("/readyz")
        except (OSError, urllib.error.HTTPError):
            return False
        return True

    def get(self, path: str) -> Any:
        """The JSON behind a path."""
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        asked = urllib.request.Request(f"http://127.0.0.1:{self.http}{path}", headers=headers)
        with urllib.request.urlopen(asked, timeout=10) as answer:
            body = answer.read()
            return json.loads(body) if b"json" in answer.headers["content-type"].encode() else body

    def descendants(self) -> list[int]:
        """Processes that it started, and theirs; itself last."""
        assert self.process is not None
        return [*_children(self.process.pid), self.process.pid]

    def kill_all(self) -> None:
        """SIGKILL it and everything it started."""
        assert self.process is not None
        for pid in self.descendants():
            _kill(pid, signal.SIGKILL)
        self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def interrupt(self, timeout_s: float = 20.0) -> str:
        """Ctrl-C; returns what it printed. Fails where a process stays behind."""
        assert self.process is not None
        pids = self.descendants()
        self.process.send_signal(signal.SIGINT)
        printed, _ = self.process.communicate(timeout=timeout_s)
        left = [p for p in pids if _alive(p)]
        assert left == [], f"left behind: {left}"
        return printed

    def output(self) -> str:
        """What an ended process printed."""
        assert self.process is not None
        return self.process.communicate(timeout=60)[0]

    def close(self) -> None:
        """Whatever happened in the test, leave nothing behind."""
        if self.process is not None and self.process.poll() is None:
            self.kill_all()
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()

    def _ready_or_ended(self) -> bool:
        assert self.process is not None
        return self.process.poll() is not None or self.ready()


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*"):
        try:
            words = (task / "children").read_text().split()
        except OSError:
            continue
        for child in map(int, words):
            found += [*_children(child), child]
    return found


def _kill(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
