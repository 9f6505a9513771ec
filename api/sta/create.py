"""CreateObservations (18-088, 10.3): rows of observations → messages through ingest, as if a device had sent them.

Decoded, checked, recognised where they are there already, accounted for; what is refused is in quarantine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from api.context import Context
from api.sta.entities import Entity
from api.sta.source import Source
from devices.topics import telemetry_topic
from telemetry.clock import format_time, parse_time
from telemetry.errors import QueryError, TimeError
from telemetry.ledger import Outcome

MAX_ROWS = 10_000
_PARCEL = 500
_KNOWN = (
    "id", "phenomenonTime", "resultTime", "result", "resultQuality", "validTime", "parameters",
    "FeatureOfInterest/id",
)  # fmt: skip


class _Named(msgspec.Struct):
    id: str | int = msgspec.field(name="@iot.id")


class Group(msgspec.Struct, forbid_unknown_fields=True):
    """Rows of one Datastream, as the standard writes them."""

    datastream: _Named = msgspec.field(name="Datastream")
    components: list[str]
    rows: list[list[Any]] = msgspec.field(name="dataArray")
    count: int | None = msgspec.field(name="dataArray@iot.count", default=None)


@dataclass(frozen=True, slots=True)
class New:
    """One observation to create, or why it can't be."""

    stream: Entity | None
    time: int
    result: Any
    error: str = ""


def read_groups(body: bytes) -> list[Group]:
    """The body of CreateObservations. Raises QueryError, which says where it is wrong."""
    try:
        groups = msgspec.json.decode(body, type=list[Group])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise QueryError("body", f"must be a list of data arrays: {error}") from None
    for group in groups:
        unknown = [c for c in group.components if c not in _KNOWN]
        if unknown or "result" not in group.components:
            need = f"must hold result, and of {', '.join(_KNOWN)}"
            raise QueryError("components", need, unknown[0] if unknown else group.components)
    if sum(len(g.rows) for g in groups) > MAX_ROWS:
        raise QueryError("dataArray", f"must hold {MAX_ROWS} rows at most, all groups together")
    return groups


def read_rows(groups: Sequence[Group], source: Source, now: int) -> list[New]:
    """What each row says, in order."""
    found: list[New] = []
    for group in groups:
        stream = source.find_series(str(group.datastream.id))
        for row in group.rows:
            found.append(_row(stream, group, row, now))
    return found


def new_observation(stream: Entity | None, said: dict[str, Any], now: int) -> New:
    """What one observation says: the body of a POST to Observations."""
    if stream is None:
        return New(None, 0, None, "Datastream: there is none of this id")
    if "result" not in said:
        return New(stream, 0, None, "result: must be given")
    text = said.get("phenomenonTime", said.get("resultTime"))
    if text is None:
        return New(stream, now, said["result"])
    try:
        if not isinstance(text, str):
            raise TimeError("phenomenonTime", "must be an RFC 3339 time", text)
        return New(stream, parse_time(text, "phenomenonTime"), said["result"])
    except TimeError as error:
        return New(stream, 0, None, str(error))


def create(context: Context, rows: Sequence[New]) -> list[str]:
    """Send them through ingest. For each "" where it is there now, else what is wrong with it.

    Raises StoreError where ingest can't take them; doing it again is safe.
    """
    now = context.clock.now()
    errors = [row.error for row in rows]
    good = [i for i, row in enumerate(rows) if not row.error]
    for at in range(0, len(good), _PARCEL):
        parcel = good[at : at + _PARCEL]
        outcomes = context.resend([_message(rows[i], now) for i in parcel])
        for i, outcome in zip(parcel, outcomes, strict=True):
            errors[i] = _words(outcome)
    return errors


def _row(stream: Entity | None, group: Group, row: list[Any], now: int) -> New:
    if len(row) != len(group.components):
        return New(stream, 0, None, f"must have {len(group.components)} components")
    return new_observation(stream, dict(zip(group.components, row, strict=True)), now)


def _message(row: New, now: int) -> tuple[str, bytes, int]:
    stream = row.stream
    assert stream is not None
    quantity = stream.source.kinds.quantities[stream.quantity]
    device = stream.device
    body = {"time": format_time(row.time), quantity: row.result}
    return telemetry_topic(device.kind, device.id), msgspec.json.encode(body), now


def _words(outcome: Outcome) -> str:
    if outcome.quarantined:
        return f"refused: {', '.join(dict.fromkeys(outcome.quarantined))}; see /api/v1/quarantine"
    return "" if outcome.stored + outcome.duplicate else "there is nothing in it"
