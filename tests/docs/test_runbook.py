"""The runbook has a heading for every alert rule and every quarantine reason, and none for what is gone."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest

from analytics.alerts.group_rules import OUR_RULES
from analytics.alerts.rulebook import Rule, RuleBook
from commands.runbook import remedy, said
from devices.registry import load_kinds
from telemetry.reasons import Reason

RUNBOOK = Path(__file__).parent.parent.parent / "docs" / "runbook.md"
RULES: dict[str, Rule] = {r.runbook: r for r in RuleBook(load_kinds(), OUR_RULES)}


def sections(part: str) -> dict[str, str]:
    """Code → text, for the headings under `## part`. A code that is there twice fails."""
    text = RUNBOOK.read_text(encoding="utf-8")
    body = re.split(rf"^## {part}$", text, flags=re.M)[1]
    body = re.split(r"^## ", body, flags=re.M)[0]
    found = re.split(r"^### `([a-z0-9_]+)`$", body, flags=re.M)[1:]
    codes = found[::2]
    assert len(codes) == len(set(codes))
    return dict(zip(codes, found[1::2], strict=True))


def sources() -> str:
    """The code that may say something."""
    root = RUNBOOK.parent.parent
    return "".join(p.read_text() for part in ("ingest", "store") for p in root.glob(f"{part}/*.py"))


def test_trouble_of_the_platform_says_what_it_means_and_what_to_do_in_the_programs_own_words() -> (
    None
):
    found = sections("The platform")
    assert {"broker_away", "store_away", "store_login", "spool_full", "disk_full"} <= set(found)
    code = sources()
    for name, text in found.items():
        phrase = re.findall(r"^Says: “(.+)”$", text, flags=re.M)
        assert len(phrase) == 1, name
        # The system's own words are none of ours.
        assert phrase[0] in code or phrase[0] == os.strerror(errno.ENOSPC), phrase
        for word in ("Means:", "Check:", "Mend:"):
            assert text.count(word) == 1, (name, word)
        assert re.search(r"\*[^*]+\*", text), "in Vietnamese too"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("influx1://h/db: InfluxDB does not let us in (401: no) (trying again)", "store_login"),
        ("/data/spool: the spool is full (100 bytes); bring the store back", "spool_full"),
        ("no connection to the broker at mqtt://127.0.0.1:1883 (Unspecified error)", "broker_away"),
        ("something that nobody has foreseen", ""),
    ],
)
def test_trouble_leads_to_its_section(words: str, code: str) -> None:
    assert said(words) == code
    assert not code or remedy(code)


def test_every_alert_rule_has_its_heading_and_no_heading_is_stale() -> None:
    assert set(sections("Alerts")) == set(RULES)


def test_every_reason_has_its_heading_and_no_heading_is_stale() -> None:
    assert set(sections("Quarantine")) == {str(r) for r in Reason}


@pytest.mark.parametrize("code", sorted(RULES))
def test_an_alert_says_in_both_languages_what_it_is_and_what_to_do(code: str) -> None:
    text = sections("Alerts")[code]
    rule = RULES[code]
    assert f"**{rule.vi}** · {rule.en}\n" in text
    for word in ("Means:", "Check:", "Mend:"):
        assert text.count(word) == 1
        # Each in English, then the same in Vietnamese, in italics.
        paragraph = text.split(word)[1].split("\n\n")[0].strip()
        assert re.search(r"\*[^*]+\*$", paragraph), (word, paragraph)


@pytest.mark.parametrize("reason", sorted(Reason))
def test_a_reason_says_what_it_means_and_how_to_mend_it(reason: str) -> None:
    text = sections("Quarantine")[reason]
    assert text.count("Means:") == 1
    assert text.count("Mend:") == 1
