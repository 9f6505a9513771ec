"""/login, /logout and GET /api/v1/me: people come in with a password or through their provider, and leave."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Annotated, Literal, cast
from urllib.parse import quote

import msgspec
from fastapi import APIRouter, Form, Query, Request, Response
from starlette.responses import HTMLResponse, RedirectResponse

from api.access.access import Access
from api.access.login import LoggedIn
from api.access.oidc import Pending
from api.access.principal import Principal, Role
from api.access.rules import allow, principal_of, trail_of
from api.access.trail import Done
from api.console.login_texts import LOGIN_TEXTS, Language
from api.login_page import LogInPage
from api.problems import Problem, not_found
from telemetry.errors import QueryError

router = APIRouter(include_in_schema=False, dependencies=[allow(Role.ANONYMOUS)])
_PENDING = "urban_oidc"
_PENDING_S = 600
# Of a form on a page without referrer browsers say `Origin: null`, which is no proof of where it comes from.
_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "same-origin"}

Next = Annotated[str, Query(alias="next", max_length=2_000)]
Lang = Annotated[Literal["vi", "en"] | None, Query()]
Word = Annotated[str, Form(max_length=200)]
Where = Annotated[str, Form(alias="next", max_length=2_000)]


@router.get("/login")
def show_login(request: Request, following: Next = "/", lang: Lang = None) -> Response:
    """The page; for who has a password of somebody else's making, the form to choose one."""
    access = request.app.state.access
    if access is None:
        return RedirectResponse("/", 303)  # nobody has to log in here
    principal = principal_of(request)
    if principal.role >= Role.VIEWER:
        return RedirectResponse(_path(following), 303)
    change = principal.name if principal.sort == "person" else ""
    return _page(request, following, lang, change=change)


@router.post("/login", dependencies=[allow(Role.ANONYMOUS, act="session.begin")])
def log_in(
    request: Request,
    name: Word,
    password: Word,
    following: Where = "/",
    lang: Annotated[str, Form()] = "vi",
) -> Response:
    """Name and password → a session in a cookie."""
    access = _access(request)
    return _with_password(
        request, following, lang, "",
        lambda: access.passwords.log_in(name.strip().lower(), password, trail_of(request)),
    )  # fmt: skip


@router.post("/login/password", dependencies=[allow(Role.ANONYMOUS, act="account.password")])
def choose_password(
    request: Request, old: Word, new: Word, again: Word, following: Where = "/",
    lang: Annotated[str, Form()] = "vi",
) -> Response:  # fmt: skip
    """The old password and a new one → a fresh session; all others of the account end."""
    access, principal = _access(request), principal_of(request)
    if principal.sort != "person":
        return RedirectResponse("/login", 303)
    if new != again:
        return _page(request, following, lang, change=principal.name, wrong="differ", status=400)
    return _with_password(
        request, following, lang, principal.name,
        lambda: access.passwords.change(principal.name, old, new, trail_of(request)),
    )  # fmt: skip


@router.post("/logout", dependencies=[allow(Role.ANONYMOUS, act="session.end")])
def log_out(request: Request) -> Response:
    """End the session."""
    access, trail = _access(request), trail_of(request)
    access.passwords.log_out(principal_of(request), trail)
    trail.nothing()  # where nobody was logged in
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(access.identity.cookie, path="/", secure=access.secure, httponly=True)
    return answer


@router.get("/login/oidc")
def to_provider(request: Request, following: Next = "/", lang: Lang = None) -> Response:
    """Send the browser to the identity provider."""
    access = _access(request)
    if access.oidc is None:
        raise not_found("no identity provider is set here: see URBAN_OIDC")
    try:
        url, pending = access.oidc.begin()
    except Problem as problem:
        return _refused(request, problem)
    kept = [pending.state, pending.nonce, pending.verifier, _path(following)]
    answer = RedirectResponse(url, 303)
    answer.set_cookie(
        _PENDING, base64.urlsafe_b64encode(msgspec.json.encode(kept)).decode(), max_age=_PENDING_S,
        path="/login/oidc", secure=access.secure, httponly=True, samesite="lax",
    )  # fmt: skip
    return answer


@router.get("/login/oidc/callback", dependencies=[allow(Role.ANONYMOUS, act="session.begin")])
def from_provider(request: Request) -> Response:
    """The browser comes back from the provider: verified, it gets a session."""
    access, trail = _access(request), trail_of(request)
    if access.oidc is None:
        raise not_found("no identity provider is set here: see URBAN_OIDC")
    pending, following = _pending(request.cookies.get(_PENDING, ""))
    try:
        person = access.oidc.finish(dict(request.query_params), pending)
    except Problem as problem:
        trail.note("session.refused", "oidc", None, problem.detail)
        return _refused(request, problem)
    token, session = access.sessions.begin(person.name, person.grant)
    principal = Principal(
        name=person.name, role=Role.of(person.grant.role), sort="person", session=session.id,
        source=principal_of(request).source,
    )  # fmt: skip
    trail.write(Done(principal=principal, act="session.begin", about="oidc"))
    trail.nothing()
    answer = _enter(access, LoggedIn(token, principal, False), following)
    answer.delete_cookie(_PENDING, path="/login/oidc")
    return answer


def _with_password(
    request: Request, following: str, lang: str, change: str, step: Callable[[], LoggedIn]
) -> Response:
    try:
        entered = step()
    except QueryError:
        return _page(request, following, lang, change=change, wrong="weak", status=400)
    except Problem as problem:
        wrong = {401: "wrong", 429: "too_many"}.get(problem.status, "weak")
        more = problem.headers if problem.status == 429 else {}
        status = problem.status
        return _page(request, following, lang, change=change, wrong=wrong, status=status, more=more)
    where = f"/login?next={quote(following)}" if entered.must_change else following
    return _enter(_access(request), entered, where)


def _enter(access: Access, entered: LoggedIn, following: str) -> Response:
    answer = RedirectResponse(_path(following), 303)
    # Lax, and not Strict: coming back from the provider is a way in from another site.
    answer.set_cookie(
        access.identity.cookie, entered.token, path="/", secure=access.secure, httponly=True,
        samesite="lax",
    )  # fmt: skip
    return answer


def _page(
    request: Request,
    following: str,
    lang: str | None,
    *,
    change: str = "",
    wrong: str = "",
    status: int = 200,
    more: dict[str, str] | None = None,
) -> Response:
    context, access = request.app.state.context, _access(request)
    language = cast(Language, lang if lang in ("vi", "en") else context.settings.language)
    place = 0 if language == "vi" else 1
    said = LOGIN_TEXTS[wrong][place] if wrong else ""
    page = LogInPage(
        language=language,
        city=(context.city.vi, context.city.en)[place],
        following=_path(following),
        change=change,
        provider=access.oidc.settings.labels[place] if access.oidc else "",
        wrong=said.format((more or {}).get("Retry-After", "")),
    )
    return HTMLResponse(page.html(), status, headers=_HEADERS | (more or {}))


def _refused(request: Request, problem: Problem) -> Response:
    """What the provider's way ended in, as a page: a browser is what asks."""
    context, access = request.app.state.context, _access(request)
    language = cast(Language, context.settings.language)
    place = 0 if language == "vi" else 1
    page = LogInPage(
        language=language, city=(context.city.vi, context.city.en)[place],
        provider=access.oidc.settings.labels[place] if access.oidc else "",
        wrong=LOGIN_TEXTS["refused"][place].format(problem.detail),
    )  # fmt: skip
    return HTMLResponse(page.html(), problem.status, headers=_HEADERS)


def _access(request: Request) -> Access:
    access = request.app.state.access
    if not isinstance(access, Access):
        raise not_found("nobody has to log in here: URBAN_AUTH is off")
    return access


def _path(text: str) -> str:
    """A path of ours; / for what would lead elsewhere."""
    inside = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable()
    return text if inside else "/"


def _pending(cookie: str) -> tuple[Pending | None, str]:
    try:
        kept = msgspec.json.decode(base64.urlsafe_b64decode(cookie), type=tuple[str, str, str, str])
    except (ValueError, msgspec.MsgspecError):
        return None, "/"
    return Pending(*kept[:3]), kept[3]
