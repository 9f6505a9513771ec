"""Readings and windows as JSON objects, one string a row: made column by column, no Python object between.

What a row holds is what `api.schemas.Reading` and `Window` say; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from api.context import Context
from api.encode import format_times
from api.tables import Table
from telemetry.arrays import AnyArray, Times


def json_rows(context: Context, table: Table) -> list[str]:
    """Each row as a JSON object. NaN leaves as null."""
    devices = context.catalogue.devices
    heads, units = _parts(context, table)
    ids = [devices[code].id for code in table.device.tolist()]
    rows = zip(
        ids, heads, json_numbers(table.value), units, table.flag.tolist(), time_texts(table.time),
        strict=True,
    )  # fmt: skip
    texts = [
        f'{{"device":"{device}",{head}{value},{unit}{flag},"time":"{time}"'
        for device, head, value, unit, flag, time in rows
    ]
    if table.count is None or table.coverage is None:
        return [text + "}" for text in texts]
    more = zip(texts, table.count.tolist(), json_numbers(table.coverage), strict=True)
    return [f'{text},"count":{count},"coverage":{coverage}}}' for text, count, coverage in more]


def json_numbers(values: AnyArray) -> list[str]:
    """Numbers as JSON writes them."""
    if not len(values):
        return []
    return msgspec.json.encode(values.tolist())[1:-1].decode().split(",")


def time_texts(times: Times) -> list[str]:
    """Like `format_times`; many rows share a time, so each is written once."""
    if not len(times):
        return []
    if len(times) < 50:
        return format_times(times)
    distinct, place = np.unique(times, return_inverse=True)
    texts = format_times(distinct)
    return [texts[i] for i in place.tolist()]


def series_words(context: Context, table: Table) -> tuple[list[tuple[str, str, str]], AnyArray]:
    """The distinct (kind, quantity, unit) of the rows, and which of them each row has."""
    kinds, width = context.kinds, len(context.kinds.quantities)
    key = context.catalogue.kind_of[table.device].astype(np.int64) * width + table.quantity
    distinct, place = np.unique(key, return_inverse=True)
    words = []
    for code in distinct.tolist():
        kind, name = kinds.kinds[code // width], kinds.quantities[code % width]
        declared = kind.quantity(name)
        unit = "1" if declared is None or table.unitless else declared.unit
        words.append((kind.name, name, unit))
    return words, place


def _parts(context: Context, table: Table) -> tuple[Sequence[str], Sequence[str]]:
    words, place = series_words(context, table)
    heads = [f'"kind":"{kind}","quantity":"{name}","value":' for kind, name, _ in words]
    units = [f'"unit":{msgspec.json.encode(unit).decode()},"flag":' for *_, unit in words]
    where = place.tolist()
    return [heads[i] for i in where], [units[i] for i in where]
