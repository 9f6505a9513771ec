"""Backups that the running platform makes of itself, one at a time, into backups/ of its data folder."""

from __future__ import annotations

import logging
import threading

from msgspec.structs import replace

from api.platform_schemas import Backup
from commands.copying import back_up
from store.copy_files import read_manifest
from store.duckdb_store import DuckDBStore
from store.telemetry import TelemetryStore
from telemetry.clock import Clock, format_time
from telemetry.errors import StoreError, UrbanError
from telemetry.settings import Settings

_LOG = logging.getLogger(__name__)
FOLDER = "backups"


class Backups:
    """See `api.context.BackupDesk`. Ends with the process: what is unfinished then is no backup."""

    def __init__(self, settings: Settings, telemetry: TelemetryStore, clock: Clock) -> None:
        self._settings = settings
        self._store = telemetry if isinstance(telemetry, DuckDBStore) else None
        self._clock = clock
        self._lock = threading.Lock()
        self._current: Backup | None = None

    def start(self, by: str) -> Backup | None:
        """Begin one; None where one is being made."""
        with self._lock:
            if self._current is not None and self._current.state == "running":
                return None
            made = format_time(self._clock.now())
            name = "".join(c for c in made if c.isalnum()).lower()
            self._current = begun = Backup(name, "running", made)
        _LOG.info("backup %s begun by %s", name, by)
        threading.Thread(target=self._make, args=(begun,), name="backup", daemon=True).start()
        return begun

    def all(self) -> list[Backup]:
        """Those that lie in the folder, and the one that is being made or failed: the newest first."""
        found: dict[str, Backup] = {}
        for folder in (self._settings.data_dir / FOLDER).glob("*/"):
            try:
                manifest = read_manifest(folder)
            except StoreError:
                continue
            total = sum(f.bytes for f in manifest.files)
            found[folder.name] = Backup(folder.name, "done", manifest.made, "", 1.0, total)
        current = self._current
        if current is not None and current.state != "done":
            found[current.name] = current
        return [found[name] for name in sorted(found, reverse=True)]

    def _make(self, begun: Backup) -> None:
        def tell(part: str, share: float) -> None:
            self._current = replace(begun, part=part, share=share)

        folder = self._settings.data_dir / FOLDER / begun.name
        try:
            back_up(self._settings, folder, self._clock, tell, self._store)
            self._current = replace(begun, state="done", share=1.0)
        except UrbanError as error:
            _LOG.error("backup %s failed: %s", begun.name, error)
            self._current = replace(begun, state="failed", detail=str(error))
        except Exception as error:  # whoever waits for it must hear of it
            _LOG.exception("backup %s failed", begun.name)
            self._current = replace(begun, state="failed", detail=repr(error))
