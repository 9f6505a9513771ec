"""The engine's state ↔ bytes: arrays with the names of what they belong to.

Codes and series numbers are those of one process. A snapshot holds device ids and the quantities and
rules of each kind, so that a process with other codes, or with a kind that has grown, can take it over.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from enum import Enum
from typing import Any, Protocol

import numpy as np

from analytics.chosen import Chosen
from analytics.layout import Layout
from analytics.members import Members
from analytics.table import Table
from telemetry.arrays import AnyArray, Index
from telemetry.errors import StoreError

FORMAT = 4


class Key(Enum):
    """What a row of a table belongs to."""

    SERIES = "series"
    DEVICE = "device"
    RULE = "rule"


Tables = Mapping[str, tuple[Key | Members | Chosen, Table]]


class Logged(Protocol):
    """Rows in no fixed number; each names its series."""

    def dump(self) -> dict[str, AnyArray]:
        """All rows, column by column; one column is `series`."""

    def load(self, saved: Mapping[str, AnyArray], series: AnyArray) -> None:
        """Take the rows of a dump, under other numbers of their series; -1 leaves a row out."""


Logs = Mapping[str, Logged]


def pack(layout: Layout, tables: Tables, clocks: AnyArray, logs: Logs) -> bytes:
    """The state as the bytes of an .npz file without pickles."""
    kinds = layout.kinds
    names = {
        "format": FORMAT,
        "devices": [d.id for d in layout.catalogue.devices[: layout.n_devices]],
        "quantities": kinds.quantities,
        "rules": {k.name: [r.code for r in k.rules] for k in kinds},
        "widths": {name: table.width for name, (_, table) in tables.items()},
    }
    arrays: dict[str, Any] = {"names": np.frombuffer(json.dumps(names).encode(), dtype=np.uint8)}
    arrays["clocks"] = clocks
    arrays |= {_saved_as(m): m.device for m in _members(tables)}
    arrays |= {_chosen_as(c): c.series for c in _chosen(tables)}
    arrays |= {f"layout.{n}": a for n, a in layout.devices.dump().items()}
    arrays |= {f"series.{n}": a for n, a in layout.series.dump().items()}
    for name, (_, table) in tables.items():
        arrays |= {f"{name}.{column}": a for column, a in table.dump().items()}
    for name, log in logs.items():
        arrays |= {f"{name}.{column}": a for column, a in log.dump().items()}
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, **arrays)
    return out.getvalue()


def unpack(data: bytes, layout: Layout, tables: Tables, logs: Logs) -> AnyArray:
    """Put the state into tables that were grown for the layout, and into logs. Returns the clocks.

    Raises StoreError where the bytes are no snapshot, or one of another format.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as saved:
            arrays = {name: saved[name] for name in saved.files}
        names = json.loads(arrays["names"].tobytes())
        if names["format"] != FORMAT:
            raise ValueError(f"format {names['format']}")
        rows = _mappings(layout, names, arrays, tables)
        for name, (key, table) in tables.items():
            if name not in names["widths"]:
                continue  # it is new since then, and begins empty
            if names["widths"][name] != table.width:
                raise ValueError(f"{name} of {names['widths'][name]} windows")
            table.load(_columns(arrays, name), *rows[key])
        renamed = np.full(len(arrays["series.device"]), -1, dtype=np.intp)
        source, target = rows[Key.SERIES]
        renamed[source] = target
        for name, log in logs.items():
            saved_rows = _columns(arrays, name)
            if not saved_rows:
                continue  # as with tables
            log.load(saved_rows, renamed[saved_rows["series"]])
    except (ValueError, KeyError, IndexError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise StoreError("analytics snapshot", f"can't be used ({error})") from None
    clocks: AnyArray = arrays["clocks"]
    return clocks


def _columns(arrays: Mapping[str, AnyArray], name: str) -> dict[str, AnyArray]:
    prefix = f"{name}."
    return {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}


def _mappings(
    layout: Layout, names: dict[str, Any], arrays: Mapping[str, AnyArray], tables: Tables
) -> dict[Key | Members | Chosen, tuple[Index, Index]]:
    """Rows of the saved state → rows of this process, by key: (source, target)."""
    found = [layout.catalogue.code(d) for d in names["devices"]]
    new = np.array([-1 if c is None or c >= layout.n_devices else c for c in found], np.intp)
    old = np.flatnonzero(new >= 0)
    series = _series(layout, names, arrays, new)
    return {
        Key.DEVICE: (old, new[old]),
        Key.SERIES: series,
        **{
            c: _chosen_rows(arrays[_chosen_as(c)], series, c)
            for c in _chosen(tables)
            if _chosen_as(c) in arrays
        },
        Key.RULE: _rules(layout, names, arrays, old, new),
        **{
            m: _member_rows(arrays[_saved_as(m)], new, m)
            for m in _members(tables)
            if _saved_as(m) in arrays
        },
    }


def _members(tables: Tables) -> list[Members]:
    return list(dict.fromkeys(key for key, _ in tables.values() if isinstance(key, Members)))


def _saved_as(members: Members) -> str:
    return f"members.{members.name}"


def _chosen(tables: Tables) -> list[Chosen]:
    return list(dict.fromkeys(key for key, _ in tables.values() if isinstance(key, Chosen)))


def _chosen_as(chosen: Chosen) -> str:
    return f"chosen.{chosen.name}"


def _chosen_rows(
    saved: AnyArray, series: tuple[Index, Index], chosen: Chosen
) -> tuple[Index, Index]:
    if not len(saved):
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    place = np.minimum(np.searchsorted(saved, series[0]), len(saved) - 1)
    there = np.flatnonzero(saved[place] == series[0])
    source, target = place[there], chosen.row[series[1][there]]
    still = np.flatnonzero(target >= 0)
    return source[still], target[still].astype(np.intp)


def _member_rows(saved: AnyArray, new: Index, members: Members) -> tuple[Index, Index]:
    device = new[saved]
    target = np.where(device >= 0, members.row[np.maximum(device, 0)], -1)
    source = np.flatnonzero(target >= 0)
    return source, target[source]


def _series(
    layout: Layout, names: dict[str, Any], arrays: Mapping[str, AnyArray], new: Index
) -> tuple[Index, Index]:
    code = layout.kinds.quantity_code
    quantity = np.array([code.get(q, -1) for q in names["quantities"]], dtype=np.intp)
    device, named = new[arrays["series.device"]], quantity[arrays["series.quantity"]]
    source = np.flatnonzero((device >= 0) & (named >= 0))
    target = layout.index(device[source], named[source])
    there = target >= 0
    return source[there], target[there]


def _rules(
    layout: Layout,
    names: dict[str, Any],
    arrays: Mapping[str, AnyArray],
    old: Index,
    new: Index,
) -> tuple[Index, Index]:
    sources, targets = [np.zeros(0, np.intp)], [np.zeros(0, np.intp)]
    kind = layout.devices["kind"][new[old]]
    for code, declared in enumerate(layout.kinds):
        before = names["rules"].get(declared.name, [])
        ours = old[kind == code]
        for place, rule in enumerate(declared.rules):
            if rule.code in before:
                sources.append(arrays["layout.rule_base"][ours] + before.index(rule.code))
                targets.append(layout.devices["rule_base"][new[ours]] + place)
    return np.concatenate(sources), np.concatenate(targets)
