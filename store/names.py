"""Names in a store ↔ codes in this process, as look-up arrays.

A store numbers names for itself, once and for good; a process numbers them anew at every start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from telemetry.arrays import AnyArray


class NameMap:
    """Both directions between one table of names in the store and one numbering of the process.

    `name_of(code)` names a process code. New names get the store's next number in `missing`, and count
    only after `adopt`: that is, after the transaction that wrote them was committed.
    """

    def __init__(
        self,
        rows: Iterable[tuple[int, str]],
        code_of: Callable[[str], int | None],
        name_of: Callable[[int], str],
    ) -> None:
        self._name_of = name_of
        self._to_store: NDArray[np.int32] = np.full(64, -1, dtype=np.int32)
        self._from_store: NDArray[np.int32] = np.full(64, -1, dtype=np.int32)
        self._next = 0
        for number, name in rows:
            code = code_of(name)
            self._link(-1 if code is None else code, number)

    def missing(self, codes: AnyArray) -> list[tuple[int, str, int]]:
        """(number, name, code) for codes that the store does not know yet; numbers are proposed."""
        distinct = np.unique(codes)
        new = [int(c) for c in distinct[self.to_store(distinct) < 0]]
        return [(self._next + i, self._name_of(c), c) for i, c in enumerate(new)]

    def adopt(self, rows: Iterable[tuple[int, str, int]]) -> None:
        """The proposed rows are in the store now."""
        for number, _, code in rows:
            self._link(code, number)

    def are_new(self, number: int) -> bool:
        """Whether numbers up to this one were given and are not adopted yet."""
        return number >= self._next

    def to_store(self, codes: AnyArray, pending: Iterable[tuple[int, str, int]] = ()) -> AnyArray:
        """Process codes → store numbers, -1 where there is none; `pending` as `missing` gave it."""
        out = np.full(len(codes), -1, dtype=np.int32)
        known = codes < len(self._to_store)
        out[known] = self._to_store[codes[known]]
        rows = list(pending)
        if rows:
            codes_of_rows = np.array([code for _, _, code in rows])
            numbers = np.array([number for number, _, _ in rows], dtype=np.int32)
            new = np.flatnonzero(out < 0)
            out[new] = numbers[np.searchsorted(codes_of_rows, codes[new])]
        return out

    def from_store(self, numbers: AnyArray) -> AnyArray:
        """Store numbers → process codes; -1 where this process no longer knows the name."""
        return self._from_store[numbers]

    def _link(self, code: int, number: int) -> None:
        self._from_store = _fitted(self._from_store, number)
        self._from_store[number] = code
        if code >= 0:
            self._to_store = _fitted(self._to_store, code)
            self._to_store[code] = number
        self._next = max(self._next, number + 1)


def _fitted(table: NDArray[np.int32], index: int) -> NDArray[np.int32]:
    if index < len(table):
        return table
    grown = np.full(max(index + 1, 2 * len(table)), -1, dtype=np.int32)
    grown[: len(table)] = table
    return grown
