"""`urban up` as a process for a benchmark: started, killed, asked over HTTP; its broker is another process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

from devices.device import Device
from ingest.broker import free_port
from store.sql_store import SqlOperations

PATIENCE_S = 120.0
_ROOT = Path(__file__).parent.parent


class PlatformProcess:
    """A platform without a simulated city, with these devices registered. A context manager: ends what runs."""

    def __init__(self, folder: Path, broker_port: int, devices: Iterable[Device]) -> None:
        folder.mkdir(parents=True)
        self.http = free_port()
        kept = {k: v for k, v in os.environ.items() if not k.startswith("URBAN_")}
        self._env = kept | {
            "URBAN_HTTP_PORT": str(self.http), "URBAN_DATA_DIR": str(folder), "URBAN_DEVICES": "0",
            "URBAN_BROKER": f"mqtt://127.0.0.1:{broker_port}",
        }  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None
        operations = SqlOperations(f"sqlite:///{folder / 'operations.db'}")
        operations.put_devices(list(devices))
        operations.close()

    def __enter__(self) -> PlatformProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()

    def start(self) -> None:
        """Start it; does not wait."""
        command = [sys.executable, "-m", "cli", "up"]
        self._process = subprocess.Popen(
            command, cwd=_ROOT, env=self._env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def kill(self) -> None:
        """SIGKILL."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(30)

    def ready(self) -> bool:
        """Whether /readyz says so. Raises RuntimeError where the process has ended."""
        if self._process is None or self._process.poll() is not None:
            raise RuntimeError("the platform has ended; see urban.log in its data folder")
        try:
            self.get("/readyz")
        except OSError:
            return False
        return True

    def get(self, path: str) -> Any:
        """The JSON behind a path."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{path}", timeout=30) as answer:
            return json.load(answer)

    def post(self, path: str, body: dict[str, str]) -> Any:
        """What a POST is answered with."""
        url, head = f"http://127.0.0.1:{self.http}{path}", {"Content-Type": "application/json"}
        request = urllib.request.Request(url, json.dumps(body).encode(), head)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


def wait_for(condition: Callable[[], object], what: str, every_s: float = 0.05) -> float:
    """Wait until it holds. Returns how long that took [s]; raises TimeoutError where it takes too long."""
    begun = time.monotonic()
    while not condition():
        if time.monotonic() - begun > PATIENCE_S:
            raise TimeoutError(f"waited {PATIENCE_S:.0f} s in vain for {what}")
        time.sleep(every_s)
    return time.monotonic() - begun
