"""Quarantine in SQL: items kept with their bytes, looked for, decided about, and bounded by age and size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    LargeBinary,
    Row,
    Select,
    bindparam,
    case,
    delete,
    func,
    or_,
    select,
    tuple_,
    update,
)

from store.records import (
    QuarantineAct,
    QuarantineFilter,
    QuarantineItem,
    QuarantineState,
    Within,
)
from store.schema import DEVICES, QUARANTINE
from store.sql_base import SqlBase, fields_of
from telemetry import metrics
from telemetry.reasons import Reason

# What an item takes beside its payload: topic, path, words, and its rows in the indexes. [bytes]
OVERHEAD = 512
WAITING = QuarantineFilter()
# When quarantine is full, what was refused of one device for its rate may hold this part of it.
SHARES = 16
_FLOOD, _TOGETHER = 100_000, 500

_ITEM = QUARANTINE.c
# What a repeat leaves as it was; everything else is told as it is now.
_KEPT = ("id", "acted", "acted_by", "note")
# One that came again since it was read is as new as any.
_UNSEEN_SINCE = delete(QUARANTINE).where(
    (_ITEM.id == bindparam("key")) & (_ITEM.seen == bindparam("times"))
)


class SqlQuarantine(SqlBase):
    """The quarantine half of `OperationsStore`."""

    def put_quarantine(self, items: Iterable[QuarantineItem]) -> None:
        """See OperationsStore.put_quarantine."""
        values = _merged(items)
        if not values:
            return
        statement = self._insert(QUARANTINE)
        new = statement.excluded
        told: dict[str, Any] = {c: new[c] for c in values[0] if c not in _KEPT}
        told["seen"] = _ITEM.seen + new.seen
        # A row at a time inside the driver: composing one statement of many rows costs ten times as much.
        statement = statement.on_conflict_do_update(index_elements=["id"], set_=told)
        with self._writing() as db:
            db.execute(statement, values)

    def quarantine(
        self,
        which: QuarantineFilter = WAITING,
        *,
        limit: int = 100,
        after: tuple[int, str] | None = None,
        untried_first: bool = False,
        preview: int | None = None,
    ) -> list[QuarantineItem]:
        """See OperationsStore.quarantine."""
        place = tuple_(_ITEM.received, _ITEM.id)
        query = _where(_select(preview), which)
        if after is not None:
            query = query.where(place < after)
        if untried_first:
            query = query.order_by(func.coalesce(_ITEM.acted, 0), _ITEM.received, _ITEM.id)
        else:
            query = query.order_by(_ITEM.received.desc(), _ITEM.id.desc())
        whole = preview is None
        return [_item(row, whole) for row in self._rows(query.limit(limit))]

    def quarantine_item(self, item_id: str) -> QuarantineItem | None:
        """See OperationsStore.quarantine_item."""
        rows = self._rows(select(QUARANTINE).where(_ITEM.id == item_id))
        return _item(rows[0]) if rows else None

    def quarantine_message(self, item: QuarantineItem) -> list[QuarantineItem]:
        """See OperationsStore.quarantine_message. The items of one message carry one time of receipt."""
        same = (
            (_ITEM.received == item.received)
            & (_ITEM.topic == item.topic)
            & (_ITEM.payload == item.payload)
            & (_ITEM.state == QuarantineState.WAITING)
        )
        query = _select(0).where(or_(_ITEM.id == item.id, same)).order_by(_ITEM.id)
        return [_item(row, whole=False) for row in self._rows(query)]

    def quarantine_counts(self, which: QuarantineFilter = WAITING) -> dict[str, int]:
        """See OperationsStore.quarantine_counts."""
        query = _where(select(_ITEM.reason, func.count().label("n")), which)
        return {r.reason: int(r.n) for r in self._rows(query.group_by(_ITEM.reason))}

    def act_on_quarantine(self, act: QuarantineAct, items: Sequence[QuarantineItem]) -> int:
        """See OperationsStore.act_on_quarantine."""
        noted = update(QUARANTINE).where(_ITEM.id == bindparam("key"))
        noted = noted.values(acted=act.time, acted_by=act.by, note=act.note)
        decided = (
            update(QUARANTINE)
            .where((_ITEM.id == bindparam("key")) & (_ITEM.seen == bindparam("times")))
            .values(state=str(act.state))
        )
        with self._writing() as db:
            taken = 0
            for item in items:
                db.execute(noted, {"key": item.id})
                taken += db.execute(decided, {"key": item.id, "times": item.seen}).rowcount
        return taken

    def purge_quarantine(self, older_than: int, max_bytes: int) -> int:
        """See OperationsStore.purge_quarantine."""
        with self._writing() as db:
            aged = db.execute(delete(QUARANTINE).where(_ITEM.received < older_than)).rowcount
        cut = self._purge_floods(max_bytes)
        if self._held() > max_bytes:
            with self._writing() as db:
                cut += db.execute(_beyond(max_bytes)).rowcount
        metrics.QUARANTINE_PURGED.labels("age").inc(aged)
        metrics.QUARANTINE_PURGED.labels("size").inc(cut)
        return aged + cut

    def _held(self) -> int:
        return int(self._rows(select(func.sum(_ITEM.size + OVERHEAD)))[0][0] or 0)

    def _purge_floods(self, max_bytes: int) -> int:
        """Remove what single devices have flooded quarantine with, part by part: others write in between."""
        removed = 0
        while (surplus := self._held() - max_bytes) > 0:
            rows = self._rows(flooding(surplus, max_bytes // SHARES).limit(_FLOOD))
            for start in range(0, len(rows), _TOGETHER):
                part = [{"key": r.id, "times": r.seen} for r in rows[start : start + _TOGETHER]]
                with self._writing() as db:
                    db.execute(_UNSEEN_SINCE, part)
            removed += len(rows)
            if len(rows) < _FLOOD:
                break
        return removed


def _merged(items: Iterable[QuarantineItem]) -> list[dict[str, Any]]:
    """Rows to insert, one an id."""
    rows: dict[str, dict[str, Any]] = {}
    for item in items:
        seen = rows[item.id]["seen"] if item.id in rows else 0
        fields = {f: getattr(item, f) for f in QuarantineItem.__dataclass_fields__}
        fields |= {"size": len(item.payload), "state": str(item.state), "seen": seen + item.seen}
        rows[item.id] = fields
    # By id, so that two ingestors that are told the same can't wait for one another.
    return [rows[item_id] for item_id in sorted(rows)]


def _select(preview: int | None) -> Select[Any]:
    if preview is None:
        return select(QUARANTINE)
    others = [c for c in QUARANTINE.c if c.name != "payload"]
    start = func.substr(_ITEM.payload, 1, preview, type_=LargeBinary)
    return select(*others, start.label("payload"))


def _where(query: Select[Any], which: QuarantineFilter) -> Select[Any]:
    if which.states:
        query = query.where(_ITEM.state.in_([str(s) for s in which.states]))
    if which.reasons:
        query = query.where(_ITEM.reason.in_(which.reasons))
    if which.devices is not None:
        query = query.where(_ITEM.device.in_(which.devices))
    if which.kinds:
        query = query.where(_ITEM.kind.in_(which.kinds))
    if which.start is not None:
        query = query.where(_ITEM.received >= which.start)
    if which.end is not None:
        query = query.where(_ITEM.received < which.end)
    if which.within is not None:
        query = query.where(_ITEM.device.in_(_known(which.within)))
        query = query.where(_ITEM.topic.not_like("city/gateway/%"))
    return query


def _known(within: Within) -> Select[Any]:
    """Ids of the devices within."""
    query = select(DEVICES.c.id)
    for column, among in ((DEVICES.c.kind, within.kinds), (DEVICES.c.area, within.areas)):
        if among is not None:
            query = query.where(column.in_(among))
    return query


def flooding(surplus: int, share: int) -> Select[Any]:
    """Items (id, seen) that a device was refused for its rate, beyond its share: oldest first, `surplus` bytes."""
    size = _ITEM.size + OVERHEAD
    newest_first = (_ITEM.received.desc(), _ITEM.id.desc())
    refused = (_ITEM.reason == str(Reason.RATE_LIMITED)) & (_ITEM.state == QuarantineState.WAITING)
    held = func.sum(size).over(partition_by=_ITEM.device, order_by=newest_first)
    mine = select(_ITEM.id, _ITEM.seen, _ITEM.received, size.label("bytes"), held.label("held"))
    each = mine.where(refused).subquery().c
    gone = func.sum(each.bytes).over(order_by=(each.received, each.id))
    over = select(each.id, each.seen, each.received, (gone - each.bytes).label("before"))
    beyond = over.where(each.held > share).subquery().c
    return (
        select(beyond.id, beyond.seen)
        .where(beyond.before < surplus)
        .order_by(beyond.received, beyond.id)
    )


def _beyond(max_bytes: int) -> Any:
    """Delete what lies beyond `max_bytes`, counted from the newest waiting item to the oldest decided one."""
    decided = case((_ITEM.state == QuarantineState.WAITING, 0), else_=1)
    order = (decided, _ITEM.received.desc(), _ITEM.id.desc())
    # As a decimal would come back from PostgreSQL; compared there, it never leaves the database.
    sums = func.sum(_ITEM.size + OVERHEAD).over(order_by=order)
    ranked = select(_ITEM.id, sums.label("total")).subquery()
    return delete(QUARANTINE).where(
        _ITEM.id.in_(select(ranked.c.id).where(ranked.c.total > max_bytes))
    )


def _item(row: Row[Any], whole: bool = True) -> QuarantineItem:
    fields = fields_of(row, QuarantineItem)
    fields["state"] = QuarantineState(fields["state"])
    fields["payload"] = fields["payload"] or b""  # SQLite: the start of no bytes is null
    if whole:
        fields["size"] = None
    return QuarantineItem(**fields)
