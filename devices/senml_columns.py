"""A run of SenML records with the same plain keys → columns at once. What is odd is left to the careful way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from devices.senml_resolve import Base
from devices.senml_rows import Rows
from devices.senml_scope import Layout, Scope
from telemetry.ledger import NOBODY

NUMBERS: frozenset[type] = frozenset({int, float})
_TEXT: frozenset[type] = frozenset({str})

Run = Sequence[dict[object, object]]


def take_columns(
    rows: Rows,
    codes: Mapping[str, int],
    scope: Scope,
    base: Base,
    layout: Layout,
    run: Run,
    start: int,
) -> bool:
    """Add a run to `rows`; False, and nothing done, where one of its records is odd.

    codes  quantity codes by name; start  the number of the run's first record in its pack
    """
    if base.broken:
        return False
    values = _numbers([r[layout.v] for r in run], base.value or 0.0)
    times: list[float] | None = [base.time] * len(run)
    if layout.t is not None:
        times = _numbers([r[layout.t] for r in run], base.time)
    names = [""] * len(run) if layout.n is None else [r[layout.n] for r in run]
    found = subjects(codes, scope, base, names)  # type: ignore[arg-type]
    units = _units(rows, base, layout, run)
    if values is None or times is None or found is None or units is None:
        return False
    rows.device += found[0]
    rows.quantity += found[1]
    rows.value += values
    rows.seconds += times
    rows.unit += units
    rows.record += range(start, start + len(run))
    return True


def subjects(
    codes: Mapping[str, int], scope: Scope, base: Base, names: Sequence[str]
) -> tuple[list[int], list[int]] | None:
    """Device and quantity codes of records with these names; None where one was not met before."""
    if not _TEXT.issuperset(map(type, names)):
        return None
    devices: list[int | None]
    quantities: list[int | None] = list(map(codes.get, names))
    if None not in quantities and base.owner is not None:
        owner = base.owner
        devices = [scope.known.get(owner) if owner else scope.device] * len(names)
    else:
        parts = [(base.name + name).rpartition("/") for name in names]
        devices = [scope.known.get(owner) for owner, _, _ in parts]
        quantities = [codes.get(short) for _, _, short in parts]
    if None in devices or NOBODY in devices or None in quantities:
        return None
    return devices, quantities  # type: ignore[return-value]


def _units(rows: Rows, base: Base, layout: Layout, run: Run) -> list[int] | None:
    if layout.u is None:
        return [rows.unit_code(base.unit)] * len(run)
    given = [r[layout.u] for r in run]
    return list(map(rows.unit_code, given)) if _TEXT.issuperset(map(type, given)) else None  # type: ignore[arg-type]


def _numbers(column: list[object], base: float) -> list[float] | None:
    """Plain numbers with their base value added; None where one is something else."""
    if not NUMBERS.issuperset(map(type, column)):
        return None
    try:
        plain: list[float] = list(map(float, column))  # type: ignore[arg-type]
    except OverflowError:  # a whole number beyond any float
        return None
    return [base + x for x in plain] if base else plain
