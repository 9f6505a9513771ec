"""The simulated city as a process of its own, and what it says of its progress."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable

from ingest.broker import die_with_parent
from telemetry.clock import format_time
from telemetry.settings import Settings

_LOG = logging.getLogger(__name__)


class CityProcess:
    """`urban simulate` beside the platform. `on_progress(done, total)`; None when it is live.

    broker: the address with all that is secret in it. It goes by the environment: arguments are seen by all.
    """

    def __init__(
        self,
        settings: Settings,
        broker: str,
        since: int,
        on_progress: Callable[[tuple[int, int] | None], None],
    ) -> None:
        self._command = [
            sys.executable, "-m", "cli", "simulate", "--city", settings.city,
            "--devices", str(settings.devices), "--seed", str(settings.seed),
            "--since", format_time(since), "--progress-json",
        ]  # fmt: skip
        if settings.scenario:
            self._command += ["--scenario", settings.scenario]
        given = {k: v for k, v in os.environ.items() if k != "URBAN_BROKER_FILE"}
        self._environment = given | {"URBAN_BROKER": broker, "PYTHONUNBUFFERED": "1"}
        self._on_progress = on_progress
        self._process: subprocess.Popen[str] | None = None
        self._stopping = False

    def start(self) -> None:
        """Start it; its progress is read by a thread."""
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=die_with_parent,
            env=self._environment,
        )  # fmt: skip
        threading.Thread(target=self._follow, name="city progress", daemon=True).start()
        threading.Thread(target=self._log_errors, name="city errors", daemon=True).start()

    def trouble(self) -> str:
        """ "" while it runs, else what happened."""
        if self._process is None:
            return "not started"
        code = self._process.poll()
        return (
            "" if code is None or self._stopping else f"the simulated city ended with code {code}"
        )

    def stop(self, timeout_s: float = 5.0) -> None:
        """End it; after `timeout_s` by force."""
        if self._process is None:
            return
        self._stopping = True
        self._process.terminate()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _follow(self) -> None:
        assert self._process is not None and self._process.stdout is not None
        for line in self._process.stdout:
            try:
                said = json.loads(line)
            except ValueError:
                continue
            if "total" in said:
                self._on_progress((int(said["done"]), int(said["total"])))
            elif said.get("live"):
                self._on_progress(None)

    def _log_errors(self) -> None:
        assert self._process is not None and self._process.stderr is not None
        for line in self._process.stderr:
            _LOG.error("simulated city: %s", line.rstrip())
