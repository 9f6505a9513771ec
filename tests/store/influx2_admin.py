"""The administration of the InfluxDB 2.x face: first user, organisations, tokens and what each may do.

Answers are those of the InfluxDB OSS 2.7 API reference: /api/v2/setup, /api/v2/orgs, /api/v2/authorizations.
"""

from __future__ import annotations

import secrets
from typing import Any

Told = tuple[int, dict[str, str], dict[str, Any]]
Right = tuple[str, str]  # action, bucket's id


def problem(status: int, code: str, message: str, **headers: str) -> Told:
    """The error shape of 2.x."""
    return status, headers, {"code": code, "message": message}


class Administration:
    """Users, organisations and tokens. `hashed`: as from 2.9 on, a token is told once and never again."""

    def __init__(self, org: str, token: str, fresh: bool) -> None:
        self.fresh = fresh
        self.hashed = False
        self.orgs: dict[str, str] = {} if fresh else {org: "0123456789abcdef"}
        self.all_access: set[str] = set() if fresh else {token}
        self.authorizations: list[dict[str, Any]] = []
        self.setups: list[dict[str, Any]] = []

    def knows(self, token: str) -> bool:
        return token in self.all_access or self._of(token) is not None

    def may(self, token: str, action: str, bucket_id: str) -> bool:
        """Whether a token may read or write a bucket."""
        if token in self.all_access:
            return True
        found = self._of(token)
        if found is None:
            return False
        return any(
            p["action"] == action
            and p["resource"]["type"] == "buckets"
            and p["resource"].get("id") in (None, bucket_id)
            for p in found["permissions"]
        )

    def setup(self, method: str, asked: dict[str, Any]) -> Told:
        if method == "GET":
            return 200, {}, {"allowed": self.fresh}
        if not self.fresh:
            return problem(422, "conflict", "onboarding has already been completed")
        if len(asked["password"]) < 8:
            return problem(400, "invalid", "passwords must be between 8 and 72 characters long")
        self.fresh = False
        self.setups.append(asked)
        self.orgs[asked["org"]] = secrets.token_hex(8)
        token = asked.get("token") or secrets.token_urlsafe(48)
        self.all_access.add(token)
        user = {"id": secrets.token_hex(8), "name": asked["username"], "status": "active"}
        return 201, {}, {
            "user": user,
            "org": self._org(asked["org"]),
            "bucket": {"name": asked["bucket"], "retentionRules": []},
            "auth": {"token": token, "status": "active", "permissions": []},
        }  # fmt: skip

    def organisations(self, method: str, query: dict[str, str], asked: dict[str, Any]) -> Told:
        if method == "POST":
            self.orgs[asked["name"]] = secrets.token_hex(8)
            return 201, {}, self._org(asked["name"])
        name = query.get("org")
        if name is not None and name not in self.orgs:
            return problem(404, "not found", f'organization name "{name}" not found')
        found = [name] if name is not None else list(self.orgs)
        return 200, {}, {"orgs": [self._org(n) for n in found]}

    def tokens(self, method: str, path: str, query: dict[str, str], asked: dict[str, Any]) -> Told:
        if method == "DELETE":
            kept = [a for a in self.authorizations if a["id"] != path.rpartition("/")[2]]
            if len(kept) == len(self.authorizations):
                return problem(404, "not found", "authorization not found")
            self.authorizations = kept
            return 204, {}, {}
        if method == "GET":
            found = [a for a in self.authorizations if a["orgID"] == query.get("orgID", a["orgID"])]
            return 200, {}, {"authorizations": [self._shown(a) for a in found]}
        if not asked.get("permissions"):
            return problem(400, "invalid", "permissions are required")
        made = {
            "id": secrets.token_hex(8), "token": secrets.token_urlsafe(64) + "==",
            "status": asked.get("status", "active"), "description": asked.get("description", ""),
            "orgID": asked["orgID"], "permissions": asked["permissions"],
        }  # fmt: skip
        self.authorizations.append(made)
        return 201, {}, made

    def _shown(self, authorization: dict[str, Any]) -> dict[str, Any]:
        return authorization | {"token": "redacted"} if self.hashed else authorization

    def _org(self, name: str) -> dict[str, Any]:
        return {"id": self.orgs[name], "name": name}

    def _of(self, token: str) -> dict[str, Any] | None:
        return next((a for a in self.authorizations if a["token"] == token), None)
