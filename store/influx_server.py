"""What the store needs of an InfluxDB of any version, and where its parts live.

The default retention policy holds readings; roll-ups, and the log with the account, have policies of
their own, so that each can be kept for its own time. On 2.x a policy `r1h` of `city` is bucket `city/r1h`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import unquote, urlsplit

import urllib3

from store.influx_http import Answer, Patience, until_taken
from store.influx_query import Found, decode_answer
from telemetry.clock import DAY, HOUR, MINUTE
from telemetry.errors import SettingsError
from telemetry.retention import FOR_EVER

READINGS = ""
LOG = "log"
ROLLUP_POLICY = {MINUTE: "r1m", HOUR: "r1h"}
POLICIES = (LOG, *ROLLUP_POLICY.values())

# Statements in one request: enough to save round trips, few enough to keep an answer small.
STATEMENTS_AT_ONCE = 40


class InfluxServer(Protocol):
    """One database of one server. Safe to use from several threads."""

    place: str

    def prepare(self) -> list[str]:
        """See that database and policies are there, and make them where that is allowed. What was made."""
        ...

    def write(self, policy: str, lines: bytes) -> None:
        """Write lines; on disk on return. Raises Refused, TooLarge or StoreError (store/influx_http.py)."""
        ...

    def query(self, statements: Sequence[str]) -> list[list[Found]]:
        """The series that each InfluxQL statement finds. Raises StoreError."""
        ...

    def keep(self, policy: str, kept_for: int) -> str:
        """See that a policy keeps its points for so long [ns], 0: for ever; change it where it does not.

        Returns what was changed, in words; "" where it was so already.

        The server removes what is older, in stretches of a day or a week, and refuses to write it.
        Raises StoreError where it may not be changed.
        """
        ...

    def remove(self, policy: str, measurement: str, before: int) -> None:
        """Remove the points of a measurement that stands in this policy alone, with time < before [ns]."""
        ...

    def close(self) -> None:
        """Let go of the connections."""
        ...


def shard_length(kept_for: int) -> int:
    """How much time one shard holds, of points that are kept for so long; the servers' own default. [ns]

    InfluxDB, "Shard group duration": an hour below two days, a day up to six months, else a week.
    """
    if kept_for == FOR_EVER or kept_for > 180 * DAY:
        return 7 * DAY
    return DAY if kept_for >= 2 * DAY else HOUR


def in_words(kept_for: int) -> str:
    """How long points are kept [ns], for people."""
    return "for ever" if kept_for == FOR_EVER else f"for {kept_for / DAY:g} days"


@dataclass(frozen=True, slots=True)
class InfluxAddress:
    """Where a database is. Passwords and tokens never show in `str()` or `repr()`."""

    base: str  # http://host:8086
    path: tuple[str, ...]  # the names after the host
    user: str = ""
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"{self.base}/{'/'.join(self.path)}"


def influx_address(url: str, scheme: str, shape: str, place: str) -> InfluxAddress:
    """Take `scheme://user:password@host:port/name…` apart; `schemes://` means TLS.

    `shape` is an address as it should look, with as many names in its path as are needed.
    Raises SettingsError for anything else.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or 8086
        names = tuple(unquote(p) for p in parts.path.strip("/").split("/") if p)
        fits = parts.scheme in (scheme, f"{scheme}s") and bool(parts.hostname)
    except ValueError:
        fits, names, port, parts = False, (), 0, urlsplit("")
    if not fits or len(names) != len(urlsplit(shape).path.strip("/").split("/")):
        raise SettingsError(place, f"must look like {shape}", url.rpartition("@")[2])
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    base = f"http{'s' if parts.scheme == f'{scheme}s' else ''}://{host}:{port}"
    return InfluxAddress(base, names, unquote(parts.username or ""), unquote(parts.password or ""))


class InfluxConnection:
    """HTTP to one server: connections are kept, nothing is repeated behind our back."""

    def __init__(self, address: InfluxAddress, headers: dict[str, str], patience: Patience) -> None:
        self._base, self._place, self._patience = address.base, str(address), patience
        self._pool = urllib3.PoolManager(
            maxsize=8,
            headers={"User-Agent": "urban-sensing", **headers},
            retries=False,
            timeout=urllib3.Timeout(connect=3.0, read=10.0),
        )

    def post(self, path: str, body: bytes) -> bytes:
        """POST lines; see `until_taken` for what is raised."""

        def send() -> Answer:
            return self._answer(self._pool.request("POST", self._base + path, body=body))

        return until_taken(self._place, send, len(body), self._patience)

    def ask(self, fields: dict[str, str], statements: Sequence[str]) -> list[list[Found]]:
        """Put InfluxQL statements to `/query`; times come back in ns."""
        found: list[list[Found]] = []
        for i in range(0, len(statements), STATEMENTS_AT_ONCE):
            some = statements[i : i + STATEMENTS_AT_ONCE]
            form = {**fields, "epoch": "ns", "chunked": "true", "q": "; ".join(some)}
            found += decode_answer(self._place, self._query(form), len(some))
        return found

    def close(self) -> None:
        """Close all connections."""
        self._pool.clear()

    def _query(self, form: dict[str, str]) -> bytes:
        def send() -> Answer:
            url = f"{self._base}/query"
            answer = self._pool.request_encode_body("POST", url, form, encode_multipart=False)
            return self._answer(answer)

        return until_taken(self._place, send, 0, self._patience)

    @staticmethod
    def _answer(response: urllib3.BaseHTTPResponse) -> Answer:
        headers = {k.lower(): v for k, v in response.headers.items()}
        return Answer(response.status, headers, response.data)
