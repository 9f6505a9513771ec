"""InfluxDB 1.x: `/write` and `/query`, at influx1://user:password@host:8086/database."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

import urllib3

from store.influx_http import Patience
from store.influx_query import Found, identifier
from store.influx_server import POLICIES, InfluxAddress, InfluxConnection, influx_address
from telemetry.errors import StoreError

SHAPE = "influx1://user:password@host:8086/database"

# A policy that was there before us is left as it is: how long to keep what is the operator's choice.
_KEEP_FOREVER = "DURATION INF REPLICATION 1"


def influx1_address(url: str, place: str = "URBAN_TELEMETRY") -> InfluxAddress:
    """Take an address apart. Raises SettingsError in words."""
    return influx_address(url, "influx1", SHAPE, place)


class Influx1Server:
    """One database of an InfluxDB 1.x. See `InfluxServer`."""

    def __init__(self, address: InfluxAddress, patience: Patience | None = None) -> None:
        self.place = str(address)
        (self._database,) = address.path
        headers = {}
        if address.user:
            headers = urllib3.make_headers(basic_auth=f"{address.user}:{address.password}")
        self._http = InfluxConnection(address, headers, patience or Patience())

    def prepare(self) -> None:
        """Make database and policies where they are missing.

        Raises StoreError where they are missing and making them is not allowed.
        """
        missing = set(POLICIES) - self._policies()
        for policy in sorted(missing):
            statement = (
                f"CREATE RETENTION POLICY {identifier(policy)} ON {identifier(self._database)} "
                f"{_KEEP_FOREVER}"
            )
            self._make(statement, f"retention policy {policy}")

    def write(self, policy: str, lines: bytes) -> None:
        """See InfluxServer.write."""
        where = {"db": self._database, "precision": "ns"} | ({"rp": policy} if policy else {})
        self._http.post(f"/write?{urlencode(where)}", lines)

    def query(self, statements: Sequence[str]) -> list[list[Found]]:
        """See InfluxServer.query."""
        return self._http.ask({"db": self._database}, statements)

    def close(self) -> None:
        """See InfluxServer.close."""
        self._http.close()

    def _policies(self) -> set[str]:
        # Creating a database that is there changes nothing, but takes an administrator: look first.
        ((found, *_),) = self.query(["SHOW DATABASES"])
        if [self._database] not in found.values:
            self._make(f"CREATE DATABASE {identifier(self._database)}", "database")
        ((found, *_),) = self.query([f"SHOW RETENTION POLICIES ON {identifier(self._database)}"])
        return set(found.column("name"))

    def _make(self, statement: str, what: str) -> None:
        try:
            self.query([statement])
        except StoreError as error:
            raise StoreError(
                self.place,
                f"{what} is missing and can't be made ({error.need})",
                remedy=f"have an administrator run: {statement}",
            ) from None
