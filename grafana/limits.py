"""Where a value becomes bad: levels of rules, bands of indices, legal limits, each with its edition.

From these come a panel's colours and lines, and the words that say which text they follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from analytics.indices.info import IndexInfo
from analytics.indices.registry import index_of
from devices import legal
from devices.kind import AlertRule, Kind, Severity
from grafana.tongue import SEVERITIES, Tongue
from telemetry.wording import number_text

GREEN, GREY = "#3fb37f", "#a3adba"
Steps = tuple[tuple[float | None, str], ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A level with what it means, by which text, and what to do about it."""

    value: float
    colour: str
    words: str
    edition: str
    act: str = ""

    def text(self, tongue: Tongue) -> str:
        """The line as a sentence of a description."""
        edition = f" ({self.edition})" if self.edition and self.edition not in self.words else ""
        return f"{number_text(self.value, tongue.language)}: {self.words}{edition}."


def rules_of(kind: Kind, quantity: str) -> tuple[AlertRule, ...]:
    """The rules that look at a quantity, from the lowest level to the highest."""
    return tuple(sorted((r for r in kind.rules if r.quantity == quantity), key=lambda r: r.level))


def is_low_bad(kind: Kind, quantity: str) -> bool:
    """Whether rules raise below a level, or the index is the better the higher it is."""
    found = rules_of(kind, quantity)
    if found:
        return found[0].below is not None
    return quantity.startswith("vn_wqi")


def lines_of(kind: Kind, quantity: str, tongue: Tongue) -> list[Line]:
    """Every level that says something of a quantity, ascending: of rules, then of legal tables."""
    found = []
    for rule in rules_of(kind, quantity):
        colour = SEVERITIES[Severity(rule.severity).name.lower()][2]
        words, act = tongue(rule.vi, rule.en), tongue(rule.act_vi, rule.act_en)
        found.append(Line(rule.level, colour, words, rule.edition, act))
    known = {line.value for line in found}
    found += [x for x in _legal(kind, quantity, tongue) if x.value not in known]
    return sorted(found, key=lambda line: line.value)


def steps_of(kind: Kind, quantity: str, tongue: Tongue) -> Steps:
    """Grafana's threshold steps: the bands of an index, else the levels of `lines_of`."""
    index = index_of(kind.name, quantity)
    if index is not None and index.categories:
        return _bands(index)
    lines = lines_of(kind, quantity, tongue)
    if is_low_bad(kind, quantity):
        # Below the lowest level it is worst; each level ends the colour of what is under it.
        colours = [line.colour for line in lines] + [GREEN]
        return (
            (None, colours[0]),
            *((x.value, c) for x, c in zip(lines, colours[1:], strict=True)),
        )
    return ((None, GREEN), *((line.value, line.colour) for line in lines))


def words_of(kind: Kind, quantity: str, tongue: Tongue) -> str:
    """What the colours of a panel mean, by which text, and what to do."""
    index = index_of(kind.name, quantity)
    parts = []
    if index is not None:
        parts.append(f"{tongue('Theo', 'After')} {index.edition}.")
        if index.categories:
            bands = ", ".join(
                f"≤ {c.top:g} {tongue(c.vi, c.en)}" if isfinite(c.top) else tongue(c.vi, c.en)
                for c in index.categories
            )
            parts.append(f"{tongue('Mức', 'Bands')}: {bands}.")
    lines = lines_of(kind, quantity, tongue)
    parts += [line.text(tongue) for line in lines]
    acts = list(dict.fromkeys(line.act for line in lines if line.act))
    if acts:
        parts.append(f"{tongue('Việc cần làm', 'What to do')}: {' '.join(acts)}")
    else:
        parts.append(
            tongue(
                "Việc cần làm: chỗ nào khác hẳn các nơi quanh đó, hãy mở thiết bị để xem cờ chất lượng.",
                "What to do: where a place differs from those around it, open its device and see its flags.",
            )
        )
    return " ".join(parts)


def _bands(index: IndexInfo) -> Steps:
    steps: list[tuple[float | None, str]] = []
    floor: float | None = None
    for category in index.categories:
        steps.append((floor, category.colour))
        floor = category.top
    return tuple(steps)


def _legal(kind: Kind, quantity: str, tongue: Tongue) -> list[Line]:
    """Lines of the dated tables that belong to a quantity by its name."""
    medium = SEVERITIES["medium"][2]
    if kind.name == "air":
        table = legal.in_force("air_limits")
        pollutant, _, window = quantity.partition("_")
        value = table.table["limits"].get(window or "1h", {}).get(pollutant)
        if value is None:
            return []
        words = tongue(
            f"giới hạn trung bình {window or '1h'}", f"limit of the {window or '1h'} mean"
        )
        return [Line(float(value), medium, words, table.name)]
    if kind.name == "water":
        table = legal.in_force("water_limits")
        bounds = table.table["classes"].get(quantity, {}).get("B", ())
        words = tongue("giới hạn mức B", "limit of class B")
        return [Line(float(v), medium, words, table.name) for v in bounds if isfinite(v)]
    return []
