"""A request → its answer: the collection or entity that a path means, with what the options ask of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any
from urllib.parse import quote, urlencode

from api.context import Context
from api.cursor import make_cursor, read_cursor
from api.problems import not_found, too_much
from api.sta.encode import Encoder
from api.sta.entities import Entity
from api.sta.evaluate import Evaluator
from api.sta.expression import Path
from api.sta.model import COLLECTIONS
from api.sta.narrow import Narrowed, narrowed
from api.sta.observations import Page, Place, Reader
from api.sta.options import MOST_ROWS, Expand, Options
from api.sta.order import in_order
from api.sta.path import ResourcePath
from api.sta.source import Source, Span

ENTITIES = 20_000  # of one answer, with all that is expanded
LOOKED_AT = 300_000  # entities that a filter may look at
TOKEN = "$skiptoken"
_TIMES = (("phenomenonTime",), ("resultTime",))


class Answerer:
    """For one request. `base`: where the service's root is."""

    def __init__(self, context: Context, base: str, root: str) -> None:
        self.source = Source(context, root)
        self.encoder = Encoder(base)
        self._context = context
        self._evaluator = Evaluator(context.clock.now(), "$filter")
        self._reader = Reader(context.telemetry, self.source, self._evaluator)
        self._left = ENTITIES

    def find(self, path: ResourcePath) -> tuple[Entity | None, str]:
        """The entity that a path leads to, or leads on from, and the last link if it is a collection.

        Raises Problem 404 where there is none.
        """
        first = path.steps[0]
        if first.id is None:
            return None, first.name
        entity = self.source.get(COLLECTIONS[first.name].name, first.id)
        for at, step in enumerate(path.steps[1:], 1):
            if entity is None:
                break
            if at == len(path.steps) - 1 and path.many:
                return entity, step.name
            entity = self._follow(entity, step.name, step.id)
        if entity is None:
            raise not_found("path: there is no such entity", "path")
        return entity, ""

    def collection(
        self, owner: Entity | None, link: str, options: Options, token: str | None = None
    ) -> dict[str, Any]:
        """Entities of a collection, as the options ask."""
        address = f"{self.encoder.link(owner)}/{link}" if owner else f"{self.encoder.base}/{link}"
        if options.type.name == "Observation":
            return self._observations(owner, options, address, token)
        entities = self.source.lead(owner, link) if owner else self.source.all(options.type.name)
        found = self._fitting(entities, options)
        body: dict[str, Any] = {}
        if options.count or options.order:
            every = list(found)
            if options.count:
                body["@iot.count"] = len(every)
            found = iter(in_order(every, options.order, self._evaluator))
        page = list(islice(found, options.skip, options.skip + options.page + 1))
        body["value"] = [self.entity(e, options) for e in page[: options.page]]
        if len(page) > options.page > 0:
            body["@iot.nextLink"] = _address(
                address, options.text, {"$skip": options.skip + options.page}
            )
        return body

    def entity(self, entity: Entity, options: Options) -> dict[str, Any]:
        """One entity with what is expanded of it."""
        self._left -= 1
        if self._left < 0:
            raise too_much(
                f"$expand: the answer would hold more than {ENTITIES} entities", "$expand"
            )
        body = self.encoder.entity(entity, options)
        for expand in options.expand:
            self._expand(entity, expand, body)
        return body

    def rows(
        self, owner: Entity | None, options: Options, token: str | None = None
    ) -> tuple[list[Entity], dict[str, Any]]:
        """A page of observations, and what the answer says beside them; `$top` up to MOST_ROWS."""
        link = "Observations"
        address = f"{self.encoder.link(owner)}/{link}" if owner else f"{self.encoder.base}/{link}"
        limit = min(options.top if options.top is not None else options.page, MOST_ROWS)
        return self._page(owner, options, address, token, limit)

    def _observations(
        self, owner: Entity | None, options: Options, address: str, token: str | None
    ) -> dict[str, Any]:
        entities, body = self._page(owner, options, address, token, options.page)
        body = dict(body)
        following = body.pop("@iot.nextLink", None)
        body["value"] = [self.entity(e, options) for e in entities]
        return body if following is None else body | {"@iot.nextLink": following}

    def _page(
        self, owner: Entity | None, options: Options, address: str, token: str | None, limit: int
    ) -> tuple[list[Entity], dict[str, Any]]:
        what = narrowed(self._span(owner), options.filter, self.source, self._evaluator)
        body: dict[str, Any] = {"@iot.count": self._reader.count(what)} if options.count else {}
        newest_first = _newest_first(options)
        if newest_first is None:
            every = self._reader.sorted(what, lambda e: in_order(e, options.order, self._evaluator))
            entities = every[options.skip : options.skip + limit]
            if len(every) > options.skip + limit:
                body["@iot.nextLink"] = _address(
                    address, options.text, {"$skip": options.skip + limit}
                )
            return entities, body
        page = self._read(what, options, limit, newest_first, token)
        if page.after is not None and limit:
            body["@iot.nextLink"] = _address(
                address, options.text, {TOKEN: self._token(page.after)}, drop="$skip"
            )
        return page.entities, body

    def _read(
        self, what: Narrowed, options: Options, limit: int, newest_first: bool, token: str | None
    ) -> Page:
        plain = what.rest is None and what.pairs is None and not options.skip and token is None
        if (
            plain
            and newest_first
            and limit == 1
            and what.span == replace(what.span, start=0, end=Span(what.span.series).end)
        ):
            latest = self._context.telemetry.latest(what.span.series)
            if len(latest) == 1:  # one series: the store knows its newest
                entities = list(self.source.observations(latest))
                place = (int(latest.time[0]), int(latest.device[0]), int(latest.quantity[0]))
                return Page(entities, place)
        after = self._place(token)
        skip = 0 if token is not None else options.skip
        return self._reader.page(what, limit, skip=skip, newest_first=newest_first, after=after)

    def _span(self, owner: Entity | None) -> Span:
        return self.source.everything() if owner is None else self.source.span(owner)

    def _fitting(self, entities: Iterator[Entity], options: Options) -> Iterator[Entity]:
        for number, entity in enumerate(entities):
            if number >= LOOKED_AT:
                raise too_much(f"$filter: would look at more than {LOOKED_AT} entities", "$filter")
            if options.filter is None or self._evaluator.fits(options.filter, entity):
                yield entity

    def _follow(self, entity: Entity, link: str, name: str | None) -> Entity | None:
        if link == "Observations":
            assert name is not None
            found = self.source.get("Observation", name)
            span = self.source.span(entity)
            return found if found is not None and _within(found, span) else None
        led = self.source.lead(entity, link)
        return next((e for e in led if name is None or e.id == name), None)

    def _expand(self, entity: Entity, expand: Expand, body: dict[str, Any]) -> None:
        if entity.type.links[expand.link].many:
            found = self.collection(entity, expand.link, expand.options)
            body[expand.link] = found["value"]
            for name in ("@iot.count", "@iot.nextLink"):
                if name in found:
                    body[f"{expand.link}{name}"] = found[name]
        else:
            one = next(iter(self.source.lead(entity, expand.link)), None)
            body[expand.link] = None if one is None else self.entity(one, expand.options)

    def _token(self, place: Place) -> str:
        time, device, quantity = place
        names = (self.source.device(device).id, self.source.kinds.quantities[quantity])
        return make_cursor("observations", [time, *names])

    def _place(self, token: str | None) -> Place | None:
        found = read_cursor("observations", token, tuple[int, str, str])
        if found is None:
            return None
        stream = self.source.find_series(f"{found[1]}.{found[2]}")
        if stream is None:
            raise not_found(f"{TOKEN}: names a Datastream that there is not", TOKEN)
        return found[0], stream.code, stream.quantity


def _newest_first(options: Options) -> bool | None:
    """Whether the order is that of time, backwards or not; None where it is another one."""
    if not options.order:
        return False
    first, *rest = options.order
    by_time = isinstance(first.node, Path) and first.node.steps in _TIMES
    names = [o.node.steps[-1] for o in rest if isinstance(o.node, Path)]
    same = len(names) == len(rest) and set(names) <= {
        "id",
        "@iot.id",
        "phenomenonTime",
        "resultTime",
    }
    return first.descending if by_time and same else None


def _within(observation: Entity, span: Span) -> bool:
    reading, series = observation.reading, span.series
    assert reading is not None
    device = series.devices is None or reading.device in series.devices
    quantity = series.quantities is None or reading.quantity in series.quantities
    return bool(device and quantity and span.start <= reading.time < span.end)


def _address(
    address: str, text: Iterable[tuple[str, str]], more: dict[str, Any], drop: str = ""
) -> str:
    kept = [(n, v) for n, v in text if n not in more and n != drop]
    return f"{address}?{urlencode([*kept, *more.items()], quote_via=quote, safe='$')}"
