"""docs/indices.md from the code: `python -m analytics.indices.document > docs/indices.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from analytics.indices.info import Confidence, IndexInfo
from analytics.indices.registry import all_indices

HEAD = """\
# Indices

What is derived from the readings, by which formula, from which text, and when it is published. This page is made from
the code: `python -m analytics.indices.document > docs/indices.md`. A test holds it up to date.

How sure we are: **verified** – a primary source, or two independent ones that agree; **derived** – one secondary
source, or derived from one; **unverified** – not checked against the text: it ships as data that a city can change.
The mark is of the values. The days on which QCVN 05:2013, QCVN 26:2010 and 632/QĐ-TTg came into force were not checked
against their texts; they stand in `devices/legal.toml`.
"""


def as_markdown(indices: Iterable[IndexInfo] | None = None) -> str:
    """The whole page."""
    found = all_indices() if indices is None else tuple(indices)
    return "\n".join([HEAD, *_overview(found), *(line for i in found for line in _section(i))])


def _overview(found: tuple[IndexInfo, ...]) -> list[str]:
    lines = ["| index | kind | edition | confidence |", "|---|---|---|---|"]
    lines += [
        f"| [`{i.quantity}`](#{i.quantity}) {i.en} | {', '.join(i.kinds)} | {i.edition} | {i.confidence} |"
        for i in found
    ]
    return [*lines, ""]


def _section(info: IndexInfo) -> list[str]:
    valid = f"from {info.valid_from}" if info.valid_from else "no date"
    valid += f" to {info.valid_to}" if info.valid_to else ""
    unverified = info.confidence is Confidence.UNVERIFIED
    rows = [
        ("Formula", info.formula),
        ("Source", info.source),
        ("Edition", f"{info.edition} ({valid})"),
        ("Data rule", info.data_rule),
        ("Unit", f"`{info.unit}`"),
        ("Derived", info.derived),
        ("Confidence", f"**{info.confidence}**" + (": change it as data" if unverified else "")),
    ]
    more = ", ".join(f"`{q}`" for q in (*info.also, *([info.main] if info.main else [])))
    rows += [("Also told", more)] if more else []
    rows += [("Made of", ", ".join(info.components))] if info.components else []
    rows += [("Note", info.notes)] if info.notes else []
    lines = [f"## `{info.quantity}`", "", f"**{info.vi}** · {info.en}", ""]
    lines += [f"- {name}: {_one_line(text)}" for name, text in rows]
    return [*lines, "", *_categories(info)]


def _categories(info: IndexInfo) -> list[str]:
    if not info.categories:
        return []
    lines = ["| up to | vi | en | colour |", "|---|---|---|---|"]
    lines += [f"| {c.top:g} | {c.vi} | {c.en} | {c.colour} |" for c in info.categories]
    return [*lines, ""]


def _one_line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    sys.stdout.write(as_markdown())
