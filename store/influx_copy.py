"""An InfluxDB database → line protocol, a file a measurement and policy, and back: by InfluxQL, on 1.x and 2.x.

It is copied while the ingestor writes. There is no moment at which all of it could be frozen, so the order
makes it whole: account, then points, then the log up to its newest record. A record is written before what
follows from it, so all that was copied follows from records that are in the copy; what was written after its
measurement had been copied is written again from the records behind `settled`, when the copy is put back.
Analytics' results are written again too: how far it had come is copied before anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from devices.device import Catalogue
from store.copy_files import CopiedFile, Manifest, Tell, copied, read_lines, write_lines
from store.influx_http import too_old_for_policy
from store.influx_query import Found, between, source
from store.influx_server import LOG, POLICIES, READINGS, InfluxServer
from store.influx_store import InfluxStore
from store.influx_write import LINES_AT_ONCE, OnRefused
from store.influx_write import write_lines as write_to_server
from store.line_protocol import (
    MAX_TIME,
    encode_value,
    escape_field,
    escape_measurement,
    escape_tag,
)
from telemetry.clock import DAY, MINUTE, SECOND, from_datetime
from telemetry.errors import StoreError

PART = "telemetry"
_FOLDER = "telemetry"
_BEFORE, _RECORDS = ("account", "writer", "log_mark"), ("log_piece", "log")
_OF_LOG = {*_BEFORE, *_RECORDS}
# Points in one answer, about: more are asked for in shorter stretches of time, fewer in longer ones.
_MANY, _FEW = 100_000, 25_000
_LONGEST = 64 * DAY
_END = from_datetime(datetime(2261, 12, 31, tzinfo=UTC))  # a time that every server can be told
_LONGEST_OF_RECORDS = 64 * SECOND  # one a second, each up to some hundred kB


def copy_influx(server: InfluxServer, root: Path, tell: Tell) -> tuple[list[CopiedFile], int]:
    """Write all of it into `root`. Returns the files and `settled`. Raises StoreError."""
    settled = max(_newest(server) - 1, 0)
    files = _copied(server, root, [(LOG, m) for m in _BEFORE], MAX_TIME, tell, (0.0, 0.05))
    files += _copied(server, root, _points(server), MAX_TIME, tell, (0.05, 0.8))
    end = (_newest(server) + 1) * SECOND
    files += _copied(server, root, [(LOG, m) for m in _RECORDS], end, tell, (0.8, 1.0))
    return files, settled


def occupied_influx(server: InfluxServer) -> str:
    """What stands in the way of putting a copy there, in words; "" where there is nothing."""
    # A store that was opened and given nothing holds only who opened it.
    names = sorted(set(_measurements(server)) - {"writer"})
    if _newest(server) and "log" not in names:
        names.append("log")
    return f"{server.place} holds {', '.join(names)}" if names else ""


def clear_influx(server: InfluxServer) -> None:
    """Remove every point of every measurement."""
    for policy in (READINGS, *POLICIES):
        names = _OF_LOG if policy == LOG else set(_measurements(server)) - _OF_LOG
        for name in sorted(names):
            server.remove(policy, name, _END)


def restore_influx(server: InfluxServer, root: Path, manifest: Manifest, tell: Tell) -> int:
    """Write the lines of a copy. Returns how many the server's retention no longer takes. Raises StoreError."""
    files = [f for f in manifest.files if f.path.startswith(f"{_FOLDER}/")]
    whole, done, old = sum(f.rows for f in files) or 1, 0, 0
    for file in files:
        policy = Path(file.path).parent.name
        lines = read_lines(root / file.path)
        while some := list(islice(lines, LINES_AT_ONCE)):
            place = READINGS if policy == "readings" else policy
            for line, reason in write_to_server(server, place, [s.decode() for s in some]):
                if not too_old_for_policy(reason):
                    raise StoreError(server.place, f"refuses a line of the copy: {reason}", line)
                old += 1
            done += len(some)
            tell(PART, done / whole)
    return old


def finish_influx(
    server: InfluxServer, catalogue: Catalogue, manifest: Manifest, on_refused: OnRefused
) -> int:
    """Write again what follows from the log's last records; the position of the store then."""
    store = InfluxStore(server, catalogue, on_refused, settled=manifest.settled)
    return store.position()


def _measurements(server: InfluxServer) -> list[str]:
    (found,) = server.query(["SHOW MEASUREMENTS"])
    return [name for series in found for name in series.column("name")]


def _points(server: InfluxServer) -> list[tuple[str, str]]:
    """(policy, measurement) of readings, figures and roll-ups."""
    names = [n for n in _measurements(server) if n not in _OF_LOG]
    policies = [READINGS, *(p for p in POLICIES if p != LOG)]
    return [(policy, name) for policy in policies for name in names]


def _newest(server: InfluxServer) -> int:
    """The number of the newest record of the log; 0 where there is none."""
    edge = _edge(server, source("log", LOG), "DESC")
    return edge // SECOND if edge is not None else 0


def _copied(
    server: InfluxServer,
    root: Path,
    which: list[tuple[str, str]],
    end: int,
    tell: Tell,
    share: tuple[float, float],
) -> list[CopiedFile]:
    files, (low, high) = [], share
    for n, (policy, name) in enumerate(which):
        tell(PART, low + (high - low) * n / len(which))
        path = root / _FOLDER / (policy or "readings") / f"{name}.lp.gz"
        rows = write_lines(path, _lines(server, policy, name, end))
        if rows:
            files.append(copied(root, path, rows))
        else:
            path.unlink()
    tell(PART, high)
    return files


def _lines(server: InfluxServer, policy: str, name: str, end: int) -> Iterator[bytes]:
    """Every point of a measurement with time < end, as line protocol."""
    where = source(name, policy)
    first, last = _edge(server, where, "ASC"), _edge(server, where, "DESC")
    if first is None or last is None:
        return
    types = _types(server, where)
    start, stop, span = first, min(last + 1, end), MINUTE
    longest = _LONGEST_OF_RECORDS if name in _RECORDS else _LONGEST
    while start < stop:
        upto = min(start + span, stop)
        (found,) = server.query([f"SELECT * FROM {where} WHERE {between(start, upto)} GROUP BY *"])
        many = sum(len(s.values) for s in found)
        if many > _MANY and span > SECOND:
            span //= 2
            continue  # it fitted, but the next may not
        for series in found:
            yield from _encoded(name, series, types)
        start = upto
        if many < _FEW:
            span = min(2 * span, longest)


def _edge(server: InfluxServer, where: str, order: str) -> int | None:
    """The time of the first or the last point."""
    (found,) = server.query([f"SELECT * FROM {where} ORDER BY time {order} LIMIT 1"])
    return int(found[0].values[0][0]) if found else None


def _types(server: InfluxServer, where: str) -> dict[str, str]:
    """Field → its type: JSON does not tell 3 from 3.0."""
    (found,) = server.query([f"SHOW FIELD KEYS FROM {where}"])
    rows = [row for series in found for row in series.values]
    return {str(key): str(kind) for key, kind in sorted(rows, key=lambda r: r[1] == "float")}


def _encoded(name: str, series: Found, types: dict[str, str]) -> Iterator[bytes]:
    """The points of a series; what is the same in all of them is escaped once."""
    head = escape_measurement(name)
    for key, tag in sorted(series.tags.items()):
        head += f",{escape_tag(key)}={escape_tag(tag)}" if tag else ""
    columns = series.columns[1:]
    starts = [f"{escape_field(c)}=" for c in columns]
    write = [_WRITE[types[c]] for c in columns]
    for time, *row in series.values:
        body = ",".join(
            [s + w(v) for s, w, v in zip(starts, write, row, strict=True) if v is not None]
        )
        yield f"{head} {body} {time}".encode()


# As store.line_protocol.encode_value; what a server has is finite and of its type.
_WRITE: dict[str, Callable[[Any], str]] = {
    "integer": lambda v: f"{v}i",
    "unsigned": lambda v: f"{v}u",
    "float": repr,
    "string": lambda v: encode_value(str(v)),
    "boolean": lambda v: "true" if v else "false",
}
