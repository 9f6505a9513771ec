"""A database that an earlier version wrote gets the columns and indexes that it lacks; nothing is changed or lost.

Every added column has a default in the database, so the earlier version can still write to it.
"""

from __future__ import annotations

from sqlalchemy import Connection, Engine, Table, func, inspect, text, update
from sqlalchemy.schema import CreateColumn

from store.schema import METADATA, QUARANTINE

# Added column → what old rows hold in it, where the default does not say it.
_FILLED = {QUARANTINE.c.size: func.length(QUARANTINE.c.payload)}


def add_missing(engine: Engine) -> None:
    """Tables, then columns, then indexes that are not there."""
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
