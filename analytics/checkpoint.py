"""A snapshot of the engine on disk, with the position of the log that it was taken at.

Written beside and renamed, with fsync of file and folder: after any crash it is the old one or the new.
"""

from __future__ import annotations

import os
from pathlib import Path

from telemetry.errors import StoreError

_MAGIC = b"urban-analytics-1 "


def save(path: Path, position: int, state: bytes) -> None:
    """Put a snapshot in the place of the last one. Raises StoreError where it can't be written."""
    replace(path, _MAGIC + str(position).encode() + b"\n", state)


def replace(path: Path, *parts: bytes) -> None:
    """Put a file in the place of the one there. Raises StoreError where it can't be written."""
    beside = path.with_name(path.name + ".new")
    try:
        with beside.open("wb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise StoreError(str(path), f"can't be written ({error.strerror})") from None


def load(path: Path) -> tuple[int, bytes] | None:
    """(position, state), or None where there is no snapshot. Raises StoreError for anything else."""
    try:
        whole = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(str(path), f"can't be read ({error.strerror})") from None
    head, _, state = whole.partition(b"\n")
    number = head.removeprefix(_MAGIC)
    if not head.startswith(_MAGIC) or not number.isdigit():
        raise StoreError(str(path), "must begin as a snapshot of analytics", head[:40])
    return int(number), state


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
