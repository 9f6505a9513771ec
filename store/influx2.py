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
from influxdb_client.domain.bucket_retention_rules import BucketRetentionRules
from influxdb_client.domain.write_precision import WritePrecision
from influxdb_client.rest import ApiException

from store.influx_http import Answer, Patience, until_taken
from store.influx_query import Found
from store.influx_server import (
    POLICIES,
    InfluxAddress,
    InfluxConnection,
    in_words,
    influx_address,
    shard_length,
)
from telemetry.clock import SECOND, to_datetime
from telemetry.errors import StoreError

SHAPE = "influx://token@host:8086/org/bucket"
TIMEOUT_MS = 10_000


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
            address.base, token=address.user, org=self._org, timeout=TIMEOUT_MS
        )
        self._writer: Any = self._client.write_api(write_options=SYNCHRONOUS)
        headers = {"Authorization": f"Token {address.user}"}
        self._http = InfluxConnection(address, headers, self._patience)

    def prepare(self) -> list[str]:
        """Make the buckets that are missing. Returns which, in words.

        Raises StoreError where one is missing and making it is not allowed.
        """
        made = []
        for name in self.buckets():
            if self.bucket_named(name) is None:
                self._make(name)
                made.append(f"bucket {name}")
        return made

    def buckets(self) -> list[str]:
        """The names of the bucket and of those beside it."""
        return [self._bucket, *(self._named(policy) for policy in POLICIES)]

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

    def keep(self, policy: str, kept_for: int) -> str:
        """See InfluxServer.keep."""
        bucket = self.bucket_named(self._named(policy))
        if bucket is None:
            raise StoreError(self.place, f"bucket {self._named(policy)} is missing")
        seconds = kept_for // SECOND
        if sum(rule.every_seconds for rule in bucket.retention_rules or []) == seconds:
            return ""
        bucket.retention_rules = [retention_rule(kept_for)]
        try:
            self._until_taken(lambda: self._client.buckets_api().update_bucket(bucket), 0)
        except StoreError as error:
            raise StoreError(
                self.place,
                f"bucket {bucket.name} keeps its points for another time and can't be changed "
                f"({error.need})",
                remedy="run urban ingest --setup with an administrator's token, or have one run: "
                f"influx bucket update --id {bucket.id} --retention {seconds}s",
            ) from None
        return f"bucket {bucket.name} keeps its points {in_words(kept_for)}"

    def remove(self, policy: str, measurement: str, before: int) -> None:
        """See InfluxServer.remove."""

        def send() -> Any:
            # The end of the range counts in, and is told in microseconds.
            return self._client.delete_api().delete(
                to_datetime(0),
                to_datetime(before - 1_000),
                f'_measurement="{measurement}"',
                bucket=self._named(policy),
                org=self._org,
            )

        self._until_taken(send, 0)

    def close(self) -> None:
        """See InfluxServer.close."""
        self._writer.close()
        self._client.close()
        self._http.close()

    def _named(self, policy: str) -> str:
        return f"{self._bucket}/{policy}" if policy else self._bucket

    def bucket_named(self, name: str) -> Any:
        """The bucket; None where there is none that we may see."""
        found: list[Any] = []

        def send() -> None:
            # A bucket that is not there is an empty list to some versions and a 404 to others.
            try:
                bucket = self._client.buckets_api().find_bucket_by_name(name)
            except ApiException as error:
                if error.status != 404:
                    raise
                return
            found.append(bucket)

        self._until_taken(send, 0)
        return found[0] if found else None

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
                return answer_of(error)
            return Answer(204, {}, b"")

        until_taken(self.place, send, size, self._patience)


def retention_rule(kept_for: int) -> Any:
    """The rule of a bucket whose points are kept for so long [ns]; 0: for ever."""
    return BucketRetentionRules(  # type: ignore[no-untyped-call]
        type="expire",
        every_seconds=kept_for // SECOND,
        shard_group_duration_seconds=shard_length(kept_for) // SECOND,
    )


def answer_of(error: ApiException) -> Answer:
    """What the client made an exception of."""
    body = error.body or error.reason or ""
    headers = {str(k).lower(): str(v) for k, v in (error.headers or {}).items()}
    return Answer(
        int(error.status or 0), headers, body.encode() if isinstance(body, str) else bytes(body)
    )
