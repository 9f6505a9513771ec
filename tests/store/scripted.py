"""A proxy in front of a real InfluxDB that answers as it is told: what a real server can't be made to say."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import urllib3

# What to do with a request: None passes it on; (status, headers, body) is the answer; a function is
# called in between.
Step = tuple[int, dict[str, str], bytes] | str | None
CUT_BEFORE = "cut before"  # the request is lost
CUT_AFTER = "cut after"  # the request is done, and the answer is lost


class Scripted:
    """Passes requests on to `upstream`; writes follow `script` first, a step each."""

    def __init__(self, upstream: int) -> None:
        self.script: deque[Step] = deque()
        self.rule: Callable[[str, bytes], Step] = lambda path, body: None
        self.writes: list[tuple[str, bytes]] = []
        self._upstream = upstream
        self._pool = urllib3.PoolManager(retries=False)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._pool.clear()

    def step(self, path: str, body: bytes) -> Step:
        if not path.startswith("/write"):
            return None
        self.writes.append((path, body))
        return self.script.popleft() if self.script else self.rule(path, body)

    def pass_on(
        self, path: str, body: bytes, headers: dict[str, str]
    ) -> urllib3.BaseHTTPResponse | None:
        """The server's answer; None where it is away."""
        url = f"http://127.0.0.1:{self._upstream}{path}"
        try:
            return self._pool.request("POST", url, body=body, headers=headers)
        except urllib3.exceptions.HTTPError:
            return None

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body of an answer in one packet

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                step = proxy.step(self.path, body)
                if step == CUT_BEFORE:
                    self.close_connection = True
                    return
                if isinstance(step, tuple):
                    self._answer(*step)
                    return
                kept = ("Content-Type", "Authorization")
                headers = {k: self.headers[k] for k in kept if k in self.headers}
                found = proxy.pass_on(self.path, body, headers)
                if found is None or step == CUT_AFTER:
                    self.close_connection = True
                    return
                self._answer(found.status, {}, found.data)

            def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler
