"""Back up and restore: both stores, what waits for them, and how far analytics had come, into one folder.

The order makes a copy whole while the platform runs: first how far analytics had come (what follows is worked
out again), then messages that wait (one that is stored meanwhile is recognised as a repeat), then readings with
their account, then operations (an item of quarantine is there before the account that counts it).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from commands.stores import RESTORING, lock_folder, prepare_folder
from devices.device import Catalogue
from devices.registry import load_kinds
from ingest.refusals import Refusals
from store.copy_files import (
    CopiedFile,
    Manifest,
    Tell,
    check,
    copied,
    read_manifest,
    write_manifest,
)
from store.duckdb_copy import copy_duckdb, copy_duckdb_file, restore_duckdb
from store.duckdb_store import DuckDBStore
from store.operations_copy import copy_operations, occupied, restore_operations
from store.sql_store import SqlOperations
from telemetry.clock import Clock, format_time
from telemetry.errors import StartError
from telemetry.settings import Settings

if TYPE_CHECKING:
    from store.influx_server import InfluxServer

_STATE = "state"
SNAPSHOT, SPOOL = "analytics.npz", "spool"


def back_up(
    settings: Settings, folder: Path, clock: Clock, tell: Tell, store: DuckDBStore | None = None
) -> Manifest:
    """Copy everything into `folder`, which is there when it is whole. `store`: DuckDB that this process holds.

    Raises StoreBusy where another process holds DuckDB's file, StartError and StoreError in words.
    """
    with _made(folder) as root:
        made = format_time(clock.now())
        files = _copy_state(settings.data_dir, root)
        influx = settings.telemetry.startswith("influx")
        settled = 0
        if influx:
            found, settled = _copy_influx(settings, root, tell)
        elif store is not None:
            with store.reading() as db:
                found = copy_duckdb(db, root, tell)
        else:
            found = copy_duckdb_file(settings.telemetry_path, root, tell)
        tables, revision, sequences = copy_operations(settings.operations_url, root, tell)
        manifest = Manifest(
            made=made,
            program=version("urban-sensing"),
            city=settings.city,
            telemetry="influxdb" if influx else "duckdb",
            settled=settled,
            operations=urlsplit(settings.operations_url).scheme,
            revision=revision,
            sequences=sequences,
            files=files + found + tables,
        )
        write_manifest(root, manifest)
    return manifest


def restore(settings: Settings, folder: Path, replace: bool, tell: Tell) -> Manifest:
    """Put a copy into the stores of the settings, which must be empty unless `replace`; no platform may run.

    Nothing is changed before the copy has been found whole, and the places empty. Raises in words.
    """
    manifest = read_manifest(folder)
    _refuse_other_sort(settings, manifest)
    prepare_folder(settings.data_dir)
    lock = lock_folder(settings.data_dir)
    try:
        check(folder, manifest, tell)
        _refuse_occupied(settings, replace)
        unfinished = settings.data_dir / RESTORING
        unfinished.write_text(f"{folder}\n", encoding="utf-8")
        restore_operations(settings.operations_url, folder, manifest, tell)
        if manifest.telemetry == "influxdb":
            _restore_influx(settings, folder, manifest, replace, tell)
        else:
            path = settings.telemetry_path
            restore_duckdb(path, folder, manifest, settings.duckdb_mb, tell)
        _restore_state(settings.data_dir, folder, manifest)
        unfinished.unlink()
    finally:
        os.close(lock)
    return manifest


@contextmanager
def _made(folder: Path) -> Iterator[Path]:
    """A folder beside, which takes the name when all went well, and is gone when it did not."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StartError(
            str(folder), "must not be there yet, or be empty: no backup is overwritten"
        )
    beside = folder.with_name(folder.name + ".unfinished")
    try:
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(mode=0o700, parents=True)
        yield beside
        with suppress(FileNotFoundError):
            folder.rmdir()
        beside.replace(folder)
    except OSError as error:
        raise StartError(str(folder), f"can't be written ({error.strerror})") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _copy_state(data: Path, root: Path) -> list[CopiedFile]:
    """How far analytics had come, and what waits in the spool; a segment that is drained meanwhile is gone."""
    files = []
    names = [Path(SNAPSHOT), *(p.relative_to(data) for p in sorted((data / SPOOL).glob("*.spool")))]
    for name in names:
        path = root / _STATE / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            shutil.copyfile(data / name, path)
        except FileNotFoundError:
            continue
        files.append(copied(root, path, 0))
    return files


def _restore_state(data: Path, folder: Path, manifest: Manifest) -> None:
    shutil.rmtree(data / SPOOL, ignore_errors=True)
    (data / SNAPSHOT).unlink(missing_ok=True)
    for file in manifest.files:
        if file.path.startswith(f"{_STATE}/"):
            path = data / file.path.removeprefix(f"{_STATE}/")
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / file.path, path)


def _refuse_other_sort(settings: Settings, manifest: Manifest) -> None:
    here = "influxdb" if settings.telemetry.startswith("influx") else "duckdb"
    if here != manifest.telemetry:
        raise StartError(
            "URBAN_TELEMETRY", f"must name a store like the one that was copied, {manifest.telemetry}",
            here,
        )  # fmt: skip


def _refuse_occupied(settings: Settings, replace: bool) -> None:
    if replace:
        return
    found = [occupied(settings.operations_url)]
    if settings.telemetry.startswith("influx"):
        from store.influx_copy import occupied_influx

        with influx_server(settings) as server:
            found.append(occupied_influx(server))
    elif settings.telemetry_path.exists():
        found.append(f"{settings.telemetry_path} is there")
    data = settings.data_dir
    if (data / SNAPSHOT).exists() or any((data / SPOOL).glob("*.spool")):
        found.append(f"{data} holds the state of a platform")
    if any(found):
        raise StartError(
            "restore", f"must go into an empty place: {'; '.join(f for f in found if f)}",
            remedy="name empty stores and an empty data folder, or say --replace: what is there is removed",
        )  # fmt: skip


@contextmanager
def influx_server(settings: Settings) -> Iterator[InfluxServer]:
    """The server of the settings."""
    from store.influx import influx_server as named

    server = named(settings.telemetry)
    try:
        yield server
    finally:
        server.close()


def _copy_influx(settings: Settings, root: Path, tell: Tell) -> tuple[list[CopiedFile], int]:
    from store.influx_copy import copy_influx

    with influx_server(settings) as server:
        return copy_influx(server, root, tell)


def _restore_influx(
    settings: Settings, folder: Path, manifest: Manifest, replace: bool, tell: Tell
) -> None:
    from store.influx_copy import clear_influx, finish_influx, restore_influx

    catalogue = Catalogue(load_kinds())
    operations = SqlOperations(settings.operations_url)
    try:
        for device in operations.devices():
            catalogue.put(device)
        with influx_server(settings) as server:
            server.prepare()
            if replace:
                clear_influx(server)
            restore_influx(server, folder, manifest, tell)
            finish_influx(server, catalogue, manifest, Refusals(operations, catalogue).take)
    finally:
        operations.close()
