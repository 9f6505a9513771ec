"""The README says what is so: its settings are the program's, its commands are the command line's."""

from __future__ import annotations

import re
from pathlib import Path

import cli
from telemetry.settings import as_table

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_settings_are_the_programs() -> None:
    assert README.rstrip().endswith(as_table())


def test_its_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#\s]+)\)", README)
    assert len(links) > 10
    for link in links:
        assert "://" in link or (ROOT / link).exists(), link


def test_the_guarantee_is_three_sentences_with_what_is_not_and_the_price() -> None:
    text = re.split(r"^## ", README, flags=re.M)
    (body,) = [part for part in text if part.startswith("The guarantee, in three sentences\n")]
    sentences = re.findall(r"\*\*([^*]+):\*\*(.+?\.)(?=\n\*\*|\n\n|\Z)", body, flags=re.S)
    assert [name for name, _ in sentences] == ["Guaranteed", "Not guaranteed", "The price"]
    for _, sentence in sentences:
        assert len(re.findall(r"\.(?:\s|$)", sentence)) == 1, sentence
    assert "URBAN_SYNC" in sentences[1][1] and "1,000 changes" in sentences[1][1]


def test_its_commands_exist() -> None:
    used = set(re.findall(r"\.venv/bin/urban ([a-z]+)", README))
    assert used and used <= set(cli.COMMANDS)
    targets = set(re.findall(r"^make ([\w-]+)", README, flags=re.M))
    made = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), flags=re.M))
    assert targets == {"up", "test", "compose-init"} and targets <= made


def test_every_folder_of_code_is_in_its_list() -> None:
    listed = set(re.findall(r"\[`(\w+)/`\]", README))
    here = {p.parent.name for p in ROOT.glob("*/__init__.py")} - {"tests"}
    assert here <= listed
