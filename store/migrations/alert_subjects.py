"""Step 0006: devices become subjects, and what was told of each rule is kept."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, String, Text, inspect, text

from store.migrations.steps import add_index, on_postgresql

_OLD = "alerts_of_devices"

# A second open one of a pair, which the old tables did not keep out, is over: the newest one stays.
_ALERTS = f"""
insert into alerts (id, rule, family, subject, kind, quantity, severity, state, raised, updated, value,
    worst, level, active, announced, cleared, acknowledged, acknowledged_by, assigned, cause,
    shelved_by, shelved_why, out_of_service, chattering, detail)
select id, rule, rule, device, kind, quantity, severity,
    case when state <> 'cleared' and exists (select 1 from {_OLD} n where n.rule = o.rule
        and n.device = o.device and n.state <> 'cleared'
        and (n.raised > o.raised or (n.raised = o.raised and n.id > o.id))) then 'cleared' else state end,
    raised, updated, value, worst, level, state in ('unacknowledged', 'acknowledged', 'suppressed'),
    raised, cleared, acknowledged, acknowledged_by, '', cause, '', '', false, false, ''
from {_OLD} o
"""
_STAND = f"""
insert into conditions (rule, subject, stands, since, time, worst)
select rule, device, true, max(raised), max(updated), max(worst) from {_OLD}
where state in ('unacknowledged', 'acknowledged', 'suppressed') group by rule, device
"""
_OVER = f"""
insert into conditions (rule, subject, stands, since, time, worst)
select rule, device, false, max(cleared), max(cleared), null from {_OLD} o
where cleared is not null and not exists
    (select 1 from conditions c where c.rule = o.rule and c.subject = o.device)
group by rule, device
"""
# What the old tables did not note of a line, as far as the line itself says it.
_EVENTS = """
update alert_events set
    state = case what when 'raised' then 'unacknowledged' when 'released' then 'unacknowledged'
        when 'suppressed' then 'suppressed' when 'acknowledged' then 'acknowledged'
        when 'cleared' then 'cleared' else '' end,
    severity = (select severity from alerts where alerts.id = alert_events.alert)
where exists (select 1 from alerts where alerts.id = alert_events.alert)
"""


def alerts_anew() -> None:
    """The table of alerts, with what was in the old one; conditions from it."""
    for index in inspect(op.get_bind()).get_indexes("alerts"):
        op.drop_index(str(index["name"]), "alerts")
    op.rename_table("alerts", _OLD)
    if on_postgresql():
        op.execute(f"alter table {_OLD} rename constraint alerts_pkey to {_OLD}_pkey")
    _make_alerts()
    for statement in (_ALERTS, _STAND, _OVER):
        op.execute(text(statement))
    op.drop_table(_OLD)


def note_states() -> None:
    """State and severity of each line of history."""
    op.execute(text(_EVENTS))


def _make_alerts() -> None:
    op.create_table(
        "alerts",
        Column("id", String(40), primary_key=True),
        Column("rule", String(64), nullable=False),
        Column("family", String(64), nullable=False),
        Column("subject", String(80), nullable=False),
        Column("kind", String(32), nullable=False),
        Column("quantity", String(32), nullable=False),
        Column("severity", Integer, nullable=False),
        Column("state", String(16), nullable=False),
        Column("raised", BigInteger, nullable=False),
        Column("updated", BigInteger, nullable=False),
        Column("value", Float),
        Column("worst", Float),
        Column("level", Float),
        Column("active", Boolean, nullable=False),
        Column("announced", BigInteger, nullable=False),
        Column("cleared", BigInteger),
        Column("acknowledged", BigInteger),
        Column("acknowledged_by", Text, nullable=False),
        Column("assigned", Text, nullable=False),
        Column("cause", String(40), nullable=False),
        Column("shelved_until", BigInteger),
        Column("shelved_by", Text, nullable=False),
        Column("shelved_why", Text, nullable=False),
        Column("out_of_service", Boolean, nullable=False),
        Column("chattering", Boolean, nullable=False),
        Column("escalated", BigInteger),
        Column("reminded", BigInteger),
        Column("detail", Text, nullable=False),
    )
    add_index("alerts_raised", "alerts", "raised", "id")
    add_index("alerts_subject", "alerts", "subject")
    is_open = text("state != 'cleared'")
    add_index(
        "one_open_alert", "alerts", "family", "subject",
        unique=True, sqlite_where=is_open, postgresql_where=is_open,
    )  # fmt: skip
