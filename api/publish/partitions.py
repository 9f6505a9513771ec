"""A day of a data set as a Parquet file under an address that stays: made when it is first asked for, kept on disk.

A closed day is looked at again every ten minutes at most: late readings make another file, with another
ETag; else it is the same file for ever. The folder is a cache of bounded size, no archive.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from api.context import Context
from api.formats import Sort
from api.formats.columnar import write_parquet
from api.problems import Problem, not_found
from api.publish.datasets import Dataset
from api.publish.days import Day, is_closed
from api.scan import scan
from api.tables import Table, table_of
from telemetry.clock import MINUTE
from telemetry.retention import removed_before

LOOK_AGAIN = 10 * MINUTE
LOOK_AGAIN_TODAY = MINUTE
KEPT_BYTES = 2 << 30
_BUSY_S = 20.0


@dataclass(frozen=True, slots=True)
class Partition:
    """A file, its ETag, and for how long its address is sure to give the same [s]."""

    path: Path
    tag: str
    fresh_s: int


class Partitions:
    """The files under one folder. Thread-safe: one is made at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._looked: dict[Path, tuple[int, str]] = {}  # when [ns], and the tag

    def get(self, context: Context, dataset: Dataset, day: Day) -> Partition:
        """The partition. 404 where nothing was measured, 503 where too many are being made."""
        now = context.clock.now()
        if day.start >= now:
            raise not_found(f"day: {day.name} has not begun", "day")
        closed = is_closed(context, day)
        keep = LOOK_AGAIN if closed else LOOK_AGAIN_TODAY
        path = self._folder / dataset.kind.name / dataset.area.code / f"{day.name}.parquet"
        if not self._lock.acquire(timeout=_BUSY_S):
            raise Problem(503, "Busy", "many partitions are being made; ask again in a minute")
        try:
            looked = self._looked.get(path)
            if looked is None or now - looked[0] >= keep or not path.exists():
                looked = (now, self._look(context, dataset, day, path))
                self._looked[path] = looked
            os.utime(path)
        finally:
            self._lock.release()
        return Partition(path, looked[1], int(keep // 1_000_000_000))

    def _look(self, context: Context, dataset: Dataset, day: Day, path: Path) -> str:
        before = removed_before(context.settings.retention.raw, context.clock.now())
        if before is not None and day.start < before:
            # Its readings may have left: what was published stands.
            if path.exists():
                return f'"{_digest(path)}"'
            raise not_found(f"day: readings of {day.name} are no longer kept", "day")
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        rows = _write(context, dataset, day, fresh)
        if not rows:
            fresh.unlink()
            raise not_found(f"day: nothing was measured on {day.name}", "day")
        tag = _digest(fresh)
        if path.exists() and _digest(path) == tag:
            fresh.unlink()
        else:
            fresh.replace(path)
            self._bound(path)
        return f'"{tag}"'

    def _bound(self, newest: Path) -> None:
        """Remove what was not asked for the longest where the folder is too large."""
        files = [(p.stat().st_mtime, p.stat().st_size, p) for p in self._folder.rglob("*.parquet")]
        excess = sum(size for _, size, _ in files) - KEPT_BYTES
        for _, size, path in sorted(files):
            if excess <= 0:
                return
            if path != newest:
                path.unlink()
                self._looked.pop(path, None)
                excess -= size


def _write(context: Context, dataset: Dataset, day: Day, path: Path) -> int:
    """Write the day; returns its rows. In the memory of one row group."""
    found = _Counted(
        table_of(r) for r in scan(context.telemetry, dataset.series, day.start, day.end)
    )
    with path.open("wb") as file:
        for part in write_parquet(context, found, Sort()):
            file.write(part)
    return found.rows


class _Counted(Iterator[Table]):
    """Tables on their way, and how many rows have passed."""

    def __init__(self, tables: Iterator[Table]) -> None:
        self._tables = tables
        self.rows = 0

    def __next__(self) -> Table:
        table = next(self._tables)
        self.rows += len(table)
        return table


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=12)).hexdigest()
