"""Grafana's variables put into an InfluxQL query as Grafana 12 does it.

$timeFilter → time >= …ms and time <= …ms; $__interval → the step, at least the panel's own; ${x:regex} →
one value escaped, several as (a|b), a custom `all` value as it is; ${x} and $x → the value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

STEPS_MS = (1_000, 10_000, 60_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000, 86_400_000)
_SPECIAL = re.compile(r"[\\^$*+?.()|[\]{}/]")
_VARIABLE = re.compile(r"\$\{(\w+)(?::(\w+))?\}|\$(\w+)")


def regex_of(value: str | Sequence[str]) -> str:
    """The `regex` format of a value."""
    if isinstance(value, str):
        return _SPECIAL.sub(lambda m: "\\" + m[0], value)
    escaped = [_SPECIAL.sub(lambda m: "\\" + m[0], v) for v in value]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def interval_ms(start_ms: int, end_ms: int, points: int = 1_000, least: int = 1_000) -> int:
    """The step that a panel of so many points asks for."""
    wanted = max((end_ms - start_ms) // points, least)
    return next(s for s in STEPS_MS if s >= wanted)


def interpolate(
    query: str,
    start_ms: int,
    end_ms: int,
    variables: Mapping[str, str | Sequence[str]],
    least: int = 60_000,
) -> str:
    """The statement that the server is sent. Raises KeyError for a variable that there is not."""
    step = interval_ms(start_ms, end_ms, least=least)
    built_in = {"timeFilter": f"time >= {start_ms}ms and time <= {end_ms}ms",
                "__interval": f"{step // 1000}s", "__interval_ms": str(step),
                "__from": str(start_ms), "__to": str(end_ms)}  # fmt: skip

    def put(match: re.Match[str]) -> str:
        name, form = match[1] or match[3], match[2]
        if name in built_in:
            return built_in[name]
        value = variables[name]
        if form == "regex":
            return value if value == ".*" else regex_of(value)
        assert isinstance(value, str), f"{name} has several values and needs :regex"
        return value

    return _VARIABLE.sub(put, query)
