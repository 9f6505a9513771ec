"""Tables of the operations store, for SQLAlchemy Core. Times are ns, UTC."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

from store.alert_records import AlertState

VERSION = 2
METADATA = MetaData()

META = Table("meta", METADATA, Column("version", Integer, nullable=False))

DEVICES = Table(
    "devices",
    METADATA,
    # SQLite only numbers an Integer key by itself; PostgreSQL makes a serial of it.
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
    Column("tags", Text, nullable=False, server_default="[]"),
)

ALERTS = Table(
    "alerts",
    METADATA,
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
    Column("released", BigInteger),
    Column("shelved_until", BigInteger),
    Column("shelved_by", Text, nullable=False),
    Column("shelved_why", Text, nullable=False),
    Column("out_of_service", Boolean, nullable=False),
    Column("chattering", Boolean, nullable=False),
    Column("escalated", BigInteger),
    Column("reminded", BigInteger),
    Column("detail", Text, nullable=False),
    Index("alerts_raised", "raised", "id"),
    Index("alerts_subject", "subject"),
)

_OPEN = ALERTS.c.state != str(AlertState.CLEARED)
# Promise 7, held by the database itself: one open alert per (rule, subject).
Index(
    "one_open_alert",
    ALERTS.c.family,
    ALERTS.c.subject,
    unique=True,
    sqlite_where=_OPEN,
    postgresql_where=_OPEN,
)

ALERT_EVENTS = Table(
    "alert_events",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("alert", String(40), nullable=False, index=True),
    Column("time", BigInteger, nullable=False),
    Column("what", String(16), nullable=False),
    Column("by", Text, nullable=False),
    Column("value", Float),
    Column("text", Text, nullable=False),
    Column("state", String(16), nullable=False, server_default=""),
    Column("severity", Integer, nullable=False, server_default="0"),
    Index("alert_events_time", "time"),
)

# What was last told of each rule at each subject: a replay up to there is old news.
CONDITIONS = Table(
    "conditions",
    METADATA,
    Column("rule", String(64), primary_key=True),
    Column("subject", String(80), primary_key=True),
    Column("stands", Boolean, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("worst", Float),
)

# What an engineer took out of service; family "": everything of the subject.
OUT_OF_SERVICE = Table(
    "out_of_service",
    METADATA,
    Column("family", String(64), primary_key=True),
    Column("subject", String(80), primary_key=True),
    Column("since", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("why", Text, nullable=False),
)

RULES = Table(
    "rules",
    METADATA,
    Column("code", String(32), primary_key=True),
    Column("definition", LargeBinary, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("updated_by", Text, nullable=False),
)

# What each channel was told: alerts that it knows of and has not been told the end of.
NOTIFIED = Table(
    "notified",
    METADATA,
    Column("channel", String(32), primary_key=True),
    Column("alert", String(40), primary_key=True),
)

# Up to which line of `alert_events` each channel has been told what it is to hear.
NOTIFY_CURSORS = Table(
    "notify_cursors",
    METADATA,
    Column("channel", String(32), primary_key=True),
    Column("number", BigInteger, nullable=False),
)

# How many readings of a series failed a test of quality in an hour, and the worst flag that it gave.
QUALITY = Table(
    "quality_failures",
    METADATA,
    Column("device", String(64), primary_key=True),
    Column("hour", BigInteger, primary_key=True),
    Column("quantity", String(32), primary_key=True),
    Column("test", String(16), primary_key=True),
    Column("count", Integer, nullable=False),
    Column("worst", Integer, nullable=False),
    Index("quality_age", "hour"),
)

QUARANTINE = Table(
    "quarantine",
    METADATA,
    Column("id", String(40), primary_key=True),
    Column("received", BigInteger, nullable=False),
    Column("topic", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("reason", String(32), nullable=False, index=True),
    Column("path", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("device", String(64), nullable=False, index=True),
    Column("kind", String(32), nullable=False),
    Column("seen", Integer, nullable=False),
    Column("state", String(16), nullable=False, server_default="waiting"),
    Column("acted", BigInteger),
    Column("acted_by", Text, nullable=False, server_default=""),
    Column("note", Text, nullable=False, server_default=""),
    # Of the payload: what the bound by size adds up, from an index and not from the bytes themselves.
    Column("size", Integer, nullable=False, server_default="0"),
    Index("quarantine_age", "received", "id", "size"),
    Index("quarantine_state", "state", "received", "id", "size"),
)
