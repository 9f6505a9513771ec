"""A city's own provider vouches for people (OpenID Connect Core 1.0): a real one, small, on loopback."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import RSAKey

from api.access.oidc_settings import load_oidc
from telemetry.clock import HOUR, MINUTE, SECOND
from telemetry.errors import DeclarationError
from tests.access.doors import Doors, doors_of
from tests.access.provider import CLIENT, SECRET, Claims, Provider
from tests.api.client import Client
from tests.api.world import HOST, World
from tests.browser.server import Server

FILE = """
issuer = "{issuer}"
client_id = "{client}"
client_secret_file = "{secret}"
[[grants]]
claim = "realm_access.roles"
value = "chief"
role = "administrator"
[[grants]]
claim = "groups"
value = "flood-desk"
role = "operator"
domains = ["flood"]
areas_from = "https://city.example/wards"
"""


def settings_file(folder: Path, issuer: str, text: str = FILE) -> Path:
    (folder / "secret").write_text(SECRET + "\n")
    path = folder / "oidc.toml"
    path.write_text(text.format(issuer=issuer, client=CLIENT, secret=folder / "secret"))
    return path


@dataclass
class Site:
    doors: Doors
    provider: Provider
    client: Client

    def to_provider(self, where: str = "/") -> httpx.Response:
        """As far as the provider's redirect back to us."""
        answer = self.client.get(f"/login/oidc?next={where}")
        assert answer.status_code == 303, answer.text
        return httpx.get(answer.headers["location"], follow_redirects=False)

    def log_in(self, where: str = "/") -> httpx.Response:
        return self.back(self.to_provider(where))

    def back(self, answer: httpx.Response) -> httpx.Response:
        parts = urlsplit(answer.headers["location"])
        assert f"{parts.scheme}://{parts.netloc}" == HOST
        return self.client.get(f"{parts.path}?{parts.query}")

    def me(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get("/api/v1/me").json()
        return found


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    made = Provider({}, lambda: 0)
    with Server(made.app()) as server:
        made.url = server.url
        yield made


@pytest.fixture
def site(world: World, tmp_path: Path, provider: Provider) -> Iterator[Site]:
    fresh = Provider({}, lambda: 0, key=provider.key)
    for name in ("published", "lie", "sign"):
        setattr(provider, name, getattr(fresh, name))
    provider.asked.clear()
    provider.now = lambda: world.clock.now() // SECOND
    provider.person = {
        "preferred_username": "lan", "groups": ["other", "flood-desk"],
        "https://city.example/wards": ["26740"],
    }  # fmt: skip
    doors = doors_of(world, oidc=load_oidc(settings_file(tmp_path, provider.url)))
    with doors.client() as client:
        yield Site(doors, provider, client)


def test_a_person_comes_in_with_the_role_that_the_claims_give(site: Site) -> None:
    answer = site.log_in("/vi")
    assert (answer.status_code, answer.headers["location"]) == (303, "/vi")
    assert site.me() == {
        "name": "lan@127.0.0.1", "sort": "person", "role": "operator", "domains": ["flood"],
        "areas": ["26740"],
    }  # fmt: skip
    (asked,) = site.provider.asked
    assert asked["response_type"] == "code" and asked["code_challenge_method"] == "S256"
    assert "openid" in asked["scope"].split()
    assert len(asked["state"]) >= 32 and len(asked["nonce"]) >= 32
    assert ("person:lan@127.0.0.1", "session.begin") in site.doors.acts()


def test_a_role_deep_in_the_claims_and_the_first_rule_wins(site: Site) -> None:
    site.provider.person |= {
        "realm_access": {"roles": ["chief"]},
        "preferred_username": "an@city.vn",
    }
    site.log_in()
    assert (site.me()["name"], site.me()["role"]) == ("an@city.vn", "administrator")
    assert site.client.get("/api/v1/audit").status_code == 200


def test_who_has_no_role_here_stays_outside(site: Site) -> None:
    site.provider.person["groups"] = ["accounting"]
    answer = site.log_in()
    assert answer.status_code == 403 and "lan@127.0.0.1" in answer.text
    assert site.me()["role"] == "anonymous"


def test_a_claim_that_should_name_areas_and_is_not_there_gives_none(site: Site) -> None:
    del site.provider.person["https://city.example/wards"]
    site.log_in()
    assert site.me()["areas"] == []
    assert site.client.get("/api/v1/devices").json()["items"] == []


def test_the_session_ends_like_any(site: Site) -> None:
    site.log_in()
    assert site.me()["role"] == "operator"
    site.client.post("/logout", headers={"Origin": HOST})
    assert site.me()["role"] == "anonymous"
    site.log_in()
    site.doors.world.clock.advance(site.doors.world.context.settings.session_idle)
    assert site.me()["role"] == "anonymous"


def changed(**claims: object) -> Callable[[Claims], Claims]:
    return lambda found: {k: v for k, v in (found | claims).items() if v is not None}


@pytest.mark.parametrize(
    "lie",
    [
        changed(nonce="another"), changed(nonce=None), changed(aud="another"), changed(aud=None),
        changed(iss="http://127.0.0.1:1"), changed(exp=1), changed(exp=None), changed(sub=None),
        changed(aud=[CLIENT, "another"], azp="another"), changed(iat=None),
        lambda found: found | {"exp": found["iat"] - 61},
    ],
)  # fmt: skip
def test_a_token_that_is_not_for_this_log_in_opens_nothing(
    site: Site, lie: Callable[[Claims], Claims]
) -> None:
    site.provider.lie = lie
    answer = site.log_in()
    assert answer.status_code == 401, answer.text
    assert "set-cookie" not in answer.headers or "urban_session" not in answer.headers["set-cookie"]
    assert site.me()["role"] == "anonymous"
    assert ("anonymous", "session.refused") in site.doors.acts()


def test_a_token_of_another_key_opens_nothing(site: Site) -> None:
    site.provider.published = [RSAKey.generate_key(2048, {"kid": "one"})]
    assert site.log_in().status_code == 401


def part(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", ["HS256", "none"])
def test_a_token_that_signs_itself_opens_nothing(site: Site, algorithm: str) -> None:
    """The classics: the published key's bytes as the secret of an HMAC, and no signature at all."""
    public = site.provider.key.as_pem(private=False)

    def sign(claims: Claims) -> str:
        head = json.dumps({"alg": algorithm, "kid": "one"}).encode()
        text = f"{part(head)}.{part(json.dumps(claims).encode())}"
        mac = hmac.digest(public, text.encode(), "sha256") if algorithm == "HS256" else b""
        return f"{text}.{part(mac)}"

    site.provider.sign = sign
    assert site.log_in().status_code == 401


def test_a_new_key_of_the_provider_is_fetched(site: Site) -> None:
    assert site.log_in().status_code == 303
    real = site.provider.key
    site.provider.key = RSAKey.generate_key(2048, {"kid": "two"})
    try:
        site.doors.world.clock.advance(MINUTE)
        assert site.log_in().status_code == 303
    finally:
        site.provider.key = real


def test_a_stranger_s_answer_is_not_taken(site: Site) -> None:
    """Log-in CSRF: somebody sends their own code and state to a browser that did not begin."""
    back = site.to_provider()
    with site.doors.client() as victim:
        assert Site(site.doors, site.provider, victim).back(back).status_code == 401
        other = Site(site.doors, site.provider, victim)
        other.to_provider()
        assert other.back(back).status_code == 401, "nor to one that began another"


def test_a_code_is_good_once_and_errors_are_told(site: Site) -> None:
    back = site.to_provider()
    assert site.back(back).status_code == 303
    site.client.post("/logout", headers={"Origin": HOST})
    site.to_provider()
    state = site.provider.asked[-1]["state"]
    answer = site.client.get(
        f"/login/oidc/callback?state={state}&error=access_denied&error_description=<b>no</b>"
    )
    assert answer.status_code == 401 and "&lt;b&gt;no" in answer.text
    site.to_provider()
    code = parse_qs(urlsplit(back.headers["location"]).query)["code"][0]
    state = site.provider.asked[-1]["state"]
    assert site.client.get(f"/login/oidc/callback?state={state}&code={code}").status_code == 502
    assert site.me()["role"] == "anonymous"


def test_a_provider_that_is_away_is_told_in_words(world: World, tmp_path: Path) -> None:
    doors = doors_of(world, oidc=load_oidc(settings_file(tmp_path, "http://127.0.0.1:1")))
    with doors.client() as client:
        answer = client.get("/login/oidc")
        assert answer.status_code == 502 and "identity provider" in answer.text
        page = client.get("/login?lang=en")
        assert "city&#x27;s account" in page.text and 'name="password"' in page.text
        world.clock.advance(HOUR)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('issuer = "{issuer}"', 'issuer = "http://sso.example"', "https"),
        ('role = "operator"', 'role = "king"', "must be one of viewer"),
        ('role = "administrator"', 'role = "administrator"\nareas = ["1"]', "whole city"),
        ('domains = ["flood"]', 'domains = ["flood"]\ndomains_from = "x"', "not both"),
        ('claim = "groups"', 'claim = "groups"\nrool = "x"', "rool"),
        ('client_secret_file = "{secret}"', 'client_secret_file = "/nope"', "client_secret_file"),
        ("[[grants]]", "[[grants", "must be as"),
    ],
)
def test_a_wrong_file_is_refused_in_words(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = settings_file(tmp_path, "https://sso.example", FILE.replace(old, new))
    with pytest.raises(DeclarationError, match=said):
        load_oidc(path)
