"""The same readings in other orders and cuts: what a deriver tells must not depend on either."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from devices.device import Catalogue, Device
from telemetry.clock import SECOND
from tests.analytics.city import Row, Told, batch, catalogue, engine

AFTER = Device(id="gio-after", kind="weather")


def known_with(devices: Sequence[Device]) -> Catalogue:
    """A catalogue of these devices, and of one whose readings move the watermark."""
    return catalogue([*devices, AFTER])


def told_of(
    known: Catalogue,
    rows: Sequence[Row],
    until: int,
    cuts: Sequence[int] = (),
    advance: bool = True,
) -> Told:
    """What an engine told that heard the rows in this order, cut there, and then event time `until`."""
    e, told = engine(known), Told(known)
    for a, b in itertools.pairwise(sorted({0, len(rows), *(min(c, len(rows)) for c in cuts)})):
        told.take(e.process(batch(known, rows[a:b]), until))
        if advance:
            told.take(e.advance(until))
    told.take(e.process(batch(known, [(AFTER.id, "pressure", until, 1010.0)]), until))
    told.take(e.advance(until))
    return told


def delayed(rows: Sequence[Row], seed: int, delay_s: int) -> list[Row]:
    """The rows in the order in which they arrive, each up to so many seconds late."""
    rng = np.random.default_rng(seed)
    return sorted(rows, key=lambda r: r[2] + int(rng.integers(0, delay_s * SECOND + 1)))


def by_time(told: Told, quantity: str, device: str) -> dict[int, float]:
    """Time → last word of a derived quantity."""
    return {t: v for (d, t), v in sorted(told.of(quantity).items()) if d == device}
