"""What people do with quarantine: send a message through ingest once more, or discard it. Noted on its items.

A resent message counts as received once more, with whatever becomes of it; what was counted for it the
first time stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from api.context import Context
from api.quarantine_schemas import QuarantineManyDiscarded, QuarantineManyResent
from store.records import QuarantineAct, QuarantineFilter, QuarantineItem, QuarantineState
from telemetry.errors import QueryError, StoreError
from telemetry.ledger import Outcome

# Messages, and about so many bytes of them, that are sent again in one go.
_PARCEL, _PARCEL_BYTES = 100, 4 * 2**20
_VERBS = {QuarantineState.RESENT: "resend", QuarantineState.DISCARDED: "discard"}
# An item with its payload, and all items of its message.
_Siblings = tuple[QuarantineItem, list[QuarantineItem]]


def resend(
    context: Context, item: QuarantineItem, by: str, payload: bytes | None = None, topic: str = ""
) -> tuple[Outcome, list[QuarantineItem]]:
    """Send an item's message again, as it came or corrected. Returns what became of it, and its items.

    All items of the message are resent by it. One that is refused again in the same place waits on.
    Raises StoreError where ingest can't take it, or doesn't say in time what became of it: nothing is
    noted then, and doing it again is safe.
    """
    by = context.trail.principal.signed(by)
    _refuse_foreign(context, topic)
    siblings = context.operations.quarantine_message(item)
    body = item.payload if payload is None else payload
    (outcome,) = context.resend([(topic or item.topic, body, item.received)])
    _note(context, QuarantineState.RESENT, by, words(outcome), siblings)
    return outcome, siblings


def discard(context: Context, items: Sequence[QuarantineItem], by: str, why: str) -> int:
    """Note that items are of no use; those that don't wait are left as they are. Returns how many took it."""
    by = context.trail.principal.signed(by)
    waiting = [item for item in items if item.state == QuarantineState.WAITING]
    return _note(context, QuarantineState.DISCARDED, by, why, waiting)


def resend_many(
    context: Context, which: QuarantineFilter, by: str, limit: int
) -> QuarantineManyResent:
    """Resend `limit` items of a filter, untried ones first, oldest first. Stops where ingest can't take more."""
    by = context.trail.principal.signed(by)
    matched = _waiting(context, which)
    total: Counter[str] = Counter()
    stopped = ""
    heads = context.operations.quarantine(which, limit=limit, untried_first=True, preview=0)
    for parcel in _parcels(context, heads):
        try:
            total.update(_resend_parcel(context, parcel, by))
        except StoreError as error:
            stopped = str(error)
            break
    again = {k.partition(":")[2]: n for k, n in sorted(total.items()) if ":" in k}
    return QuarantineManyResent(
        matched=matched, items=total["items"], messages=total["messages"], stored=total["stored"],
        duplicate=total["duplicate"], quarantined=again, waiting=_waiting(context, which),
        stopped=stopped,
    )  # fmt: skip


def _parcels(context: Context, heads: Sequence[QuarantineItem]) -> Iterator[list[_Siblings]]:
    """The messages of these items, as many at a time as one write and our memory take well."""
    seen: set[str] = set()
    parcel: list[_Siblings] = []
    size = 0
    for head in heads:
        item = None if head.id in seen else context.operations.quarantine_item(head.id)
        if item is None or item.state != QuarantineState.WAITING:
            continue  # goes with its message, or somebody else decided meanwhile
        siblings = context.operations.quarantine_message(item)
        seen.update(s.id for s in siblings)
        parcel.append((item, siblings))
        size += len(item.payload)
        if len(parcel) == _PARCEL or size >= _PARCEL_BYTES:
            yield parcel
            parcel, size = [], 0
    if parcel:
        yield parcel


def _resend_parcel(context: Context, parcel: Sequence[_Siblings], by: str) -> Counter[str]:
    """Send messages again together. Returns how many there were, and what became of their records."""
    outcomes = context.resend([(item.topic, item.payload, item.received) for item, _ in parcel])
    total = Counter(messages=len(parcel), items=sum(len(siblings) for _, siblings in parcel))
    alike: dict[str, list[QuarantineItem]] = {}
    for (_, siblings), outcome in zip(parcel, outcomes, strict=True):
        alike.setdefault(words(outcome), []).extend(siblings)
        total.update(stored=outcome.stored, duplicate=outcome.duplicate)
        total.update(f"quarantined:{reason}" for reason in outcome.quarantined)
    for note, items in alike.items():
        _note(context, QuarantineState.RESENT, by, note, items)
    return total


def discard_many(
    context: Context, which: QuarantineFilter, by: str, why: str, limit: int
) -> QuarantineManyDiscarded:
    """Discard `limit` items of a filter, oldest first."""
    matched = _waiting(context, which)
    items = context.operations.quarantine(which, limit=limit, untried_first=True, preview=0)
    return QuarantineManyDiscarded(
        matched=matched, items=discard(context, items, by, why), waiting=_waiting(context, which)
    )


def words(outcome: Outcome) -> str:
    """What became of a message, for the item's note."""
    counts = {"stored": outcome.stored, "already there": outcome.duplicate}
    parts = [f"{n} {what}" for what, n in counts.items() if n]
    again = Counter(outcome.quarantined)
    parts += [f"{n} in quarantine again: {reason}" for reason, n in again.items()]
    return ", ".join(parts) or "nothing in it to store"


def _waiting(context: Context, which: QuarantineFilter) -> int:
    return sum(context.operations.quarantine_counts(which).values())


def _note(
    context: Context, state: QuarantineState, by: str, note: str, items: Sequence[QuarantineItem]
) -> int:
    act = QuarantineAct(state=state, time=context.clock.now(), by=by, note=note)
    taken = context.operations.act_on_quarantine(act, items)
    if items:
        done = {"state": str(state), "by": by, "note": note, "items": [i.id for i in items]}
        context.trail.note(f"quarantine.{_VERBS[state]}", items[0].id, None, done)
    return taken


def _refuse_foreign(context: Context, topic: str) -> None:
    """A correction may not become a message of a device that is not seen."""
    if topic and not context.sight.whole:
        device = topic.split("/")[2] if topic.count("/") == 3 else ""
        if not context.sight.id(device):
            need = "must be a topic of a device that your account is for"
            raise QueryError("topic", need, topic)
