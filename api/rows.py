"""Readings and windows as JSON objects, made column by column: no Python object stands for a row.

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


def json_text(context: Context, table: Table, between: str = ",") -> str:
    """The rows as JSON objects, with this text between two of them. NaN leaves as null.

    Column by column into one list of pieces, which is joined once: a third of the time of a string a row.
    """
    count = len(table)
    if not count:
        return ""
    devices = context.catalogue.devices
    heads, tails = _parts(context, table)
    columns: list[Sequence[str]] = [
        [devices[code].id for code in table.device.tolist()],
        heads,
        json_numbers(table.value),
        tails,
        time_texts(table.time),
    ]
    end = '"}'
    if table.count is not None and table.coverage is not None:
        columns += [
            ['","count":'] * count,
            json_numbers(table.count),
            [',"coverage":'] * count,
            json_numbers(table.coverage),
        ]
        end = "}"
    columns.append([f'{end}{between}{{"device":"'] * count)
    pieces = [""] * (count * len(columns))
    for place, column in enumerate(columns):
        pieces[place :: len(columns)] = column
    pieces[-1] = end
    return '{"device":"' + "".join(pieces)


def json_rows(context: Context, table: Table) -> list[str]:
    """Each row as a JSON object."""
    # JSON has no line break within a string.
    return json_text(context, table, "\n").split("\n") if len(table) else []


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


def _parts(context: Context, table: Table) -> tuple[list[str], list[str]]:
    """What stands between device and value, and between value and time."""
    words, place = series_words(context, table)
    heads = [f'","kind":"{kind}","quantity":"{name}","value":' for kind, name, _ in words]
    units = [f',"unit":{msgspec.json.encode(unit).decode()},"flag":' for *_, unit in words]
    tails = [f'{unit}{flag},"time":"' for unit in units for flag in range(10)]
    of_tail = (place * 10 + table.flag).tolist()
    return [heads[i] for i in place.tolist()], [tails[i] for i in of_tail]
