"""Acts → the audit log, and its head outside of the database: in `audit.head` and in the log's lines."""

from __future__ import annotations

import logging

import msgspec

from api.access.trail import Done
from store.access import AccessStore
from store.access_records import AuditEntry
from store.audit_anchor import Anchor
from store.audit_chain import Head
from telemetry.clock import Clock
from telemetry.errors import UrbanError

_LOG = logging.getLogger(__name__)
LONGEST = 64 * 1024  # characters of what something was before, or is after


class AuditLog:
    """Writes acts; every method may be called from any thread."""

    def __init__(self, store: AccessStore, anchor: Anchor, clock: Clock) -> None:
        self._store = store
        self._anchor = anchor
        self._clock = clock
        self._trouble = ""

    def write(self, done: Done) -> None:
        """Add a link; durable on return. Raises StoreError where that fails."""
        entry = AuditEntry(
            time=self._clock.now(),
            who=done.principal.label,
            role=done.principal.role.word,
            source=done.principal.source,
            act=done.act,
            about=done.about,
            before=_text(done.before),
            after=_text(done.after),
        )
        record = self._store.append_audit(entry)
        _LOG.info("audit head %d:%s", record.number, record.hash)
        self._follow(Head(record.number, record.hash))

    def trouble(self) -> str:
        """What is wrong with the log, in words; "" where nothing is known to be."""
        return self._trouble

    def _follow(self, head: Head) -> None:
        try:
            wrong = self._anchor.follow(head, self._hash_of)
        except (UrbanError, OSError) as error:
            wrong = f"its head can't be noted: {error}"
        if wrong and wrong != self._trouble:
            _LOG.error("audit log: %s; see `urban audit verify`", wrong)
        self._trouble = wrong

    def _hash_of(self, number: int) -> str | None:
        found = self._store.audit_from(number, 1)
        return found[0].hash if found and found[0].number == number else None


def _text(value: object) -> str:
    if value is None:
        return ""
    text = msgspec.json.encode(value, order="sorted", enc_hook=str).decode()
    if len(text) <= LONGEST:
        return text
    return msgspec.json.encode({"characters": len(text), "start": text[:LONGEST]}).decode()
