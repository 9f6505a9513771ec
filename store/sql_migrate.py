"""A database that an earlier version wrote is brought up to date; nothing in it is lost.

What only lacks columns with a default, or indexes, gets them. What must be made anew is made in one
transaction, and the number of its version goes up with it: the earlier version then refuses it in words.
"""

from __future__ import annotations

from sqlalchemy import Connection, Engine, Table, func, inspect, text, update
from sqlalchemy.schema import CreateColumn

from store.schema import METADATA, QUARANTINE
from store.sql_alerts_v2 import alerts_to_version_2

# Added column → what old rows hold in it, where the default does not say it.
_FILLED = {QUARANTINE.c.size: func.length(QUARANTINE.c.payload)}


def add_missing(engine: Engine) -> None:
    """Steps from version to version, then tables, columns and indexes that are not there."""
    alerts_to_version_2(engine)
    METADATA.create_all(engine)
    with engine.begin() as db:
        for table in METADATA.sorted_tables:
            if _add_columns(db, table):
                for index in table.indexes:
                    index.create(db, checkfirst=True)


def _add_columns(db: Connection, table: Table) -> bool:
    here = {column["name"] for column in inspect(db).get_columns(table.name)}
    missing = [column for column in table.columns if column.name not in here]
    for column in missing:
        definition = CreateColumn(column).compile(dialect=db.dialect)
        db.execute(text(f"alter table {table.name} add column {definition}"))
        if column in _FILLED:
            db.execute(update(table).values({column: _FILLED[column]}))
    return bool(missing)
