"""A real InfluxDB 1.x for tests: Debian's influxd on free ports and a folder of its own."""

from __future__ import annotations

import shutil
import signal
import subprocess
import uuid
from pathlib import Path

import urllib3

from ingest.broker import free_port
from tests.brokers import wait_until

_CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  index-version = "tsi1"
  query-log-enabled = false
[retention]
  check-interval = "1s"
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{http}"
  log-enabled = false
  auth-enabled = {auth}
"""


def influxd_present() -> bool:
    return shutil.which("influxd") is not None


class Influxd:
    """One server; databases are cheap, so a test takes a new one."""

    def __init__(self, folder: Path, auth: bool = False) -> None:
        self.folder = folder
        self.http, self._rpc = free_port(), free_port()
        self._auth = auth
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "influxdb.conf"
        config.write_text(
            _CONFIG.format(
                folder=self.folder, http=self.http, rpc=self._rpc, auth=str(self._auth).lower()
            )
        )
        program = shutil.which("influxd")
        assert program is not None
        self._process = subprocess.Popen(
            [program, "-config", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(self._answers, 20)

    def stop(self, kill: bool = False) -> None:
        if self._process is not None:
            if kill:
                self._process.kill()
            else:
                self._process.terminate()
            self._process.wait(20)
            self._process = None

    def signal(self, number: signal.Signals) -> None:
        """SIGSTOP: it takes connections and answers none; SIGCONT: it goes on."""
        assert self._process is not None
        self._process.send_signal(number)

    def url(self, database: str = "", login: str = "") -> str:
        name = database or f"t{uuid.uuid4().hex}"
        return f"influx1://{login}127.0.0.1:{self.http}/{name}"

    def _answers(self) -> bool:
        try:
            answer = urllib3.request(
                "GET", f"http://127.0.0.1:{self.http}/ping", retries=False, timeout=1
            )
        except urllib3.exceptions.HTTPError:
            return False
        return answer.status == 204
