"""A face of InfluxDB 2.x over a real 1.x: there is no 2.x server to install here.

Paths, parameters, log-in and answers are those of the InfluxDB OSS 2.7 API reference (docs.influxdata.com,
/api/v2/write, /api/v2/delete, /api/v2/buckets, /query); what is written and read is done by influxd 1.x.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import urllib3

from telemetry.clock import parse_time
from tests.store.influx2_admin import Administration, Told, problem

TOKEN = "sEcReT=="
ORG = "city-org"


class FakeInflux2:
    """One server with one organisation; `rule(bucket, body)` may answer a write in its stead."""

    def __init__(self, upstream: int, *, fresh: bool = False, version: str = "v2.7.10") -> None:
        self.admin = Administration(ORG, TOKEN, fresh)
        self.version = version
        self.buckets: list[str] = []
        self.rules: dict[str, list[dict[str, Any]]] = {}  # of buckets, where they were changed
        self.read_only = False
        self.rule: Callable[[str, bytes], Told | None] = lambda bucket, body: None
        self.writes: list[tuple[str, bytes]] = []
        self._upstream = f"http://127.0.0.1:{upstream}"
        self._pool = urllib3.PoolManager(retries=False)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def url(self, bucket: str, token: str = "sEcReT%3D%3D") -> str:
        return f"influx://{token}@127.0.0.1:{self.port}/{ORG}/{bucket}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._pool.clear()

    def answer(
        self, method: str, path: str, query: dict[str, str], body: bytes, token: str
    ) -> Told | bytes:
        if path == "/ping":
            return 204, {"X_Influxdb_Build": "OSS", "X_Influxdb_Version": self.version}, {}
        if path == "/api/v2/setup":
            return self._onboard(method, body)
        if not self.admin.knows(token):
            return problem(401, "unauthorized", "unauthorized access")
        if path == "/query":
            form = {k: v[0] for k, v in parse_qs(body.decode()).items()}
            if not self.admin.may(token, "read", _id(form["db"])):
                return problem(403, "forbidden", "insufficient permissions")
            return self._upstream_post("/query", urlencode(form).encode()).data
        if path == "/api/v2/write":
            return self._write(query, body, token)
        asked = json.loads(body) if body else {}
        if path == "/api/v2/delete":
            return self._delete(query, asked, token)
        if path.startswith("/api/v2/buckets"):
            return self._bucket_request(method, path, query, asked, token)
        if token not in self.admin.all_access:
            what = "orgs" if path == "/api/v2/orgs" else "authorizations"
            return problem(401, "unauthorized", f"{method.lower()}:{what} is unauthorized")
        if path == "/api/v2/orgs":
            return self.admin.organisations(method, query, asked)
        if path.startswith("/api/v2/authorizations"):
            return self.admin.tokens(method, path, query, asked)
        return problem(404, "not found", "path not found")

    def _onboard(self, method: str, body: bytes) -> Told:
        asked = json.loads(body) if body else {}
        told = self.admin.setup(method, asked)
        if told[0] == 201:
            self._create(asked["bucket"])
        return told

    def _bucket_request(
        self, method: str, path: str, query: dict[str, str], asked: dict[str, Any], token: str
    ) -> Told:
        if method == "POST":
            if token not in self.admin.all_access:
                return problem(401, "unauthorized", "write:buckets is unauthorized")
            return self._create(asked["name"])
        if method == "PATCH":
            return self._patch(path.rpartition("/")[2], asked, token)
        # Only those that the token may read are there for it.
        found = [b for b in self.buckets if b == query.get("name")]
        found = [b for b in found if self.admin.may(token, "read", _id(b))]
        if not found:
            return problem(404, "not found", f'bucket "{query.get("name")}" not found')
        return 200, {}, {"buckets": [self._bucket(b) for b in found]}

    def _create(self, name: str) -> Told:
        if self.read_only:
            return problem(401, "unauthorized", "write:buckets is unauthorized")
        if name in self.buckets:
            return problem(422, "conflict", f"bucket with name {name} already exists")
        database, _, policy = name.partition("/")
        statement = f'CREATE DATABASE "{database}"'
        if policy:
            statement += (
                f'; CREATE RETENTION POLICY "{policy}" ON "{database}" DURATION INF REPLICATION 1'
            )
        self._upstream_query(statement)
        self.buckets.append(name)
        return 201, {}, self._bucket(name)

    def _patch(self, bucket_id: str, asked: dict[str, Any], token: str) -> Told:
        """PATCH /api/v2/buckets/{id}: only what is named is changed."""
        (name,) = [b for b in self.buckets if _id(b) == bucket_id]
        if self.read_only or not self.admin.may(token, "write", bucket_id):
            return problem(401, "unauthorized", f"write:buckets/{bucket_id} is unauthorized")
        (rule,) = asked["retentionRules"]
        every, shard = rule["everySeconds"], rule["shardGroupDurationSeconds"]
        if every and every < 3600:
            return problem(
                422,
                "unprocessable entity",
                "expiration seconds must be greater than or equal to one hour",
            )
        database, _, policy = name.partition("/")
        self._upstream_query(
            f'ALTER RETENTION POLICY "{policy or "autogen"}" ON "{database}" '
            f"DURATION {f'{every}s' if every else 'INF'} SHARD DURATION {shard}s"
        )
        self.rules[name] = asked["retentionRules"]
        return 200, {}, self._bucket(name)

    def _delete(self, query: dict[str, str], asked: dict[str, str], token: str) -> Told | bytes:
        """POST /api/v2/delete: a range of time whose end counts in, and one measurement of one bucket."""
        field, _, measurement = asked["predicate"].partition("=")
        if field != "_measurement" or query["bucket"] not in self.buckets:
            return problem(400, "invalid", "bad predicate or bucket")
        if not self.admin.may(token, "write", _id(query["bucket"])):
            return problem(403, "forbidden", "insufficient permissions to delete")
        start, stop = (parse_time(asked[n]) for n in ("start", "stop"))
        # 1.x deletes from every policy: right only for what stands in one.
        self._upstream_query(
            f"DELETE FROM {measurement} WHERE time >= {start} AND time <= {stop}",
            query["bucket"].partition("/")[0],
        )
        return b""

    def _bucket(self, name: str) -> dict[str, Any]:
        rules = self.rules.get(name, [{"type": "expire", "everySeconds": 0}])
        return {
            "id": _id(name),
            "name": name,
            "orgID": next(iter(self.admin.orgs.values())),
            "retentionRules": rules,
        }

    def _upstream_query(self, statement: str, database: str = "") -> None:
        form = urlencode({"q": statement, "db": database})
        told = json.loads(self._upstream_post("/query", form.encode()).data)
        assert "error" not in told["results"][0], told

    def _write(self, query: dict[str, str], body: bytes, token: str) -> Told | bytes:
        bucket = query["bucket"]
        self.writes.append((bucket, body))
        told = self.rule(bucket, body)
        if told is not None:
            return told
        if query["org"] not in self.admin.orgs:
            return problem(404, "not found", "organization name not found")
        if bucket not in self.buckets:
            return problem(404, "not found", f'bucket "{bucket}" not found')
        if not self.admin.may(token, "write", _id(bucket)):
            return problem(401, "unauthorized", "unauthorized access")
        database, _, policy = bucket.partition("/")
        where = {"db": database, "precision": query["precision"]} | (
            {"rp": policy} if policy else {}
        )
        found = self._upstream_post(f"/write?{urlencode(where)}", body)
        if found.status == 204:
            return b""
        message = f"failure writing points to database: {json.loads(found.data)['error']}"
        return problem(422, "unprocessable entity", message)

    def _upstream_post(self, path: str, body: bytes) -> urllib3.BaseHTTPResponse:
        kind = "text/plain" if path.startswith("/write") else "application/x-www-form-urlencoded"
        headers = {"Content-Type": kind}
        return self._pool.request("POST", self._upstream + path, body=body, headers=headers)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def do_POST(self) -> None:
                self._serve(self.rfile.read(int(self.headers.get("Content-Length", 0))))

            do_PATCH = do_DELETE = do_POST

            def do_GET(self) -> None:
                self._serve(b"")

            def _serve(self, body: bytes) -> None:
                parts = urlsplit(self.path)
                query = {k: v[0] for k, v in parse_qs(parts.query).items()}
                token = self.headers.get("Authorization", "").removeprefix("Token ")
                told = fake.answer(self.command, parts.path, query, body, token)
                if isinstance(told, bytes):
                    self._send(200 if told else 204, {}, told)
                else:
                    said = b"" if told[0] == 204 else json.dumps(told[2]).encode()
                    self._send(told[0], told[1], said)

            def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler


def _id(name: str) -> str:
    """16 hexadecimal digits."""
    return hashlib.sha256(name.encode()).hexdigest()[:16]
