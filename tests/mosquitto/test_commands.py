"""`urban devices`: safe to repeat, keys for their owner only, errors in words, and the files of the broker."""

from __future__ import annotations

from pathlib import Path

import pytest

import cli
from commands import broker_files as files
from commands.authority import Authority
from devices.registry import load_kinds
from telemetry.clock import SystemClock
from tests.mosquitto.city_broker import urban


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    urban("devices", "certificates", "init", "--folder", tmp_path / "c")
    return tmp_path / "c"


def fails(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    with pytest.raises(SystemExit) as ended:
        cli.main([str(w) for w in words])
    assert ended.value.code == 2
    return capsys.readouterr().err


def test_what_is_there_is_left_as_it_is(folder: Path) -> None:
    place = ("--folder", folder)
    for _ in range(2):
        urban("devices", "certificates", "init", *place)
        urban("devices", "certificates", "server", "--host", "127.0.0.1", *place)
        urban("devices", "certificates", "issue", "air-1", "air-1", "air-2", *place)
    issued = Authority(folder, SystemClock()).issued()
    assert [one.name for one in issued] == ["air-1", "air-2", "server"]
    assert {one.state for one in issued} == {"valid"}


def test_keys_and_passwords_are_for_their_owner_only(folder: Path) -> None:
    urban("devices", "certificates", "issue", "air-1", "--folder", folder)
    urban("devices", "passwords", "set", "lamp-1", "--folder", folder)
    for name in ("ca.key", "air-1.key", "passwords"):
        assert (folder / name).stat().st_mode & 0o777 == 0o600, name
    assert folder.stat().st_mode & 0o777 == 0o700


def test_revoked_twice_is_revoked_once_and_the_next_is_new(folder: Path) -> None:
    place = ("--folder", folder)
    urban("devices", "certificates", "issue", "air-1", *place)
    for _ in range(2):
        urban("devices", "certificates", "revoke", "air-1", *place)
    urban("devices", "certificates", "issue", "air-1", *place)
    states = [one.state for one in Authority(folder, SystemClock()).issued()]
    assert states == ["revoked", "valid"]


def test_renewed_within_its_last_days_only(folder: Path) -> None:
    place = ("--folder", folder)
    urban("devices", "certificates", "issue", "air-1", "--days", 30, *place)
    urban("devices", "certificates", "issue", "air-2", *place)
    urban("devices", "certificates", "renew", "--within", 60, *place)
    names = [one.name for one in Authority(folder, SystemClock()).issued()]
    assert names == ["air-1", "air-1", "air-2"]


def test_the_brokers_certificate_keeps_its_hosts_when_it_is_renewed(folder: Path) -> None:
    place = ("--folder", folder)
    urban("devices", "certificates", "server", "--host", "mqtt.example", "--host", "::1", *place)
    urban("devices", "certificates", "renew", "server", *place)
    assert Authority(folder, SystemClock()).hosts("server") == ["mqtt.example", "::1"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("issue", "Air_1"), "must look like"),
        (("issue", "server"), "platform's own"),
        (("revoke", "air-9"), "was issued"),
        (("renew", "air-9"), "was issued"),
        (("renew",), "--within 60"),
    ],
)
def test_errors_are_in_words(
    folder: Path, words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in fails(capsys, "devices", "certificates", *words, "--folder", folder)


def test_where_there_is_no_authority_the_remedy_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (("issue", "air-1"), ("list",), ("revoke", "air-1")):
        error = fails(capsys, "devices", "certificates", *words, "--folder", tmp_path)
        assert "certificates init" in error


def test_a_lost_revocation_list_is_not_an_empty_one(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    urban("devices", "certificates", "issue", "air-1", "--folder", folder)
    (folder / "ca.crl").unlink()
    error = fails(capsys, "devices", "certificates", "revoke", "air-1", "--folder", folder)
    assert "ca.crl" in error


def test_a_password_is_shown_once_and_kept_as_a_hash(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    urban("devices", "passwords", "set", "lamp-1", "lamp-2", "--folder", folder)
    shown = dict(line.split() for line in capsys.readouterr().out.splitlines())
    kept = (folder / "passwords").read_text()
    assert list(shown) == ["lamp-1", "lamp-2"]
    assert all(password not in kept for password in shown.values())
    urban("devices", "passwords", "remove", "lamp-1", "--folder", folder)
    assert list(files.read_passwords(folder / "passwords")) == ["lamp-2"]


def test_the_broker_reads_the_file_with_only_ports_and_paths_changed(folder: Path) -> None:
    there = files.CONF.read_text(encoding="utf-8").splitlines()
    here = files.configuration(Path("/s"), Path("/d"), {8883: 18883}, "::1").splitlines()
    changed = [b for a, b in zip(there, here, strict=True) if a != b]
    assert "listener 18883 ::1" in changed
    assert all(line.startswith("listener ") or "/s/" in line or "/d/" in line for line in changed)
    assert "listener 1883 127.0.0.1" in here


def test_the_rights_in_the_folder_are_those_of_the_kinds() -> None:
    assert files.CONF.with_name("acl").read_text() == files.rights(load_kinds().code)


def test_gateways_stay_once_they_are_named(folder: Path) -> None:
    for words in (("--gateway", "gw-1"), ("--gateway", "gw-2"), ()):
        urban("devices", "broker", "--folder", folder, "--data", folder / "data", *words)
    assert files.gateways_of(folder / "acl") == ["gw-1", "gw-2"]
