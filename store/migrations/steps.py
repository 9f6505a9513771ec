"""What steps are made of. Up to 0008 each step does only what is not there yet.

The databases of that time carry no mark of their own, and a kill may have left them between two steps.
"""

from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import Column, inspect


def tables() -> set[str]:
    """Names of the tables that are there."""
    return set(inspect(op.get_bind()).get_table_names())


def columns(table: str) -> set[str]:
    """Names of a table's columns."""
    return {c["name"] for c in inspect(op.get_bind()).get_columns(table)}


def add_table(name: str, *parts: Any) -> None:
    """Make a table where there is none of this name."""
    if name not in tables():
        op.create_table(name, *parts)


def add_column(table: str, column: Column[Any]) -> bool:
    """Add a column; False where it is there."""
    if column.name in columns(table):
        return False
    op.add_column(table, column)
    return True


def add_index(name: str, table: str, *over: str, **options: Any) -> None:
    """Make an index where there is none of this name."""
    op.create_index(name, table, list(over), if_not_exists=True, **options)


def on_postgresql() -> bool:
    """Whether it is PostgreSQL."""
    return op.get_bind().dialect.name == "postgresql"
