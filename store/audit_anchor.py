"""The head of the audit log in a file beside the database: what was cut off or rewritten no longer fits it.

The file never goes back, and never moves on over a log that does not contain what it holds.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from store.audit_chain import Head
from store.secret_file import read_secret, write_secret
from telemetry.errors import StoreError

NAME = "audit.head"


def parse_head(text: str, place: str) -> Head:
    """`NUMBER:HASH` → a head. Raises StoreError."""
    number, _, digest = text.strip().partition(":")
    if not number.isdecimal() or len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        raise StoreError(place, "must be NUMBER:HASH, as `urban audit head` prints it", text[:100])
    return Head(int(number), digest)


class Anchor:
    """`audit.head` in the data folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Head | None:
        """What is noted; None where nothing is yet."""
        text = read_secret(self.path)
        return parse_head(text, str(self.path)) if text else None

    def follow(self, head: Head, hash_of: Callable[[int], str | None]) -> str:
        """Move on to `head`. hash_of: number → hash in the log, None where there is none.

        Returns "" or, in words, why the log is not the one that was noted; the file stays then.
        """
        with self._alone():
            noted = self.read()
            if noted is not None:
                found = hash_of(noted.number)
                if found is None:
                    return f"record {noted.number}, noted as the head, is missing"
                if found != noted.hash:
                    return f"record {noted.number} is not the one that was noted as the head"
                if noted.number >= head.number:
                    return ""  # another process was faster
            write_secret(self.path, f"{head.number}:{head.hash}")
            return ""

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lock = self.path.with_name(self.path.name + ".lock")
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)
