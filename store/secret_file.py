"""Secrets on disk: files that only their owner may read, whole or not there at all."""

from __future__ import annotations

import os
from pathlib import Path

from telemetry.errors import StartError


def read_secret(path: Path) -> str:
    """What the file holds; "" where there is none. Raises StartError where it can't be read."""
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(str(path), f"can't be read ({error})") from None


def write_secret(path: Path, secret: str) -> None:
    """Write a file of mode 0600 in a folder that is made with 0700. Raises StartError in words."""
    beside = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside.unlink(missing_ok=True)
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secret + "\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise StartError(
            str(path), f"can't be written ({error.strerror})", remedy="name another folder"
        ) from None
