"""Why readings are flagged: failures by series, hour and test, for a quarter of a year."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select, tuple_

from store.records import QualityFailure
from store.schema import QUALITY
from store.sql_base import SqlBase, fields_of
from telemetry.clock import DAY

KEPT = 92 * DAY
_KEY = ("device", "hour", "quantity", "test")


class SqlQuality(SqlBase):
    """The part of `SqlOperations` that keeps failures of tests."""

    def put_quality(self, failures: Sequence[QualityFailure]) -> None:
        """See OperationsStore.put_quality."""
        if not failures:
            return
        rows = [{f: getattr(x, f) for f in QualityFailure.__dataclass_fields__} for x in failures]
        statement = self._insert(QUALITY)
        new = statement.excluded
        told = {name: new[name] for name in ("count", "worst")}
        statement = statement.on_conflict_do_update(index_elements=_KEY, set_=told)
        oldest = max(x.hour for x in failures) - KEPT
        with self._writing() as db:
            db.execute(statement, rows)
            db.execute(delete(QUALITY).where(QUALITY.c.hour < oldest))

    def quality(
        self,
        device: str,
        start: int,
        end: int,
        limit: int = 1_000,
        after: tuple[int, str, str] | None = None,
    ) -> list[QualityFailure]:
        """See OperationsStore.quality."""
        q = QUALITY.c
        query = select(QUALITY).where((q.device == device) & (q.hour >= start) & (q.hour < end))
        if after is not None:
            query = query.where(tuple_(q.hour, q.quantity, q.test) > after)
        rows = self._rows(query.order_by(q.hour, q.quantity, q.test).limit(limit))
        return [QualityFailure(**fields_of(r, QualityFailure)) for r in rows]
