"""Query options of SensorThings: $filter, $orderby, $top, $skip, $count, $select, $expand (nested), resultFormat.

$expand is a small language of its own: Datastreams($filter=…;$expand=Observations($top=1)),Locations
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from api.sta.expression import Node
from api.sta.model import TYPES, EntityType
from api.sta.parser import parse
from telemetry.errors import QueryError

PAGE, MOST = 100, 1_000  # entities of a page where nothing is said, and at most
MOST_ROWS = 10_000  # observations of a page of resultFormat=dataArray
MAX_EXPAND = 6  # levels
_NAMES = ("$filter", "$orderby", "$top", "$skip", "$count", "$select", "$expand")


@dataclass(frozen=True, slots=True)
class Order:
    """One key of $orderby."""

    node: Node
    descending: bool


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked of one collection or entity. top None: a page; text: as it was given, for next links."""

    type: EntityType
    filter: Node | None = None
    order: tuple[Order, ...] = ()
    top: int | None = None
    skip: int = 0
    count: bool = False
    select: frozenset[str] = frozenset()
    expand: tuple[Expand, ...] = ()
    text: tuple[tuple[str, str], ...] = ()

    @property
    def page(self) -> int:
        """Entities of this answer at most."""
        return PAGE if self.top is None else min(self.top, MOST)


@dataclass(frozen=True, slots=True)
class Expand:
    """A link whose entities come along."""

    link: str
    options: Options


def read_options(type_: EntityType, given: Iterable[tuple[str, str]], level: int = 0) -> Options:
    """The options of a collection of this type. Raises QueryError, which names the option."""
    found = Options(type_, text=tuple(given))
    names = [name for name, _ in found.text]
    for name, value in found.text:
        if name not in _NAMES:
            raise QueryError(name[:80], f"is no query option; {', '.join(_NAMES)} are")
        if names.count(name) > 1:
            raise QueryError(name, "may be given once")
        found = _with(found, name, value, level)
    return found


def _with(found: Options, name: str, value: str, level: int) -> Options:
    if name == "$filter":
        return replace(found, filter=parse(value, name))
    if name == "$orderby":
        return replace(found, order=tuple(_order(part) for part in _split(value, ",", name)))
    if name == "$top":
        return replace(found, top=_whole(name, value, 1_000_000_000))
    if name == "$skip":
        return replace(found, skip=_whole(name, value, 1_000_000))
    if name == "$count":
        if value not in ("true", "false"):
            raise QueryError(name, "must be true or false", value)
        return replace(found, count=value == "true")
    if name == "$select":
        return replace(found, select=frozenset(_selected(found.type, value)))
    return replace(found, expand=_expands(found.type, _split(value, ",", name), level))


def _order(text: str) -> Order:
    body, _, direction = text.strip().rpartition(" ")
    if direction in ("asc", "desc") and body:
        return Order(parse(body, "$orderby"), direction == "desc")
    return Order(parse(text, "$orderby"), False)


def _whole(name: str, text: str, most: int) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 12 or int(text) > most:
        raise QueryError(name, f"must be a whole number, 0…{most}", text)
    return int(text)


def _selected(type_: EntityType, text: str) -> list[str]:
    names = [part.strip() for part in text.split(",")]
    for name in names:
        if name not in ("id", "@iot.id", "selfLink", *type_.properties, *type_.links):
            known = ", ".join(("id", *type_.properties, *type_.links))
            raise QueryError("$select", f"of {type_.collection} knows {known}", name)
    return ["id" if name == "@iot.id" else name for name in names]


def _expands(type_: EntityType, parts: list[str], level: int) -> tuple[Expand, ...]:
    if level >= MAX_EXPAND:
        raise QueryError("$expand", f"must be nested {MAX_EXPAND} deep at most")
    found: dict[str, Expand] = {}
    for part in parts:
        one = _expand(type_, part.strip(), level)
        if one.link in found:
            raise QueryError("$expand", "names a link twice", one.link)
        found[one.link] = one
    return tuple(found.values())


def _expand(type_: EntityType, text: str, level: int) -> Expand:
    head, bracket, rest = text.partition("(")
    if bracket and not rest.endswith(")"):
        raise QueryError("$expand", "needs ) at the end of its options", text)
    first, _, more = head.partition("/")
    link = type_.links.get(first)
    if link is None:
        raise QueryError("$expand", f"of {type_.collection} knows {', '.join(type_.links)}", first)
    target = TYPES[link.target]
    if more:  # Datastreams/Sensor: all along the way
        inner = more + (f"({rest}" if bracket else "")
        return Expand(first, Options(target, expand=_expands(target, [inner], level + 1)))
    pairs = [p.strip().partition("=") for p in _split(rest[:-1], ";", "$expand") if p.strip()]
    given = [(name.strip(), value) for name, _, value in pairs]
    return Expand(first, read_options(target, given, level + 1))


def _split(text: str, mark: str, place: str) -> list[str]:
    """At marks that stand in no brackets and no quotes."""
    parts, depth, quoted, start = [], 0, False, 0
    for at, c in enumerate(text):
        if c == "'":
            quoted = not quoted
        elif not quoted and c in "()":
            depth += 1 if c == "(" else -1
            if depth < 0 or depth > 60:
                raise QueryError(place, "has brackets that do not match", text)
        elif c == mark and not quoted and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    if depth or quoted:
        raise QueryError(place, "has brackets or quotes that do not match", text)
    return [*parts, text[start:]]
