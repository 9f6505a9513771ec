"""Points → line protocol, with every escape the format knows and an error where it knows none.

Source: InfluxData, "Line protocol" reference, and its line-protocol corpus. What the format can't carry
is refused here, because a server would drop it or read something else: NaN and infinity, a field or tag
called `time`, an empty tag value, a backslash at the end of a name, control characters in a name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isfinite

from telemetry.errors import StoreError

FieldValue = bool | int | float | str

# The first and last time that a server takes. [ns]
MIN_TIME = -(2**63) + 2
MAX_TIME = 2**63 - 2

# Line breaks end a line; other control characters are skipped at the start of a name, as if not there.
_CONTROL = re.compile(r"[\0-\x1f]")
_MEASUREMENT = str.maketrans({",": r"\,", " ": r"\ "})
_KEY = str.maketrans({",": r"\,", " ": r"\ ", "=": r"\="})
_STRING = str.maketrans({'"': r"\"", "\\": r"\\"})


def escape_measurement(name: str) -> str:
    """A measurement's name as it stands in a line. Raises StoreError for one that no line can carry."""
    if name.startswith("#"):
        raise StoreError("measurement", "must not start with #: the line would be a comment", name)
    return _representable("measurement", name).translate(_MEASUREMENT)


def escape_tag(text: str, place: str = "tag") -> str:
    """A tag's key or value. Raises StoreError for one that no line can carry."""
    return _representable(place, text).translate(_KEY)


def escape_field(name: str) -> str:
    """A field's key. Raises StoreError for one that no line can carry."""
    _refuse_time("field", name)
    return _representable("field", name).translate(_KEY)


def encode_value(value: FieldValue, place: str = "field") -> str:
    """A field's value: `1i` an integer, `1.5` a float, `true` a boolean, a string in quotes.

    Raises StoreError for NaN, infinity and integers over 64 bits.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value.translate(_STRING)}"'
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise StoreError(place, "must fit into 64 bits", value)
        return f"{value}i"
    if not isfinite(value):
        raise StoreError(place, "must be a finite number", value, "leave out a missing value")
    return repr(float(value)).removesuffix(".0")


def encode_point(
    measurement: str, tags: Mapping[str, str], fields: Mapping[str, FieldValue], time: int
) -> str:
    """One line, without its line break; tags in the order of their keys. `time` in ns since 1970, UTC.

    Raises StoreError for what the format can't carry.
    """
    if not fields:
        raise StoreError(measurement, "a point must have at least one field")
    if not MIN_TIME <= time <= MAX_TIME:
        raise StoreError(measurement, f"time must lie in {MIN_TIME}…{MAX_TIME} ns", time)
    head = escape_measurement(measurement)
    for key, value in sorted(tags.items()):
        _refuse_time("tag", key)
        head += f",{escape_tag(key)}={escape_tag(value, f'tag {key}')}"
    body = ",".join(f"{escape_field(k)}={encode_value(v, k)}" for k, v in fields.items())
    return f"{head} {body} {time}"


def _representable(place: str, text: str) -> str:
    if not text:
        raise StoreError(place, "must not be empty", text)
    if text.endswith("\\"):
        raise StoreError(place, "must not end in a backslash: it would escape what follows", text)
    if _CONTROL.search(text):
        raise StoreError(place, "must hold no line break or other control character", text)
    return text


def _refuse_time(place: str, key: str) -> None:
    if key == "time":
        raise StoreError(place, "must not be called time: a server drops it", key)
