"""The account of a DuckDB file that no process has open, read without changing the file."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import duckdb

from store.duckdb_read import account_rows
from store.duckdb_store import open_duckdb
from store.telemetry import AccountRow
from telemetry.errors import StoreError


def read_account(path: Path, start: int, end: int) -> list[AccountRow]:
    """The account of the hours with start <= hour < end [ns], summed per hour, device and outcome.

    Raises StoreBusy where another process holds the file, StoreError where it is none of ours.
    """
    try:
        with closing(open_duckdb(path, read_only=True)) as db:
            return account_rows(db, "hour >= ? and hour < ?", [start, end])
    except duckdb.Error as error:
        raise StoreError(str(path), f"can't be read: {error}") from None
