"""A copy of the stores as files: what stands in its manifest, and files of rows that are written and checked whole.

manifest.json           what the copy holds: versions, counts, and a checksum of every other file
operations/NAME.jsonl.gz    a table: the names of its columns, then a row a line
telemetry/…             Parquet from DuckDB, gzipped line protocol from an InfluxDB
state/…                 messages that waited for a store, and how far analytics had come
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

import msgspec

from telemetry.errors import StoreError

FORMAT = 1
MANIFEST = "manifest.json"
# (part, how much of it is done, 0…1)
Tell = Callable[[str, float], None]
_LINES_AT_ONCE = 500


class CopiedFile(msgspec.Struct, frozen=True):
    """One file: its path in the copy, rows, bytes and SHA-256."""

    path: str
    rows: int
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a copy holds.

    made        when it was begun, RFC 3339
    telemetry   duckdb | influxdb: a copy goes back into a store of its sort
    settled     InfluxDB: up to this record of the log, points and account were whole when copying began
    revision    the step that the tables of the operations store had reached
    sequences   table → the highest number that it ever gave
    """

    format: int = FORMAT
    made: str
    program: str
    city: str
    telemetry: str
    settled: int = 0
    operations: str
    revision: str
    sequences: dict[str, int]
    files: list[CopiedFile]

    def rows(self, folder: str) -> dict[str, int]:
        """Rows by name, of the files in one folder of the copy."""
        found = [f for f in self.files if f.path.startswith(f"{folder}/")]
        return {f.path.removeprefix(f"{folder}/").partition(".")[0]: f.rows for f in found}


def copied(root: Path, path: Path, rows: int) -> CopiedFile:
    """The manifest's line of a file that has been written."""
    return CopiedFile(str(path.relative_to(root)), rows, path.stat().st_size, checksum(path))


def checksum(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_lines(path: Path, lines: Iterable[bytes]) -> int:
    """Write lines, gzipped; returns how many."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    count = 0
    # Level 1: the disk is not the limit, the processor is.
    with gzip.open(path, "wb", compresslevel=1) as file:
        lines = iter(lines)
        while some := list(islice(lines, _LINES_AT_ONCE)):
            file.write(b"\n".join(some) + b"\n")
            count += len(some)
    return count


def read_lines(path: Path) -> Iterator[bytes]:
    """The lines of a file that `write_lines` made."""
    with gzip.open(path, "rb") as file:
        for line in file:
            yield line.removesuffix(b"\n")


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """The last file of a copy: without it there is none."""
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    (folder / MANIFEST).write_bytes(text + b"\n")


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a copy. Raises StoreError where there is none that this version knows."""
    path = folder / MANIFEST
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise StoreError(
            str(path), "is not there: this is no backup, or one that was not finished"
        ) from None
    except (OSError, msgspec.MsgspecError) as error:
        raise StoreError(str(path), f"is no manifest of a backup ({error})") from None
    if found.format != FORMAT:
        raise StoreError(str(path), f"must be of format {FORMAT}", found.format)
    for file in found.files:
        parts = Path(file.path).parts
        if Path(file.path).is_absolute() or ".." in parts:
            raise StoreError(str(path), "names a file outside of the backup", file.path)
    return found


def check(folder: Path, manifest: Manifest, tell: Tell) -> None:
    """Raise StoreError for the first file that is not what was written."""
    whole, seen = sum(f.bytes for f in manifest.files) or 1, 0
    for file in manifest.files:
        path = folder / file.path
        if not path.is_file():
            raise StoreError(str(path), "is missing: the backup is not whole")
        if path.stat().st_size != file.bytes or checksum(path) != file.sha256:
            raise StoreError(
                str(path), "is not what was written: its checksum differs",
                remedy="take another backup; nothing has been changed",
            )  # fmt: skip
        seen += file.bytes
        tell("checking", seen / whole)
