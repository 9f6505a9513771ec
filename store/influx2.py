"""InfluxDB 2.x: influxdb-client writes and administers, InfluxQL reads, at influx://token@host:8086/org/bucket.

Synchronous writes of lines that are encoded here: the client's batching writer keeps what fails in
memory, and drops it after 180 seconds. A policy `r1h` of bucket `city` is the bucket `city/r1h`, which
InfluxQL finds as database `city`, retention policy `r1h`, without a mapping of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.domain.write_precision import WritePrecision
from influxdb_client.rest import ApiException

from store.influx_http import Answer, Patience, until_taken
from store.influx_query import Found
from store.influx_server import POLICIES, InfluxAddress, InfluxConnection, influx_address
from telemetry.errors import StoreError

SHAPE = "influx://token@host:8086/org/bucket"
_TIMEOUT_MS = 10_000


def influx2_address(url: str, place: str = "URBAN_TELEMETRY") -> InfluxAddress:
    """Take an address apart; the token stands for the user. Raises SettingsError in words."""
    return influx_address(url, "influx", SHAPE, place)


class Influx2Server:
    """One bucket of an InfluxDB 2.x, with its policies' buckets. See `InfluxServer`."""

    def __init__(self, address: InfluxAddress, patience: Patience | None = None) -> None:
        self.place = str(address)
        self._org, self._bucket = address.path
        self._patience = patience or Patience()
        # Half of the client's own annotations are missing: what it returns is checked here, not by mypy.
        self._client: Any = InfluxDBClient(
            address.base, token=address.user, org=self._org, timeout=_TIMEOUT_MS
        )
        self._writer: Any = self._client.write_api(write_options=SYNCHRONOUS)
        headers = {"Authorization": f"Token {address.user}"}
        self._http = InfluxConnection(address, headers, self._patience)

    def prepare(self) -> None:
        """Make the buckets that are missing.

        Raises StoreError where one is missing and making it is not allowed.
        """
        for name in (self._bucket, *(self._named(policy) for policy in POLICIES)):
            if not self._there(name):
                self._make(name)

    def write(self, policy: str, lines: bytes) -> None:
        """See InfluxServer.write."""

        def send() -> Any:
            return self._writer.write(
                self._named(policy), self._org, lines, write_precision=WritePrecision.NS
            )

        self._until_taken(send, len(lines))

    def query(self, statements: Sequence[str]) -> list[list[Found]]:
        """See InfluxServer.query."""
        return self._http.ask({"db": self._bucket}, statements)

    def close(self) -> None:
        """See InfluxServer.close."""
        self._writer.close()
        self._client.close()
        self._http.close()

    def _named(self, policy: str) -> str:
        return f"{self._bucket}/{policy}" if policy else self._bucket

    def _there(self, name: str) -> bool:
        found: list[Any] = []

        def send() -> None:
            # A bucket that is not there is an empty list to some versions and a 404 to others.
            try:
                bucket = self._client.buckets_api().find_bucket_by_name(name)
            except ApiException as error:
                if error.status != 404:
                    raise
                return
            found.extend([bucket] if bucket is not None else [])

        self._until_taken(send, 0)
        return bool(found)

    def _make(self, name: str) -> None:
        def send() -> Any:
            return self._client.buckets_api().create_bucket(bucket_name=name, org=self._org)

        try:
            self._until_taken(send, 0)
        except StoreError as error:
            raise StoreError(
                self.place,
                f"bucket {name} is missing and can't be made ({error.need})",
                remedy=f"have an administrator run: influx bucket create --org {self._org} --name {name}",
            ) from None

    def _until_taken(self, call: Callable[[], Any], size: int) -> None:
        """One call of influxdb-client, tried again as its answer asks for."""

        def send() -> Answer:
            try:
                call()
            except ApiException as error:
                return _answer(error)
            return Answer(204, {}, b"")

        until_taken(self.place, send, size, self._patience)


def _answer(error: ApiException) -> Answer:
    body = error.body or error.reason or ""
    headers = {str(k).lower(): str(v) for k, v in (error.headers or {}).items()}
    return Answer(
        int(error.status or 0), headers, body.encode() if isinstance(body, str) else bytes(body)
    )
