"""A small OpenID provider on loopback: discovery, keys, authorisation code with PKCE, ID tokens in RS256.

It can be told to misbehave: `lie` is applied to the claims, and the other switches name their faults.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import urlencode

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from fastapi import FastAPI, Form, Request, Response
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.responses import JSONResponse, RedirectResponse

CLIENT, SECRET = "urban", "s3cret-of-the-client"
Claims = dict[str, Any]


@dataclass
class Provider:
    """Who is asked at /authorize is logged in as `person` at once."""

    person: Claims
    now: Callable[[], int]  # [s]
    url: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    published: list[RSAKey] | None = None
    lie: Callable[[Claims], Claims] = lambda claims: claims
    sign: Callable[[Claims], str] | None = None
    asked: list[dict[str, str]] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def token(self, asked: dict[str, str]) -> str:
        now = self.now()
        claims: Claims = {
            "iss": self.url, "aud": CLIENT, "sub": "42", "iat": now, "exp": now + 300,
            "nonce": asked["nonce"], **self.person,
        }  # fmt: skip
        if self.sign is not None:
            return self.sign(claims)
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, self.lie(claims), self.key)

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/.well-known/openid-configuration")
        def configuration() -> Claims:
            names = ("authorization", "token")
            return {
                "issuer": self.url, "jwks_uri": f"{self.url}/keys",
                **{f"{n}_endpoint": f"{self.url}/{n}" for n in names},
            }  # fmt: skip

        @app.get("/keys")
        def keys() -> Claims:
            found = [self.key] if self.published is None else self.published
            return {"keys": [k.as_dict(private=False) for k in found]}

        @app.get("/authorization")
        def authorize(request: Request) -> Response:
            asked = dict(request.query_params)
            self.asked.append(asked)
            code = secrets.token_urlsafe(16)
            self.codes[code] = asked
            back = urlencode({"code": code, "state": asked["state"], "iss": self.url})
            return RedirectResponse(f"{asked['redirect_uri']}?{back}", 302)

        @app.post("/token")
        def token(
            request: Request, code: Annotated[str, Form()], redirect_uri: Annotated[str, Form()],
            grant_type: Annotated[str, Form()], code_verifier: Annotated[str, Form()],
        ) -> Response:  # fmt: skip
            asked = self.codes.pop(code, None)  # good once
            given = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
            if (
                asked is None
                or grant_type != "authorization_code"
                or redirect_uri != asked["redirect_uri"]
                or asked["code_challenge"] != create_s256_code_challenge(code_verifier)
                or request.headers.get("authorization") != f"Basic {given}"
            ):
                return JSONResponse({"error": "invalid_grant"}, 400)
            told = {"access_token": "x", "token_type": "Bearer", "id_token": self.token(asked)}
            return JSONResponse(told)

        return app
