"""Minutes of a stack → means of half an hour, an hour and a local day at reference O2, for compliance.

A minute counts where the station was measuring (device_status 0; TT 10/2021/TT-BTNMT: 1 calibrating, 2
fault), its O2 is known and under 20.9 %. A mean needs two thirds of its minutes, a day three quarters
(practice in the EU and Germany; the Vietnamese text's share could not be verified).
"""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

import numpy as np

from analytics.emission_limits import SUBJECT, at_reference_o2, hour_limit
from analytics.framed import Framed, Input
from analytics.frames import Look
from analytics.indices.info import Confidence, IndexInfo
from analytics.layout import Layout
from analytics.localtime import local_day, local_ns
from analytics.robust import mean
from analytics.snapshot import Tables
from analytics.table import Table
from devices import legal
from telemetry.arrays import AnyArray, Index
from telemetry.clock import DAY, HOUR, MINUTE
from telemetry.flags import Flag
from telemetry.readings import Readings

POLLUTANTS = ("dust", "so2", "nox", "co", "hcl")
MINUTES = 30
ENOUGH, ENOUGH_OF_DAY = 2 / 3, 3 / 4
KEPT = 8  # half hours: corrections of up to three hours
DAYS = 3

_TEXT = legal.in_force(SUBJECT)

INDICES = tuple(
    IndexInfo(
        quantity=f"{name}_1h",
        also=(f"{name}_30min", f"{name}_24h", f"{name}_of_limit"),
        kinds=("emission",),
        vi=f"{name.upper()} trung bình giờ, quy về 12 % O2",
        en=f"{name.upper()} of the hour at 12 % O2",
        unit="mg/m3",
        formula="C_ref = C · (21 − 12) / (21 − O2), minute by minute, then the mean; of_limit: 100 · mean / limit in force that day",
        edition=_TEXT.name,
        valid_from=legal.editions(SUBJECT)[0].valid_from.isoformat(),
        source=_TEXT.source,
        data_rule="two thirds of the minutes measuring, with O2 under 20.9 %; a day three quarters",
        derived="when the hour has ended, at its start; half hours and local days likewise",
        confidence=Confidence.DERIVED,
        why_not=("chưa đủ phút đo hợp lệ", "too few valid minutes"),
        subject=SUBJECT,
        notes=f"Limit {_TEXT.table['limits']['1h'][name]:g} mg/Nm3. {_TEXT.note}",
    )
    for name in POLLUTANTS
)


class Emissions(Framed):
    """State per stack: the minutes of the last four hours, and sums of the last three days."""

    def __init__(self, layout: Layout, zone: ZoneInfo) -> None:
        inputs = {p: Input(p) for p in POLLUTANTS}
        inputs |= {"o2": Input("o2"), "device_status": Input("device_status", "max")}
        outputs = [f"{p}{e}" for p in POLLUTANTS for e in ("_30min", "_1h", "_of_limit")]
        outputs += [f"_{s}_{p}" for p in POLLUTANTS for s in ("sum", "n")]
        super().__init__(
            "emission", layout, ["emission"], inputs, outputs, step=MINUTE, split=MINUTES,
            kept=KEPT, back=1,
        )  # fmt: skip
        self._zone = zone
        self._limits = {p: hour_limit(p) for p in POLLUTANTS}
        columns = [f"{s}_{p}" for p in POLLUTANTS for s in ("sum", "n")]
        self.days = Table(
            {"day": (np.int32, 0), "news": (np.bool_, False)}
            | dict.fromkeys(columns, (np.float64, 0))
            | {f"told_{p}": (np.float64, np.nan) for p in POLLUTANTS},
            width=DAYS,
        )
        self._day_codes = {p: layout.kinds.quantity_code.get(f"{p}_24h", -1) for p in POLLUTANTS}

    def grow(self, first: int) -> None:
        """Give a row to the stacks among the devices from code `first` on."""
        super().grow(first)
        self.days.grow(len(self.frames.members))

    def tables(self) -> Tables:
        """The state: cells, and days."""
        return {**super().tables(), "emission_days": (self.frames.members, self.days)}

    def judge(self, look: Look) -> Mapping[str, AnyArray]:
        """Means at reference O2 [mg/Nm3], and of the limit [%]; an hour's stands with its second half."""
        o2 = look.of("o2", 1)
        measuring = ~(look.of("device_status", 1) > 0)
        second = (look.bins % 2 == 1)[None, :]
        day = local_day((look.bins - 1) * (MINUTES * MINUTE), self._zone)
        found: dict[str, AnyArray] = {}
        for p in POLLUTANTS:
            valid = np.where(measuring, at_reference_o2(look.of(p, 1), o2), np.nan)
            known = (~np.isnan(valid)).sum(axis=-1)
            own = valid[:, 1:]
            found[f"{p}_30min"] = np.where(known[:, 1:] >= ENOUGH * MINUTES, mean(own), np.nan)
            both = known[:, 1:] + known[:, :-1] >= ENOUGH * 2 * MINUTES
            of_hour = mean(np.concatenate([valid[:, :-1], own], axis=-1))
            found[f"{p}_1h"] = np.where(both & second, of_hour, np.nan)
            found[f"{p}_of_limit"] = 100.0 * found[f"{p}_1h"] / self._limits[p].on(day)
            found[f"_sum_{p}"] = np.nansum(own, axis=-1)
            found[f"_n_{p}"] = known[:, 1:].astype(np.float64)
        return found

    def time_of(self, name: str, bins: Index) -> AnyArray:
        """An hour's mean stands at the hour's start."""
        first = bins - 1 if name.endswith(("_1h", "_of_limit")) else bins
        return np.asarray(first * (MINUTES * MINUTE))

    def counted(
        self, name: str, rows: Index, bins: Index, before: AnyArray, after: AnyArray
    ) -> None:
        """Keep the sums of local days: a correction takes back what it added."""
        if not name.startswith("_"):
            return
        day = local_day(bins * (MINUTES * MINUTE), self._zone)
        slot = rows * DAYS + day % DAYS
        newer = self.days["day"][slot] < day
        for column, fill in self._empty_day().items():
            self.days[column][slot[newer]] = fill
        self.days["day"][slot[newer]] = day[newer]
        kept = self.days["day"][slot] == day
        more = np.nan_to_num(after) - np.nan_to_num(before)
        np.add.at(self.days[name[1:]], slot[kept], more[kept])
        self.days["news"][slot[kept]] = True

    def judged(self, until: int, now: int) -> Readings:
        """Half hours and hours, and the means of days that have ended."""
        return Readings.concat([super().judged(until, now), self._ended_days(until, now)])

    def _ended_days(self, until: int, now: int) -> Readings:
        if not self.days.rows:
            return Readings.empty()
        today = int(local_ns(np.array([until * MINUTES * MINUTE]), self._zone)[0] // DAY)
        n = self.days.rows * DAYS
        due = np.flatnonzero(self.days["news"][:n] & (self.days["day"][:n] < today))
        if not len(due):
            return Readings.empty()
        self.days["news"][due] = False
        parts = []
        for p, code in self._day_codes.items():
            count = self.days[f"n_{p}"][due]
            enough = count >= ENOUGH_OF_DAY * DAY / MINUTE
            value = np.where(enough, self.days[f"sum_{p}"][due] / np.maximum(count, 1), np.nan)
            value = np.round(value, 1)
            told = self.days[f"told_{p}"]
            new = ~((told[due] == value) | (np.isnan(told[due]) & np.isnan(value)))
            told[due[new]] = value[new]
            parts.append(self._of_days(due[new], code, value[new], now))
        return Readings.concat(parts)

    def _of_days(self, slot: Index, code: int, value: AnyArray, now: int) -> Readings:
        """At the local midnight that the day begins with."""
        midnight = self.days["day"][slot].astype(np.int64) * DAY
        # The offset twelve hours in: no zone changes its clocks at noon.
        noon = midnight + 12 * HOUR
        time = midnight - (local_ns(noon, self._zone) - noon)
        flag = np.where(np.isnan(value), Flag.MISSING, Flag.GOOD)
        device = self.frames.members.device[slot // DAYS]
        return Readings.of(device, np.full(len(slot), code), time, value, flag, now)

    @staticmethod
    def _empty_day() -> dict[str, float]:
        sums = {f"{s}_{p}": 0.0 for p in POLLUTANTS for s in ("sum", "n")}
        return sums | {f"told_{p}": np.nan for p in POLLUTANTS}
