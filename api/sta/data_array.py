"""The data array extension (18-088, 10.2): observations as rows of components, out and in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from api.sta.encode import Encoder, plain
from api.sta.entities import Entity
from api.sta.options import Options

COMPONENTS = ("id", "phenomenonTime", "resultTime", "result", "resultQuality", "parameters")


def data_array(
    entities: Iterable[Entity], options: Options, encoder: Encoder
) -> list[dict[str, Any]]:
    """One group for each Datastream, in the order in which they come up."""
    components = [c for c in COMPONENTS if not options.select or c in options.select]
    groups: dict[str, list[list[Any]]] = {}
    for entity in entities:
        stream = entity.id.rpartition(".")[0]
        groups.setdefault(stream, []).append([_cell(entity, c) for c in components])
    return [
        {
            "Datastream@iot.navigationLink": f"{encoder.base}/Datastreams('{stream}')",
            "components": components,
            "dataArray@iot.count": len(rows),
            "dataArray": rows,
        }
        for stream, rows in groups.items()
    ]


def _cell(entity: Entity, component: str) -> Any:
    return entity.id if component == "id" else plain(component, entity.fields[component])
