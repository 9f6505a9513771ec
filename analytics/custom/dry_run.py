"""A rule over stored history: how often it would have raised, for which devices, and for how long.

The same evaluation as in the engine, over readings with the flags that they have by now, in order of time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import numpy as np

from analytics.custom.definition import CustomRule
from analytics.custom.evaluate import CustomRuleState, evaluate_all, is_meant
from analytics.facts import Transitions, What
from analytics.layout import Layout
from analytics.members import Members
from analytics.rows import arrange
from devices.device import Catalogue
from store.telemetry import Series, TelemetryStore
from telemetry.arrays import AnyArray
from telemetry.readings import Readings

PAGE = 200_000  # readings looked at in one go
EXAMPLES = 20


@dataclass(frozen=True, slots=True)
class Raised:
    """One time that it would have stood. cleared: None where it still did at the end [ns, UTC]."""

    device: str
    raised: int
    cleared: int | None
    worst: float


@dataclass(slots=True)
class Trial:
    """What a rule would have done in [start, end). devices: that are meant; readings: that were looked at.

    by_device: how often, the most first; standing: time that it stood, summed over devices [ns]
    """

    devices: int
    readings: int = 0
    raised: int = 0
    standing: int = 0
    by_device: dict[str, int] = field(default_factory=dict)
    examples: list[Raised] = field(default_factory=list)


def try_out(
    rule: CustomRule,
    catalogue: Catalogue,
    store: TelemetryStore,
    zone: ZoneInfo,
    start: int,
    end: int,
    progress: Callable[[float], None] = lambda share: None,
) -> Trial:
    """Run a checked rule over what is stored. progress: told the share of time that is done, 0…1."""
    layout = Layout(catalogue)
    layout.grow()
    state = new_state(rule, layout, zone)
    meant = np.array(
        [c for c in state.members.device if is_meant(rule, catalogue.devices[c])], "i4"
    )
    found = _Count(Trial(len(meant)), catalogue, end)
    kinds = catalogue.kinds
    quantities = np.array(
        sorted({kinds.quantity_code[c.quantity] for c in rule.conditions()}), dtype=np.int16
    )
    after: tuple[int, int, int] | None = None
    while len(meant):
        page = store.raw(Series(meant, quantities), start, end, PAGE, after)
        rows = arrange(layout, page, np.ones(len(page), dtype=bool))
        found.take(page, evaluate_all([(0, state)], layout, rows))
        if len(page) < PAGE:
            break
        after = int(page.time[-1]), int(page.device[-1]), int(page.quantity[-1])
        progress((after[0] - start) / (end - start))
    return found.whole()


def new_state(rule: CustomRule, layout: Layout, zone: ZoneInfo) -> CustomRuleState:
    """The rule where nothing has been seen yet, for all devices that the layout has."""
    kinds = layout.kinds
    members = Members(f"kind.{rule.kind}", layout, np.array([k.name == rule.kind for k in kinds]))
    members.grow(0)
    state = CustomRuleState(rule, layout, members, zone)
    state.grow()
    return state


class _Count:
    """Adds up transitions."""

    def __init__(self, trial: Trial, catalogue: Catalogue, end: int) -> None:
        self._trial = trial
        self._catalogue = catalogue
        self._end = end
        self._open: dict[int, tuple[int, float]] = {}  # device → since when, the worst so far
        self._times: Counter[str] = Counter()

    def take(self, page: Readings, told: Transitions) -> None:
        self._trial.readings += len(page)
        columns: list[AnyArray] = [told.device, told.what, told.time, told.worst]
        for device, what, time, worst in zip(*(c.tolist() for c in columns), strict=True):
            if what == What.CLEAR:
                self._close(device, time)
            else:
                since = self._open[device][0] if device in self._open else time
                self._open[device] = since, worst

    def whole(self) -> Trial:
        for device in list(self._open):
            self._close(device, None)
        self._trial.by_device = dict(self._times.most_common())
        return self._trial

    def _close(self, device: int, cleared: int | None) -> None:
        raised, worst = self._open.pop(device)
        trial, name = self._trial, self._catalogue.devices[device].id
        trial.raised += 1
        trial.standing += (self._end if cleared is None else cleared) - raised
        self._times[name] += 1
        if len(trial.examples) < EXAMPLES:
            trial.examples.append(Raised(name, raised, cleared, worst))
