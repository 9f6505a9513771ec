"""Every rule that can raise an alert, found by its code: those of kinds, of the platform, and added ones.

The book, the API, messages and the page look a rule's words, severity and family up here.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import nan

from devices.kind import NAME, AlertRule, Severity
from devices.registry import Kinds
from telemetry.errors import DeclarationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What raises an alert, in words.

    code      stable: alerts, the runbook and routes of messages name it
    kind      of the devices that it is about; "" where it is of no kind
    family    rules whose levels are one alert; alone: the code
    rank      place within the family: the higher, the worse
    level     at which it raises, in the quantity's unit; NaN where it has none
    above     it raises above the level (False: below); None: it has none
    domain    department that it belongs to; "" : the kind's
    runbook   heading in docs/runbook.md; empty: the code
    origin    kind | platform | engineer
    """

    code: str
    severity: Severity
    vi: str
    en: str
    act_vi: str
    act_en: str
    kind: str = ""
    quantity: str = ""
    family: str = ""
    rank: float = 0.0
    level: float = nan
    above: bool | None = None
    edition: str = ""
    domain: str = ""
    runbook: str = ""
    origin: str = "engineer"

    def __post_init__(self) -> None:
        for name in ("family", "runbook"):
            if not getattr(self, name):
                object.__setattr__(self, name, self.code)


def rule_of_kind(rule: AlertRule, kind: str, domain: str = "") -> Rule:
    """A kind's rule as a rule of the book."""
    above = rule.above is not None
    return Rule(
        code=rule.code, severity=rule.severity, vi=rule.vi, en=rule.en, act_vi=rule.act_vi,
        act_en=rule.act_en, kind=kind, quantity=rule.quantity, family=rule.family,
        rank=rule.level if above else -rule.level, level=rule.level, above=above,
        edition=rule.edition, domain=domain, origin="kind",
    )  # fmt: skip


@dataclass(slots=True)
class _Tables:
    rules: dict[tuple[str, str], Rule] = field(default_factory=dict)  # by (code, kind)
    by_code: dict[str, Rule] = field(default_factory=dict)
    families: dict[tuple[str, str], tuple[Rule, ...]] = field(default_factory=dict)


class RuleBook:
    """May be read from any thread while rules are added or removed."""

    def __init__(self, kinds: Kinds, others: Iterable[Rule] = ()) -> None:
        self._lock = threading.Lock()
        self._tables = _Tables()
        self.add(rule_of_kind(r, k.name, k.domain) for k in kinds for r in k.rules)
        self.add(others)

    def __iter__(self) -> Iterator[Rule]:
        return iter(tuple(self._tables.rules.values()))

    def get(self, code: str, kind: str = "") -> Rule | None:
        """The rule of this code, of this kind where there is one; None where nobody declares it."""
        tables = self._tables
        return tables.rules.get((code, kind)) or tables.by_code.get(code)

    def family(self, family: str, kind: str = "") -> tuple[Rule, ...]:
        """The rules of a family, of this kind where there are some; empty where nobody declares it."""
        families = self._tables.families
        return families.get((family, kind)) or families.get((family, ""), ())

    def codes(self) -> frozenset[str]:
        """Every code."""
        return frozenset(self._tables.by_code)

    def add(self, rules: Iterable[Rule]) -> None:
        """Add rules. Raises DeclarationError for a code that is taken or is none; nothing is added then."""
        with self._lock:
            tables = self._copy()
            for rule in rules:
                place = f"rule {rule.code}"
                if not NAME.fullmatch(rule.code):
                    raise DeclarationError(place, "a rule's code is lower case letters, digits and _")  # fmt: skip
                if (rule.code, rule.kind) in tables.rules:
                    raise DeclarationError(place, "is declared already")
                tables.rules[rule.code, rule.kind] = rule
                tables.by_code.setdefault(rule.code, rule)
            self._tables = _with_families(tables)

    def remove(self, code: str) -> None:
        """Forget a rule that was added. Raises DeclarationError for one that comes with the platform."""
        with self._lock:
            found = self._tables.by_code.get(code)
            if found is None or found.origin != "engineer":
                raise DeclarationError(f"rule {code}", "is none that was added")
            tables = self._copy()
            tables.rules = {key: r for key, r in tables.rules.items() if key[0] != code}
            del tables.by_code[code]
            self._tables = _with_families(tables)

    def _copy(self) -> _Tables:
        return _Tables(dict(self._tables.rules), dict(self._tables.by_code))


def _with_families(tables: _Tables) -> _Tables:
    families: dict[tuple[str, str], tuple[Rule, ...]] = {}
    for rule in tables.rules.values():
        key = rule.family, rule.kind
        families[key] = (*families.get(key, ()), rule)
    return _Tables(tables.rules, tables.by_code, families)
