"""Documents point at files that are there, decisions are numbered without a gap, and the settings they name exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from telemetry.setting_table import SETTINGS
from telemetry.settings import PREFIX

ROOT = Path(__file__).parent.parent.parent
DOCS = sorted((ROOT / "docs").rglob("*.md"))
SETTING_NAMES = {PREFIX + s.name.upper() for s in SETTINGS} | {"URBAN_SETTINGS", "URBAN_DATA_SETS"}


@pytest.mark.parametrize("document", DOCS, ids=lambda d: str(d.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCS, ids=lambda d: str(d.relative_to(ROOT)))
def test_settings_that_are_named_exist(document: Path) -> None:
    named = set(re.findall(r"URBAN_[A-Z][A-Z_]*[A-Z]", document.read_text(encoding="utf-8")))
    named = {n if n in SETTING_NAMES else n.removesuffix("_FILE") for n in named}
    assert named <= SETTING_NAMES


def test_decisions_are_numbered_without_a_gap_and_say_why() -> None:
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [int(d.name[:4]) for d in decisions] == list(range(1, len(decisions) + 1))
    for number, decision in enumerate(decisions, 1):
        text = decision.read_text(encoding="utf-8")
        assert text.startswith(f"# {number}. "), decision.name
        for part in ("**Context.**", "**Decision.**", "**Consequence.**"):
            assert text.count(part) == 1, (decision.name, part)


def test_folders_that_the_architecture_names_exist() -> None:
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| `([a-z/]+/)` \|", text, flags=re.M)
    assert len(named) >= 8
    for folder in named:
        assert (ROOT / folder).is_dir(), folder
