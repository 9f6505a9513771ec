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
    Table,
    false,
)

from store.access_tables import access_tables
from store.alert_records import AlertState
from store.sql_types import NUMBER, Words

# The newest step in store/migrations, which brings a database to what stands here.
REVISION = "0012"
# What programs of before there were steps looked at; they refuse this one in words.
VERSION = 3
METADATA = MetaData()

META = Table("meta", METADATA, Column("version", Integer, nullable=False))

DEVICES = Table(
    "devices",
    METADATA,
    Column("number", NUMBER, primary_key=True, autoincrement=True),
    Column("id", Words, nullable=False, unique=True),
    Column("kind", Words, nullable=False),
    Column("name", Words, nullable=False),
    Column("lat", Float),
    Column("lon", Float),
    Column("area", Words, nullable=False),
    Column("parent", Words, nullable=False),
    Column("registered", Boolean, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("limits", Words, nullable=False),
    Column("tags", Words, nullable=False, server_default="[]"),
    Column("retired", Boolean, nullable=False, server_default=false()),
)

# What people changed of devices; `before` and `after` hold the fields that differ, as JSON.
DEVICE_EVENTS = Table(
    "device_events",
    METADATA,
    Column("number", NUMBER, primary_key=True, autoincrement=True),
    Column("device", Words, nullable=False, index=True),
    Column("time", BigInteger, nullable=False),
    Column("what", Words, nullable=False),
    Column("by", Words, nullable=False),
    Column("why", Words, nullable=False),
    Column("before", Words, nullable=False),
    Column("after", Words, nullable=False),
)

ALERTS = Table(
    "alerts",
    METADATA,
    Column("id", Words, primary_key=True),
    Column("rule", Words, nullable=False),
    Column("family", Words, nullable=False),
    Column("subject", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("quantity", Words, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("state", Words, nullable=False),
    Column("raised", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("value", Float),
    Column("worst", Float),
    Column("level", Float),
    Column("active", Boolean, nullable=False),
    Column("announced", BigInteger, nullable=False),
    Column("cleared", BigInteger),
    Column("acknowledged", BigInteger),
    Column("acknowledged_by", Words, nullable=False),
    Column("assigned", Words, nullable=False),
    Column("cause", Words, nullable=False),
    Column("released", BigInteger),
    Column("shelved_until", BigInteger),
    Column("shelved_by", Words, nullable=False),
    Column("shelved_why", Words, nullable=False),
    Column("out_of_service", Boolean, nullable=False),
    Column("chattering", Boolean, nullable=False),
    Column("escalated", BigInteger),
    Column("reminded", BigInteger),
    Column("detail", Words, nullable=False),
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
    Column("number", NUMBER, primary_key=True, autoincrement=True),
    Column("alert", Words, nullable=False, index=True),
    Column("time", BigInteger, nullable=False),
    Column("what", Words, nullable=False),
    Column("by", Words, nullable=False),
    Column("value", Float),
    Column("text", Words, nullable=False),
    Column("state", Words, nullable=False, server_default=""),
    Column("severity", Integer, nullable=False, server_default="0"),
    Index("alert_events_time", "time"),
)

# What was last told of each rule at each subject: a replay up to there is old news.
CONDITIONS = Table(
    "conditions",
    METADATA,
    Column("rule", Words, primary_key=True),
    Column("subject", Words, primary_key=True),
    Column("stands", Boolean, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("worst", Float),
)

# What an engineer took out of service; family "": everything of the subject.
OUT_OF_SERVICE = Table(
    "out_of_service",
    METADATA,
    Column("family", Words, primary_key=True),
    Column("subject", Words, primary_key=True),
    Column("since", BigInteger, nullable=False),
    Column("by", Words, nullable=False),
    Column("why", Words, nullable=False),
)

RULES = Table(
    "rules",
    METADATA,
    Column("code", Words, primary_key=True),
    Column("definition", LargeBinary, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("updated_by", Words, nullable=False),
)

# What each channel was told: alerts that it knows of and has not been told the end of.
NOTIFIED = Table(
    "notified",
    METADATA,
    Column("channel", Words, primary_key=True),
    Column("alert", Words, primary_key=True),
)

# Up to which line of `alert_events` each channel has been told what it is to hear.
NOTIFY_CURSORS = Table(
    "notify_cursors",
    METADATA,
    Column("channel", Words, primary_key=True),
    Column("number", BigInteger, nullable=False),
)

# How many readings of a series failed a test of quality in an hour, and the worst flag that it gave.
QUALITY = Table(
    "quality_failures",
    METADATA,
    Column("device", Words, primary_key=True),
    Column("hour", BigInteger, primary_key=True),
    Column("quantity", Words, primary_key=True),
    Column("test", Words, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("worst", Integer, nullable=False),
    Index("quality_age", "hour"),
)

# What devices were told to do, and what became of it.
COMMANDS = Table(
    "commands",
    METADATA,
    Column("id", Words, primary_key=True),
    Column("batch", Words, nullable=False, index=True),
    Column("device", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("command", Words, nullable=False),
    Column("value", Float),
    Column("requested", BigInteger, nullable=False),
    Column("requested_by", Words, nullable=False),
    Column("why", Words, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("state", Words, nullable=False, index=True),
    Column("sent", BigInteger),
    Column("answered", BigInteger),
    Column("applied", Float),
    Column("error", Words, nullable=False),
    Index("commands_age", "requested", "id"),
    Index("commands_device", "device", "command", "requested"),
)

QUARANTINE = Table(
    "quarantine",
    METADATA,
    Column("id", Words, primary_key=True),
    Column("received", BigInteger, nullable=False),
    Column("topic", Words, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("reason", Words, nullable=False, index=True),
    Column("path", Words, nullable=False),
    Column("detail", Words, nullable=False),
    Column("device", Words, nullable=False, index=True),
    Column("kind", Words, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("state", Words, nullable=False, server_default="waiting"),
    Column("acted", BigInteger),
    Column("acted_by", Words, nullable=False, server_default=""),
    Column("note", Words, nullable=False, server_default=""),
    # Of the payload: what the bound by size adds up, from an index and not from the bytes themselves.
    Column("size", Integer, nullable=False, server_default="0"),
    Index("quarantine_age", "received", "id", "size"),
    Index("quarantine_state", "state", "received", "id", "size"),
)

ACCOUNTS, API_KEYS, SESSIONS, AUDIT = access_tables(METADATA)
