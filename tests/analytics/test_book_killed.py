"""SIGKILL between and within writes of the book: what it had told is told again, and nothing is there twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from store.sql_store import SqlOperations
from tests.analytics.book_process import run

ROOT = Path(__file__).parent.parent.parent


def written(path: Path) -> dict[str, Any]:
    """Alerts with their history, and conditions; without numbers of lines."""
    store = SqlOperations(f"sqlite:///{path}")
    alerts = store.alerts(limit=10_000)
    found = {
        "alerts": alerts,
        "events": {a.id: store.alert_events(a.id) for a in alerts},
        "conditions": sorted(store.conditions(), key=repr),
    }
    store.close()
    return found


def test_killed_at_any_moment_the_book_is_the_same(tmp_path: Path) -> None:
    run(tmp_path / "undisturbed.db")
    path = tmp_path / "killed.db"
    for last in (3, 31, 77):
        command = [sys.executable, "-m", "tests.analytics.book_process", str(path)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if int(line) == last:
                    break
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
    run(path)
    assert written(path) == written(tmp_path / "undisturbed.db")
