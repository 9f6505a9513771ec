"""A DuckDB file: opened in words, and its account where no process has it open."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import duckdb

from store.duckdb_read import account_rows
from store.telemetry import AccountRow
from telemetry.errors import StoreBusy, StoreError


def read_account(path: Path, start: int, end: int) -> list[AccountRow]:
    """The account of the hours with start <= hour < end [ns], summed per hour, device and outcome.

    Raises StoreBusy where another process holds the file, StoreError where it is none of ours.
    """
    try:
        with closing(open_duckdb(path, read_only=True)) as db:
            return account_rows(db, "hour >= ? and hour < ?", [start, end])
    except duckdb.Error as error:
        raise StoreError(str(path), f"can't be read: {error}") from None


def open_duckdb(path: Path, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Open a file. Raises StoreBusy where another process holds it, StoreError where it can't be opened."""
    try:
        return duckdb.connect(str(path), read_only=read_only)
    except duckdb.IOException as error:
        if "lock" in str(error).lower():
            raise StoreBusy(
                str(path),
                "is in use by another run",
                remedy="stop that run, or set URBAN_DATA_DIR to another folder",
            ) from None
        raise StoreError(str(path), f"can't be opened: {error}") from None
