"""A face of Grafana 12: the parts of its HTTP API that a push uses, with the errors it answers.

Paths, bodies and answers after the HTTP API reference (grafana.com/docs/grafana/latest/developers/http_api):
folder, dashboard, playlist, team, service account. A dashboard is refused with 412 `version-mismatch` where
its version is not the stored one and `overwrite` is not set, and 400 for a title that is empty.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]
Told = tuple[int, Any]
TOKEN = "glsa_right"


class FakeGrafana:
    """One server with one organisation; `rule(method, path)` may answer in its stead."""

    def __init__(self) -> None:
        self.folders: dict[str, Json] = {}
        self.permissions: dict[str, list[Json]] = {}
        self.boards: dict[str, Json] = {}
        self.playlists: dict[str, Json] = {}
        self.teams: list[Json] = []
        self.accounts: list[Json] = []
        self.asked: list[tuple[str, str]] = []
        self.rule: Callable[[str, str], Told | None] = lambda method, path: None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def writes(self) -> list[str]:
        """Paths of what was written, permissions left out: they are set each time."""
        return [p for m, p in self.asked if m != "GET" and not p.endswith("/permissions")]

    def answer(
        self, method: str, path: str, query: dict[str, list[str]], body: Any, token: str
    ) -> Told:
        self.asked.append((method, path))
        if token != f"Bearer {TOKEN}":
            return 401, {"message": "Invalid API key", "messageId": "api-key.invalid"}
        told = self.rule(method, path)
        if told is not None:
            return told
        _, _, part, *rest = path.split("/")
        found: Callable[..., Told] = getattr(self, f"_{part}", self._nothing)
        return found(method, rest, query, body)

    def _nothing(self, *_: object) -> Told:
        return 404, {"message": "Not found"}

    def _folders(self, method: str, rest: list[str], _: object, body: Any) -> Told:
        if method == "POST" and not rest:
            folder = {"uid": body["uid"], "title": body["title"], "version": 1}
            self.folders[body["uid"]] = folder
            return 200, folder
        uid = rest[0]
        if uid not in self.folders:
            return 404, {"message": "folder not found"}
        if rest[1:] == ["permissions"]:
            self.permissions[uid] = body["items"]
            return 200, {"message": "Folder permissions updated"}
        return 200, self.folders[uid]

    def _dashboards(self, method: str, rest: list[str], _: object, body: Any) -> Told:
        if method == "GET":
            found = self.boards.get(rest[1])
            return (200, found) if found else (404, {"message": "Dashboard not found"})
        board = dict(body["dashboard"])
        here = self.boards.get(board["uid"])
        version = here["dashboard"]["version"] if here else 0
        if not board["title"]:
            return 400, {"message": "Dashboard title cannot be empty", "status": "empty-name"}
        if here and board["version"] != version and not body["overwrite"]:
            need = "The dashboard has been changed by someone else"
            return 412, {"message": need, "status": "version-mismatch"}
        assert board["id"] is None or here
        board |= {"version": version + 1, "id": 7}
        self.boards[board["uid"]] = {"dashboard": board, "meta": {"folderUid": body["folderUid"]}}
        return 200, {"status": "success", "uid": board["uid"], "version": version + 1}

    def _playlists(self, method: str, rest: list[str], _: object, body: Any) -> Told:
        if method == "POST":
            uid = f"p{len(self.playlists)}"
            self.playlists[uid] = {**body, "uid": uid}
            return 200, self.playlists[uid]
        if not rest:
            return 200, [{"uid": p["uid"], "name": p["name"]} for p in self.playlists.values()]
        if method == "PUT":
            self.playlists[rest[0]] = body
        return 200, self.playlists[rest[0]]

    def _teams(self, method: str, rest: list[str], query: dict[str, list[str]], body: Any) -> Told:
        if method == "POST":
            self.teams.append({"id": 3, "name": body["name"]})
            return 200, {"message": "Team created", "teamId": 3}
        named = query.get("name", [""])[0]
        return 200, {"teams": [t for t in self.teams if t["name"] == named], "totalCount": 1}

    def _serviceaccounts(self, method: str, rest: list[str], _: object, body: Any) -> Told:
        if method == "POST":
            self.accounts.append({"id": 5, **body})
            return 201, self.accounts[-1]
        return 200, {"serviceAccounts": self.accounts, "totalCount": len(self.accounts)}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                return

            def _all(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                raw = self.rfile.read(length)
                parts = urlsplit(self.path)
                code, told = fake.answer(
                    self.command, parts.path, parse_qs(parts.query),
                    json.loads(raw) if raw else None, self.headers.get("Authorization", ""),
                )  # fmt: skip
                text = told if isinstance(told, bytes) else json.dumps(told).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = do_DELETE = _all

        return Handler
