"""An example for every operation: made from its schema, with the words and numbers of this field.

What an operation says itself (`example`, `examples`) is left as it is.
"""

from __future__ import annotations

import json
from typing import Any

Schema = dict[str, Any]

# By the name of a field, where a type alone would say nothing.
_KNOWN: dict[str, Any] = {
    "id": "aq-0007",
    "device": "aq-0007",
    "devices": ["aq-0007"],
    "device_name": "Bến Thành",
    "name": "Bến Thành",
    "kind": "air",
    "quantity": "pm25",
    "unit": "ug/m3",
    "value": 31.2,
    "worst": 58.4,
    "level": 50.0,
    "flag": 1,
    "area": "26740",
    "area_name": "phường Bến Thành",
    "lat": 10.772,
    "lon": 106.698,
    "by": "Lan",
    "to": "Minh",
    "acknowledged_by": "Lan",
    "assigned": "Minh",
    "vi": "Bụi PM2.5 cao",
    "en": "PM2.5 is high",
    "subject": "aq-0007",
    "rule": "air_unhealthy",
    "severity": "high",
    "state": "unacknowledged",
    "why": "calibration",
    "text": "The crew is on its way",
    "reason": "not_a_number",
    "topic": "city/air/aq-0007/telemetry",
    "path": "$.pm25",
    "domain": "environment",
    "command": "dimming",
    "code": "pm25_high",
    "colour": "#FF7E00",
    "edition": "QĐ 1459/QĐ-TCMT",
    "coverage": 1.0,
    "next": None,
}
_TIME = "2026-11-22T03:00:00Z"
_TIMES = frozenset(
    {"time", "start", "end", "raised", "updated", "since", "received", "until", "created", "issued"}
)
_DEPTH = 8
_TEXT_OF = "x-text-of-"


def add_examples(described: Schema) -> None:
    """Give every answer and every body of an OpenAPI document an example."""
    components = described.get("components", {}).get("schemas", {})
    for path in described["paths"].values():
        for operation in path.values():
            contents = [a.get("content", {}) for a in operation["responses"].values()]
            contents.append(operation.get("requestBody", {}).get("content", {}))
            for content in contents:
                for media_type, told in content.items():
                    _add(media_type, told, components)


def kept(content: Schema) -> Schema:
    """The content of an answer with its examples as text: FastAPI would leave out what is null in them."""
    return {
        media_type: {
            (_TEXT_OF + key if key in ("example", "examples") else key): (
                json.dumps(value) if key in ("example", "examples") else value
            )
            for key, value in told.items()
        }
        for media_type, told in content.items()
    }


def _add(media_type: str, told: Schema, components: Schema) -> None:
    for key in ("example", "examples"):
        if _TEXT_OF + key in told:
            told[key] = json.loads(told.pop(_TEXT_OF + key))
    schema = told.get("schema", {})
    if "example" in told or "examples" in told or schema.get("format") == "binary":
        return
    if media_type.endswith("json"):
        told["example"] = example_of(schema, components)
    elif media_type == "text/event-stream":
        told["example"] = (
            'id: 5f0c2b9e.1417\nevent: status\ndata: {"items":[{"device":"aq-0007","kind":"air",'
            f'"quantity":"online","value":1.0,"unit":"{{state}}","flag":1,"time":"{_TIME}"}}]}}\n\n'
        )
    elif media_type.startswith("text/"):
        told["example"] = "urban_records_received_total 1417.0\n"


def example_of(schema: Schema, components: Schema, name: str = "", depth: int = 0) -> Any:
    """A value that the schema allows."""
    if "$ref" in schema:
        schema = components.get(schema["$ref"].rpartition("/")[2], {})
    for given in ("example", "const", "default"):
        if given in schema:
            return list(schema[given]) if isinstance(schema[given], tuple) else schema[given]
    if schema.get("examples"):
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            chosen: Schema = next((s for s in schema[several] if s.get("type") != "null"), {})
            return example_of(chosen, components, name, depth)
    return _of_type(schema, components, name, depth)


def _of_type(schema: Schema, components: Schema, name: str, depth: int) -> Any:
    types = schema.get("type", "object" if "properties" in schema else "string")
    type_ = next((t for t in types if t != "null"), "null") if isinstance(types, list) else types
    known = _known(name, type_)
    if known is not None:
        return known
    if type_ == "array":
        return _array(schema, components, name, depth)
    if type_ == "object":
        fields = schema.get("properties", {}) if depth < _DEPTH else {}
        return {k: example_of(s, components, k, depth + 1) for k, s in fields.items()}
    if type_ in ("integer", "number"):
        low = schema.get(
            "minimum", schema.get("exclusiveMinimum", 0) + ("exclusiveMinimum" in schema)
        )
        return max(low, 1) if schema.get("maximum", 1) >= 1 else low
    return {"boolean": True, "null": None}.get(type_, "…")


def _array(schema: Schema, components: Schema, name: str, depth: int) -> list[Any]:
    if "prefixItems" in schema:
        return [example_of(s, components, "", depth + 1) for s in schema["prefixItems"]]
    items = schema.get("items")
    if not isinstance(items, dict) or depth >= _DEPTH:
        return []
    one = example_of(items, components, name.removesuffix("s"), depth + 1)
    return [one] * max(1, schema.get("minItems", 1))


def _known(name: str, type_: str) -> Any:
    if type_ == "string" and (name in _TIMES or name.endswith("_at")):
        return _TIME
    found = _KNOWN.get(name)
    fits = {"string": str, "integer": int, "number": int | float, "array": list}.get(type_)
    return found if fits is not None and isinstance(found, fits) else None
