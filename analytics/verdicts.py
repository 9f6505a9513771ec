"""The tests by name, and which of them a series' readings fail: counted by hour, so that a flag has a why."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

import numpy as np

from analytics.facts import Failures
from devices.device import Catalogue
from store.records import QualityFailure
from telemetry.arrays import AnyArray, Index


class Test(IntEnum):
    """What can make a value suspect or fail. A mask has bit 1 << test."""

    __test__ = False  # pytest

    RANGE = 0
    RATE = 1
    FLAT = 2
    SPIKE = 3
    CLIMATOLOGY = 4
    PAIR = 5
    ATTENUATED = 6
    NEIGHBOUR = 7
    DRIFT = 8
    METER = 9

    @property
    def bit(self) -> int:
        """Its bit in a mask."""
        return 1 << self


WIDTH = 16  # a key is series * WIDTH + test


class Tally:
    """Failures of the hour that is under way: count and worst flag by (series, test)."""

    def __init__(self) -> None:
        self.key = np.zeros(0, np.int64)
        self.count = np.zeros(0, np.int64)
        self.worst = np.zeros(0, np.uint8)

    def add(self, series: Index, why: AnyArray, flag: AnyArray) -> None:
        """Readings with the tests that each fails; those with mask 0 are left out."""
        failing = np.flatnonzero(why)
        if not len(failing):
            return
        keys, flags = [self.key], [self.worst]
        for test in Test:
            rows = failing[(why[failing] & test.bit) > 0]
            keys.append(series[rows].astype(np.int64) * WIDTH + test)
            flags.append(flag[rows].astype(np.uint8))
        key = np.concatenate(keys)
        number = np.ones(len(key), dtype=np.int64)
        number[: len(self.key)] = self.count
        self.key, where = np.unique(key, return_inverse=True)
        self.count = np.bincount(where, weights=number, minlength=len(self.key)).astype(np.int64)
        self.worst = np.zeros(len(self.key), np.uint8)
        np.maximum.at(self.worst, where, np.concatenate(flags))

    def take(self) -> tuple[Index, AnyArray, AnyArray, AnyArray]:
        """(series, test, count, worst flag), and begin anew."""
        key, count, worst = self.key, self.count, self.worst
        self.load({}, np.zeros(0, np.intp))
        return key // WIDTH, key % WIDTH, count, worst

    def dump(self) -> dict[str, AnyArray]:
        """Column by column; `series` as in the layout."""
        return {
            "series": self.key // WIDTH, "test": self.key % WIDTH,
            "count": self.count, "worst": self.worst,
        }  # fmt: skip

    def load(self, saved: Mapping[str, AnyArray], series: AnyArray) -> None:
        """Take a dump, under other numbers of its series; -1 leaves one out."""
        there = np.flatnonzero(series >= 0)
        test = saved["test"][there] if len(there) else np.zeros(0, np.int64)
        key = series[there].astype(np.int64) * WIDTH + test
        order = np.argsort(key)
        self.key = key[order]
        self.count = saved["count"][there][order] if len(there) else np.zeros(0, np.int64)
        self.worst = saved["worst"][there][order] if len(there) else np.zeros(0, np.uint8)


def records_of(failures: Failures, catalogue: Catalogue) -> list[QualityFailure]:
    """Failures by name, as the operations store keeps them."""
    names = catalogue.kinds.quantities
    columns = (getattr(failures, n).tolist() for n in failures.__dataclass_fields__)
    return [
        QualityFailure(
            catalogue.devices[device].id,
            hour,
            names[quantity],
            Test(test).name.lower(),
            count,
            worst,
        )
        for device, quantity, hour, test, count, worst in zip(*columns, strict=True)
    ]
