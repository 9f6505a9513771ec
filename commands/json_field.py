"""PATH=VALUE → a JSON document with one field changed: what `urban quarantine resend --set` does."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from telemetry.errors import QueryError

# $.pm25 or pm25, $[3].v, $.object.temperature, $["a name.with dots"]
_STEP = re.compile(r'\.?([^.\[\]"=]+)|\[(\d{1,6})\]|\[("(?:[^"\\]|\\.)*")\]')
Step = str | int


def set_fields(payload: bytes, assignments: list[str]) -> bytes:
    """Each `PATH=VALUE` done to a JSON payload. VALUE is JSON; what is none is text.

    Raises QueryError where the payload is no JSON, a path can't be read, or leads nowhere in it.
    """
    try:
        body = msgspec.json.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise QueryError(
            "--set", f"the payload is no JSON ({error})", remedy="give it whole with --payload"
        ) from None
    for assignment in assignments:
        if not assignment.isprintable():
            raise QueryError("--set", "must be printable text", assignment)
        steps, value = _parse(assignment)
        _put(body, steps, value, assignment)
    return msgspec.json.encode(body)


def _parse(assignment: str) -> tuple[list[Step], Any]:
    """Steps and value. The first = outside of quotes divides them."""
    steps: list[Step] = []
    place = 1 if assignment.startswith("$") else 0
    while match := _STEP.match(assignment, place):
        name, index, quoted = match.groups()
        steps.append(name or (int(index) if index else msgspec.json.decode(quoted)))
        place = match.end()
    if not steps or assignment[place : place + 1] != "=":
        raise QueryError("--set", "must be PATH=VALUE, like pm25=31.2 or $[3].v=7", assignment)
    text = assignment[place + 1 :]
    try:
        return steps, msgspec.json.decode(text)
    except msgspec.MsgspecError:
        return steps, text


def _put(body: Any, steps: list[Step], value: Any, assignment: str) -> None:
    """Fields of an object may be new; elements of a list must be there."""
    for i, step in enumerate(steps):
        fits = isinstance(body, dict) if isinstance(step, str) else isinstance(body, list)
        last = i == len(steps) - 1
        there = fits and (step in body if isinstance(body, dict) else int(step) < len(body))
        if not fits or not (there or (last and isinstance(body, dict))):
            raise QueryError("--set", f"there is no {_shown(steps[: i + 1])} in it", assignment)
        if last:
            body[step] = value
        else:
            body = body[step]


def _shown(steps: list[Step]) -> str:
    return "$" + "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in steps)
