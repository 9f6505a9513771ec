"""An InfluxDB made ready for the platform: database or buckets, retention, and on 2.x tokens. Safe to repeat."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import urllib3

from store.influx1 import SHAPE as SHAPE1
from store.influx1 import Influx1Server, influx1_address
from store.influx_expire import keep
from store.influx_http import Patience
from store.influx_server import InfluxAddress
from telemetry.errors import SettingsError, StoreError
from telemetry.retention import Retention

SHAPE2 = "influx://token@host:8086/org/bucket"


def set_up_influx(
    url: str,
    retention: Retention,
    tokens: Path | None,
    patience: Patience | None = None,
    place: str = "URBAN_TELEMETRY",
) -> Iterator[str]:
    """Do what is missing; a line for each thing that was done. Raises UrbanError in words.

    tokens: a folder for the tokens of 2.x; they are made where it is named.
    """
    if urlsplit(url).scheme.startswith("influx1"):
        address = influx1_address(url, place)
        check_version(address, "1", SHAPE2)
        if tokens is not None:
            raise SettingsError("--tokens", "are for InfluxDB 2.x: 1.x has names and passwords")
        server = Influx1Server(address, patience)
        try:
            yield from server.prepare()
            yield from keep(server, retention)
        finally:
            server.close()
        return
    from store.influx2 import influx2_address
    from store.influx2_setup import set_up_influx2

    address = influx2_address(url, place)
    check_version(address, "2", SHAPE1)
    yield from set_up_influx2(address, retention, tokens, patience or Patience())


def check_version(address: InfluxAddress, major: str, other: str) -> None:
    """Raise StoreError where no InfluxDB of this major version answers. other: an address for others."""
    try:
        answer = urllib3.request("GET", f"{address.base}/ping", retries=False, timeout=5.0)
    except urllib3.exceptions.HTTPError as error:
        raise StoreError(
            str(address),
            f"no InfluxDB answers there ({error})",
            remedy="start it, or correct host and port",
        ) from None
    version = answer.headers.get("X-Influxdb-Version", "").removeprefix("v")
    if not version:
        raise StoreError(str(address), "what answers there is no InfluxDB", answer.status)
    found = version.partition(".")[0]
    if found == major:
        return
    if found not in ("1", "2"):
        raise StoreError(
            str(address),
            f"is InfluxDB {version}; 1.x and 2.x can be set up",
            remedy="use one of them",
        )
    raise StoreError(
        str(address),
        f"is InfluxDB {version}, and the address is one for {major}.x",
        remedy=f"write it like {other}",
    )
