"""Version 1 → 2 of the tables of alerts: devices become subjects, and what was told of each rule is kept.

One transaction: a kill in between leaves version 1 as it was.
"""

from __future__ import annotations

from sqlalchemy import Connection, Engine, inspect, text

from store.schema import ALERT_EVENTS, ALERTS, CONDITIONS, META

_OLD = "alerts_version_1"

# A second open one of a pair, which version 1 did not keep out, is over: the newest one stays.
_ALERTS = f"""
insert into alerts (id, rule, family, subject, kind, quantity, severity, state, raised, updated, value,
    worst, level, active, announced, cleared, acknowledged, acknowledged_by, assigned, cause,
    shelved_by, shelved_why, out_of_service, chattering, detail)
select id, rule, rule, device, kind, quantity, severity,
    case when state <> 'cleared' and exists (select 1 from {_OLD} n where n.rule = o.rule
        and n.device = o.device and n.state <> 'cleared'
        and (n.raised > o.raised or (n.raised = o.raised and n.id > o.id))) then 'cleared' else state end,
    raised, updated, value, worst, level, state in ('unacknowledged', 'acknowledged', 'suppressed'),
    raised, cleared, acknowledged, acknowledged_by, '', cause, '', '', {{false}}, {{false}}, ''
from {_OLD} o
"""
_STAND = f"""
insert into conditions (rule, subject, stands, since, time, worst)
select rule, device, {{true}}, max(raised), max(updated), max(worst) from {_OLD}
where state in ('unacknowledged', 'acknowledged', 'suppressed') group by rule, device
"""
_OVER = f"""
insert into conditions (rule, subject, stands, since, time, worst)
select rule, device, {{false}}, max(cleared), max(cleared), null from {_OLD} o
where cleared is not null and not exists
    (select 1 from conditions c where c.rule = o.rule and c.subject = o.device)
group by rule, device
"""
# What version 1 did not note of a line, as far as the line itself says it.
_EVENTS = """
update alert_events set
    state = case what when 'raised' then 'unacknowledged' when 'released' then 'unacknowledged'
        when 'suppressed' then 'suppressed' when 'acknowledged' then 'acknowledged'
        when 'cleared' then 'cleared' else '' end,
    severity = (select severity from alerts where alerts.id = alert_events.alert)
where exists (select 1 from alerts where alerts.id = alert_events.alert)
"""


def alerts_to_version_2(engine: Engine) -> None:
    """Do it where the database is of version 1."""
    with engine.begin() as db:
        if db.dialect.name == "sqlite":
            db.exec_driver_sql("begin immediate")  # its driver begins no transaction for a DDL
        tables = inspect(db).get_table_names()
        if "alerts" in tables and "device" in _columns(db, "alerts"):
            _alerts_anew(db)
        if "meta" in tables:
            db.execute(META.update().where(META.c.version == 1).values(version=2))


def _alerts_anew(db: Connection) -> None:
    for index in inspect(db).get_indexes("alerts"):
        db.execute(text(f"drop index {index['name']}"))
    db.execute(text(f"alter table alerts rename to {_OLD}"))
    ALERTS.create(db)
    CONDITIONS.create(db, checkfirst=True)
    sqlite = db.dialect.name == "sqlite"
    words = {"true": "1", "false": "0"} if sqlite else {"true": "true", "false": "false"}
    for statement in (_ALERTS, _STAND, _OVER):
        db.execute(text(statement.format(**words)))
    if ALERT_EVENTS.name in inspect(db).get_table_names():
        _note_states(db)
    db.execute(text(f"drop table {_OLD}"))


def _note_states(db: Connection) -> None:
    here = _columns(db, ALERT_EVENTS.name)
    for column in ("state varchar(16)", "severity integer"):
        if column.split()[0] not in here:
            default = "''" if "varchar" in column else "0"
            db.execute(
                text(f"alter table alert_events add column {column} default {default} not null")
            )
    db.execute(text(_EVENTS))


def _columns(db: Connection, table: str) -> set[str]:
    return {column["name"] for column in inspect(db).get_columns(table)}
