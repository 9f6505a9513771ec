"""Alerts are of subjects, not of devices only; what was last told of each rule is kept beside them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, String, Text

from store.migrations.alert_subjects import alerts_anew, note_states
from store.migrations.steps import add_column, add_index, add_table, columns

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Alerts are made anew; one of a pair that was open twice is over."""
    add_table(
        "conditions",
        Column("rule", String(64), primary_key=True),
        Column("subject", String(80), primary_key=True),
        Column("stands", Boolean, nullable=False),
        Column("since", BigInteger, nullable=False),
        Column("time", BigInteger, nullable=False),
        Column("worst", Float),
    )
    add_table(
        "out_of_service",
        Column("family", String(64), primary_key=True),
        Column("subject", String(80), primary_key=True),
        Column("since", BigInteger, nullable=False),
        Column("by", Text, nullable=False),
        Column("why", Text, nullable=False),
    )
    of_devices = "device" in columns("alerts")
    if of_devices:
        alerts_anew()
    state = Column("state", String(16), nullable=False, server_default="")
    add_column("alert_events", state)
    add_column("alert_events", Column("severity", Integer, nullable=False, server_default="0"))
    add_index("alert_events_time", "alert_events", "time")
    if of_devices:
        note_states()
