"""A telemetry address → an open InfluxDB store, of whichever version the address names."""

from __future__ import annotations

from urllib.parse import urlsplit

from devices.device import Catalogue
from store import influx1
from store.influx_http import Patience
from store.influx_server import InfluxServer
from store.influx_store import InfluxStore
from store.influx_write import OnRefused, log_refused
from telemetry.errors import SettingsError


def open_influx(
    url: str,
    catalogue: Catalogue,
    on_refused: OnRefused = log_refused,
    patience: Patience | None = None,
    place: str = "URBAN_TELEMETRY",
) -> InfluxStore:
    """Open influx1://user:password@host:8086/database or influx://token@host:8086/org/bucket.

    `influx1s://` and `influxs://` mean TLS. Raises SettingsError for another address, StoreError where
    the server is away, does not let us in, or lacks a database that we may not make.
    """
    return InfluxStore(influx_server(url, patience, place), catalogue, on_refused)


def influx_server(
    url: str, patience: Patience | None = None, place: str = "URBAN_TELEMETRY"
) -> InfluxServer:
    """The server that an address names, not opened as a store. Raises as `open_influx`."""
    scheme = urlsplit(url).scheme
    if scheme in ("influx1", "influx1s"):
        return influx1.Influx1Server(influx1.influx1_address(url, place), patience)
    if scheme in ("influx", "influxs"):
        # influxdb-client takes a while to import: only who uses it waits.
        from store.influx2 import Influx2Server, influx2_address

        return Influx2Server(influx2_address(url, place), patience)
    raise SettingsError(
        place, f"must look like {influx1.SHAPE} or influx://token@host:8086/org/bucket", scheme
    )
