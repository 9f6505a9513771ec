"""A rule is refused at entry, in words, where it could not do what its author meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from analytics.custom.check import Surroundings, load_rules, parse_rule
from analytics.custom.definition import MOST
from devices.device import Catalogue, Device
from telemetry.errors import DeclarationError
from tests.analytics.city import KINDS
from tests.custom.model import BASE, rule

WHEN = BASE["when"]


@pytest.fixture(scope="module")
def known() -> Catalogue:
    found = Catalogue(KINDS)
    found.put(Device(id="aq-1", kind="air", area="26734"))
    found.put(Device(id="den-1", kind="lamp"))
    return found


def when(**changes: Any) -> dict[str, Any]:
    return {"when": {**WHEN, **changes}}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": "tram"}, "rule.kind: must be one of air, weather"),
        ({"code": "Own"}, "rule.code: must be lower case"),
        ({"code": "air_unhealthy"}, "must not be a rule of the platform's"),
        ({"code": "device_offline"}, "must not be a rule of the platform's"),
        ({"severity": "severe"}, "severity"),
        ({"colour": "red"}, "rule.colour: must be one of code, kind"),
        (when(levle=3), "rule.when.levle: must be one of quantity, unit, above"),
        ({"schedule": {"hours": 3}}, "rule.schedule.hours: must be one of days, start, end"),
        (when(quantity="pm2.5"), "rule.when.quantity: must be one of pm25, pm10"),
        (when(unit="Cel"), "rule.when.unit"),
        (when(unit="ppb"), "rule.when.unit"),
        (when(below=10.0), "exactly one of above and below"),
        ({"when": {"quantity": "pm25"}}, "exactly one of above and below"),
        (when(clear=50.1), "rule.when.clear: must be at or under 50: it would be over before it began"),
        ({"when": {"quantity": "pm25", "below": 5.0, "clear": 4.0}}, "must be at or over 5"),
        (when(above=1e6, clear=None), "rule.when.above: can never fire: pm25 is believed between"),
        ({"when": {"quantity": "humidity", "below": -1.0}}, "rule.when.below: can never fire"),
        ({"when": {"quantity": "humidity", "above": -1.0}}, "rule.when.above: would always hold"),
        ({"when": {"quantity": "humidity", "below": 120.0}}, "rule.when.below: would always hold"),
        (when(clear=-5.0), "rule.when.clear: could never clear"),
        (
            {"also": {"quantity": "pm25", "below": 45.0}},
            "rule.also: can never fire: nothing is above 50 and below 45",
        ),
        ({"also": {"quantity": "noise", "above": 1.0}}, "rule.also.quantity: must be one of"),
        ({"areas": ["1"]}, "rule.areas: must be codes of this city's areas, got '1'"),
        ({"devices": ["aq-9"]}, "rule.devices: must be devices that are known, got 'aq-9'"),
        ({"devices": ["den-1"]}, "must be of kind air; den-1 is of lamp"),
        ({"dwell_s": -1}, "dwell_s"),
        ({"readings": 0}, "readings"),
        (
            {"dwell_s": 7_200, "schedule": {"start": "08:00:00", "end": "09:00:00"}},
            "rule.dwell_s: can never fire: the schedule holds for 3600 s at most",
        ),
        ({"dwell_s": 90_000, "schedule": {"days": ["mon", "wed"]}}, "holds for 86400 s at most"),
        ({"law": True}, "rule.edition: a legal limit needs its edition"),
        ({"vi": ""}, "vi"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_refused(known: Catalogue, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(DeclarationError) as error:
        rule(known, **changes)
    assert words in str(error.value)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        when(clear=None),
        when(unit="mg/m3", above=0.05, clear=0.04),
        {"also": {"quantity": "pm25", "below": 60.0}},
        {"also": {"quantity": "pm25", "below": 45.0}, "combine": "or"},
        {"also": {"quantity": "vn_aqi", "above": 100.0}},
        {"areas": ["26734"], "devices": ["aq-1"], "tags": ["school"]},
        {"law": True, "edition": "QCVN 05:2023/BTNMT"},
        {"dwell_s": 86_400, "schedule": {"days": ["sat", "sun"]}},
        {"schedule": {"start": "22:00:00", "end": "06:00:00"}, "dwell_s": 28_800},
    ],
    ids=str,
)
def test_what_is_taken(known: Catalogue, changes: dict[str, Any]) -> None:
    found = rule(known, **changes)
    assert parse_rule(json.loads(found.encoded()), "again") == found


FILE = """
[[rules]]
code = "school_dust"
kind = "air"
vi = "Bụi ở cổng trường"
en = "Dust at the school gate"
severity = "high"
areas = ["26734"]
when = { quantity = "pm25", above = 75.0, clear = 60.0 }
schedule = { days = ["mon", "tue"], start = 06:30:00, end = 17:30:00 }
"""


def around(known: Catalogue) -> Surroundings:
    return Surroundings(known, frozenset({"26734"}))


def test_a_file(tmp_path: Path, known: Catalogue) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(FILE, encoding="utf-8")
    (found,) = load_rules(path, around(known))
    assert (found.code, found.when.above, found.schedule.days) == (
        "school_dust",
        75.0,
        ("mon", "tue"),
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[rules", "must be TOML"),
        ("[[rule]]\n", "rule: must be rules: [[rules]] for each"),
        ("rules = 3\n", "must be tables"),
        (FILE + FILE, "rules[2].code: must not be another rule's too, got 'school_dust'"),
        (FILE.replace("75.0", '"75"'), "rules[1]: "),
        (
            "".join(FILE.replace("school_dust", f"r{n}") for n in range(MOST + 1)),
            f"must be one of {MOST} rules at most",
        ),
    ],
    ids=range(6),
)
def test_a_file_that_is_wrong(tmp_path: Path, known: Catalogue, text: str, words: str) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DeclarationError) as error:
        load_rules(path, around(known))
    assert words in str(error.value)
    assert str(path) in str(error.value)


def test_a_file_that_is_not_there(tmp_path: Path, known: Catalogue) -> None:
    with pytest.raises(DeclarationError, match="can be read"):
        load_rules(tmp_path / "absent.toml", around(known))
