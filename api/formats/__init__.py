"""What an answer of rows can look like: one file a format, all given the same tables.

A writer turns tables into bytes piece by piece, so that an answer of any size needs the memory of one piece.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from api.context import Context
from api.tables import Table


@dataclass(frozen=True, slots=True)
class Sort:
    """What the rows of an answer are: windows (with count and coverage), the newest, or readings as they were."""

    windows: bool = False
    newest: bool = False


Writer = Callable[[Context, Iterator[Table], Sort], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class Format:
    """A format by its name, which is its extension too."""

    name: str
    media_type: str
    write: Writer
