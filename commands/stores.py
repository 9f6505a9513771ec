"""Settings → the stores, opened in the order that leaves another run's files alone."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from devices.device import Catalogue
from devices.registry import load_kinds
from ingest.refusals import Refusals
from store.duckdb_store import DuckDBStore
from store.sql_store import SqlOperations
from store.telemetry import TelemetryStore
from telemetry.errors import StartError
from telemetry.settings import Settings

# Stands in the data folder while a backup is put back: what is half there is nothing to start on.
RESTORING = "restoring"


class Stores:
    """Both stores, and the catalogue of devices that they know.

    One process a data folder, which holds the spool and the state of analytics. Raises UrbanError in words
    where a folder, a file or a server can't be had.
    """

    def __init__(self, settings: Settings) -> None:
        self.catalogue = Catalogue(load_kinds())
        prepare_folder(settings.data_dir)
        self._lock = lock_folder(settings.data_dir)
        try:
            _refuse_half_restored(settings.data_dir)
            self.operations = SqlOperations(settings.operations_url)
            for device in self.operations.devices():
                self.catalogue.put(device)
            # Opened before anything is written: where another run holds it, that run is left alone.
            self.refusals = Refusals(self.operations, self.catalogue)
            self.telemetry = open_telemetry(settings, self.catalogue, self.refusals)
        except BaseException:
            os.close(self._lock)
            raise

    def close(self) -> None:
        """Let go of both, and of the folder."""
        self.telemetry.close()
        self.operations.close()
        os.close(self._lock)


def _refuse_half_restored(folder: Path) -> None:
    if (folder / RESTORING).exists():
        raise StartError(
            "URBAN_DATA_DIR",
            "holds the beginning of a restore that was not finished",
            str(folder),
            "run urban doctor restore again, with --replace",
        )


def open_telemetry(settings: Settings, catalogue: Catalogue, refusals: Refusals) -> TelemetryStore:
    """The telemetry store that the settings name: DuckDB in the data folder, or an InfluxDB.

    DuckDB refuses no reading that has passed validation; what an InfluxDB refuses goes to `refusals`.
    """
    if settings.telemetry.startswith("influx"):
        # Its client takes a while to import: only who uses it waits.
        from store.influx import open_influx

        return open_influx(settings.telemetry, catalogue, refusals.take)
    return DuckDBStore(settings.telemetry_path, catalogue, settings.duckdb_mb)


def prepare_folder(folder: Path) -> None:
    """Make the data folder and see that it can be written. Raises StartError in words."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise StartError(
            "URBAN_DATA_DIR",
            f"must be a folder that can be written ({error.strerror})",
            str(folder),
            "choose another, or change its owner",
        ) from None


def lock_folder(folder: Path) -> int:
    """Hold the data folder until the descriptor is closed, by us or by the end of the process.

    Raises StartError where another process holds it: two of them would drain one spool.
    """
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise StartError(
            "URBAN_DATA_DIR",
            "is in use by another run",
            str(folder),
            "stop that run, or set URBAN_DATA_DIR to another folder",
        ) from None
    return handle
