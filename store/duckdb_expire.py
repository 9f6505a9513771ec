"""DuckDB: what is no longer kept is removed, a bounded part at a time, so that nobody waits for it.

Space is given back inside the file: what is appended later takes the place of what was removed.
"""

from __future__ import annotations

import duckdb

from telemetry.retention import Retention, removed_before

# Rows in one transaction: some hundredths of a second, during which appends wait.
ROWS_AT_ONCE = 100_000
POSITION, HORIZON = "position", "horizon"


def expire_rows(
    db: duckdb.DuckDBPyConnection, retention: Retention, now: int, analysed: int
) -> dict[str, int]:
    """Remove rows of the first table that holds some, and say how many; inside a transaction of the caller.

    Readings that analytics has not saved yet (batch > analysed) stay: they are the log. The last position
    and the time before which readings were removed are noted: neither can be told from what is left.
    """
    raw, minutes, hours = (
        removed_before(kept, now) for kept in (retention.raw, retention.minutes, retention.hours)
    )
    if raw is not None:
        removed = _delete(db, "readings", f"time < {raw} and batch <= {int(analysed)}")
        removed = removed or _delete(db, "derived", f"time < {raw}")
        if removed:
            note(db, HORIZON, raw)
            return {"raw": removed}
    if minutes is not None and (removed := _delete(db, "rollup_1m", f"start < {minutes}")):
        return {"minutes": removed}
    if hours is not None:
        if removed := _delete(db, "rollup_1h", f"start < {hours}"):
            return {"hours": removed}
        if removed := _delete_hours(db, hours):
            return {"account": removed}
    return {}


def note(db: duckdb.DuckDBPyConnection, name: str, value: int) -> None:
    """Keep a number that only grows."""
    grown = max(value, noted(db, name))
    db.execute("delete from mark where name = ?", [name]).fetchall()
    db.execute("insert into mark values (?, ?)", [name, grown]).fetchall()


def noted(db: duckdb.DuckDBPyConnection, name: str) -> int:
    """The number under a name; 0 where there is none."""
    rows = db.execute("select value from mark where name = ?", [name]).fetchall()
    return int(rows[0][0]) if rows else 0


def _delete(db: duckdb.DuckDBPyConnection, table: str, where: str) -> int:
    rows = db.execute(
        f"delete from {table} where rowid in "
        f"(select rowid from {table} where {where} limit {ROWS_AT_ONCE})"
    ).fetchall()
    return int(rows[0][0])


def _delete_hours(db: duckdb.DuckDBPyConnection, before: int) -> int:
    """Hours of the account go whole: half of one would be out of balance."""
    ((last,),) = db.execute(
        "select max(hour) from "
        f"(select hour from ledger where hour < {before} order by hour limit {ROWS_AT_ONCE})"
    ).fetchall()
    if last is None:
        return 0
    ((removed,),) = db.execute("delete from ledger where hour <= ?", [last]).fetchall()
    return int(removed)
