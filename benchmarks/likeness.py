"""How like real air the simulated air is: statistics of both, and the bounds that the simulated must keep.

Each recorded figure is computed from the recordings (tests hold it to them); each bound is ours: wide where
the two places differ for a reason that the row names, narrow where nature is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.likeness_series import Series, simulated_air
from telemetry.arrays import Values

WINTER = (12, 1, 2)
# Stations that are set beside the recordings: one near a street in the south, one in the north.
STATIONS = {"hcmc": 3, "hanoi": 0}


@dataclass(frozen=True, slots=True)
class Likeness:
    """One statistic. `recorded` as computed from the recording; the simulated must lie in low…high."""

    name: str
    city: str
    recording: str
    of: Callable[[Series], float]
    recorded: float
    low: float
    high: float
    why: str = ""

    def simulated(self) -> float:
        """Its value for the simulated year."""
        return self.of(simulated_air(self.city, STATIONS[self.city]))


def correlation(a: Values, b: Values) -> float:
    """Pearson's, over the hours that both have."""
    both = ~np.isnan(a) & ~np.isnan(b)
    return float(np.corrcoef(a[both], b[both])[0, 1])


def autocorrelation(column: Values, lag: int) -> float:
    """Of hours and those `lag` hours later."""
    return correlation(column[:-lag], column[lag:])


def mean_day(series: Series, name: str) -> Values:
    """The mean of each hour of the day against the mean of all, 24 values."""
    column = series[name]
    means = np.array([np.nanmean(column[series.hour == h]) for h in range(24)])
    return np.asarray(means / means.mean())


def between(a: str, b: str) -> Callable[[Series], float]:
    """The correlation of two columns."""
    return lambda s: correlation(s[a], s[b])


def logs(a: str, b: str) -> Callable[[Series], float]:
    """The correlation of the logarithms of two columns."""
    return lambda s: correlation(np.log(np.maximum(s[a], 0.5)), np.log(np.maximum(s[b], 0.5)))


def lagged(name: str, lag: int, months: tuple[int, ...] = ()) -> Callable[[Series], float]:
    """The autocorrelation of a column, of some months where they are named."""
    return lambda s: autocorrelation((s.only(months) if months else s)[name], lag)


def swing(name: str, months: tuple[int, ...] = ()) -> Callable[[Series], float]:
    """The mean day's highest hour against its lowest."""

    def of(series: Series) -> float:
        day = mean_day(series.only(months) if months else series, name)
        return float(day.max() / day.min())

    return of


def hour_of_highest(name: str) -> Callable[[Series], float]:
    """The hour at which the mean day is highest."""
    return lambda s: float(np.argmax(mean_day(s, name)))


def weekend(name: str) -> Callable[[Series], float]:
    """Saturdays and Sundays against working days."""

    def of(series: Series) -> float:
        column = series[name]
        free, work = column[series.weekend], column[~series.weekend]
        return float(np.nanmean(free) / np.nanmean(work))

    return of


def persistence(name: str) -> Callable[[Series], float]:
    """Mean absolute change from hour to hour, against the mean."""
    return lambda s: float(np.nanmean(np.abs(np.diff(s[name]))) / np.nanmean(s[name]))


def stirred(series: Series) -> float:
    """ln PM2.5 against ln(1 + wind), in winter. Beijing's wind is cumulated, so its logarithm is taken."""
    winter = series.only(WINTER)
    return correlation(np.log(np.maximum(winter["pm25"], 1.0)), np.log(winter["wind"] + 1.0))


FLOOR = "the recorder stands at its detection floor for months: only the sign is held"
SOUTH_NIGHT = "the tropics' sun is stronger, and calm nights with traffic eat ozone up"
LIKENESSES = (
    Likeness("r(ln PM2.5, ln PM10)", "hcmc", "valencia", logs("pm25", "pm10"), 0.83, 0.70, 0.97),
    Likeness("r(PM2.5, NO2)", "hcmc", "valencia", between("pm25", "no2"), 0.46, 0.30, 0.70),
    Likeness("r(NO2, O3)", "hcmc", "valencia", between("no2", "o3"), -0.64, -0.80, -0.45),
    Likeness("r(PM2.5, O3)", "hcmc", "valencia", between("pm25", "o3"), -0.34, -0.55, -0.15),
    Likeness("r(NO2, wind)", "hcmc", "valencia", between("no2", "wind"), -0.34, -0.60, -0.15),
    Likeness("r(O3, wind)", "hcmc", "valencia", between("o3", "wind"), 0.51, 0.35, 0.80),
    Likeness("r(SO2, NO2)", "hcmc", "valencia", between("so2", "no2"), 0.16, 0.05, 0.70, FLOOR),
    Likeness("r(CO, NO2)", "hcmc", "valencia", between("co", "no2"), 0.21, 0.05, 0.90, FLOOR),
    Likeness("PM2.5, autocorrelation 1 h", "hcmc", "valencia", lagged("pm25", 1), 0.94, 0.90, 0.98),
    Likeness("PM2.5, autocorrelation 3 h", "hcmc", "valencia", lagged("pm25", 3), 0.81, 0.65, 0.90),
    Likeness("PM2.5, autocorrelation 24 h", "hcmc", "valencia", lagged("pm25", 24), 0.65, 0.45, 0.75),
    Likeness("NO2, autocorrelation 1 h", "hcmc", "valencia", lagged("no2", 1), 0.88, 0.80, 0.95),
    Likeness("NO2, autocorrelation 24 h", "hcmc", "valencia", lagged("no2", 24), 0.63, 0.50, 0.75),
    Likeness("O3, autocorrelation 1 h", "hcmc", "valencia", lagged("o3", 1), 0.92, 0.85, 0.97),
    Likeness("O3, autocorrelation 24 h", "hcmc", "valencia", lagged("o3", 24), 0.71, 0.60, 0.90, SOUTH_NIGHT),
    Likeness("PM2.5, change in an hour / mean", "hcmc", "valencia", persistence("pm25"), 0.16, 0.06, 0.20),
    Likeness("PM2.5, mean day, highest / lowest", "hcmc", "valencia", swing("pm25"), 1.69, 1.30, 2.30),
    Likeness("NO2, mean day, highest / lowest", "hcmc", "valencia", swing("no2"), 2.57, 1.80, 3.90),
    Likeness("O3, hour of the highest", "hcmc", "valencia", hour_of_highest("o3"), 15.0, 13.0, 15.0),
    Likeness("NO2, weekend / working days", "hcmc", "valencia", weekend("no2"), 0.76, 0.70, 0.92),
    Likeness("O3, weekend / working days", "hcmc", "valencia", weekend("o3"), 1.08, 1.00, 1.20),
    Likeness("PM2.5 in winter, autocorrelation 1 h", "hanoi", "beijing", lagged("pm25", 1, WINTER), 0.97, 0.93, 0.99),
    Likeness("PM2.5 in winter, autocorrelation 3 h", "hanoi", "beijing", lagged("pm25", 3, WINTER), 0.87, 0.80, 0.95),
    Likeness("PM2.5 in winter, autocorrelation 6 h", "hanoi", "beijing", lagged("pm25", 6, WINTER), 0.74, 0.62, 0.90),
    Likeness("PM2.5 in winter, autocorrelation 12 h", "hanoi", "beijing", lagged("pm25", 12, WINTER), 0.56, 0.42, 0.78),
    Likeness("PM2.5 in winter, autocorrelation 24 h", "hanoi", "beijing", lagged("pm25", 24, WINTER), 0.41, 0.28, 0.65),
    Likeness("PM2.5 in winter, highest / lowest hour", "hanoi", "beijing", swing("pm25", WINTER), 1.59, 1.25, 2.00),
    Likeness("r(ln PM2.5, ln(1 + wind)) in winter", "hanoi", "beijing", stirred, -0.57, -0.75, -0.35),
    Likeness("PM2.5, change in an hour / mean", "hanoi", "beijing", persistence("pm25"), 0.13, 0.05, 0.18),
    Likeness("r(temperature, pressure)", "hanoi", "beijing", between("temperature", "pressure"), -0.83, -0.95, -0.60),
    Likeness("Temperature, autocorrelation 24 h", "hanoi", "beijing", lagged("temperature", 24), 0.96, 0.85, 0.99),
)  # fmt: skip


def as_table() -> str:
    """The table of docs/simulation.md."""
    lines = [
        "| statistic | simulated | recorded | bounds | |",
        "|---|---|---|---|---|",
    ]
    for row in LIKENESSES:
        city = {"hcmc": "Ho Chi Minh City", "hanoi": "Hanoi"}[row.city]
        place = {"valencia": "Valencia", "beijing": "Beijing"}[row.recording]
        lines.append(
            f"| {row.name} | {row.simulated():.2f} {city} | {row.recorded:.2f} {place} "
            f"| {row.low:.2f} … {row.high:.2f} | {row.why} |"
        )
    return "\n".join(lines) + "\n"
