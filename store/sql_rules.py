"""Rules that engineers added, as they wrote them."""

from __future__ import annotations

from sqlalchemy import delete, select

from store.records import RuleRecord
from store.schema import RULES
from store.sql_base import SqlBase, fields_of


class SqlRules(SqlBase):
    """The part of `SqlOperations` that keeps rules."""

    def custom_rules(self) -> list[RuleRecord]:
        """See OperationsStore.custom_rules."""
        rows = self._rows(select(RULES).order_by(RULES.c.code))
        return [RuleRecord(**fields_of(r, RuleRecord)) for r in rows]

    def put_custom_rule(self, record: RuleRecord) -> None:
        """See OperationsStore.put_custom_rule."""
        values = {f: getattr(record, f) for f in RuleRecord.__dataclass_fields__}
        statement = self._insert(RULES).values(values)
        changed = {c: statement.excluded[c] for c in values if c != "code"}
        with self._writing() as db:
            db.execute(statement.on_conflict_do_update(index_elements=["code"], set_=changed))

    def remove_custom_rule(self, code: str) -> bool:
        """See OperationsStore.remove_custom_rule."""
        with self._writing() as db:
            return db.execute(delete(RULES).where(RULES.c.code == code)).rowcount > 0
