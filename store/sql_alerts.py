"""Alerts, their history and the conditions behind them, in the SQL store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, select, text, tuple_, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from store.alert_records import OPEN, Alert, AlertEvent, AlertState, Condition, OutOfService
from store.schema import ALERT_EVENTS, ALERTS, CONDITIONS, OUT_OF_SERVICE
from store.sql_address import shown
from store.sql_base import SqlBase, fields_of
from store.sql_trouble import refused
from telemetry.errors import StoreError

_IN_ONE_QUERY = 500  # values of one `in (…)`
_NAN = float("nan")
# PostgreSQL gives a line of history its number before others may see it. Were two written at once, whoever
# reads on from a number could pass one by that is not committed yet; SQLite has one writer at a time anyway.
_ONE_WRITER = text("select pg_advisory_xact_lock(hashtext('urban.alert_events'))")


class SqlAlerts(SqlBase):
    """The alerts' part of `OperationsStore`."""

    def save_alerts(
        self,
        alerts: Sequence[Alert],
        events: Sequence[AlertEvent],
        conditions: Sequence[Condition] = (),
    ) -> None:
        """See OperationsStore.save_alerts."""
        with self._one_open() as db:
            _write(db, alerts, events)
            if conditions:
                self._put_conditions(db, conditions)

    def alert(self, alert_id: str) -> Alert | None:
        """See OperationsStore.alert."""
        rows = self._rows(select(ALERTS).where(ALERTS.c.id == alert_id))
        return _alert(rows[0]) if rows else None

    def alerts_by_id(self, ids: Iterable[str]) -> dict[str, Alert]:
        """See OperationsStore.alerts_by_id."""
        wanted = list(dict.fromkeys(ids))
        found: dict[str, Alert] = {}
        for start in range(0, len(wanted), _IN_ONE_QUERY):
            some = wanted[start : start + _IN_ONE_QUERY]
            found |= {
                r.id: _alert(r) for r in self._rows(select(ALERTS).where(ALERTS.c.id.in_(some)))
            }
        return found

    def standing(self) -> list[Alert]:
        """See OperationsStore.standing."""
        query = select(ALERTS).where(ALERTS.c.state.in_([str(s) for s in OPEN]))
        query = query.order_by(ALERTS.c.raised.desc(), ALERTS.c.id.desc())
        return [_alert(r) for r in self._rows(query)]

    def alerts(
        self,
        *,
        states: Sequence[str] = (),
        subjects: Sequence[str] | None = None,
        rules: Sequence[str] = (),
        severities: Sequence[int] = (),
        kinds: Sequence[str] = (),
        assigned: Sequence[str] = (),
        causes: Sequence[str] = (),
        start: int | None = None,
        end: int | None = None,
        limit: int = 100,
        after: tuple[int, str] | None = None,
    ) -> list[Alert]:
        """See OperationsStore.alerts."""
        query = select(ALERTS)
        if subjects is not None:
            query = query.where(ALERTS.c.subject.in_(subjects))
        lists = {"state": states, "rule": rules, "severity": severities}
        query = _among(query, lists | {"kind": kinds, "assigned": assigned, "cause": causes})
        if start is not None:
            query = query.where(ALERTS.c.raised >= start)
        if end is not None:
            query = query.where(ALERTS.c.raised < end)
        if after is not None:
            query = query.where(tuple_(ALERTS.c.raised, ALERTS.c.id) < after)
        query = query.order_by(ALERTS.c.raised.desc(), ALERTS.c.id.desc()).limit(limit)
        return [_alert(r) for r in self._rows(query)]

    def alert_events(self, alert_id: str) -> list[AlertEvent]:
        """See OperationsStore.alert_events."""
        query = select(ALERT_EVENTS).where(ALERT_EVENTS.c.alert == alert_id)
        rows = self._rows(query.order_by(ALERT_EVENTS.c.number))
        return [AlertEvent(**fields_of(r, AlertEvent)) for r in rows]

    def conditions(self) -> list[Condition]:
        """See OperationsStore.conditions."""
        rows = self._rows(select(CONDITIONS))
        return [Condition(**_with_nan(fields_of(r, Condition), "worst")) for r in rows]

    def out_of_service(self) -> list[OutOfService]:
        """See OperationsStore.out_of_service."""
        table = OUT_OF_SERVICE.c
        query = select(OUT_OF_SERVICE).order_by(table.since, table.subject, table.family)
        return [OutOfService(**fields_of(r, OutOfService)) for r in self._rows(query)]

    def put_out_of_service(
        self,
        what: OutOfService,
        *,
        back: bool = False,
        alerts: Sequence[Alert] = (),
        events: Sequence[AlertEvent] = (),
    ) -> None:
        """See OperationsStore.put_out_of_service."""
        table = OUT_OF_SERVICE.c
        same = (table.family == what.family) & (table.subject == what.subject)
        with self._one_open() as db:
            db.execute(delete(OUT_OF_SERVICE).where(same))
            if not back:
                db.execute(insert(OUT_OF_SERVICE), [_fields(what)])
            _write(db, alerts, events)

    def _put_conditions(self, db: Connection, conditions: Sequence[Condition]) -> None:
        statement = self._insert(CONDITIONS)
        new = statement.excluded
        told = {c: new[c] for c in ("stands", "since", "time", "worst")}
        statement = statement.on_conflict_do_update(index_elements=["rule", "subject"], set_=told)
        db.execute(statement, [_fields(c) for c in conditions])

    @contextmanager
    def _one_open(self) -> Iterator[Connection]:
        """One transaction, durable when it is left, in which the database may find two open alerts."""
        try:
            with self._engine.begin() as db:
                if db.dialect.name == "postgresql":
                    db.execute(_ONE_WRITER)
                yield db
        except IntegrityError as error:
            need = "an alert of this rule and subject is open already"
            raise StoreError(shown(self.url), need) from error
        except SQLAlchemyError as error:
            raise refused(shown(self.url), "can't write", error) from error


def _write(db: Connection, alerts: Sequence[Alert], events: Sequence[AlertEvent]) -> None:
    # Alerts that are over are written first, so that a new one may take their place.
    for alert in sorted(alerts, key=lambda a: a.state in OPEN):
        value = _fields(alert)
        changed = db.execute(update(ALERTS).where(ALERTS.c.id == alert.id), value)
        if changed.rowcount == 0:
            db.execute(insert(ALERTS), value)
    if events:
        db.execute(insert(ALERT_EVENTS), [_fields(e) for e in events])


def _among(query: Select[Any], lists: dict[str, Sequence[Any]]) -> Select[Any]:
    for column, allowed in lists.items():
        if allowed:
            query = query.where(ALERTS.c[column].in_(allowed))
    return query


def _fields(record: Any) -> dict[str, Any]:
    # NaN is null there: SQLite would make one of it anyway, and PostgreSQL sorts it above everything.
    found = {f: getattr(record, f) for f in record.__dataclass_fields__}
    return {f: None if v != v else v for f, v in found.items()}


def _with_nan(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    return fields | {n: _NAN if fields[n] is None else fields[n] for n in names}


def _alert(row: Row[Any]) -> Alert:
    found = _with_nan(fields_of(row, Alert), "value", "worst", "level")
    return Alert(**found | {"state": AlertState(found["state"])})
