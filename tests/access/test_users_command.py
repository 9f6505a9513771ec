"""`urban users`, a first start, and commands at a platform that asks who one is."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.access.access import make_access
from api.access.passwords import matches
from api.app import create_app
from commands.access import FIRST, open_doors
from store.audit_chain import verify
from store.sql_store import SqlOperations
from telemetry.clock import SystemClock
from telemetry.settings import load_settings
from tests.access.doors import doors_of
from tests.api.world import World
from tests.browser.server import Server
from tests.commands.conftest import urban


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("URBAN_DATA_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def store(folder: Path) -> Iterator[SqlOperations]:
    made = SqlOperations(f"sqlite:///{folder / 'operations.db'}")
    yield made
    made.close()


def test_an_account_is_added_changed_and_removed(store: SqlOperations) -> None:
    code, out, _ = urban(
        "users", "add", "lan", "--role", "operator", "--domain", "flood", "--area", "26740"
    )
    assert code == 0 and "operator of flood, in 26740" in out
    password = out.strip().rpartition(" ")[2]
    account = store.account("lan")
    assert account is not None and account.must_change
    assert matches(account.password, password) and password not in repr(account)
    assert urban("users", "add", "boss", "--role", "administrator")[0] == 0
    assert urban("users", "role", "lan", "--role", "engineer")[0] == 0
    listed = json.loads(urban("users", "list", "--json")[1])
    assert [(u["name"], u["for"]) for u in listed] == [
        ("boss", "administrator"),
        ("lan", "engineer"),
    ]
    assert "never" in urban("users", "list")[1]
    code, out, _ = urban("users", "password", "lan")
    found = store.account("lan")
    assert found is not None and matches(found.password, out.strip().rpartition(" ")[2])
    assert urban("users", "password", "lan", "--stdin", stdin=b"a long one of mine\n")[0] == 0
    found = store.account("lan")
    assert (
        found is not None
        and not found.must_change
        and matches(found.password, "a long one of mine")
    )
    assert urban("users", "remove", "lan")[0] == 0
    assert store.account("lan") is None
    records = store.audit_from(1)
    assert [r.entry.act for r in records] == [
        "account.add", "account.add", "account.role", "account.password", "account.password",
        "account.remove",
    ]  # fmt: skip
    assert "engineer" in records[2].entry.after and "operator" in records[2].entry.before
    assert "a long one" not in repr(records)
    assert verify(records).findings == ()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add", "Lan!", "--role", "viewer"], "NAME"),
        (["add", "lan", "--role", "king"], "one of viewer, operator"),
        (["add", "lan", "--role", "administrator", "--domain", "flood"], "whole city"),
        (["add", "lan", "--role", "viewer", "--domain", "magic"], "--domain: must be one of"),
        (["add", "lan", "--role", "viewer", "--area", "1"], "--area"),
        (["role", "nobody", "--role", "viewer"], "must be an account"),
        (["remove", "admin"], "last administrator"),
        (["role", "admin", "--role", "viewer"], "last administrator"),
        (["add", "admin", "--role", "viewer"], "is an account already"),
        (["keys", "add", "x", "--role", "viewer", "--valid", "soon"], "--valid"),
        (["keys", "revoke", "nope"], "PREFIX"),
        (["password", "admin", "--stdin"], "12 to 200"),
    ],
)
def test_wrong_use_is_one_line(store: SqlOperations, words: list[str], said: str) -> None:
    urban("users", "add", "admin", "--role", "administrator")
    code, _, error = urban("users", *words, stdin=b"short\n")
    assert code == 2 and said in error and error.count("\n") == 1


def test_the_first_start_makes_one_administrator_and_says_the_password_once(
    store: SqlOperations,
) -> None:
    said: list[str] = []
    settings = load_settings({"URBAN_AUTH": "on", "URBAN_BIND": "0.0.0.0"})
    for _ in range(2):
        assert open_doors(settings, store, SystemClock(), "http://0.0.0.0:8000", said.append)
    (told,) = said
    account = store.account(FIRST)
    assert account is not None and account.must_change
    assert account.grant.role == "administrator"
    password = told.partition("password ")[2].split()[0]
    assert matches(account.password, password)
    assert "http://127.0.0.1:8000/login" in told
    assert open_doors(load_settings({}), store, SystemClock(), "", said.append) is None
    assert len(said) == 1


def test_the_database_is_for_its_owner_only(store: SqlOperations, folder: Path) -> None:
    assert stat.S_IMODE((folder / "operations.db").stat().st_mode) == 0o600
    (folder / "operations.db").chmod(0o644)
    SqlOperations(f"sqlite:///{folder / 'operations.db'}").close()
    assert stat.S_IMODE((folder / "operations.db").stat().st_mode) == 0o600


def test_commands_come_with_a_key(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    doors = doors_of(world)
    folder = world.context.settings.data_dir
    monkeypatch.setenv("URBAN_DATA_DIR", str(folder))
    access = make_access(
        world.context.settings, world.operations, SystemClock(), "http://127.0.0.1"
    )
    with Server(create_app(world.context, console=False, access=access)) as server:
        code, _, error = urban("quarantine", "list", "--url", server.url)
        assert code == 2 and "urban users keys add" in error
        code, out, _ = urban("users", "keys", "add", "ops", "--role", "engineer", "--save")
        assert code == 0 and "urb_" not in out
        code, out, _ = urban("quarantine", "list", "--url", server.url)
        assert code == 0 and "not_a_number" in out
        assert urban("rules", "list", "--url", server.url)[0] == 0
        assert (
            urban(
                "quarantine", "discard", "q-text", "--why", "x", "--by", "An", "--url", server.url
            )[0]
            == 0
        )
        assert world.operations.audit(limit=1)[0].entry.who.startswith("key:")
        (folder / "api.key").chmod(0o644)
        code, _, error = urban("quarantine", "list", "--url", server.url)
        assert code == 2 and "chmod 600" in error
        (folder / "api.key").unlink()
        secret = folder / "elsewhere"
        secret.write_text(doors.key("operator"))
        monkeypatch.setenv("URBAN_API_KEY_FILE", str(secret))
        assert urban("quarantine", "list", "--url", server.url)[0] == 0
        code, out, _ = urban("doctor", "--url", server.url)
        assert code in (0, 1) and "quarantine" in out
