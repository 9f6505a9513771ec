"""A real PostgreSQL for tests: Debian's, a cluster of its own on a free port, gone when the test ends."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg

from ingest.broker import free_port
from tests.brokers import wait_until

OWNER, PASSWORD = "city", "s3cret/@:#word"
QUOTED = "s3cret%2F%40%3A%23word"
# PostgreSQL does not run as root; either of these may then.
_UNPRIVILEGED = ("postgres", "nobody")


def program(name: str) -> Path | None:
    """One of PostgreSQL's programs: on the path, or the newest where Debian puts them."""
    on_path = shutil.which(name)
    if on_path is not None:
        return Path(on_path)
    found = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda p: float(p.parts[-3])
    )
    return found[-1] if found else None


def postgres_present() -> bool:
    return program("initdb") is not None and program("postgres") is not None


class Postgres:
    """One cluster, of which each test takes a database."""

    def __init__(self, **settings: object) -> None:
        self._user: Mapping[str, Any] = {}
        self.folder = Path(tempfile.mkdtemp(prefix="urban-pg-"))
        if os.geteuid() == 0:
            name = next(n for n in _UNPRIVILEGED if _known(n))
            self._user = {"user": name, "group": pwd.getpwnam(name).pw_gid, "extra_groups": ()}
            shutil.chown(self.folder, name, pwd.getpwnam(name).pw_gid)
        self.port = free_port()
        # A test that kills the server wants nothing lost; no test wants to wait for the disk.
        self._settings = {"fsync": "off", "full_page_writes": "off"} | settings
        self._process: subprocess.Popen[bytes] | None = None
        self._log = self.folder / "log"
        self._free: list[str] = []
        self._initdb()

    def start(self) -> None:
        server = program("postgres")
        assert server is not None
        given = {
            "port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": self.folder,
            "max_connections": 100, "shared_buffers": "16MB", "logging_collector": "off",
        } | self._settings  # fmt: skip
        words = [w for name, value in given.items() for w in ("-c", f"{name}={value}")]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [server, "-D", self.folder / "data", *words], cwd=self.folder,
                stdout=log, stderr=log, env=os.environ | {"LC_ALL": "C.UTF-8"}, **self._user,
            )  # fmt: skip
        wait_until(self._answers, 30)

    def stop(self, kill: bool = False) -> None:
        """End it at once; `kill`: as a power cut would, so that it recovers when it is started again."""
        if self._process is not None:
            # SIGINT: fast shutdown. SIGQUIT: immediate, which leaves no orphan behind as SIGKILL would.
            self._process.send_signal(signal.SIGQUIT if kill else signal.SIGINT)
            self._process.wait(30)
            self._process = None

    def close(self) -> None:
        self.stop(kill=True)  # nothing of it is kept: no checkpoint
        shutil.rmtree(self.folder)

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def database(self, name: str = "", encoding: str = "UTF8", order: str = "vi") -> str:
        """Make a database; its address, as for URBAN_OPERATIONS. order: language that it sorts by; "": bytes."""
        made = name or f"t{uuid.uuid4().hex}"
        sorted_by = f"locale_provider icu icu_locale '{order}'" if order else ""
        self.run(
            f"create database {made} template template0 encoding {encoding} locale 'C' {sorted_by}"
        )
        return self.url(made)

    def borrow(self) -> str:
        """An empty database, to be given back: making one takes a tenth of a second and 7 MB."""
        return self._free.pop() if self._free else self.database()

    def give_back(self, url: str) -> None:
        """Empty it for the next one. Its connections must be closed."""
        with self.connect(url.rpartition("/")[2]) as db:
            db.execute("drop schema public cascade")
            db.execute("create schema public")
            db.execute("grant usage on schema public to public")  # as PostgreSQL makes it
        self._free.append(url)

    def url(self, database: str, user: str = OWNER, password: str = QUOTED, query: str = "") -> str:
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}{query}"

    def run(self, statement: Any, database: str = "postgres") -> list[tuple[Any, ...]]:
        """One statement outside of any transaction, as the cluster's owner."""
        with self.connect(database) as db:
            cursor = db.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def connect(self, database: str) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=OWNER, password=PASSWORD, dbname=database,
            autocommit=True,
        )  # fmt: skip

    def _initdb(self) -> None:
        initdb = program("initdb")
        assert initdb is not None
        password = self.folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        done = subprocess.run(
            [initdb, "-D", self.folder / "data", "-U", OWNER, "-A", "scram-sha-256",
             "--pwfile", password, "-E", "UTF8", "--locale=C.UTF-8", "-N"],
            capture_output=True, text=True, cwd=self.folder, **self._user,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        password.unlink()

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log()
        try:
            self.connect("postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.02)
            return False
        return True


def _known(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
