"""What a database says → our words: the need and the remedy, in one line, without a password."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from telemetry.errors import StoreError

# What PostgreSQL says → what is to be done. libpq gives no code for what happens before log-in, only words.
_REMEDIES = (
    ("password authentication failed", "check user and password of URBAN_OPERATIONS"),
    ("no password supplied", "give a password in URBAN_OPERATIONS, or in ~/.pgpass"),
    ("no pg_hba.conf entry", "let this user and address in: pg_hba.conf of the server"),
    (" is not permitted to log in", "let the role log in: alter role … login"),
    ('role "', "make the role: create role … login (docs/postgresql.md)"),
    ("permission denied for database", "let the role in: grant connect on database … to …"),
    ("permission denied for schema", "let the role make tables: grant usage, create on schema … to …"),
    ("no schema has been selected", "let the role make tables: grant usage, create on schema … to …"),
    ("must be owner of", "let the role that made the tables bring them up to date, or make it their owner"),
    ("permission denied for", "the role must own the tables, or have been granted them"),
    ('database "', "make the database: createdb --owner=… --encoding=UTF8 (docs/postgresql.md)"),
    ("does not support ssl", "switch TLS on at the server, or ask for none: ?sslmode=disable"),
    ("certificate", "check sslmode, sslrootcert, sslcert and sslkey in URBAN_OPERATIONS"),
    ("invalid connection option", "only what libpq takes may stand in the query of URBAN_OPERATIONS"),
    ("invalid sslmode", "sslmode is disable, allow, prefer, require, verify-ca or verify-full"),
    ("too many clients", "raise max_connections of the server, or end what holds connections"),
    ("remaining connection slots", "raise max_connections of the server, or end what holds connections"),
    ("starting up", "wait until the server has started"),
    ("shutting down", "is the server being restarted? It is tried again"),
    ("failed to resolve host", "check the host in URBAN_OPERATIONS"),
    ("could not translate host name", "check the host in URBAN_OPERATIONS"),
    ("connection refused", "is PostgreSQL running, and are host and port of URBAN_OPERATIONS its own?"),
    ("timeout expired", "is PostgreSQL running, and does the network let us through?"),
    ("connection timeout", "is PostgreSQL running, and does the network let us through?"),
    ("no such file or directory", "is PostgreSQL running, and is this its socket's folder?"),
    ("lock timeout", "another program holds what is needed: see pg_locks; it is tried again"),
    ("statement timeout", "the server is overloaded, or the question too large; it is tried again"),
    ("read-only transaction", "is this a standby? URBAN_OPERATIONS must name the primary"),
    ("recovery mode", "is this a standby? URBAN_OPERATIONS must name the primary"),
)  # fmt: skip


def reason(error: SQLAlchemyError) -> str:
    """What the database says, in one line."""
    told = error.orig if isinstance(error, DBAPIError) else None
    # PostgreSQL's first line stands alone where the server itself spoke: behind it come statement and place.
    first = getattr(getattr(told, "diag", None), "message_primary", None)
    return " ".join(str(first or told or str(error).splitlines()[0]).split())


def refused(place: str, need: str, error: SQLAlchemyError) -> StoreError:
    """StoreError in words. `place` is the address as it may be shown."""
    return StoreError(place, f"{need}: {reason(error)}", remedy=remedy(error))


def remedy(error: SQLAlchemyError) -> str:
    """What is to be done about it; "" where that is not known."""
    said = reason(error).lower()
    return next((do for words, do in _REMEDIES if words in said), "")
