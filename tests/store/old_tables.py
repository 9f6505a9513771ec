"""Databases as every earlier program made them, with something in each table: tests/store/schemas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, MetaData, Table, create_engine, text

from store.schema import METADATA
from store.sql_address import address

SCHEMAS = Path(__file__).parent / "schemas"
STEPS = sorted({p.name[:4] for p in SCHEMAS.glob("*.sql")})
T0 = 1_790_000_000_000_000_000
S = 1_000_000_000

_DEVICES: list[dict[str, Any]] = [
    {"id": "phu-an", "kind": "level", "name": "Trạm Phú An", "lat": 10.77, "lon": 106.7, "limits": '{"bd1": 1.4}'},
    {"id": "aq-1", "kind": "air", "name": "", "lat": None, "lon": None, "limits": "{}"},
]  # fmt: skip
# Of a device: (id, rule, severity, state, raised, updated, value, worst, cleared, acknowledged, by whom).
_ALERTS: list[tuple[Any, ...]] = [
    ("a1", "flood_bd1", 2, "cleared", T0, T0 + 9 * S, 0.0, 1.0, T0 + 9 * S, T0 + 5 * S, "Lan"),
    ("a2", "flood_bd1", 2, "acknowledged", T0 + 20 * S, T0 + 40 * S, 2.0, 2.0, None, T0 + 30 * S, "Lan"),
    ("a3", "flood_bd2", 3, "unacknowledged", T0 + 25 * S, T0 + 40 * S, 2.0, None, None, None, ""),
    ("a4", "flood_bd3", 4, "returned", T0 + 10 * S, T0 + 15 * S, 0.0, 3.0, T0 + 15 * S, None, ""),
]  # fmt: skip
_NAMES = (
    "id", "rule", "severity", "state", "raised", "updated", "value", "worst", "cleared", "acknowledged",
    "acknowledged_by",
)  # fmt: skip
# What later tables ask for beside that. Columns that a table does not have are left out.
_LATER = {
    "announced": T0, "assigned": "", "shelved_by": "", "shelved_why": "", "out_of_service": False,
    "chattering": False, "detail": "", "level": 0.5, "cause": "", "kind": "level", "quantity": "flood_stage",
}  # fmt: skip
_ROWS: dict[str, list[dict[str, Any]]] = {
    "devices": [
        d | {"area": "", "parent": "", "registered": True, "simulated": False} for d in _DEVICES
    ],
    "alert_events": [
        {"alert": a, "time": t, "what": w, "by": "", "value": None, "text": "chữ"}
        for a, t, w in (("a1", T0, "raised"), ("a1", T0 + 9, "cleared"), ("a2", T0 + 20, "raised"))
    ],
    "quarantine": [
        {"id": "q1", "received": T0, "topic": "city/air/x/telemetry", "payload": b"\xff\0hello", "reason": "not_json",
         "path": "$", "detail": "words", "device": "aq-1", "kind": "air", "seen": 3, "size": 7},
    ],
    "notified": [{"channel": "duty", "alert": "a2"}],
    "notify_cursors": [{"channel": "duty", "number": 2}],
    "rules": [{"code": "b_rule", "definition": b"{}", "updated": T0, "updated_by": "an"}],
    "conditions": [
        {"rule": "flood_bd1", "subject": "phu-an", "stands": True, "since": T0, "time": T0, "worst": 1.0}
    ],
    "out_of_service": [
        {"family": "", "subject": "aq-1", "since": T0, "by": "Lan", "why": "thay cảm biến"}
    ],
    "quality_failures": [
        {"device": "aq-1", "hour": T0, "quantity": "pm25", "test": "spike", "count": 3, "worst": 4}
    ],
}  # fmt: skip


def make(url: str, step: str) -> None:
    """A database as the program of that step left it."""
    engine = create_engine(address(url))
    with engine.begin() as db:
        for statement in statements(step, engine):
            db.execute(text(statement))
        found = MetaData()
        found.reflect(db)
        for table in found.sorted_tables:
            _fill(db, table)
        db.execute(found.tables["meta"].insert(), {"version": 1 if step < "0006" else 2})
    engine.dispose()


def statements(step: str, engine: Engine) -> list[str]:
    """What that program made its tables with."""
    file = SCHEMAS / f"{step}_{engine.dialect.name}.sql"
    lines = [line for line in file.read_text().splitlines() if not line.startswith("--")]
    return [part for part in "\n".join(lines).split(";") if part.strip()]


def _fill(db: Connection, table: Table) -> None:
    rows = _alerts("subject" in table.c) if table.name == "alerts" else _ROWS.get(table.name, [])
    for row in rows:
        db.execute(table.insert(), {k: v for k, v in row.items() if k in table.c})


def _alerts(of_subjects: bool) -> list[dict[str, Any]]:
    found = []
    for values in _ALERTS:
        row = dict(zip(_NAMES, values, strict=True)) | _LATER
        row |= {"device": "phu-an", "subject": "phu-an", "family": row["rule"]}
        found.append(row | {"active": row["state"] in ("acknowledged", "unacknowledged")})
    return found


def differences(engine: Engine) -> list[Any]:
    """Between the database and what store/schema.py declares."""
    with engine.connect() as db:
        # SQLite keeps text of a length and without one alike, and tells a default as it was written.
        options = {
            "compare_type": db.dialect.name == "postgresql",
            "compare_server_default": db.dialect.name == "postgresql",
            "include_name": lambda name, kind, _: name != "alembic_version" or kind != "table",
        }
        return list(compare_metadata(MigrationContext.configure(db, opts=options), METADATA))
