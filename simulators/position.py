"""How far a history is confirmed, in a small file: what a restart need not publish again."""

from __future__ import annotations

import json
import os
from pathlib import Path

from telemetry.errors import StartError

Span = tuple[int, int]


class Position:
    """Spans of time that are confirmed, of one city: `of` names it, so that another begins anew. [ns]"""

    def __init__(self, path: Path, of: str) -> None:
        self._path = path
        self._of = of
        self._all = _read(path)
        self.done: list[Span] = joined([(int(a), int(b)) for a, b in self._all.get(of, [])])

    def missing(self, start: int, end: int) -> list[Span]:
        """What of [start, end) is not confirmed yet, in order."""
        found, at = [], start
        for begin, over in self.done:
            if begin > at and at < end:
                found.append((at, min(begin, end)))
            at = max(at, over)
        return [*found, (at, end)] if at < end else found

    def confirm(self, start: int, end: int) -> None:
        """Note it, durably. Raises StartError where the file can't be written."""
        self.done = joined([*self.done, (start, end)])
        self._all[self._of] = [list(span) for span in self.done]
        part = self._path.with_suffix(".part")
        try:
            with part.open("w", encoding="utf-8") as file:
                json.dump(self._all, file)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._path)
        except OSError as error:
            need = f"must be a file that can be written ({error.strerror})"
            raise StartError("URBAN_DATA_DIR", need, str(self._path)) from None


def joined(spans: list[Span]) -> list[Span]:
    """The same time in as few spans as can be, in order."""
    found: list[Span] = []
    for start, end in sorted(s for s in spans if s[0] < s[1]):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def _read(path: Path) -> dict[str, list[list[int]]]:
    """What the file holds; nothing where there is none. Raises StartError for one that makes no sense."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict) and all(
            len(span) == 2 and all(isinstance(t, int) for t in span)
            for spans in found.values()
            for span in spans
        ):
            return found
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError):
        pass
    raise StartError(str(path), "must be what `urban backfill` wrote", remedy="remove the file")
