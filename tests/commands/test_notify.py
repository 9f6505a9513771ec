"""`urban notify check` and `test`: the file is checked, the channels are tried, no secret is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.conftest import urban
from tests.notify.test_delivery import Hook, hook

__all__ = ["hook"]

TEXT = """
[channels.duty]
url_env = "NOTIFY_DUTY"
[channels.head]
url_env = "NOTIFY_HEAD"
language = "en"
[[routes]]
channels = ["duty"]
domains = ["lighting"]
days = ["mon"]
start = 07:00:00
[[routes]]
channels = ["head"]
news = ["unattended"]
severity = "medium"
"""


@pytest.fixture
def file(tmp_path: Path, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "notify.toml"
    path.write_text(TEXT, encoding="utf-8")
    monkeypatch.setenv("NOTIFY_DUTY", hook.url)
    monkeypatch.setenv("NOTIFY_HEAD", hook.url)
    return path


def test_check_says_who_hears_what(file: Path) -> None:
    code, out, err = urban("notify", "check", str(file))
    assert (code, err) == (0, "")
    assert "2 channels, 2 routes" in out
    assert "duty" in out
    assert "high and worse" in out
    assert "lighting" in out
    assert "mon 07:00:00–24:00" in out
    assert "secret" not in out


def test_the_file_may_be_named_by_the_setting(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URBAN_NOTIFY", str(file))
    assert urban("notify", "check")[0] == 0
    monkeypatch.delenv("URBAN_NOTIFY")
    code, _, err = urban("notify", "check")
    assert code == 2
    assert err.startswith("urban: URBAN_NOTIFY: names no file")


def test_a_trial_reaches_each_channel_in_its_language(file: Path, hook: Hook) -> None:
    code, out, _ = urban("notify", "test", str(file))
    assert code == 0
    assert out.count("took it") == 2
    assert [m["title"][:3] for m in hook.got] == ["Tin", "A t"]
    urban("notify", "test", "--channel", "head", str(file))
    assert len(hook.got) == 3


def test_a_channel_that_refuses_is_named(file: Path, hook: Hook) -> None:
    hook.status = 500
    code, out, _ = urban("notify", "test", str(file))
    assert code == 1
    assert "duty: did NOT take it" in out


def test_wrong_use_is_one_line(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, _, err = urban("notify", "test", "--channel", "night", str(file))
    assert code == 2
    assert "--channel: must be one of duty, head, got 'night'" in err
    monkeypatch.setenv("NOTIFY_DUTY", "carrierpigeon://user:secret@roof")
    code, _, err = urban("notify", "check", str(file))
    assert code == 2
    assert "must be an Apprise URL" in err
    assert "secret" not in err
    assert err.count("\n") == 1
