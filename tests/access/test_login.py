"""People come in with a password, stay as long as they may, and leave; guessing gets slow."""

from __future__ import annotations

import re

import httpx
import pytest

from api.access import passwords
from api.access.guessing import FIRST, FREE, LONGEST
from api.access.identity import COOKIE, SECURE_COOKIE
from api.app import create_app
from store.access_records import Grant
from telemetry.clock import HOUR, MINUTE, SECOND
from tests.access.doors import PASSWORD, Doors, doors_of, log_in
from tests.api.client import Client
from tests.api.world import HOST, World


@pytest.fixture
def doors(world: World) -> Doors:
    return doors_of(world)


def role(client: Client) -> str:
    found: str = client.get("/api/v1/me").json()["role"]
    return found


def test_nobody_gets_in_without_logging_in(doors: Doors) -> None:
    with doors.client() as client:
        assert role(client) == "anonymous"
        answer = client.get("/api/v1/latest")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert client.get("/healthz").status_code == 200


def test_a_password_opens_and_logging_out_closes(doors: Doors) -> None:
    doors.account("lan", "operator")
    with doors.client() as client:
        answer = log_in(client, "Lan ", next="/vi?device=aq-1")
        assert (answer.status_code, answer.headers["location"]) == (303, "/vi?device=aq-1")
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith(f"{COOKIE}=")
        assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/" in cookie
        assert client.get("/api/v1/me").json() == {
            "name": "lan", "sort": "person", "role": "operator", "domains": None, "areas": None,
        }  # fmt: skip
        token = client.cookies[COOKIE]
        left = client.post("/logout", headers={"Origin": HOST})
        assert (left.status_code, left.headers["location"]) == (303, "/login")
        assert role(client) == "anonymous"
        # The cookie itself is dead, not only gone from this browser.
        again = client.get("/api/v1/me", headers={"Cookie": f"{COOKIE}={token}"})
        assert again.json()["role"] == "anonymous"
    who = "person:lan"
    assert doors.acts() == [(who, "session.begin"), (who, "session.end")]
    found = doors.world.operations.account("lan")
    assert found is not None and found.last_login == doors.world.clock.now()


def test_the_cookie_is_new_at_each_log_in_and_only_its_digest_is_kept(doors: Doors) -> None:
    doors.account("lan")
    with doors.client() as client:
        client.cookies.set(COOKIE, "chosen-by-somebody-else", domain="127.0.0.1")
        log_in(client, "lan")
        first = client.cookies.get(COOKIE, domain="127.0.0.1")
    with doors.client() as client:
        log_in(client, "lan")
        second = client.cookies[COOKIE]
    assert len({"chosen-by-somebody-else", first, second}) == 3
    assert doors.world.operations.session(second) is None


@pytest.mark.parametrize(("name", "password"), [("lan", "wrong"), ("nobody", PASSWORD), ("", "x")])
def test_what_is_wrong_is_not_told(doors: Doors, name: str, password: str) -> None:
    doors.account("lan")
    with doors.client() as client:
        answer = log_in(client, name, password, lang="en")
    assert answer.status_code in (400, 401)
    if name:
        assert "The name or the password is wrong." in answer.text
        assert doors.acts() == [("anonymous", "session.refused")]
    assert "set-cookie" not in answer.headers


def test_guessing_gets_slow_for_known_and_unknown_names_alike(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.access.login.matches", lambda known, given: given == PASSWORD)
    doors.account("lan")
    clock = doors.world.clock
    with doors.client() as client:
        for name in ("lan", "nobody"):
            for _ in range(FREE):
                assert log_in(client, name, "wrong").status_code == 401
            answer = log_in(client, name, PASSWORD)
            assert (answer.status_code, answer.headers["retry-after"]) == (
                429,
                str(FIRST // SECOND),
            )
        clock.advance(FIRST)
        assert log_in(client, "lan", "wrong").status_code == 401
        clock.advance(FIRST)
        assert log_in(client, "lan", PASSWORD).status_code == 429, "twice as long"
        clock.advance(FIRST)
        assert log_in(client, "lan", PASSWORD).status_code == 303
        for _ in range(FREE - 1):
            assert log_in(client, "lan", "wrong").status_code == 401, "it begins anew"
        for _ in range(20):
            clock.advance(LONGEST)
            assert log_in(client, "nobody", "wrong").status_code == 401, "never longer than that"


def test_an_address_that_tries_many_names_is_slowed(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.access.login.matches", lambda known, given: False)
    monkeypatch.setattr(doors.access.limits, "admit", lambda principal: None)
    with doors.client() as client:
        statuses = [log_in(client, f"name-{n}", "wrong").status_code for n in range(101)]
    assert statuses == [401] * 100 + [429]


def test_a_session_ends_by_idling_and_at_its_end(world: World) -> None:
    doors = doors_of(world, session_idle=10 * MINUTE, session_max=HOUR)
    doors.account("lan")
    clock = world.clock
    with doors.client() as client:
        log_in(client, "lan")
        for _ in range(7):
            clock.advance(8 * MINUTE)
            assert role(client) == "viewer"
        clock.advance(4 * MINUTE)
        assert role(client) == "anonymous", "an hour is over, however busy it was"
        log_in(client, "lan")
        clock.advance(10 * MINUTE)
        assert role(client) == "anonymous", "ten minutes without doing anything"


def test_a_role_that_is_taken_away_is_gone_and_a_removed_account_is_out(doors: Doors) -> None:
    account = doors.account("lan", "engineer")
    with doors.client() as client:
        log_in(client, "lan")
        assert role(client) == "engineer"
        doors.world.operations.put_account(account.but(grant=Grant(role="viewer")))
        doors.world.clock.advance(3 * SECOND)
        assert role(client) == "viewer"
        doors.world.operations.remove_account("lan")
        doors.world.clock.advance(3 * SECOND)
        assert role(client) == "anonymous"


def test_a_one_time_password_is_good_for_choosing_another(doors: Doors) -> None:
    doors.account("lan", "engineer", must_change=True)
    fresh = "an-other-long-one"
    with doors.client() as client, doors.client() as elsewhere:
        log_in(elsewhere, "lan")
        answer = log_in(client, "lan", next="/en")
        assert answer.headers["location"] == "/login?next=/en"
        assert role(client) == "anonymous"
        refused = client.get("/api/v1/latest")
        assert refused.status_code == 403 and "password of your own" in refused.json()["detail"]
        page = client.get("/login?next=/en&lang=en").text
        assert 'name="again"' in page and "lan" in page
        for new, again, said in (
            ("short", "short", "12 characters"), (fresh, "different", "differ"),
            ("x-lan-x-lan-x", "x-lan-x-lan-x", "12 characters"), (PASSWORD, PASSWORD, "12 characters"),
        ):  # fmt: skip
            answer = choose(client, PASSWORD, new, again)
            assert answer.status_code == 400 and said in answer.text
        assert choose(client, "wrong", fresh, fresh).status_code == 401
        done = choose(client, PASSWORD, fresh, fresh)
        assert (done.status_code, done.headers["location"]) == (303, "/en")
        assert role(client) == "engineer"
        assert role(elsewhere) == "anonymous", "every other session has ended"
    with doors.client() as client:
        assert log_in(client, "lan", PASSWORD).status_code == 401
        assert log_in(client, "lan", fresh).status_code == 303
    assert ("person:lan", "account.password") in doors.acts()


def choose(client: Client, old: str, new: str, again: str) -> httpx.Response:
    data = {"old": old, "new": new, "again": again, "next": "/en", "lang": "en"}
    return client.post("/login/password", data=data, headers={"Origin": HOST})


@pytest.mark.parametrize("path", ["/login", "/login/password", "/logout"])
def test_no_form_of_another_page_is_taken(doors: Doors, path: str) -> None:
    doors.account("lan")
    data = {"name": "lan", "password": PASSWORD}
    with doors.client() as client:
        log_in(client, "lan")
        for headers in ({}, {"Origin": "http://evil.example"}, {"Origin": "null"}):
            answer = client.post(path, data=data, headers=headers)
            assert (answer.status_code, answer.json()["title"]) == (403, "Foreign origin")
        assert role(client) == "viewer"


def test_a_write_with_a_cookie_must_come_from_our_page(doors: Doors) -> None:
    doors.account("lan", "operator")
    path = "/api/v1/alerts/alert-1/ack"
    with doors.client() as client:
        log_in(client, "lan")
        assert client.post(path, json={}).status_code == 403
        assert (
            client.post(path, json={}, headers={"Origin": "http://evil.example"}).status_code == 403
        )
        assert client.post(path, json={}, headers={"Origin": HOST}).status_code == 200
    with doors.client() as client:
        headers = {"Authorization": f"Bearer {doors.key('operator')}"}
        assert client.post(path, json={}, headers=headers).status_code == 200


@pytest.mark.parametrize("where", ["https://evil.example", "//evil.example", "/\\evil", "evil", ""])
def test_the_way_on_stays_here(doors: Doors, where: str) -> None:
    doors.account("lan")
    with doors.client() as client:
        assert log_in(client, "lan", next=where).headers["location"] == "/"


def test_over_tls_the_cookie_never_leaves_it(world: World) -> None:
    doors = doors_of(world, public_url="https://city.example")
    doors.account("lan")
    host = {"Host": "city.example", "Origin": "https://city.example"}
    with doors.client() as client:
        data = {"name": "lan", "password": PASSWORD}
        answer = client.post("/login", data=data, headers=host)
        assert answer.headers["set-cookie"].startswith(f"{SECURE_COOKIE}=")
        assert "Secure" in answer.headers["set-cookie"]


def test_the_page_speaks_both_languages_and_escapes(doors: Doors) -> None:
    with doors.client() as client:
        vi = client.get("/login?lang=vi")
        en = client.get('/login?lang=en&next=/"><script>alert(1)</script>')
    assert "Đăng nhập" in vi.text and 'lang="vi"' in vi.text
    assert "Log in" in en.text and "<script" not in en.text
    assert vi.headers["cache-control"] == "no-store"
    for page in (vi, en):
        assert re.findall(r'(?:src|href)="(?!/)', page.text) == [], "nothing from elsewhere"


def test_where_nobody_has_to_log_in_the_page_leads_on(world: World) -> None:
    with Client(create_app(world.context, console=False)) as client:
        assert client.get("/login").headers["location"] == "/"
        assert client.get("/api/v1/me").json()["sort"] == "local"


def test_hashing_takes_no_more_than_two_at_a_time() -> None:
    assert passwords._AT_ONCE._value == 2
    assert passwords.hashed("x" * 12).startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert not passwords.matches("no hash", "x") and not passwords.matches("", "x")
