"""The audit log as a chain: each link's hash covers its own content and the hash before it.

    hash[n] = SHA-256( hash[n-1] as 64 hexadecimal digits, then the canonical bytes of record n )
    canonical bytes = JSON, UTF-8: [number, time, who, role, source, act, about, before, after]

hash[0] is 64 zeros. Whoever changes, removes, inserts or reorders something has to compute every later hash
anew; the head (number and hash of the last record), noted outside of the database, then no longer fits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from store.access_records import AuditEntry, AuditRecord

GENESIS = "0" * 64
MOST = 20  # findings that are told


@dataclass(frozen=True, slots=True)
class Head:
    """The last record of a log at some moment."""

    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What verifying found: `findings` in words, with the place; none where the log is whole."""

    records: int
    head: Head | None
    findings: tuple[str, ...]


def canonical(number: int, entry: AuditEntry) -> bytes:
    """What is hashed of a record."""
    e = entry
    return msgspec.json.encode(
        [number, e.time, e.who, e.role, e.source, e.act, e.about, e.before, e.after]
    )


def link(number: int, entry: AuditEntry, previous: str) -> AuditRecord:
    """The record that follows the one whose hash is `previous`."""
    digest = hashlib.sha256(previous.encode("ascii") + canonical(number, entry)).hexdigest()
    return AuditRecord(number=number, entry=entry, previous=previous, hash=digest)


def verify(records: Iterable[AuditRecord], heads: Iterable[Head] = ()) -> Checked:
    """Walk the whole log, in order of number. heads: what was noted of it elsewhere, earlier."""
    noted = {h.number: h.hash for h in heads}
    findings: list[str] = []
    last, count = Head(0, GENESIS), 0
    for record in records:
        count += 1
        findings += _gap(last.number, record.number)
        findings += _content(record)
        if record.number == last.number + 1 and record.previous != last.hash:
            before = f"record {last.number}" if last.number else "the beginning"
            findings.append(f"record {record.number} does not follow {before} as it stands there")
        if noted.get(record.number, record.hash) != record.hash:
            findings.append(f"record {record.number} is not the one that was noted as the head")
        last = Head(record.number, record.hash)
    end = max(noted, default=0)
    if end > last.number:
        findings.append(f"{_span(last.number + 1, end)} at the end: {end} was noted as the head")
    return Checked(count, last if count else None, tuple(findings[:MOST]))


def _content(record: AuditRecord) -> list[str]:
    if link(record.number, record.entry, record.previous).hash == record.hash:
        return []
    return [f"record {record.number} was changed: what stands there does not give its hash"]


def _gap(last: int, number: int) -> list[str]:
    if number <= last:
        return [f"record {number} does not belong: the log counts on from {last}"]
    if number == last + 1:
        return []
    return [_span(last + 1, number - 1)]


def _span(first: int, last: int) -> str:
    return (
        f"record {first} is missing" if first == last else f"records {first} to {last} are missing"
    )
