"""InfluxDB 1.x: `/write` and `/query`, at influx1://user:password@host:8086/database."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import urllib3

from store.influx_http import Patience
from store.influx_query import Found, identifier
from store.influx_server import (
    POLICIES,
    InfluxAddress,
    InfluxConnection,
    in_words,
    influx_address,
    shard_length,
)
from telemetry.clock import HOUR, MINUTE, SECOND
from telemetry.errors import StoreError

SHAPE = "influx1://user:password@host:8086/database"

_KEEP_FOREVER = "DURATION INF REPLICATION 1"


def influx1_address(url: str, place: str = "URBAN_TELEMETRY") -> InfluxAddress:
    """Take an address apart. Raises SettingsError in words."""
    return influx_address(url, "influx1", SHAPE, place)


@dataclass(frozen=True, slots=True)
class _Policy:
    kept_for: int  # [ns]; 0: for ever
    default: bool


class Influx1Server:
    """One database of an InfluxDB 1.x. See `InfluxServer`."""

    def __init__(self, address: InfluxAddress, patience: Patience | None = None) -> None:
        self.place = str(address)
        (self._database,) = address.path
        headers = {}
        if address.user:
            headers = urllib3.make_headers(basic_auth=f"{address.user}:{address.password}")
        self._http = InfluxConnection(address, headers, patience or Patience())

    def prepare(self) -> list[str]:
        """Make database and policies where they are missing. Returns what was made, in words.

        Raises StoreError where they are missing and making them is not allowed.
        """
        made = []
        if not self._there():
            self._make(f"CREATE DATABASE {identifier(self._database)}", "database")
            made.append(f"database {self._database}")
        missing = set(POLICIES) - self._policies().keys()
        for policy in sorted(missing):
            statement = (
                f"CREATE RETENTION POLICY {identifier(policy)} ON {identifier(self._database)} "
                f"{_KEEP_FOREVER}"
            )
            self._make(statement, f"retention policy {policy}")
            made.append(f"retention policy {policy}")
        return made

    def write(self, policy: str, lines: bytes) -> None:
        """See InfluxServer.write."""
        where = {"db": self._database, "precision": "ns"} | ({"rp": policy} if policy else {})
        self._http.post(f"/write?{urlencode(where)}", lines)

    def query(self, statements: Sequence[str]) -> list[list[Found]]:
        """See InfluxServer.query."""
        return self._http.ask({"db": self._database}, statements)

    def keep(self, policy: str, kept_for: int) -> str:
        """See InfluxServer.keep."""
        found = self._policies()
        name = policy or next((n for n, p in found.items() if p.default), "autogen")
        if name in found and found[name].kept_for == kept_for:
            return ""
        statement = (
            f"ALTER RETENTION POLICY {identifier(name)} ON {identifier(self._database)} "
            f"DURATION {_span(kept_for)} SHARD DURATION {_span(shard_length(kept_for))}"
        )
        try:
            self.query([statement])
        except StoreError as error:
            raise StoreError(
                self.place,
                f"retention policy {name} keeps its points for another time and can't be changed "
                f"({error.need})",
                remedy=f"run urban ingest --setup as an administrator, or have one run: {statement}",
            ) from None
        return f"retention policy {name} keeps its points {in_words(kept_for)}"

    def remove(self, policy: str, measurement: str, before: int) -> None:
        """See InfluxServer.remove. DELETE knows no policy, hence: of a measurement in one policy alone."""
        self.query([f"DELETE FROM {identifier(measurement)} WHERE time < {before}"])

    def close(self) -> None:
        """See InfluxServer.close."""
        self._http.close()

    def _there(self) -> bool:
        # Creating a database that is there changes nothing, but takes an administrator: look first.
        ((found, *_),) = self.query(["SHOW DATABASES"])
        return [self._database] in found.values

    def _policies(self) -> dict[str, _Policy]:
        ((found, *_),) = self.query([f"SHOW RETENTION POLICIES ON {identifier(self._database)}"])
        columns = (found.column(name) for name in ("name", "duration", "default"))
        return {
            name: _Policy(_nanoseconds(duration), bool(default))
            for name, duration, default in zip(*columns, strict=True)
        }

    def _make(self, statement: str, what: str) -> None:
        try:
            self.query([statement])
        except StoreError as error:
            raise StoreError(
                self.place,
                f"{what} is missing and can't be made ({error.need})",
                remedy=f"have an administrator run: {statement}",
            ) from None


def _span(time: int) -> str:
    """A duration in InfluxQL; whole hours here."""
    return f"{time // HOUR}h" if time else "INF"


def _nanoseconds(duration: str) -> int:
    """A duration as the server shows it: 9624h0m0s; 0s is for ever."""
    unit = {"h": HOUR, "m": MINUTE, "s": SECOND}
    return sum(int(n) * unit[u] for n, u in re.findall(r"(\d+)([hms])", duration))
