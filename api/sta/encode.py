"""Entities as JSON (18-088, 8.2.1 and 9.3.2): ids, self and navigation links, properties that were selected."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import shapely
from shapely import Geometry

from api.sta.entities import Entity
from api.sta.expression import Moment
from api.sta.options import Options
from telemetry.clock import format_time


class Encoder:
    """`base` is the address of the service's root."""

    def __init__(self, base: str) -> None:
        self.base = base

    def link(self, entity: Entity) -> str:
        """Where an entity is."""
        return f"{self.base}/{entity.type.collection}({_quoted(entity.id)})"

    def reference(self, entity: Entity) -> dict[str, str]:
        """Its address alone, for $ref."""
        return {"@iot.selfLink": self.link(entity)}

    def entity(self, entity: Entity, options: Options) -> dict[str, Any]:
        """Its properties and links, as far as they were selected; what is expanded comes later."""
        chosen, link = options.select, self.link(entity)
        body: dict[str, Any] = {}
        if not chosen or "id" in chosen:
            body["@iot.id"] = entity.id
        if not chosen or "selfLink" in chosen:
            body["@iot.selfLink"] = link
        expanded = {e.link for e in options.expand}
        for name in entity.type.properties:
            if not chosen or name in chosen:
                body[name] = plain(name, entity.fields.get(name))
        for name in entity.type.links:
            if name not in expanded and (not chosen or name in chosen):
                body[f"{name}@iot.navigationLink"] = f"{link}/{name}"
        return body


def plain(name: str, value: Any) -> Any:
    """A property for JSON."""
    if isinstance(value, Moment):
        return format_time(value.start)
    if isinstance(value, Geometry):
        return shapely.geometry.mapping(value)
    if value is None and name == "feature":
        return {"type": "Feature", "geometry": None, "properties": {}}
    return value


def _quoted(name: str) -> str:
    return "'" + quote(name.replace("'", "''"), safe="-._~") + "'"
