"""Where the lines of roads meet: they cross, or one ends or bends close by the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from simulators.places import METRES_PER_DEG, Line
from telemetry.arrays import Values

NEAR_M = 400.0
APART_M = 900.0  # two meetings of the same two roads closer than this are one

Meeting = tuple[int, float, int, float]


def meetings(lines: Sequence[Line]) -> list[Meeting]:
    """(road, metres along it, other road, metres along that), the closest first."""
    found = []
    squeeze = lines[0].squeeze if lines else 1.0
    paths = [_path(line, squeeze) for line in lines]
    for a in range(len(lines)):
        for b in range(a + 1, len(lines)):
            kept: list[tuple[float, float]] = []
            for far, along_a, along_b in sorted(_close(paths[a], paths[b])):
                if all(abs(along_a - x) > APART_M for x, _ in kept):
                    kept.append((along_a, along_b))
                    found.append((far, a, along_a, b, along_b))
    return [(a, x, b, y) for _, a, x, b, y in sorted(found)]


def _path(line: Line, squeeze: float) -> tuple[Values, Values]:
    """(points [m north, m east] on one plane for all roads, metres along the line of each)."""
    return line.points * METRES_PER_DEG * (1.0, squeeze), line.along


def _close(
    a: tuple[Values, Values], b: tuple[Values, Values]
) -> Iterator[tuple[float, float, float]]:
    """(distance, metres along a, metres along b) of crossings, and of points of one near the other."""
    yield from _crossings(a, b)
    for far, along_a, along_b in _points_near(a, b):
        yield far, along_a, along_b
    for far, along_b, along_a in _points_near(b, a):
        yield far, along_a, along_b


def _points_near(
    a: tuple[Values, Values], b: tuple[Values, Values]
) -> Iterator[tuple[float, float, float]]:
    start, step = b[0][:-1], np.diff(b[0], axis=0)
    norm = np.maximum((step**2).sum(axis=1), 1e-9)
    for point, along in zip(a[0], a[1].tolist(), strict=True):
        part = np.clip(((point - start) * step).sum(axis=1) / norm, 0.0, 1.0)
        far = np.hypot(*(start + part[:, None] * step - point).T)
        best = int(np.argmin(far))
        if far[best] <= NEAR_M:
            length = b[1][best + 1] - b[1][best]
            yield float(far[best]), along, float(b[1][best] + part[best] * length)


def _crossings(
    a: tuple[Values, Values], b: tuple[Values, Values]
) -> Iterator[tuple[float, float, float]]:
    step_a, step_b = np.diff(a[0], axis=0), np.diff(b[0], axis=0)
    for i, p in enumerate(step_a):
        cross = p[0] * step_b[:, 1] - p[1] * step_b[:, 0]
        cross = np.where(np.abs(cross) < 1e-9, np.nan, cross)
        gap = b[0][:-1] - a[0][i]
        on_a = (gap[:, 0] * step_b[:, 1] - gap[:, 1] * step_b[:, 0]) / cross
        on_b = (gap[:, 0] * p[1] - gap[:, 1] * p[0]) / cross
        inside = (on_a >= 0) & (on_a <= 1) & (on_b >= 0) & (on_b <= 1)
        for j in np.flatnonzero(inside).tolist():
            yield (
                0.0,
                float(a[1][i] + on_a[j] * (a[1][i + 1] - a[1][i])),
                float(b[1][j] + on_b[j] * (b[1][j + 1] - b[1][j])),
            )
