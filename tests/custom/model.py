"""An engineer's rule evaluated one reading at a time, in plain Python: what the columns must come to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from analytics.custom.check import Surroundings, check_rule, parse_rule
from analytics.custom.definition import CustomRule
from devices.device import Catalogue
from telemetry.clock import SECOND

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
BASE: dict[str, Any] = {
    "code": "own_rule",
    "kind": "air",
    "vi": "Bụi cao",
    "en": "Dust high",
    "severity": "high",
    "when": {"quantity": "pm25", "above": 50.0, "clear": 40.0},
}


def rule(known: Catalogue, **changes: Any) -> CustomRule:
    """A rule that was checked."""
    found = parse_rule(BASE | changes, "rule")
    check_rule(found, Surroundings(known, frozenset({"26734"})), "rule")
    return found


@dataclass
class Model:
    """One rule for one device. `told`: (raise | clear, time)."""

    rule: CustomRule
    holds_ns: int
    on: list[bool] = field(default_factory=lambda: [False, False])
    at: list[int | None] = field(default_factory=lambda: [None, None])
    seen: int = -(2**63)
    since: int | None = None
    count: int = 0
    raised: bool = False
    told: list[tuple[str, int]] = field(default_factory=list)

    def take(self, time: int, values: dict[str, float]) -> None:
        """All values of one time."""
        used = False
        for n, condition in enumerate(self.rule.conditions()):
            value, known = values.get(condition.quantity), self.at[n]
            if value is None or (known is not None and time < known):
                continue
            used = True
            self.at[n] = time
            signed = value * condition.sign
            if signed > condition.level * condition.sign:
                self.on[n] = True
            elif signed <= condition.over * condition.sign:
                self.on[n] = False
        if used:
            self._judge(max(time, self.seen))

    def _judge(self, now: int) -> None:
        self.seen = now
        each = [
            self.on[n] and (at := self.at[n]) is not None and now - at <= self.holds_ns
            for n in range(len(self.rule.conditions()))
        ]
        holds = all(each) if self.rule.combine == "and" else any(each)
        local = datetime.fromtimestamp(now // SECOND, UTC).astimezone(ZONE)
        holds = holds and self.rule.schedule.holds(local)
        if holds:
            self.since = now if self.since is None else self.since
            self.count += 1
            long_enough = now - self.since >= self.rule.dwell_s * SECOND
            if not self.raised and long_enough and self.count >= self.rule.readings:
                self.raised = True
                self.told.append(("raise", now))
        else:
            self.since, self.count = None, 0
            if self.raised:
                self.raised = False
                self.told.append(("clear", now))
