"""What is wrong with the platform's parts, in words: spool, disk, stores, analytics, ingest."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from commands.own_checks import BEHIND, STILL_S, OwnChecks
from store.sql_address import shown
from telemetry.errors import StoreError
from telemetry.settings import load_settings

NOW = 10**18


class Parts:
    """Stand-ins that say of themselves what a test sets; well at first."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.fault = self.stuck = ""
        self.still = self.filled = 0.0
        self.alive = self.answers = True
        env = {"URBAN_DATA_DIR": str(folder)} | settings
        self.settings = load_settings(env)
        self.session = SimpleNamespace(trouble="")
        self.receiver = SimpleNamespace(session=self.session, fault=lambda: self.fault)
        self.worker = SimpleNamespace(
            unheard=None, refused=None, lag=0, trouble=lambda: self.stuck, still_for_s=lambda: self.still
        )  # fmt: skip
        self.sink = SimpleNamespace(refused=None, unkept="", spooled=lambda: self.filled)
        self.operations = SimpleNamespace(alert=self._asked)
        self.broker = SimpleNamespace(alive=lambda: self.alive)
        made = OwnChecks(*(cast(Any, p) for p in (
            self.settings, self.operations, self.worker, self.receiver, self.sink, self.broker
        )))  # fmt: skip
        self.checks = {c.part: c for c in made.checks()}

    def trouble(self) -> dict[str, str]:
        """Part → words, of those that are not well."""
        return {part: words for part, c in self.checks.items() if (words := c.look(NOW))}

    def _asked(self, alert_id: str) -> None:
        if not self.answers:
            raise StoreError("operations", "does not answer")


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return Parts(tmp_path, URBAN_DISK_FREE_MB="0")


def test_all_is_well(parts: Parts) -> None:
    assert parts.trouble() == {}


def test_the_spool_has_a_level_to_raise_and_one_to_clear(parts: Parts) -> None:
    told = []
    for filled in (0.49, 0.5, 0.3, 0.25, 0.24, 0.49):
        parts.filled = filled
        told.append(parts.trouble())
    full = [{"spool": f"the spool is {p} full"} for p in ("50%", "30%", "25%")]
    assert told == [{}, *full, {}, {}]
    parts.sink.unkept = "the spool is full (1 bytes)"
    assert parts.trouble() == {"spool": "the spool is full (1 bytes)"}


def test_too_little_disk_is_said_with_figures(tmp_path: Path) -> None:
    parts = Parts(tmp_path / "absent", URBAN_DISK_FREE_MB="9999999")
    (words,) = parts.trouble().values()
    assert "MiB are free" in words
    assert "9999999 are needed" in words


def test_a_store_that_refuses_us_is_named_and_not_taken_for_another(parts: Parts) -> None:
    parts.sink.refused = StoreError("http://127.0.0.1:8086/city", "answers 401: unauthorized")
    assert parts.trouble() == {"telemetry-store": str(parts.sink.refused)}
    at = shown(parts.settings.operations_url)
    parts.sink.refused = StoreError(at, "can't write: locked")
    assert parts.trouble() == {"operations-store": str(parts.sink.refused)}
    parts.sink.refused = None
    parts.worker.refused = StoreError(str(parts.settings.data_dir / "x"), "is away")
    assert list(parts.trouble()) == ["telemetry-store"]


def test_an_operations_store_that_does_not_answer_raises_for_who_watches(parts: Parts) -> None:
    parts.answers = False
    with pytest.raises(StoreError, match="does not answer"):
        parts.checks["operations-store"].look(NOW)


def test_analytics_behind_stuck_or_in_trouble(parts: Parts) -> None:
    parts.worker.lag = BEHIND
    assert parts.trouble() == {}
    parts.worker.lag = BEHIND + 1
    assert parts.trouble() == {"analytics": "is more than 60 s behind"}
    parts.worker.lag, parts.still = 0, STILL_S + 1
    assert parts.trouble() == {"analytics": "has not moved for 120 s"}
    parts.sink.refused = StoreError("http://x", "is away")
    assert list(parts.trouble()) == ["telemetry-store"]  # it waits for the store: one cause
    parts.sink.refused, parts.still, parts.stuck = None, 0.0, "has ended"
    assert parts.trouble() == {"analytics": "has ended"}


def test_broker_and_ingest(parts: Parts) -> None:
    parts.alive = False
    assert parts.trouble() == {"broker": "the embedded broker has ended"}
    parts.alive, parts.session.trouble = True, "no connection to the broker"
    parts.worker.unheard = (NOW - 60 * 10**9, 5)
    assert parts.trouble() == {"broker": "no connection to the broker"}
    parts.session.trouble = ""
    assert parts.trouble() == {"ingest": "no message for 60 s, though 5 devices are due"}
    parts.worker.unheard, parts.fault = None, "the ingest thread has ended; see the log"
    assert parts.trouble() == {"ingest": parts.fault}
