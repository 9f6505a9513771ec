"""OpenID Connect: a person's own provider vouches for them (authorisation code with PKCE; Core 1.0, 3.1).

The provider is found by discovery; its ID token is verified with the keys that it publishes. What the
person may do follows from the token's claims by the mapping of api.access.oidc_settings.
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from api.access.oidc_settings import OidcSettings
from api.problems import Problem
from store.access_records import Grant
from telemetry.clock import HOUR, MINUTE, SECOND, Clock

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
LEEWAY_S = 60  # between the provider's clock and ours
_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Pending:
    """A log-in that was sent to the provider: kept by the browser until it comes back."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Person:
    """Who came back, and what the claims give them."""

    name: str
    grant: Grant


class Oidc:
    """One provider. Every method may be called from any thread; each that asks it waits for it.

    Raises Problem: 502 where the provider can't be asked or answers nonsense, 401 where what came back is no
    proof of who came, 403 where the person has no role here.
    """

    def __init__(self, settings: OidcSettings, redirect_uri: str, clock: Clock) -> None:
        self.settings = settings
        self._redirect_uri = redirect_uri
        self._clock = clock
        self._lock = threading.Lock()
        self._known: tuple[int, dict[str, Any]] | None = None
        self._keys: tuple[int, KeySet] | None = None

    def begin(self) -> tuple[str, Pending]:
        """(where to send the browser, what it has to bring back)."""
        endpoint = self._endpoint("authorization_endpoint")
        pending = Pending(*(secrets.token_urlsafe(32) for _ in range(3)))
        with self._client() as client:
            url, _ = client.create_authorization_url(
                endpoint, state=pending.state, nonce=pending.nonce, code_verifier=pending.verifier
            )
        return str(url), pending

    def finish(self, query: dict[str, str], pending: Pending | None) -> Person:
        """Who the browser brought back from the provider. query: of the address that it came to."""
        if pending is None or not secrets.compare_digest(
            query.get("state", "").encode(), pending.state.encode()
        ):
            raise _no_proof("the log-in was not begun here, or too long ago: begin anew")
        if "error" in query:
            said = query.get("error_description") or query["error"]
            raise _no_proof(f"the provider says: {said[:200]}")
        if query.get("iss", self.settings.issuer) != self.settings.issuer:  # RFC 9207
            raise _no_proof("the answer is another provider's")
        claims = self._claims(self._id_token(query.get("code", ""), pending), pending)
        grant = self.settings.grant(claims)
        name = self.settings.name(claims)
        if grant is None:
            raise Problem(403, "Not allowed", f"{name} has no role here: ask your administrator")
        return Person(name, grant)

    def _id_token(self, code: str, pending: Pending) -> str:
        if not code:
            raise _no_proof("the provider sent no code")
        endpoint = self._endpoint("token_endpoint")
        try:
            with self._client() as client:
                token = client.fetch_token(
                    endpoint, code=code, code_verifier=pending.verifier, timeout=_TIMEOUT_S,
                    grant_type="authorization_code",
                )  # fmt: skip
        except Exception as error:  # Authlib's, and those of the client that it uses
            raise _away(f"did not take the code: {error}") from None
        found = token.get("id_token") if isinstance(token, dict) else None
        if not isinstance(found, str):
            raise _away("sent no ID token")
        return found

    def _claims(self, token: str, pending: Pending) -> dict[str, Any]:
        decoded = self._verified(token)
        # Core 3.1.3.7: who issued it, for whom, for which log-in, and until when.
        claims = CodeIDToken(
            decoded.claims, decoded.header,
            options={
                "iss": {"essential": True, "value": self.settings.issuer},
                "aud": {"essential": True, "value": self.settings.client_id},
            },
            params={"nonce": pending.nonce, "client_id": self.settings.client_id},
        )  # fmt: skip
        try:
            claims.validate(now=self._clock.now() // SECOND, leeway=LEEWAY_S)
        except JoseError as error:
            raise _no_proof(f"the ID token is not for this log-in: {error}") from None
        if claims.get("nonce") != pending.nonce:
            raise _no_proof("the ID token is not for this log-in: nonce")
        return dict(claims)

    def _verified(self, token: str) -> jwt.Token:
        """Its signature holds by the provider's keys; asked for anew once where a new one is needed."""
        for fresh in (False, True):
            try:
                return jwt.decode(token, self._key_set(fresh=fresh), algorithms=ALGORITHMS)
            except (JoseError, ValueError) as error:
                wrong = error
        raise _no_proof(f"the ID token is not signed by the provider: {wrong}")

    def _key_set(self, *, fresh: bool) -> KeySet:
        now = self._clock.now()
        with self._lock:
            age = MINUTE // 2 if fresh else HOUR  # a forged token must not make us ask all the time
            if self._keys is not None and now - self._keys[0] < age:
                return self._keys[1]
        found = self._get(self._endpoint("jwks_uri"))
        try:
            keys = KeySet.import_key_set(found)  # type: ignore[arg-type]
        except (JoseError, ValueError, KeyError) as error:
            raise _away(f"publishes keys that can't be read: {error}") from None
        with self._lock:
            self._keys = (now, keys)
        return keys

    def _endpoint(self, name: str) -> str:
        now = self._clock.now()
        with self._lock:
            known = self._known
        if known is None or now - known[0] > HOUR:
            found = self._get(
                self.settings.issuer.rstrip("/") + "/.well-known/openid-configuration"
            )
            if found.get("issuer") != self.settings.issuer:  # Discovery 4.3
                raise _away(f"calls itself {found.get('issuer')!r}, not {self.settings.issuer!r}")
            known = (now, found)
            with self._lock:
                self._known = known
        url = known[1].get(name)
        if not isinstance(url, str) or not safe_url(url):
            raise _away(f"names no {name} that can be trusted")
        return url

    def _get(self, url: str) -> dict[str, Any]:
        try:
            answer = httpx.get(url, timeout=_TIMEOUT_S, follow_redirects=False)
            answer.raise_for_status()
            found = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise _away(f"does not answer at {url}: {error}") from None
        if not isinstance(found, dict):
            raise _away(f"answers nonsense at {url}")
        return found

    def _client(self) -> OAuth2Session:
        settings = self.settings
        return OAuth2Session(
            settings.client_id, settings.client_secret or None, scope=" ".join(settings.scopes),
            redirect_uri=self._redirect_uri, code_challenge_method="S256",
            token_endpoint_auth_method="client_secret_basic" if settings.client_secret else "none",
        )  # fmt: skip


def safe_url(url: str) -> bool:
    """https, or loopback."""
    parts = urlsplit(url)
    local = parts.hostname in ("127.0.0.1", "::1", "localhost")
    return parts.scheme == "https" or (parts.scheme == "http" and local)


def _no_proof(detail: str) -> Problem:
    return Problem(401, "Not authenticated", detail)


def _away(detail: str) -> Problem:
    return Problem(502, "Provider unavailable", f"the identity provider {detail}")
