"""All of access in one: made where the platform asks for log-in, and given to the app."""

from __future__ import annotations

from dataclasses import dataclass

from api.access.guessing import Guessing
from api.access.identity import Identity
from api.access.limits import Limits, Rates
from api.access.login import PasswordLogIn
from api.access.oidc import Oidc
from api.access.oidc_settings import OidcSettings
from api.access.sessions import Lengths, Sessions
from store.access import AccessStore
from telemetry.clock import Clock
from telemetry.settings import Settings

CALLBACK = "/login/oidc/callback"
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Access:
    """identity: who asks; passwords, oidc: how people log in; limits: how much one may ask.

    secure  people come over TLS: cookies are for TLS only
    """

    identity: Identity
    sessions: Sessions
    passwords: PasswordLogIn
    limits: Limits
    oidc: Oidc | None
    secure: bool


def make_access(
    settings: Settings, store: AccessStore, clock: Clock, url: str, oidc: OidcSettings | None = None
) -> Access:
    """From the settings. url: where this process answers, where URBAN_PUBLIC_URL says nothing else."""
    public = (settings.public_url or url).rstrip("/")
    secure = public.startswith("https:")
    sessions = Sessions(store, clock, Lengths(settings.session_idle, settings.session_max))
    readings = settings.api_readings * _MILLION
    return Access(
        identity=Identity(store, sessions, clock, secure=secure),
        sessions=sessions,
        passwords=PasswordLogIn(store, sessions, Guessing(clock), clock),
        limits=Limits(
            Rates(settings.api_rate, readings),
            Rates(settings.api_rate_anonymous, readings / 10),
            clock,
        ),
        oidc=None if oidc is None else Oidc(oidc, public + CALLBACK, clock),
        secure=secure,
    )
