"""What the commands that ask a running platform share: where it is, and its answers or one line in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Annotated, Any
from urllib.parse import urlsplit

import httpx
import msgspec
import typer

from store.secret_file import read_secret
from telemetry.errors import QueryError, StartError
from telemetry.settings import Settings, load_settings

PREFIX = "/api/v1"
TIMEOUT_S = 60.0
_PAGE = 1_000
KEY_FILE = "api.key"
KEY_SETTING = "URBAN_API_KEY_FILE"

UrlOption = Annotated[
    str,
    typer.Option(
        "--url",
        metavar="URL",
        help="Where the platform answers; by default on this machine at URBAN_HTTP_PORT.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON, for other programs.")]

Json = dict[str, Any]
Query = Mapping[str, object]


class HttpApi:
    """A running platform. A context manager.

    Raises StartError where nothing answers, QueryError with the platform's own words where it refuses.
    """

    def __init__(
        self, url: str, transport: httpx.BaseTransport | None = None, key: str | None = None
    ) -> None:
        self.url = url
        key = own_key(url) if key is None else key
        # Straight to the platform: a proxy of the environment has no business on the way.
        self._http = httpx.Client(
            base_url=url, timeout=TIMEOUT_S, trust_env=False, transport=transport,
            headers={"Authorization": f"Bearer {key}"} if key else {},
        )  # fmt: skip

    def __enter__(self) -> HttpApi:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._http.close()

    def get(self, path: str, query: Query | None = None) -> Json:
        """The JSON behind a path under /api/v1."""
        return self._object(self._send("GET", PREFIX + path, query))

    def post(self, path: str, body: Json, query: Query | None = None) -> Json:
        """What a POST under /api/v1 is answered with."""
        return self._object(self._send("POST", PREFIX + path, query, body))

    def patch(self, path: str, body: Json) -> Json:
        """What a PATCH under /api/v1 is answered with."""
        return self._object(self._send("PATCH", PREFIX + path, None, body))

    def text(self, path: str, query: Query | None = None) -> str:
        """The text behind a path under /api/v1."""
        return self._send("GET", PREFIX + path, query).text

    def send_csv(self, path: str, text: bytes, query: Query) -> Json:
        """What a POST of CSV under /api/v1 is answered with."""
        answer = self._raw("POST", PREFIX + path, query, text, "text/csv")
        if answer.status_code >= 400:
            raise self._refusal(answer)
        return self._object(answer)

    def put(self, path: str, body: Json, query: Query | None = None) -> Json:
        """What a PUT under /api/v1 is answered with."""
        return self._object(self._send("PUT", PREFIX + path, query, body))

    def delete(self, path: str, query: Query | None = None) -> Json:
        """What a DELETE under /api/v1 is answered with."""
        return self._object(self._send("DELETE", PREFIX + path, query))

    def pages(self, path: str, query: Query, limit: int | None = None) -> Iterator[Json]:
        """The items of a list, page by page; `limit` of them at most."""
        left, cursor = limit, None
        while left is None or left > 0:
            size = _PAGE if left is None else min(left, _PAGE)
            page = self.get(path, {**query, "limit": size, "cursor": cursor})
            yield from page["items"]
            left = None if left is None else left - len(page["items"])
            cursor = page["next"]
            if cursor is None:
                return

    def readiness(self) -> Json:
        """/readyz, also where it says that something is missing."""
        answer = self._request("GET", "/readyz")
        if answer.status_code not in (200, 503):
            raise self._refusal(answer)
        return self._object(answer)

    def metrics(self) -> str:
        """/metrics, in Prometheus' text format."""
        return self._send("GET", "/metrics").text

    def _send(
        self, method: str, path: str, query: Query | None = None, body: Json | None = None
    ) -> httpx.Response:
        answer = self._request(method, path, query, body)
        if answer.status_code >= 400:
            raise self._refusal(answer)
        return answer

    def _request(
        self, method: str, path: str, query: Query | None = None, body: Json | None = None
    ) -> httpx.Response:
        try:
            content = None if body is None else msgspec.json.encode(body)
        except UnicodeEncodeError:
            raise QueryError("arguments", "must be UTF-8") from None
        return self._raw(method, path, query, content, "application/json")

    def _raw(
        self, method: str, path: str, query: Query | None, content: bytes | None, media: str
    ) -> httpx.Response:
        given: Any = {k: v for k, v in (query or {}).items() if v is not None and v != []}
        headers = {} if content is None else {"Content-Type": media}
        try:
            return self._http.request(method, path, params=given, content=content, headers=headers)
        except httpx.ConnectError:
            raise StartError(
                self.url,
                "no platform answers here",
                remedy="start one with `urban up`, or give --url",
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            words = str(error) or type(error).__name__
            raise StartError(self.url, f"the platform did not answer: {words}") from None

    def _object(self, answer: httpx.Response) -> Json:
        try:
            found = msgspec.json.decode(answer.content, type=Json)
        except msgspec.MsgspecError:
            raise self._stranger() from None
        return found

    def _refusal(self, answer: httpx.Response) -> QueryError | StartError:
        """The platform's own words; they name the place already."""
        if not answer.headers.get("content-type", "").startswith("application/problem+json"):
            return self._stranger()
        if answer.status_code == 401:
            return StartError(
                self.url, str(self._object(answer).get("detail", "asks for a key")),
                remedy=f"for commands: `urban users keys add NAME --role operator --save`, or {KEY_SETTING}",
            )  # fmt: skip
        place, _, need = str(self._object(answer).get("detail", answer.text)).partition(": ")
        return QueryError(place, need) if need else QueryError(self.url, place)

    def _stranger(self) -> StartError:
        return StartError(self.url, "something else than an urban-sensing platform answers here")


def own_key(url: str) -> str:
    """The key that commands send: URBAN_API_KEY (or its _FILE), else, to this machine's own platform, api.key of
    the data folder; "" for none.

    Raises StartError for a file that others than its owner may read.
    """
    settings = load_settings()
    if settings.api_key:
        return settings.api_key
    path = settings.data_dir / KEY_FILE
    if urlsplit(url).hostname not in settings.http_hosts:
        return ""  # it was made for this platform
    try:
        mode = path.stat().st_mode & 0o777
    except OSError:
        return ""
    if mode & 0o077:
        raise StartError(
            str(path), f"may be read by others than its owner (mode {mode:o})",
            remedy=f"chmod 600 {path}",
        )  # fmt: skip
    return read_secret(path)


def platform_url(option: str, settings: Settings) -> str:
    """The address of `--url`, else the one that this machine's platform has by its settings."""
    if not option:
        host = f"[{settings.here}]" if ":" in settings.here else settings.here
        return f"http://{host}:{settings.http_port or 8000}"
    try:
        parts = urlsplit(option)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits:
        raise QueryError("--url", "must look like http://127.0.0.1:8000", option)
    return option.rstrip("/")
