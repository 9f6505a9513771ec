"""Devices, alerts with their history, quarantine: the first tables."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, LargeBinary, String, Text, text

from store.migrations.steps import add_index, add_table, columns

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make what is not there."""
    add_table("meta", Column("version", Integer, nullable=False))
    _devices()
    _alerts()
    _quarantine()


def _devices() -> None:
    add_table(
        "devices",
        Column("number", Integer, primary_key=True, autoincrement=True),
        Column("id", String(64), nullable=False, unique=True),
        Column("kind", String(32), nullable=False),
        Column("name", Text, nullable=False),
        Column("lat", Float),
        Column("lon", Float),
        Column("area", String(16), nullable=False),
        Column("parent", String(64), nullable=False),
        Column("registered", Boolean, nullable=False),
        Column("simulated", Boolean, nullable=False),
        Column("limits", Text, nullable=False),
    )


def _alerts() -> None:
    add_table(
        "alerts",
        Column("id", String(40), primary_key=True),
        Column("rule", String(64), nullable=False),
        Column("device", String(64), nullable=False),
        Column("kind", String(32), nullable=False),
        Column("quantity", String(32), nullable=False),
        Column("severity", Integer, nullable=False),
        Column("state", String(16), nullable=False),
        Column("raised", BigInteger, nullable=False),
        Column("updated", BigInteger, nullable=False),
        Column("value", Float),
        Column("worst", Float),
        Column("level", Float, nullable=False),
        Column("cleared", BigInteger),
        Column("acknowledged", BigInteger),
        Column("acknowledged_by", Text, nullable=False),
        Column("cause", String(40), nullable=False),
    )
    if "device" in columns("alerts"):
        add_index("alerts_raised", "alerts", "raised", "id")
        add_index("alerts_device", "alerts", "device")
        standing = text("state in ('unacknowledged', 'acknowledged', 'suppressed')")
        add_index(
            "one_standing_alert", "alerts", "rule", "device",
            unique=True, sqlite_where=standing, postgresql_where=standing,
        )  # fmt: skip
    add_table(
        "alert_events",
        Column("number", Integer, primary_key=True, autoincrement=True),
        Column("alert", String(40), nullable=False),
        Column("time", BigInteger, nullable=False),
        Column("what", String(16), nullable=False),
        Column("by", Text, nullable=False),
        Column("value", Float),
        Column("text", Text, nullable=False),
    )
    add_index("ix_alert_events_alert", "alert_events", "alert")


def _quarantine() -> None:
    add_table(
        "quarantine",
        Column("id", String(40), primary_key=True),
        Column("received", BigInteger, nullable=False),
        Column("topic", Text, nullable=False),
        Column("payload", LargeBinary, nullable=False),
        Column("reason", String(32), nullable=False),
        Column("path", Text, nullable=False),
        Column("detail", Text, nullable=False),
        Column("device", String(64), nullable=False),
        Column("kind", String(32), nullable=False),
        Column("seen", Integer, nullable=False),
    )
    add_index("ix_quarantine_reason", "quarantine", "reason")
    add_index("ix_quarantine_device", "quarantine", "device")
