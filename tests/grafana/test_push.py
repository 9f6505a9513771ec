"""`urban dashboards push` against a face of Grafana's API: made once, safe to repeat, errors in words."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from devices.registry import load_kinds
from grafana.boards import all_boards
from grafana.push import TRIES, Pusher
from grafana.queries import Json
from grafana.tongue import LANGUAGES, Tongue
from telemetry.errors import SettingsError, StartError
from tests.commands.conftest import urban
from tests.grafana.fake_grafana import TOKEN, FakeGrafana, Told

BOARDS: dict[str, list[Json]] = {lang: all_boards(load_kinds(), Tongue(lang)) for lang in LANGUAGES}
COUNT = sum(len(b) for b in BOARDS.values())


@pytest.fixture
def server() -> Iterator[FakeGrafana]:
    fake = FakeGrafana()
    yield fake
    fake.close()


def pusher(server: FakeGrafana, token: str = TOKEN, waits: list[float] | None = None) -> Pusher:
    return Pusher(server.url, token, pause=(waits if waits is not None else []).append)


def test_everything_is_made_and_a_second_time_nothing_is_written(server: FakeGrafana) -> None:
    done = list(pusher(server).push(BOARDS))
    assert len(server.boards) == COUNT
    assert {b["meta"]["folderUid"] for b in server.boards.values()} == {"urban-vi", "urban-en"}
    assert server.accounts[0]["role"] == "Viewer"
    for items in server.permissions.values():
        assert {i["permission"] for i in items} == {1}
    vi = next(p for p in server.playlists.values() if "lớn" in p["name"])
    assert vi["items"][0] == {"type": "dashboard_by_uid", "value": "urban-vi-city"}
    # Each board once, two folders, two playlists, a team, an account.
    assert len(done) == COUNT + 6
    server.asked.clear()
    assert list(pusher(server).push(BOARDS)) == []
    assert server.writes() == []


def test_what_changed_is_written_with_its_version(server: FakeGrafana) -> None:
    list(pusher(server).push(BOARDS))
    server.boards["urban-vi-city"]["dashboard"]["title"] = "Somebody's"
    next(iter(server.playlists.values()))["items"] = []
    done = list(pusher(server).push(BOARDS))
    assert [line for line in done if "urban-vi-city" in line] and len(done) == 2
    assert server.boards["urban-vi-city"]["dashboard"]["version"] == 2


def test_a_change_in_between_is_not_overwritten_unless_asked(server: FakeGrafana) -> None:
    list(pusher(server).push(BOARDS))
    server.boards["urban-vi-city"]["dashboard"]["title"] = "Somebody's"

    def meanwhile(method: str, path: str) -> Told | None:
        if method == "POST" and path == "/api/dashboards/db":
            server.boards["urban-vi-city"]["dashboard"]["version"] += 1
        return None

    server.rule = meanwhile
    with pytest.raises(StartError, match="somebody changed board urban-vi-city.*--overwrite"):
        list(pusher(server).push(BOARDS))
    assert server.boards["urban-vi-city"]["dashboard"]["title"] == "Somebody's"
    list(pusher(server).push(BOARDS, overwrite=True))
    assert server.boards["urban-vi-city"]["dashboard"]["title"] != "Somebody's"


def test_a_wrong_token_is_said_and_never_shown(server: FakeGrafana) -> None:
    with pytest.raises(StartError, match="does not take the token") as error:
        list(pusher(server, "glsa_secret").push(BOARDS))
    assert "glsa_secret" not in str(error.value)
    code, out, err = urban("dashboards", "push", "--url", server.url, "--token", "glsa_secret")
    assert code == 2 and "does not take the token" in err and "glsa_secret" not in out + err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ((403, {"message": "Permission denied"}), "may not do this"),
        ((400, {"message": "bad request data"}), "refuses.*bad request data"),
    ],
)
def test_a_refusal_is_one_try_and_in_words(server: FakeGrafana, told: Told, words: str) -> None:
    server.rule = lambda method, path: told if path == "/api/dashboards/db" else None
    with pytest.raises(StartError, match=words):
        list(pusher(server).push(BOARDS))
    assert [p for _, p in server.asked].count("/api/dashboards/db") == 1


def test_a_server_that_fails_is_asked_again(server: FakeGrafana) -> None:
    failures = [(502, {"message": "Bad gateway"}), (500, {"message": "database is locked"})]
    server.rule = lambda method, path: failures.pop() if failures and method == "POST" else None
    waits: list[float] = []
    assert len(list(pusher(server, waits=waits).push(BOARDS))) == COUNT + 6
    assert len(waits) == 2


def test_a_server_that_goes_on_failing_is_given_up(server: FakeGrafana) -> None:
    server.rule = lambda method, path: (503, {"message": "shutting down"})
    with pytest.raises(StartError, match="can't do it.*503.*shutting down"):
        list(pusher(server).push(BOARDS))
    assert len(server.asked) == TRIES


def test_what_is_no_grafana_is_said(server: FakeGrafana) -> None:
    server.rule = lambda method, path: (200, b"<html>hello</html>")
    with pytest.raises(StartError, match="does not answer as Grafana does"):
        list(pusher(server).push(BOARDS))
    url = server.url
    server.close()
    with pytest.raises(StartError, match="does not answer"):
        list(Pusher(url, TOKEN, pause=lambda s: None).push(BOARDS))


@pytest.mark.parametrize("url", ["127.0.0.1:3000", "ftp://x", "http://user:pw@host:3000", ""])
def test_an_address_that_is_none_is_wrong_use(url: str) -> None:
    with pytest.raises(SettingsError, match="must look like"):
        Pusher(url, TOKEN)
