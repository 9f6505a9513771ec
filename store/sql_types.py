"""Columns that mean the same in every database: text of any length in the order of its bytes, large numbers."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Dialect, Integer, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

# Counts up by itself. SQLite only numbers an Integer key, which there has 64 bits anyway.
NUMBER = BigInteger().with_variant(Integer(), "sqlite")


class Words(TypeDecorator[str]):
    """Text. What a hostile message can bring into it is made harmless, alike in every database.

    PostgreSQL takes no NUL, and no UTF-8 has half of a surrogate pair: one such character would have the
    whole batch refused, again and again. They become U+FFFD; the bytes themselves are in the payload.
    Ordered and compared by bytes, as SQLite does, and not as the server's language would.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """See TypeDecorator."""
        return Text(collation="C" if dialect.name == "postgresql" else None)

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """See TypeDecorator."""
        return value if value is None else harmless(value)


def harmless(value: str) -> str:
    """Text as every database takes it and gives it back."""
    if value.isascii() and "\0" not in value:
        return value
    whole = value.replace("\0", "�").encode("utf-16", "surrogatepass")
    return whole.decode("utf-16", "replace")
