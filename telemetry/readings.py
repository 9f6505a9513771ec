"""Readings: the one thing that flows. A batch of columns, not of objects.

Decode fills the columns, validation masks them, the store appends them, analytics updates array
state with them. All arrays are one-dimensional and of one length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from telemetry.arrays import AnyArray, Codes16, Codes32, Flags, Index, Mask, Times, Values
from telemetry.flags import Flag


@dataclass(frozen=True, slots=True)
class Readings:
    """A batch of readings.

    device    code of the device in this process's catalogue
    quantity  code of the quantity in this process's kinds
    time      when it was measured [ns, UTC]
    value     in the quantity's unit; NaN where the device sent null
    flag      telemetry.flags.Flag
    received  when the platform took it [ns, UTC]
    """

    device: Codes32
    quantity: Codes16
    time: Times
    value: Values
    flag: Flags
    received: Times

    def __post_init__(self) -> None:
        if len({len(c) for c in self.columns()}) > 1:
            lengths = [len(c) for c in self.columns()]
            raise ValueError(f"columns of one batch must have one length, got {lengths}")

    def __len__(self) -> int:
        return len(self.time)

    def columns(self) -> tuple[AnyArray, ...]:
        """The six columns, in the order of the fields."""
        return (self.device, self.quantity, self.time, self.value, self.flag, self.received)

    def take(self, which: Mask | Index | slice) -> Readings:
        """The rows that a mask, an index array or a slice names."""
        return Readings(*(c[which] for c in self.columns()))

    def with_flag(self, flag: Flags) -> Readings:
        """The same readings, judged anew."""
        return replace(self, flag=flag)

    def order(self) -> Index:
        """The stable order by (device, quantity, time)."""
        return np.lexsort((self.time, self.quantity, self.device))

    def identity(self) -> NDArray[np.void]:
        """What makes each reading the one it is: (device, quantity, time), to be compared as one."""
        keys = np.empty(len(self), dtype=[("device", "i4"), ("quantity", "i2"), ("time", "i8")])
        keys["device"], keys["quantity"], keys["time"] = self.columns()[:3]
        return keys

    @staticmethod
    def empty() -> Readings:
        """No readings."""
        return Readings.of([], [], [], [])

    @staticmethod
    def of(
        device: Sequence[int] | AnyArray,
        quantity: Sequence[int] | AnyArray,
        time: Sequence[int] | AnyArray,
        value: Sequence[float] | AnyArray,
        flag: Sequence[int] | AnyArray | int = Flag.NOT_EVALUATED,
        received: Sequence[int] | AnyArray | int = 0,
    ) -> Readings:
        """Build from anything array-like; a single flag or receipt time holds for all rows."""
        n = len(time)
        return Readings(
            np.asarray(device, dtype=np.int32),
            np.asarray(quantity, dtype=np.int16),
            np.asarray(time, dtype=np.int64),
            np.asarray(value, dtype=np.float64),
            np.full(n, flag, np.uint8) if isinstance(flag, int) else np.asarray(flag, np.uint8),
            np.full(n, received, np.int64)
            if isinstance(received, int)
            else np.asarray(received, np.int64),
        )

    @staticmethod
    def concat(parts: Sequence[Readings]) -> Readings:
        """Several batches as one, in order."""
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return Readings.empty()
        columns = zip(*(p.columns() for p in parts), strict=True)
        return Readings(*(np.concatenate(c) for c in columns))
