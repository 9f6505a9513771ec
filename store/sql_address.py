"""URBAN_OPERATIONS → the address of a database, and how it may be shown: never with its password."""

from __future__ import annotations

from urllib.parse import quote

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from telemetry.errors import StoreError

# A server that does not answer is given up after so long; a statement that waits for another, too. [s]
CONNECT_S = 5
STATEMENT_S = 60
LOCK_S = 10
# What libpq is told unless the address says otherwise: a line that was cut is noticed within half a minute.
_LIBPQ = {
    "connect_timeout": str(CONNECT_S),
    "application_name": "urban",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
    "client_encoding": "utf8",
}


def address(url: str, *, read_only: bool = False) -> URL:
    """SQLAlchemy's address. Raises StoreError where it is none; the password is not in its words.

    postgresql://user:password@host:port/database?sslmode=verify-full&sslrootcert=/path: whatever libpq
    takes may stand in the query; without a password, libpq looks into PGPASSFILE or ~/.pgpass.
    """
    if url.startswith("postgresql:"):
        return _postgresql(url, read_only)
    if read_only:
        return make_url(f"sqlite:///file:{quote(make_url(url).database or '')}?mode=ro&uri=true")
    return make_url(url)


def shown(url: str) -> str:
    """The address without its password, and without what a query may hold."""
    scheme, _, rest = url.partition("://")
    head, _, tail = rest.partition("?")[0].rpartition("@")
    return f"{scheme}://{'…@' if head else ''}{tail}" if rest else scheme


def _postgresql(url: str, read_only: bool) -> URL:
    try:
        made = make_url(url)
    except (ArgumentError, ValueError):
        raise _malformed("can't be read") from None
    if "@" in (
        made.host or ""
    ):  # an unwritten %40: libpq would show half of the password as a host
        raise _malformed("can't be read")
    if not made.database:
        raise _malformed("must name a database")
    query = _LIBPQ | dict(made.query)
    given = query.get("options", "")
    query["options"] = (
        f"{_session(read_only)} {given if isinstance(given, str) else ' '.join(given)}".strip()
    )
    return made.set(drivername="postgresql+psycopg", query=query)


def _session(read_only: bool) -> str:
    """What each session is set to; what the address gives in `options` stands behind it, and wins."""
    values = {
        "statement_timeout": f"{STATEMENT_S}s",
        "lock_timeout": f"{LOCK_S}s",
        "idle_in_transaction_session_timeout": f"{STATEMENT_S}s",
        "timezone": "UTC",
    }
    if read_only:
        values["default_transaction_read_only"] = "on"
    return " ".join(f"-c {name}={value}" for name, value in values.items())


def _malformed(need: str) -> StoreError:
    return StoreError(
        "URBAN_OPERATIONS",
        need,
        remedy="it is postgresql://user:password@host:port/database; in user and password"
        " @ is written %40, / %2F, : %3A, # %23, ? %3F and % %25",
    )
