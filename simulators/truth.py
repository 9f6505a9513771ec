"""What was laid in, as a file beside the readings: one row a device and fault or event. Analytics never sees it.

Columns: start, end (RFC 3339, UTC), device, kind, type, what (fault | event), strength, quantity.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from devices.topics import GATEWAY
from simulators.faults import Fault
from simulators.messages import Messages
from telemetry.clock import format_time, parse_time
from telemetry.errors import QueryError

SUFFIXES = (".csv", ".parquet")
FAULT, EVENT = "fault", "event"


class Truth(NamedTuple):
    """One row of the truth. [start, end) [ns]"""

    start: int
    end: int
    device: str
    kind: str
    type: str
    what: str
    strength: float
    quantity: str


def truth_of(messages: Messages, start: int, end: int) -> list[Truth]:
    """Faults and events that overlap [start, end), in order of their beginning."""
    kinds = {d.id: d.kind for d in messages.devices}

    def rows(found: list[Fault], what: str) -> Iterator[Truth]:
        for f in found:
            kind = kinds.get(f.device, GATEWAY)
            strength = f.how_strong if what == FAULT else f.strength
            yield Truth(f.start, f.end, f.device, kind, f.type, what, strength, f.quantity)

    faults, events = messages.truth(start, end), messages.happened(start, end)
    return sorted([*rows(faults, FAULT), *rows(events, EVENT)])


def check_truth_path(path: Path, option: str = "--truth") -> None:
    """Raises QueryError where a truth can't be written there."""
    if path.suffix not in SUFFIXES:
        raise QueryError(option, f"must end in {' or '.join(SUFFIXES)}", str(path))
    if not path.absolute().parent.is_dir():
        raise QueryError(option, "must lie in a folder that is there", str(path))


def write_truth(path: Path, rows: list[Truth]) -> None:
    """Write the file, whole or not at all. Raises QueryError where that fails."""
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            write = csv.writer(file)
            write.writerow(Truth._fields)
            for row in rows:
                write.writerow([format_time(row.start), format_time(row.end), *row[2:]])
        if path.suffix == ".parquet":
            _to_parquet(part)
        part.replace(path)
    except OSError as error:
        raise QueryError("--truth", f"can't be written ({error.strerror})", str(path)) from None


def read_truth(path: Path) -> list[Truth]:
    """A CSV that `write_truth` wrote."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Truth(
                parse_time(r["start"]), parse_time(r["end"]), r["device"], r["kind"], r["type"],
                r["what"], float(r["strength"]), r["quantity"],
            )
            for r in csv.DictReader(file)
        ]  # fmt: skip


def _to_parquet(path: Path) -> None:
    """A CSV in place → Parquet, with times as such."""
    import duckdb

    other = path.with_name(f"{path.name}.parquet")
    with duckdb.connect() as database:
        table = database.read_csv(str(path), header=True, all_varchar=True)
        typed = table.project(
            'start::TIMESTAMPTZ AS start, "end"::TIMESTAMPTZ AS "end", device, kind, type, what, '
            "strength::DOUBLE AS strength, quantity"
        )
        typed.write_parquet(str(other))
    other.replace(path)
