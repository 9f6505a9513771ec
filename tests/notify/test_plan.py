"""A notification file is checked whole, in words, and never shows a secret."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from analytics.notify.plan import Known, Plan, Subject, load_plan
from devices.kind import Severity
from telemetry.errors import DeclarationError

KNOWN = Known(
    domains=frozenset({"environment", "lighting"}),
    kinds=frozenset({"air", "lamp"}),
    areas=frozenset({"26734", "00004"}),
    rules=frozenset({"air_unhealthy"}),
)
CHANNEL = '[channels.duty]\nurl_env = "DUTY"\n'
ROUTE = '[[routes]]\nchannels = ["duty"]\n'
ENV = {"DUTY": "json://user:secret@127.0.0.1/hook"}


def load(folder: Path, text: str, mode: int = 0o600) -> Plan:
    path = folder / "notify.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return load_plan(path, KNOWN, ENV)


def test_a_plan_with_defaults(tmp_path: Path) -> None:
    plan = load(tmp_path, CHANNEL + ROUTE, mode=0o644)
    duty = plan.channels["duty"]
    assert duty.url == ENV["DUTY"]
    assert (duty.group_s, duty.gap_s, duty.per_hour) == (30, 60, 20)
    assert plan.language == "vi"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[channels", "must be TOML"),
        (CHANNEL + ROUTE + "colour = 1\n", r"routes\[1\]: colour: must be one of channels, news, severity"),
        ("volume = 3\n" + CHANNEL + ROUTE, "volume: must be one of channels, routes, language, link"),
        (CHANNEL + "loud = true\n" + ROUTE, "channels.duty: loud: must be one of url, url_env"),
        (CHANNEL, "routes"),
        (CHANNEL + "[[routes]]\nchannels = []\n", "length"),
        (CHANNEL + '[[routes]]\nchannels = ["dutty"]\n', r"routes\[1\].channels: must be one of duty, got 'dutty'"),
        (CHANNEL + ROUTE + 'severity = "severe"\n', "severity"),
        (CHANNEL + ROUTE + 'domains = ["enviroment"]\n', "must be one of environment, lighting, got 'enviroment'"),
        (CHANNEL + ROUTE + 'kinds = ["tram"]\n', "must be one of air, lamp"),
        (CHANNEL + ROUTE + 'areas = ["1"]\n', "must be one of 00004, 26734"),
        (CHANNEL + ROUTE + 'rules = ["x"]\n', "must be one of air_unhealthy"),
        (CHANNEL + ROUTE + 'days = ["monday"]\n', "days"),
        (CHANNEL + ROUTE + "start = 2026-01-01T10:00:00Z\n", "start"),
        (CHANNEL + "per_hour = 0\n" + ROUTE, "per_hour"),
        (CHANNEL + "gap_s = -1\n" + ROUTE, "gap_s"),
        ('[channels.duty]\nurl_env = "NIGHT"\n' + ROUTE, "must name a variable that is set, got 'NIGHT'"),
        ("[channels.duty]\n" + ROUTE, "exactly one of url and url_env"),
        ('[channels.duty]\nurl = "json://x"\nurl_env = "DUTY"\n' + ROUTE, "exactly one"),
        (CHANNEL + '[channels.spare]\nurl_env = "DUTY"\n' + ROUTE, "channels.spare: is on no route"),
        ('[channels."Duty Mail"]\nurl_env = "DUTY"\n' + ROUTE, "lower case"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DeclarationError, match=words) as error:
        load(tmp_path, text)
    assert "user:secret" not in str(error.value)


def test_a_file_with_secrets_is_for_its_owner_only(tmp_path: Path) -> None:
    text = '[channels.duty]\nurl = "json://user:secret@host/hook"\n' + ROUTE
    assert load(tmp_path, text, mode=0o600).channels["duty"].url.startswith("json://")
    for mode in (0o640, 0o604):
        with pytest.raises(DeclarationError, match="chmod 600") as error:
            load(tmp_path, text, mode)
        assert "user:secret" not in str(error.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="can be read"):
        load_plan(tmp_path / "absent.toml", KNOWN, ENV)


AIR = Subject("air_unhealthy", int(Severity.HIGH), "air", "environment", "26734")
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def at(*fields: int) -> datetime:
    year, month, day, hour, minute = fields
    return datetime(year, month, day, hour, minute, tzinfo=ZONE)


TUESDAY = at(2026, 11, 24, 12, 0)


def routed(folder: Path, route: str, subject: Subject = AIR, local: datetime = TUESDAY) -> bool:
    return load(folder, CHANNEL + ROUTE + route).hears("duty", subject, "raised", local)


@pytest.mark.parametrize(
    ("route", "hears"),
    [
        ("", True),
        ('severity = "critical"', False),
        ('severity = "low"', True),
        ('domains = ["lighting"]', False),
        ('domains = ["lighting", "environment"]', True),
        ('kinds = ["lamp"]', False),
        ('areas = ["00004"]', False),
        ('areas = ["26734"]', True),
        ('rules = ["air_unhealthy"]', True),
        ('days = ["tue"]', True),
        ('days = ["mon", "wed"]', False),
        ("start = 12:00:00\nend = 13:00:00", True),
        ("start = 11:00:00\nend = 12:00:00", False),
        ("start = 22:00:00\nend = 06:00:00", False),
        ("start = 11:30:00", True),
        ("end = 11:30:00", False),
        ('news = ["unattended"]', False),
        ('news = ["unattended", "raised"]', True),
    ],
)
def test_routes(tmp_path: Path, route: str, hears: bool) -> None:
    assert routed(tmp_path, route) is hears


def test_a_night_belongs_to_the_day_it_began_on(tmp_path: Path) -> None:
    night = 'days = ["mon"]\nstart = 22:00:00\nend = 06:00:00'
    assert routed(tmp_path, night, local=at(2026, 11, 23, 22, 0))  # Monday
    assert routed(tmp_path, night, local=at(2026, 11, 24, 5, 59))
    assert not routed(tmp_path, night, local=at(2026, 11, 24, 6, 0))
    assert not routed(tmp_path, night, local=at(2026, 11, 23, 5, 0))
    assert not routed(tmp_path, night, local=at(2026, 11, 24, 22, 0))


def test_a_channel_hears_what_any_of_its_routes_names(tmp_path: Path) -> None:
    boss = '[channels.boss]\nurl_env = "DUTY"\n'
    second = '[[routes]]\nchannels = ["boss", "duty"]\nnews = ["unattended"]\nseverity = "low"\n'
    plan = load(tmp_path, CHANNEL + boss + ROUTE + second)
    mild = Subject("air_unhealthy", int(Severity.LOW), "air", "environment", "26734")
    heard = {
        (channel, news)
        for channel in plan.channels
        for news in ("raised", "unattended")
        if plan.hears(channel, mild, news, TUESDAY)
    }
    assert heard == {("boss", "unattended"), ("duty", "unattended")}
    assert plan.hears("duty", AIR, "raised", TUESDAY)
    assert not plan.hears("boss", AIR, "raised", TUESDAY)
