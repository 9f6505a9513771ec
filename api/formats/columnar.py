"""Rows as columns: Parquet and Arrow streams, for pandas, DuckDB, Spark and R.

Names are dictionaries, so a row costs a few bytes. pyarrow is imported by the first answer that needs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from api.context import Context
from api.formats import Sort
from api.rows import series_words
from api.tables import Table
from telemetry.arrays import AnyArray

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_IN_GROUP = 250_000
_NAMES = ("device", "kind", "quantity", "unit")
_FAST = {
    "compression": "zstd",
    "compression_level": 1,
    "use_dictionary": [*_NAMES, "flag", "count"],
    "column_encoding": {"time": "DELTA_BINARY_PACKED"},
}


def write_parquet(context: Context, tables: Iterator[Table], sort: Sort) -> Iterator[bytes]:
    """A Parquet file with a row group a piece. It is complete where its footer is there."""
    import pyarrow.parquet as parquet

    sink = _Sink()
    with parquet.ParquetWriter(_file(sink), _schema(sort), **_FAST) as writer:
        for table in _full(tables, ROWS_IN_GROUP):
            writer.write_batch(_batch(context, table, sort), row_group_size=ROWS_IN_GROUP)
            yield sink.taken()
    yield sink.taken()


def write_arrow(context: Context, tables: Iterator[Table], sort: Sort) -> Iterator[bytes]:
    """An Arrow IPC stream. It is complete where its end mark is there."""
    import pyarrow as pa

    sink = _Sink()
    with pa.ipc.new_stream(_file(sink), _schema(sort)) as writer:
        for table in tables:
            if len(table):
                writer.write_batch(_batch(context, table, sort))
                yield sink.taken()
    yield sink.taken()


class _Sink:
    """A file that gives away what was written to it."""

    closed = False

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self._pieces.append(piece)
        self._size += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._size

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def taken(self) -> bytes:
        """What was written since the last call."""
        found, self._pieces = b"".join(self._pieces), []
        return found


def _file(sink: _Sink) -> pa.PythonFile:
    import pyarrow as pa

    return pa.PythonFile(sink, mode="w")


def _schema(sort: Sort) -> pa.Schema:
    import pyarrow as pa

    name = pa.dictionary(pa.int32(), pa.string())
    fields: list[tuple[str, Any]] = [
        ("device", name),
        ("kind", name),
        ("quantity", name),
        ("value", pa.float64()),
        ("unit", name),
        ("flag", pa.uint8()),
        ("time", pa.timestamp("ns", tz="UTC")),
    ]
    if sort.windows:
        fields += [("count", pa.int64()), ("coverage", pa.float64())]
    return pa.schema(fields)


def _full(tables: Iterator[Table], rows: int) -> Iterator[Table]:
    """Small pieces put together, so that row groups are worth their overhead."""
    waiting: list[Table] = []
    for table in tables:
        if waiting and sum(map(len, waiting)) + len(table) > rows:
            yield _together(waiting)
            waiting = []
        if len(table):
            waiting.append(table)
    if waiting:
        yield _together(waiting)


def _together(tables: list[Table]) -> Table:
    if len(tables) == 1:
        return tables[0]
    columns: dict[str, Any] = {}
    for field in Table.__dataclass_fields__:
        parts = [getattr(t, field) for t in tables]
        columns[field] = np.concatenate(parts) if isinstance(parts[0], np.ndarray) else parts[0]
    return Table(**columns)


def _batch(context: Context, table: Table, sort: Sort) -> pa.RecordBatch:
    import pyarrow as pa

    devices = context.catalogue.devices
    code, place = _dense(table.device)
    words, of = series_words(context, table)
    kinds, names, units = zip(*words, strict=True) if words else ((), (), ())
    columns = [
        _dictionary(place, [devices[c].id for c in code.tolist()]),
        _dictionary(of, kinds),
        _dictionary(of, names),
        pa.array(table.value, from_pandas=True),
        _dictionary(of, units),
        pa.array(table.flag),
        pa.array(table.time, type=pa.timestamp("ns", tz="UTC")),
    ]
    if sort.windows:
        columns += [pa.array(table.count), pa.array(table.coverage, from_pandas=True)]
    return pa.RecordBatch.from_arrays(columns, schema=_schema(sort))


def _dense(codes: AnyArray) -> tuple[AnyArray, AnyArray]:
    """The distinct codes, and which of them each row has; like `np.unique`, without sorting."""
    there = np.zeros(int(codes.max(initial=-1)) + 1, dtype=bool)
    there[codes] = True
    return np.flatnonzero(there), (np.cumsum(there, dtype=np.int32) - 1)[codes]


def _dictionary(place: AnyArray, words: Any) -> pa.DictionaryArray:
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(
        pa.array(place, type=pa.int32()), pa.array(list(words), type=pa.string())
    )
