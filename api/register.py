"""The register of devices for the API: changes are taken and noted; a CSV becomes changes with a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from api.context import Context
from api.device_schemas import ImportLine, ImportReport
from api.problems import Problem
from control.device_csv import read_lines
from control.register import Change, Register, plain
from devices.device import Device
from telemetry.errors import QueryError


def taken(context: Context, changes: Sequence[Change], by: str, why: str = "") -> list[Device]:
    """Have changes done, and noted, by somebody who sees the devices as they were and as they are to be."""
    for change in changes:
        try:
            _refuse_foreign(context, change)
        except QueryError as error:
            raise Problem(403, "Not allowed", str(error), "area") from None
    signed = context.trail.principal.signed(by)
    done = context.register.take(changes, signed, why)
    _note(context, [c for c in changes if not c.nothing], why)
    return done


def _note(context: Context, changes: Sequence[Change], why: str) -> None:
    """One line of the audit log an act; of many devices at once their own histories tell the fields."""
    if not changes:
        context.trail.nothing()
    elif len(changes) == 1:
        (change,) = changes
        before = None if change.old is None else plain(change.old)
        after = plain(change.new) | {"why": why}
        context.trail.note(f"device.{change.what}", change.new.id, before, after)
    else:
        told = {
            what: [c.new.id for c in changes if c.what == what] for what in ("registered", "edited")
        }
        context.trail.note("device.import", "", None, told)


def imported(context: Context, text: str, by: str, *, dry_run: bool) -> ImportReport:
    """Every line that can be taken is; each has its line in the report. Raises QueryError for no CSV of devices."""
    register = context.register
    lines: list[ImportLine] = []
    changes: list[Change] = []
    seen: set[str] = set()
    for number, said in read_lines(text):
        try:
            if isinstance(said, QueryError):
                raise said
            change = _change(context, register, dict(said), seen)
            _refuse_foreign(context, change)
        except QueryError as error:
            named = "" if isinstance(said, QueryError) else str(said.get("id", ""))
            lines.append(ImportLine(number, named[:64], "refused", str(error)))
            continue
        outcome = "unchanged" if change.nothing else change.what
        lines.append(ImportLine(number, change.new.id, outcome, ""))
        changes.append(change)
    if dry_run:
        context.trail.nothing()
    else:
        taken(context, changes, by, "import")
    counts = dict.fromkeys(("registered", "edited", "unchanged", "refused"), 0)
    for line in lines:
        counts[line.outcome] += 1
    return ImportReport(dry_run=dry_run, lines=lines, **counts)


def _change(context: Context, register: Register, said: dict[str, Any], seen: set[str]) -> Change:
    device_id, kind = said.pop("id"), said.pop("kind", "")
    if device_id in seen:
        raise QueryError("id", "stands in an earlier line too", device_id)
    seen.add(device_id)
    known = context.catalogue.get(device_id)
    if known is None or not (known.registered or known.retired):
        if not kind and known is None:
            raise QueryError("kind", f"must be said of a device that is new: {device_id}")
        return register.registering(device_id, kind or (known.kind if known else ""), said)
    if kind and kind != known.kind:
        raise QueryError("kind", f"{device_id} is of kind {known.kind}, which stays", kind)
    if known.retired:
        raise QueryError("id", f"{device_id} is retired: reinstate it first")
    return register.editing(known, said)


def _refuse_foreign(context: Context, change: Change) -> None:
    """Who sees a part of the city registers and changes devices there only, and moves none out of it."""
    if not all(context.sight.device(d) for d in (change.old, change.new) if d is not None):
        raise QueryError(
            "area", f"of {change.new.id} and its kind are not what your account is for"
        )
