"""What keeps strangers' web pages out before anyone can log in: host, origin, content type, headers.

The platform listens on loopback only. What is left is the browser of someone who sits there and opens
a foreign page: DNS rebinding (refused by Host), cross-site writes and sockets (refused by Origin and
Content-Type) and framing (refused by headers).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import Problem
from telemetry.setting_values import LOOPBACK

MAX_BODY = (
    64 * 1024
)  # bytes; bodies are acts of people. A corrected payload may be as large as payloads
MAX_IMPORT = 16 * 2**20  # bytes; 100,000 devices as CSV, or rows of observations
MAX_ADDRESS = 60_000  # bytes of path and query
FORMS = frozenset({"/login", "/login/password", "/logout"})  # of people, without a script
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

# The console's framework compiles its templates in the browser and carries its first state in the page:
# hence inline and eval for scripts. Nothing may come from, or go to, another origin.
POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "worker-src 'self' blob:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Guard:
    """ASGI middleware, outermost: refuses what a foreign page could send, adds headers to every answer."""

    def __init__(
        self, app: ASGIApp, hosts: tuple[str, ...] = LOOPBACK, max_payload: int = 0
    ) -> None:
        self.app = app
        self.hosts = frozenset(hosts)
        self.max_resend = MAX_BODY + 2 * max_payload  # escaped as JSON text, or as base64

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        problem = self._complaint(scope)
        if problem is None:
            await self.app(scope, receive, _with_headers(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": problem.detail})
        else:
            await problem.response()(scope, receive, _with_headers(send))

    def _complaint(self, scope: Scope) -> Problem | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if _name(host) not in self.hosts:
            allowed = ", ".join(sorted(self.hosts))
            return Problem(400, "Unknown host", f"Host: must be one of {allowed}, got {host!r}")
        # The console's socket would let any page read it; everything else is closed to reading anyway.
        guarded = (
            scope["type"] == "websocket"
            or scope["method"] not in SAFE_METHODS
            or scope["path"].startswith("/_nicegui_ws")
        )
        origin = headers.get("origin")
        if guarded and origin is not None and urlsplit(origin).netloc != host:
            return Problem(403, "Foreign origin", f"Origin: must be this server, got {origin!r}")
        # A foreign page can't ask for a DELETE without asking first whether it may.
        bare = scope["type"] == "http" and scope["method"] == "DELETE" and not _has_body(headers)
        if len(scope.get("raw_path") or b"") + len(scope.get("query_string", b"")) > MAX_ADDRESS:
            return Problem(
                414, "Address too long",
                f"query: an address may have {MAX_ADDRESS} bytes; ask for fewer names at once", "query",
            )  # fmt: skip
        if scope["type"] == "http" and scope["path"] in FORMS and scope["method"] == "POST":
            return _complaint_of_form(headers)
        if scope["type"] == "http" and scope["method"] not in SAFE_METHODS and not bare:
            resend = scope["path"].endswith("/resend")
            return _complaint_of_body(scope, headers, self.max_resend if resend else MAX_BODY)
        return None


def _complaint_of_body(scope: Scope, headers: Headers, limit: int) -> Problem | None:
    # A form of a foreign page can't send application/json or text/csv without asking first. The console's own
    # socket may fall back to posting text/plain; there Origin alone decides.
    if scope["path"].startswith("/_nicegui"):
        return None
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    length = headers.get("content-length", "")
    if not length.isascii() or not length.isdigit():
        return Problem(411, "Length required", "Content-Length: must say how long the body is")
    wanted: tuple[str, ...] = ("application/json",)
    if scope["path"].endswith("/register"):
        limit, wanted = MAX_IMPORT, ("application/json", "text/csv")  # the route wants CSV
    elif scope["path"].endswith("/CreateObservations"):
        limit = MAX_IMPORT
    if int(length) > limit:
        return Problem(413, "Body too large", f"body: must be at most {limit} bytes", "body")
    if kind not in wanted:
        return Problem(
            415, "Unsupported media type", f"Content-Type: must be {wanted[-1]}, got {kind!r}"
        )
    return None


def _complaint_of_form(headers: Headers) -> Problem | None:
    """A form can come from any page: it must be shown to come from ours. (A wrong Origin was refused.)"""
    if "origin" not in headers and headers.get("sec-fetch-site") != "same-origin":
        return Problem(403, "Foreign origin", "Origin: must be this server, got none")
    length = headers.get("content-length", "")
    if not length.isascii() or not length.isdigit():
        return Problem(411, "Length required", "Content-Length: must say how long the body is")
    if int(length) > MAX_BODY:
        return Problem(413, "Body too large", f"body: must be at most {MAX_BODY} bytes", "body")
    return None


def _has_body(headers: Headers) -> bool:
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def _name(host: str) -> str:
    """The host's name without its port; brackets of IPv6 off."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()


def _with_headers(send: Send) -> Send:
    async def sender(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sender
