"""Harmonic prediction of the tide: h(t) = Σ f·A·cos(V(t) + u - g), after Schureman; and where it is known.

Source of the method: P. Schureman, Manual of Harmonic Analysis and Prediction of Tides, USC&GS special
publication 98 (1940): arguments of table 2; node factors by their usual series in the longitude N of the
moon's node. Constituents: TICON-4 (CC BY 4.0), the ten largest. Valid some decades around 2000.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from telemetry.arrays import Values
from telemetry.errors import DeclarationError

# Amplitude [m], Greenwich phase lag [deg] at Vũng Tàu (10.340 N, 107.072 E), TICON-4.
VUNG_TAU: Mapping[str, tuple[float, float]] = {
    "M2": (0.7733, 193.77), "S2": (0.3021, 228.57), "N2": (0.1627, 174.07), "K2": (0.0942, 239.86),
    "K1": (0.5948, 206.64), "O1": (0.4468, 164.94), "P1": (0.1891, 203.09), "Q1": (0.0847, 147.80),
    "SA": (0.2124, 278.08), "SSA": (0.0571, 95.38),
}  # fmt: skip

# V = T·n + s, h, p multiples + a constant [deg]; T is 15° an hour from midnight, UTC. The last names
# the series of its node factor.
_ARGUMENTS: Mapping[str, tuple[int, int, int, int, float, str]] = {
    "M2": (2, -2, 2, 0, 0.0, "M2"), "S2": (2, 0, 0, 0, 0.0, ""), "N2": (2, -3, 2, 1, 0.0, "M2"),
    "K2": (2, 0, 2, 0, 0.0, "K2"), "K1": (1, 0, 1, 0, 90.0, "K1"), "O1": (1, -2, 1, 0, -90.0, "O1"),
    "P1": (1, 0, -1, 0, -90.0, ""), "Q1": (1, -3, 1, 1, -90.0, "O1"), "SA": (0, 0, 1, 0, 0.0, ""),
    "SSA": (0, 0, 2, 0, 0.0, ""),
}  # fmt: skip

J2000_S = 946_728_000.0  # 2000-01-01T12:00Z in s since 1970
CENTURY_S = 36_525 * 86_400.0


@dataclass(frozen=True, slots=True)
class TideStation:
    """A place on the coast whose tide can be told ahead: (amplitude [m], Greenwich phase lag [deg]) by name."""

    name: str
    constituents: Mapping[str, tuple[float, float]]


# What a city file names under [tide].
STATIONS: Mapping[str, TideStation] = {"vung-tau": TideStation("Vũng Tàu", VUNG_TAU)}


@dataclass(frozen=True, slots=True)
class Longitudes:
    """Mean longitudes of moon s, sun h, lunar perigee p and lunar node. [deg]"""

    s: Values
    h: Values
    p: Values
    node: Values


def tide(t: Values, constituents: Mapping[str, tuple[float, float]] = VUNG_TAU) -> Values:
    """Height above mean sea level. [s since 1970, UTC] → [m]; elementwise"""
    at = longitudes(t)
    hour_angle = 15.0 * ((t % 86_400.0) / 3_600.0)
    factors = _node_factors(np.radians(at.node))
    total = np.zeros(np.shape(t))
    for name, (amplitude, lag) in constituents.items():
        n_t, n_s, n_h, n_p, constant, series = _ARGUMENTS[name]
        argument = n_t * hour_angle + n_s * at.s + n_h * at.h + n_p * at.p + constant
        f, u = factors[series]
        total = total + f * amplitude * np.cos(np.radians(argument + u - lag))
    return total


def tide_station(table: Mapping[str, Any] | None) -> TideStation | None:
    """From [tide] of a city file; None where there is none. Raises DeclarationError in words."""
    if table is None:
        return None
    if unknown := set(table) - {"station"}:
        raise DeclarationError("tide", "takes station", sorted(unknown)[0])
    name = table.get("station")
    if not isinstance(name, str) or name not in STATIONS:
        raise DeclarationError("tide.station", f"must be one of {', '.join(STATIONS)}", name)
    return STATIONS[name]


def longitudes(t: Values) -> Longitudes:
    """Mean longitudes at these times; Meeus, Astronomical Algorithms, chapters 22, 25 and 47."""
    centuries = (np.asarray(t, dtype=np.float64) - J2000_S) / CENTURY_S
    return Longitudes(
        s=218.3164477 + 481_267.88123421 * centuries,
        h=280.46646 + 36_000.76983 * centuries,
        p=83.3532465 + 4_069.0137287 * centuries,
        node=125.04452 - 1_934.136261 * centuries,
    )


def _node_factors(n: Values) -> dict[str, tuple[Values, Values]]:
    """(f, u [deg]) by series; n in rad."""
    one, zero = np.ones_like(n), np.zeros_like(n)
    return {
        "": (one, zero),
        "M2": (1.0 - 0.037 * np.cos(n), -2.1 * np.sin(n)),
        "K1": (
            1.006 + 0.115 * np.cos(n) - 0.009 * np.cos(2 * n),
            -8.9 * np.sin(n) + 0.7 * np.sin(2 * n),
        ),
        "O1": (
            1.009 + 0.187 * np.cos(n) - 0.015 * np.cos(2 * n),
            10.8 * np.sin(n) - 1.3 * np.sin(2 * n),
        ),
        "K2": (
            1.024 + 0.286 * np.cos(n) + 0.008 * np.cos(2 * n),
            -17.7 * np.sin(n) + 0.7 * np.sin(2 * n),
        ),
    }
