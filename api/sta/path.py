"""A resource path → its steps (18-088, 9.2): Things('aq-1')/Datastreams('aq-1.pm25')/Observations/$ref"""

from __future__ import annotations

import re
from dataclasses import dataclass

from api.sta.model import COLLECTIONS, TYPES, EntityType
from telemetry.errors import QueryError

MAX_STEPS = 12
_STEP = re.compile(r"(@?[A-Za-z.]+)(?:\((?:'((?:[^']|'')*)'|([0-9]{1,30}))\))?")


class NoSuchPath(QueryError):
    """An address at which there can be nothing: 404."""


@dataclass(frozen=True, slots=True)
class Step:
    """A link, or a collection at the start; id where one entity of it is named."""

    name: str
    id: str | None


@dataclass(frozen=True, slots=True)
class ResourcePath:
    """steps lead to entities of `type`; many: a collection. property: one of an entity, raw: its bare value,
    ref: addresses only."""

    steps: tuple[Step, ...]
    type: EntityType
    many: bool
    property: str = ""
    raw: bool = False
    ref: bool = False


def read_path(text: str) -> ResourcePath:
    """Raises NoSuchPath, which says where it goes wrong."""
    parts = text.strip("/").split("/")
    if len(text) > 2_000 or len(parts) > MAX_STEPS:
        raise NoSuchPath("path", f"must have {MAX_STEPS} steps at most", text[:80])
    first = _step(parts[0])
    if first.name not in COLLECTIONS:
        raise NoSuchPath("path", f"must begin with one of {', '.join(COLLECTIONS)}", parts[0])
    steps, type_, many = [first], COLLECTIONS[first.name], first.id is None
    for at, part in enumerate(parts[1:], 1):
        rest = parts[at:]
        if part == "$ref":
            return _end(ResourcePath(tuple(steps), type_, many, ref=True), rest[1:])
        if many:
            raise NoSuchPath("path", f"needs an id behind {parts[at - 1]}", part)
        step = _step(part)
        link = type_.links.get(step.name)
        if link is None:
            return _property(tuple(steps), type_, step, rest)
        if step.id is not None and not link.many:
            raise NoSuchPath("path", f"{step.name} is one: it takes no id", part)
        steps.append(step)
        type_, many = TYPES[link.target], link.many and step.id is None
    return ResourcePath(tuple(steps), type_, many)


def _step(text: str) -> Step:
    match = _STEP.fullmatch(text)
    if match is None:
        raise NoSuchPath("path", "must be made of steps like Things('aq-1')", text[:80])
    name, quoted, number = match.groups()
    return Step(name, number if quoted is None else quoted.replace("''", "'"))


def _property(
    steps: tuple[Step, ...], type_: EntityType, step: Step, rest: list[str]
) -> ResourcePath:
    known = ("id", "@iot.id", *type_.properties)
    if step.name not in known or step.id is not None:
        words = ", ".join((*type_.properties, *type_.links))
        raise NoSuchPath("path", f"{type_.name} has {words}", rest[0])
    raw = rest[1:] == ["$value"]
    found = ResourcePath(steps, type_, False, property=step.name, raw=raw)
    return _end(found, rest[1:] if not raw else [])


def _end(found: ResourcePath, rest: list[str]) -> ResourcePath:
    if rest:
        raise NoSuchPath("path", "must end before this", rest[0])
    return found
