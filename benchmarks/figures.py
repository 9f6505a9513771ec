"""Figures of the simulated city, one function each: a day, a season, the tide, beside what was recorded.

Of a recording only statistics are drawn (mean days, autocorrelations, correlations), never its values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.likeness import STATIONS, WINTER, autocorrelation, correlation, mean_day
from benchmarks.likeness_series import Series, rows_of, scene, simulated_air
from benchmarks.shock_wave import shock_wave
from devices.tide import tide
from simulators.climate import HANOI, HO_CHI_MINH_CITY
from simulators.fleet import Rows
from simulators.level import PEAKS
from simulators.models import Scene
from telemetry.arrays import Values
from telemetry.clock import DAY, HOUR, MINUTE, SECOND, parse_time

SIMULATED, RECORDED, THIRD = "#1f6fb4", "#d0661f", "#4a8f3c"
MONDAY = parse_time("2026-03-15T17:00:00Z")  # 00:00 local, dry season
NAMES = {"pm25": "PM2.5", "pm10": "PM10", "no2": "NO2", "o3": "O3", "so2": "SO2", "co": "CO", "wind": "wind"}  # fmt: skip
# Highest water at Vũng Tàu, m above mean sea level (TICON-4's constituents by the predictor neaps), ICT.
VUNG_TAU_PEAKS = {
    "2025-11-06T14:31:00+07:00": 1.590, "2025-11-07T15:26:00+07:00": 1.620,
    "2025-12-04T23:56:00+07:00": 1.453, "2025-12-06T15:36:00+07:00": 1.587,
}  # fmt: skip


def air_mean_day(recorded: Mapping[str, Series]) -> Figure:
    """Mean days against their mean: the south beside Valencia, the north's winter beside Beijing's."""
    figure, axes = _panels(1, 4, 12.0, 2.8)
    south, north = (simulated_air(city, STATIONS[city]) for city in ("hcmc", "hanoi"))
    for axis, name in zip(axes, ("pm25", "no2", "o3"), strict=False):
        _pair(axis, mean_day(south, name), mean_day(recorded["valencia"], name))
        axis.set_title(f"{NAMES[name]}: Ho Chi Minh City, Valencia")
    winters = (s.only(WINTER) for s in (north, recorded["beijing"]))
    _pair(axes[3], *(mean_day(s, "pm25") for s in winters))
    axes[3].set_title("PM2.5 in winter: Hanoi, Beijing")
    for axis in axes:
        axis.set_xlabel("local hour")
        axis.set_xticks(range(0, 25, 6))
    axes[0].set_ylabel("of the mean")
    axes[0].legend()
    return figure


def air_memory(recorded: Mapping[str, Series]) -> Figure:
    """Autocorrelation of hourly means up to three days."""
    figure, axes = _panels(1, 4, 12.0, 2.8)
    lags = np.arange(1, 73)
    south, north = (simulated_air(city, STATIONS[city]) for city in ("hcmc", "hanoi"))
    pairs = [(south[n], recorded["valencia"][n], n) for n in ("pm25", "no2", "o3")]
    winter = [s.only(WINTER)["pm25"] for s in (north, recorded["beijing"])]
    pairs.append((winter[0], winter[1], "pm25"))
    titles = ["Ho Chi Minh City, Valencia"] * 3 + ["winter: Hanoi, Beijing"]
    for axis, (a, b, name), title in zip(axes, pairs, titles, strict=True):
        for column, colour, label in ((a, SIMULATED, "simulated"), (b, RECORDED, "recorded")):
            axis.plot(lags, [autocorrelation(column, int(k)) for k in lags], color=colour, label=label)  # fmt: skip
        axis.set(title=f"{NAMES[name]} – {title}", xlabel="lag [h]", ylim=(-0.7, 1.0))
        axis.set_xticks(range(0, 73, 24))
    axes[0].legend()
    return figure


def air_correlations(recorded: Mapping[str, Series]) -> Figure:
    """How the quantities go together, simulated and recorded."""
    figure, axes = _panels(1, 2, 9.0, 3.9)
    names = list(NAMES)
    both = {
        "Ho Chi Minh City, simulated": simulated_air("hcmc", STATIONS["hcmc"]),
        "Valencia, recorded 2019–2023": recorded["valencia"],
    }
    for axis, (title, series) in zip(axes, both.items(), strict=True):
        table = np.array([[correlation(series[a], series[b]) for b in names] for a in names])
        axis.imshow(table, vmin=-1, vmax=1, cmap="RdBu_r")
        for i, j in np.ndindex(table.shape):
            axis.text(j, i, f"{table[i, j]:.2f}", ha="center", va="center", fontsize=7)
        axis.set_xticks(range(len(names)), [NAMES[n] for n in names])
        axis.set_yticks(range(len(names)), [NAMES[n] for n in names])
        axis.set_title(title)
        axis.grid(visible=False)
    return figure


def air_week(_: Mapping[str, Series]) -> Figure:
    """A week of one station in each city by ten minutes, with what nature did to it."""
    figure, axes = _panels(2, 1, 12.0, 4.6)
    weeks = (("hcmc", "2026-05-10T17:00:00Z"), ("hanoi", "2026-01-04T17:00:00Z"))
    for axis, (city, start) in zip(axes, weeks, strict=True):
        of, begin = scene(city), parse_time(start)
        rows = rows_of(of, "air", STATIONS[city], begin, 7 * 144, 10 * MINUTE)
        values = of.models["air"].values(rows)
        days = (rows.time - begin) / DAY
        for name, colour in (("pm25", SIMULATED), ("no2", RECORDED), ("o3", THIRD)):
            axis.plot(days, values[name], color=colour, lw=0.9, label=NAMES[name])
        rain = of.weather.rain.field(rows).rate()
        axis.fill_between(days, 0, -2 * rain, color="#7aa6d8", label="rain [½ mm/h, downwards]")
        for event in of.events.between(begin, begin + 7 * DAY):
            if event.type in ("inversion", "burning"):
                span = ((event.start - begin) / DAY, (event.end - begin) / DAY)
                shade = "#c8b48a" if event.type == "inversion" else "#e8c0c0"
                axis.axvspan(max(span[0], 0), min(span[1], 7), color=shade, alpha=0.4, lw=0)
        axis.set(title=f"{of.fleets['air'].devices[STATIONS[city]].name} ({of.city.en})", xlim=(0, 7), ylabel="µg/m³")  # fmt: skip
    axes[0].legend(ncols=4, loc="upper right")
    axes[1].set_xlabel("days from Monday; shaded: inversion, smoke somewhere in the city")
    return figure


def climate(_: Mapping[str, Series]) -> Figure:
    """Monthly means of a simulated year beside the published normals."""
    figure, axes = _panels(2, 2, 12.0, 4.8)
    for row, (city, normals) in enumerate((("hcmc", HO_CHI_MINH_CITY), ("hanoi", HANOI))):
        of, begin = scene(city, nature=False), parse_time("2025-12-31T17:00:00Z")
        rows = rows_of(of, "weather", 0, begin, 365 * 288, 5 * MINUTE)
        month = rows.day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
        daily = of.weather.sky.at(rows.t).temperature.reshape(365, 288)
        fell = of.weather.rain.rates(rows.take(np.zeros(1, dtype=np.intp)), rows.t)[0] / 12.0
        of_day = month.reshape(365, 288)[:, 0]
        heat, wet = axes[2 * row], axes[2 * row + 1]
        for extreme, normal in (
            (daily.max(axis=1), normals.high),
            (daily.min(axis=1), normals.low),
        ):
            heat.plot(range(1, 13), normal, color=RECORDED, marker="o", ms=3)
            heat.plot(range(1, 13), [extreme[of_day == m].mean() for m in range(12)], color=SIMULATED)  # fmt: skip
        wet.bar(np.arange(1, 13) - 0.2, normals.rain, 0.4, color=RECORDED, label="normal")
        sums = [fell[month == m].sum() for m in range(12)]
        wet.bar(np.arange(1, 13) + 0.2, sums, 0.4, color=SIMULATED, label="simulated 2026")
        heat.set(title=f"{of.city.en}: mean daily highest and lowest", ylabel="°C")
        wet.set(title=f"{of.city.en}: rain", ylabel="mm a month")
    axes[1].legend()
    return figure


def rain_cells(_: Mapping[str, Series]) -> Figure:
    """An afternoon's showers on their way over the city, by half hours."""
    figure, axes = _panels(1, 4, 12.0, 3.2)
    of = scene("hcmc", nature=False)
    lat0, lon0 = of.city.centre
    side, reach = 61, 0.35
    north, east = np.meshgrid(np.linspace(-reach, reach, side), np.linspace(-reach, reach, side), indexing="ij")  # fmt: skip
    middle, grid = _wettest(of, reach), _grid(of, side, reach)
    for n, axis in enumerate(axes):
        t = np.array([middle + (n - 1.5) * 1_800.0])
        rate = of.weather.rain.rates(grid, t)[:, 0].reshape(side, side)
        axis.contourf(lon0 + east, lat0 + north, rate, levels=[0.2, 1, 2, 5, 10, 20, 40, 80], cmap="Blues")  # fmt: skip
        for water in of.city.water:
            line = np.array(water.points)
            axis.plot(line[:, 1], line[:, 0], color="#8fb7c9", lw=0.8)
        wind = of.weather.sky.at(t)
        axis.quiver(lon0 - 0.28, lat0 - 0.28, wind.east, wind.north, scale=30, color="#555")
        local = np.datetime64(int(t[0] + 7 * 3_600), "s").item()
        axis.set(title=f"{local:%d %b %H:%M}", xlim=(lon0 - reach, lon0 + reach), ylim=(lat0 - reach, lat0 + reach))  # fmt: skip
        axis.set_xticks([])
        axis.set_yticks([])
    return figure


def tide_and_peaks(_: Mapping[str, Series]) -> Figure:
    """The tide at Vũng Tàu and the level at Phú An against the published heights."""
    figure, axes = _panels(2, 1, 12.0, 4.6)
    begin = parse_time("2025-11-03T00:00:00+07:00")
    days = np.arange(0, 34, 1 / 144)
    axes[0].plot(days, tide(begin / SECOND + days * 86_400.0), color=SIMULATED, lw=0.7)
    axes[0].plot([(parse_time(w) - begin) / DAY for w in VUNG_TAU_PEAKS], list(VUNG_TAU_PEAKS.values()), "o", color=RECORDED, label="published")  # fmt: skip
    axes[0].set(title="Tide at Vũng Tàu", ylabel="m above mean sea", xlim=(0, 34))
    of = scene("hcmc", nature=False)
    rows = rows_of(of, "level", of.fleets["level"].index["phu-an"], begin, 34 * 144, 10 * MINUTE)
    axes[1].plot(days, of.models["level"].values(rows)["level"], color=SIMULATED, lw=0.7)
    for date, peak in PEAKS.items():
        day = (parse_time(f"{date}T00:00:00+07:00") - begin) / DAY
        if 0 <= day < 34:
            axes[1].plot([day, day + 1], [peak, peak], color=RECORDED, lw=2.5)
    for level, name in ((1.4, "I"), (1.5, "II"), (1.6, "III")):
        axes[1].axhline(level, color="#999", lw=0.6, ls="--")
        axes[1].text(33.8, level, name, fontsize=7, va="center", ha="right")
    axes[1].set(title="Level at Phú An; bars: the day's published highest", ylabel="m above datum", xlim=(0, 34), xlabel="days from 3 November 2025")  # fmt: skip
    axes[0].legend()
    return figure


def waters(_: Mapping[str, Series]) -> Figure:
    """Three days of the station nearest to the sea, in May: tide and salt, sun and oxygen, showers."""
    of = scene("hcmc", nature=False)
    number = int(np.argmin(of.fleets["water"].lat))
    rows = rows_of(of, "water", number, parse_time("2026-05-20T17:00:00Z"), 3 * 144, 10 * MINUTE)
    values = of.models["water"].values(rows)
    names = {
        "conductivity": "conductivity [µS/cm]", "dissolved_oxygen": "oxygen [mg/L]", "ph": "pH",
        "turbidity": "turbidity [NTU]", "ammonium": "ammonium [mg N/L]",
    }  # fmt: skip
    figure, axes = _panels(1, len(names), 12.0, 2.6)
    for axis, (name, title) in zip(axes, names.items(), strict=True):
        axis.plot(np.arange(len(rows)) / 144, values[name], color=SIMULATED, lw=0.9)
        axis.set(title=title, xlabel="days")
    return figure


def a_day_of_each(_: Mapping[str, Series]) -> Figure:
    """A Monday of one device of each other kind."""
    of = scene("hcmc")
    asked = {
        "weather": ("temperature", "°C"), "noise": ("laeq", "LAeq, dB(A)"), "traffic": ("motorcycle", "motorcycles a minute"),
        "lamp": ("power", "W"), "feeder": ("power", "W"), "waste": ("fill", "% full"),
        "emission": ("so2", "SO2, mg/m³"), "tree": ("soil_moisture", "% soil moisture"),
    }  # fmt: skip
    figure, axes = _panels(2, 4, 12.0, 4.6)
    for axis, (kind, (quantity, unit)) in zip(axes, asked.items(), strict=True):
        fleet = of.fleets[kind]
        rows = fleet.rows(MONDAY, MONDAY + DAY)
        rows = rows.take(np.flatnonzero(rows.device == 0))
        column = of.models[kind].values(rows)[quantity]
        axis.plot((rows.time - MONDAY) / HOUR, column, color=SIMULATED, lw=0.8)
        axis.set(title=f"{kind}: {quantity}", ylabel=unit, xlim=(0, 24))
        axis.set_xticks(range(0, 25, 6))
    return figure


FIGURES: Mapping[str, Callable[[Mapping[str, Series]], Figure]] = {
    "air-mean-day": air_mean_day,
    "air-memory": air_memory,
    "air-correlations": air_correlations,
    "air-week": air_week,
    "climate": climate,
    "rain-cells": rain_cells,
    "tide": tide_and_peaks,
    "waters": waters,
    "a-day-of-each": a_day_of_each,
    "shock-wave": shock_wave,
}


def draw(name: str, recorded: Mapping[str, Series], folder: Path) -> Path:
    """One figure as a PNG of this name in the folder."""
    path = folder / f"{name}.png"
    figure = FIGURES[name](recorded)
    for axis in figure.axes:
        axis.title.set_fontsize(8)
    # No version of the drawer in the file: the same city gives the same bytes.
    figure.savefig(path, dpi=80, metadata={"Software": None})
    return path


def _panels(rows: int, columns: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = np.atleast_1d(np.asarray(figure.subplots(rows, columns))).ravel().tolist()
    for axis in axes:
        axis.grid(alpha=0.25)
        axis.tick_params(labelsize=7)
        axis.xaxis.label.set_fontsize(8)
        axis.yaxis.label.set_fontsize(8)
    return figure, axes


def _pair(axis: Axes, simulated: Values, recorded: Values) -> None:
    axis.plot(simulated, color=SIMULATED, label="simulated")
    axis.plot(recorded, color=RECORDED, label="recorded")


def _grid(of: Scene, side: int, reach: float) -> Rows:
    """Places on a square around the city's centre, north by north."""
    axis = np.linspace(-reach, reach, side)
    lat, lon = np.meshgrid(of.city.centre[0] + axis, of.city.centre[1] + axis, indexing="ij")
    none = np.zeros(side * side, dtype=np.int64)
    key = none.view(np.uint64)
    return Rows(np.arange(len(none)), key, none, none, lat.ravel(), lon.ravel(), of.local)


def _wettest(of: Scene, reach: float) -> float:
    """When it rains most over the city, within a fortnight of September. [s since 1970]"""
    t = parse_time("2026-09-01T00:00:00Z") / SECOND + np.arange(14 * 48) * 1_800.0
    rain = of.weather.rain.rates(_grid(of, 9, reach), np.asarray(t, dtype=np.float64))
    return float(t[int(np.argmax(rain.sum(axis=0)))])
