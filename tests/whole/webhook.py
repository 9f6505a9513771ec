"""A webhook of the tests' own, as a channel for messages: keeps what it is sent, in order."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any


class Webhook(ThreadingHTTPServer):
    """A context manager. The path of its URL names the channel."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[str, dict[str, Any]]] = []
        self._serving = threading.Thread(target=self.serve_forever, name="webhook")

    def url(self, channel: str) -> str:
        """Apprise's URL of it."""
        return f"json://127.0.0.1:{self.server_port}/{channel}"

    def take(self) -> list[str]:
        """What came since the last time: a line an alert, "channel: [Severity] what – where (news)"."""
        came, self.got = self.got, []
        return [f"{c}: {line}" for c, message in came for line in _lines(message)]

    def __enter__(self) -> Webhook:
        self._serving.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.shutdown()
        self._serving.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.got.append((self.path.strip("/"), body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def _lines(message: dict[str, Any]) -> list[str]:
    several = [x[2:] for x in message["message"].splitlines() if x.startswith("• ")]
    return several or [message["title"]]
