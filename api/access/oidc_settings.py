"""The file that URBAN_OIDC names: which provider, and which claims give which role. See docs/security.md.

issuer = "https://sso.example/realms/city"
client_id = "urban"
client_secret_file = "/run/secrets/oidc"     # absent: a public client, with PKCE alone

[[grants]]                                   # the first that fits is given
claim = "groups"                             # "realm_access.roles" looks into it
value = "flood-desk"
role = "operator"
domains = ["flood"]                          # absent: all
areas_from = "wards"                         # a claim with codes of areas
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec

from api.access.principal import ROLES
from store.access_records import Grant
from telemetry.errors import DeclarationError

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class GrantRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whoever has this value in this claim gets this role, for these domains and areas (None: all)."""

    claim: Text
    value: Text
    role: Text
    domains: tuple[str, ...] | None = None
    areas: tuple[str, ...] | None = None
    domains_from: str = ""
    areas_from: str = ""

    def fits(self, claims: dict[str, Any]) -> bool:
        """Whether the claims have the value."""
        return self.value in _words(claims, self.claim)

    def grant(self, claims: dict[str, Any]) -> Grant:
        """What is given. A claim that domains or areas come from and that is not there gives none."""
        domains, areas = self.domains, self.areas
        if self.domains_from:
            domains = tuple(_words(claims, self.domains_from))
        if self.areas_from:
            areas = tuple(_words(claims, self.areas_from))
        return Grant(role=self.role, domains=domains, areas=areas)


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    issuer: Text
    client_id: Text
    client_secret_file: str = ""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    name_claim: Text = "preferred_username"
    label_vi: Text = "Đăng nhập bằng tài khoản thành phố"
    label_en: Text = "Log in with the city's account"
    grants: tuple[GrantRule, ...]


class OidcSettings:
    """A file that was read and checked."""

    def __init__(self, file: _File, client_secret: str) -> None:
        self.issuer = file.issuer
        self.client_id = file.client_id
        self.client_secret = client_secret
        self.scopes = file.scopes
        self.labels = (file.label_vi, file.label_en)
        self._name_claim = file.name_claim
        self._grants = file.grants

    def grant(self, claims: dict[str, Any]) -> Grant | None:
        """What the first rule that fits gives; None where none does."""
        return next((g.grant(claims) for g in self._grants if g.fits(claims)), None)

    def name(self, claims: dict[str, Any]) -> str:
        """As acts are signed: with the provider's host, so that it is nobody's local account."""
        found = claims.get(self._name_claim) or claims.get("sub")
        name = "".join(c for c in str(found) if c.isprintable())[:80]
        return name if "@" in name else f"{name}@{urlsplit(self.issuer).hostname}"


def load_oidc(path: Path) -> OidcSettings:
    """Read the file. Raises DeclarationError with the place, the value and the need."""
    place = str(path)
    try:
        file = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File)
    except OSError as error:
        raise DeclarationError(place, f"can't be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise DeclarationError(place, f"must be as docs/security.md says: {error}") from None
    parts = urlsplit(file.issuer)
    local = parts.hostname in ("127.0.0.1", "::1", "localhost")
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise DeclarationError(f"{place}: issuer", "must be an https address", file.issuer)
    if "openid" not in file.scopes:
        raise DeclarationError(f"{place}: scopes", "must hold openid", list(file.scopes))
    for number, rule in enumerate(file.grants, 1):
        _check(rule, f"{place}: grants {number}")
    return OidcSettings(file, _secret(file.client_secret_file, place))


def _check(rule: GrantRule, place: str) -> None:
    if rule.role not in ROLES:
        raise DeclarationError(f"{place}: role", f"must be one of {', '.join(ROLES)}", rule.role)
    part = (
        rule.domains is not None or rule.areas is not None or rule.domains_from or rule.areas_from
    )
    if rule.role == "administrator" and part:
        raise DeclarationError(
            place, "an administrator is for the whole city: no domains, no areas"
        )
    for given, source in ((rule.domains, rule.domains_from), (rule.areas, rule.areas_from)):
        if given is not None and source:
            raise DeclarationError(
                place, "give the values or the claim that they come from, not both"
            )


def _secret(name: str, place: str) -> str:
    if not name:
        return ""
    try:
        return Path(name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise DeclarationError(
            f"{place}: client_secret_file", "must name a file that can be read", name
        ) from None


def _words(claims: dict[str, Any], path: str) -> list[str]:
    """The texts behind a claim's name, or path of names: one, or a list of them."""
    found: Any = claims
    # A name may hold dots itself: https://city.example/wards.
    for name in [path] if path in claims else path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    if isinstance(found, str):
        return [found]
    return [w for w in found if isinstance(w, str)] if isinstance(found, list) else []
