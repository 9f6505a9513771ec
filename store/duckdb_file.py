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


# DuckDB by itself keeps all that it has read or written, up to four fifths of the machine's memory. What
# does not fit is read again, or put on disk beside the file while a question is worked out.
MEMORY_MB = 128


def open_duckdb(
    path: Path, read_only: bool = False, memory_mb: int = MEMORY_MB
) -> duckdb.DuckDBPyConnection:
    """Open a file, with so much memory for its pages and for questions.

    Raises StoreBusy where another process holds it, StoreError where it can't be opened.
    """
    config: dict[str, str | bool | int | float | list[str]] = {"memory_limit": f"{memory_mb}MiB"}
    try:
        return duckdb.connect(str(path), read_only=read_only, config=config)
    except duckdb.IOException as error:
        if "lock" in str(error).lower():
            raise StoreBusy(
                str(path),
                "is in use by another run",
                remedy="stop that run, or set URBAN_DATA_DIR to another folder",
            ) from None
        raise StoreError(str(path), f"can't be opened: {error}") from None
