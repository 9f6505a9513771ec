"""Messages on our own disk while a store does not take them: append-only segments, drained oldest first.

A record is a batch of raw messages, as it came: what is a duplicate, and what it counts as in the account,
is judged when it is drained. Drained twice after a crash it is recognised as a repeat, like a message that
the broker sends again.

    segment  00000000000000000001.spool: records one after the other
    record   length (4 bytes), CRC-32 (4 bytes), MessagePack [[topic, payload, received], …]
    head     name of the oldest segment, and how much of it is drained
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

from devices.intake import Message
from telemetry import metrics
from telemetry.clock import SECOND
from telemetry.errors import StoreError

_HEADER = struct.Struct("<II")
_SUFFIX = ".spool"
_Body = list[tuple[str, bytes, int]]


class Spool:
    """Used by one thread. `append` is on disk on return; whatever was torn by a crash is cut at the start.

    Args: folder (made where it is absent), max_bytes (of all segments), segment_bytes (after which a new
    segment begins).
    """

    def __init__(self, folder: Path, max_bytes: int, segment_bytes: int = 64 * 2**20) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._segment_bytes = segment_bytes
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(_Body)
        self._writing: BinaryIO | None = None
        self._reading: BinaryIO | None = None
        self._received: int | None = None  # when the oldest message that waits came
        self.oldest_received: int | None = (
            None  # the same, and how full we are (0…1), for other threads
        )
        self.filled = 0.0
        folder.mkdir(parents=True, exist_ok=True)
        self._segments = [_number(p) for p in sorted(folder.glob(f"*{_SUFFIX}"))]
        self.torn_bytes = sum(self._cut_torn(n) for n in self._segments)
        self._size = sum(self._path(n).stat().st_size for n in self._segments)
        self._offset = self._read_head()
        self._tell()

    def __bool__(self) -> bool:
        """True while something waits to be drained."""
        return bool(self._segments) and (
            len(self._segments) > 1 or self._offset < self._tail_size()
        )

    def bytes(self) -> int:
        """Bytes that wait to be drained."""
        return self._size - self._offset if self._segments else 0

    def append(self, messages: Sequence[Message]) -> None:
        """Keep a batch. Raises StoreError where the disk or the spool is full; nothing is kept then."""
        body = self._encoder.encode([(m.topic, m.payload, m.received) for m in messages])
        record = _HEADER.pack(len(body), zlib.crc32(body)) + body
        if self.bytes() + len(record) > self._max_bytes:
            raise StoreError(
                str(self._folder), f"the spool is full ({self._max_bytes} bytes)",
                remedy="bring the store back, or raise URBAN_SPOOL_MB",
            )  # fmt: skip
        if not self:
            self._received = None
        file = self._tail()
        start = file.tell()
        try:
            file.write(record)
            file.flush()
            os.fsync(file.fileno())
        except OSError as error:
            self._undo(start)
            raise StoreError(str(self._folder), f"can't be written ({error.strerror})") from error
        self._size += len(record)
        self._tell()

    def since(self) -> int | None:
        """When the oldest message that waits was received; None where none waits. [ns]"""
        if self and self._received is None:
            try:
                body, _ = self._record()
            except StoreError:
                return None  # who drains it says so
            self._received = body[0][2]
        return self._received if self else None

    def oldest(self) -> list[Message]:
        """The oldest batch that waits; it stays until `done`. Only where the spool holds something."""
        body, _ = self._record()
        return [Message(topic, payload, received, qos=0) for topic, payload, received in body]

    def done(self) -> None:
        """The oldest batch is in the store: forget it."""
        _, length = self._record()
        self._offset += length
        self._received = None
        if self._offset >= self._path(self._segments[0]).stat().st_size:
            self._drop_oldest()
        self._write_head()
        self._tell()

    def close(self) -> None:
        """Let go of the files; what waits stays."""
        for file in (self._writing, self._reading):
            if file is not None:
                file.close()
        self._writing = self._reading = None

    def _record(self) -> tuple[_Body, int]:
        """The record at the head, and its length on disk."""
        if self._reading is None:
            self._reading = self._path(self._segments[0]).open("rb")
        self._reading.seek(self._offset)
        length, crc = _HEADER.unpack(self._reading.read(_HEADER.size))
        body = self._reading.read(length)
        if zlib.crc32(body) != crc:
            raise StoreError(
                str(self._path(self._segments[0])), f"is damaged at byte {self._offset}"
            )
        return self._decoder.decode(body), _HEADER.size + length

    def _tail(self) -> BinaryIO:
        if self._writing is not None and self._writing.tell() >= self._segment_bytes:
            self._writing.close()
            self._writing = None
        if self._writing is None:
            number = self._segments[-1] + 1 if self._segments else 1
            self._writing = self._path(number).open("ab")
            self._segments.append(number)
            _sync_folder(self._folder)
        return self._writing

    def _tail_size(self) -> int:
        return self._path(self._segments[-1]).stat().st_size

    def _undo(self, start: int) -> None:
        """Cut what a failed write left, and begin a new segment with the next one."""
        assert self._writing is not None
        number = self._segments[-1]
        try:
            self._writing.close()
        except OSError:
            pass  # what it still held could not be written either
        self._writing = None
        os.truncate(self._path(number), start)
        if start == 0 and len(self._segments) > 1:
            self._path(number).unlink()
            self._segments.pop()

    def _drop_oldest(self) -> None:
        number = self._segments.pop(0)
        if self._reading is not None:
            self._reading.close()
            self._reading = None
        if not self._segments and self._writing is not None:
            self._writing.close()
            self._writing = None
        self._size -= self._path(number).stat().st_size
        self._path(number).unlink()
        self._offset = 0

    def _cut_torn(self, number: int) -> int:
        """Cut a segment after its last whole record. Returns how many bytes that were."""
        path = self._path(number)
        data = path.read_bytes()
        end = 0
        while end + _HEADER.size <= len(data):
            length, crc = _HEADER.unpack_from(data, end)
            body = data[end + _HEADER.size : end + _HEADER.size + length]
            if len(body) < length or zlib.crc32(body) != crc:
                break
            end += _HEADER.size + length
        if end < len(data):
            os.truncate(path, end)
        return len(data) - end

    def _read_head(self) -> int:
        self._segments = [n for n in self._segments if self._keep(n)]
        try:
            name, offset = (self._folder / "head").read_text().split()
        except (OSError, ValueError):
            return 0
        return int(offset) if self._segments and int(name) == self._segments[0] else 0

    def _keep(self, number: int) -> bool:
        """Empty segments are of no use to anybody."""
        if self._path(number).stat().st_size:
            return True
        self._path(number).unlink()
        return False

    def _write_head(self) -> None:
        # Not synced: an older head only drains some records twice, which the store recognises.
        name = self._segments[0] if self._segments else 0
        new = self._folder / "head.new"
        try:
            new.write_text(f"{name} {self._offset}")
            new.replace(self._folder / "head")
        except OSError:
            pass  # a full disk: draining goes on, and makes room

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:020d}{_SUFFIX}"

    def _tell(self) -> None:
        metrics.SPOOL_BYTES.set(self.bytes())
        self.oldest_received, self.filled = self.since(), self.bytes() / self._max_bytes
        metrics.SPOOL_SINCE.set((self.oldest_received or 0) / SECOND)


def _number(path: Path) -> int:
    return int(path.name.removesuffix(_SUFFIX))


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
