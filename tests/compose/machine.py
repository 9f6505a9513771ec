"""The processes of docker-compose.yml on this machine: their commands and environment, other ports and paths.

InfluxDB 2.8 is stood for by the fake front over a real influxd 1.x (there is no 2.x to install here); Grafana and
docker's own parts (networks, limits, users) are left out. What is translated is only where things are: a container's
paths are files here, a service's name is 127.0.0.1.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from ingest.broker import free_port
from tests.brokers import wait_until
from tests.compose.composed import ROOT, Composed, Service, prepared
from tests.mosquitto.city_broker import listens
from tests.platform_process import UpProcess
from tests.store.influx2_fake import FakeInflux2
from tests.store.influxd import Influxd
from tests.store.postgres import OWNER, PASSWORD, Postgres


class Machine:
    """What `docker compose up` would start, in its order. `close` ends all of it."""

    def __init__(self, folder: Path, profile: str, influxd: Influxd, postgres: Postgres) -> None:
        self.folder = folder
        self.composed = Composed(prepared(folder, profile, "127.0.0.1"))
        self.influxdb = FakeInflux2(influxd.http, fresh=True, version="v2.8.0")
        self.postgres = postgres
        self.mqtts = free_port()
        self.broker: subprocess.Popen[bytes] | None = None
        self.platforms: list[UpProcess] = []

    @property
    def stack(self) -> Path:
        return self.folder / "stack"

    def start_broker(self) -> None:
        """The `mosquitto` service: its own configuration, with this machine's ports and paths."""
        service = self.composed.services["mosquitto"]
        program, *words = service.told["command"]
        conf = Path(self.inside(service, words[-1])).read_text(encoding="utf-8")
        conf = self._text(service, conf)
        for port, free in ((1883, free_port()), (8883, self.mqtts), (9001, free_port())):
            conf = re.sub(rf"^listener {port}\b.*$", f"listener {free} 127.0.0.1", conf, flags=re.M)
        if os.geteuid() == 0:
            conf += "\nuser root\n"
        here = self.folder / "mosquitto.conf"
        here.write_text(conf, encoding="utf-8")
        found = shutil.which(program) or f"/usr/sbin/{program}"
        self.broker = subprocess.Popen([found, *words[:-1], str(here)], stderr=subprocess.DEVNULL)
        wait_until(lambda: listens("127.0.0.1", self.mqtts), 20)

    def start_databases(self) -> None:
        """What the image of PostgreSQL runs on an empty folder."""
        service = self.composed.services["postgres"]
        given = self.folder / "run-secrets"
        given.mkdir()
        for inside, name in service.secrets.items():
            shutil.copy(self.composed.secret_file(name), given / Path(inside).name)
        script = self.inside(service, "/docker-entrypoint-initdb.d/init.sh")
        env = {
            "PGHOST": "127.0.0.1", "PGPORT": str(self.postgres.port), "PGPASSWORD": PASSWORD,
            "POSTGRES_USER": OWNER, "URBAN_SECRETS": str(given),
        }  # fmt: skip
        done = subprocess.run(["sh", script], env=os.environ | env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def run(self, name: str, *instead: str) -> subprocess.CompletedProcess[str]:
        """A service of ours that ends by itself; or another command in its place, as `exec` would."""
        service = self.composed.services[name]
        self._mount_files(service)
        words = instead or tuple(self._text(service, w) for w in service.told["command"])
        return subprocess.run(
            [sys.executable, "-m", "cli", *words], cwd=ROOT, env=self.environment(service),
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip

    def platform(self, name: str) -> UpProcess:
        """A platform's service, not started yet."""
        service = self.composed.services[name]
        made = UpProcess(self.folder / name, words=service.told["command"])
        given = self.environment(service) | {"URBAN_HTTP_PORT": str(made.http)}
        made.env = given | {"PYTHONUNBUFFERED": "1"}
        self.platforms.append(made)
        return made

    def let_in(self, name: str, platform: UpProcess) -> None:
        """A key for this test, as `docker compose exec` would make one."""
        done = self.run(name, "users", "keys", "add", "test", "--role", "operator")
        assert done.returncode == 0, done.stderr
        platform.key = done.stdout.split()[-1]

    def environment(self, service: Service) -> dict[str, str]:
        """The service's, translated; nothing of this process's own settings."""
        env = {k: v for k, v in os.environ.items() if not k.startswith("URBAN_")}
        env |= {k: self._text(service, v) for k, v in service.environment.items()}
        # A test listens on loopback only; log-in stays on.
        return env | {"URBAN_BIND": "127.0.0.1"}

    def inside(self, service: Service, path: str) -> str:
        """A path of the container as one of this machine."""
        for there, secret in service.secrets.items():
            if path == there:
                return str(self._translated(self.composed.secret_file(secret)))
        for there, here in service.binds.items():
            if path == there or path.startswith(f"{there}/"):
                return str(here) + path.removeprefix(there)
        assert path.startswith("/tmp"), f"{service.name} has no {path}"
        return str(self.folder / service.name / path.removeprefix("/"))

    @staticmethod
    def _mount_files(service: Service) -> None:
        """A file that is mounted into a folder which is mounted too lies over what is there."""
        for inside, path in service.binds.items():
            folder = service.binds.get(str(Path(inside).parent))
            if folder is not None and path.is_file():
                shutil.copy(path, folder / Path(inside).name)

    def close(self) -> None:
        for platform in self.platforms:
            platform.close()
        if self.broker is not None:
            self.broker.terminate()
            self.broker.wait(10)
        self.influxdb.close()
        for name in ("urban", "urban_b"):
            self.postgres.run(f"drop database if exists {name}")
            self.postgres.run(f"drop role if exists {name}")

    def _text(self, service: Service, text: str) -> str:
        """Paths of the container and names of services, wherever they stand."""
        paths = "|".join(map(re.escape, ["/run/secrets", *service.binds, "/tmp"]))
        text = re.sub(
            rf"(?<![\w/.])(?:{paths})(?:/[\w.-]+)*", lambda m: self.inside(service, m[0]), text
        )
        return self._hosts(text)

    def _translated(self, file: Path) -> Path:
        """A secret that names a service gets this machine's address."""
        text = file.read_text(encoding="utf-8")
        other = self._hosts(text)
        if other == text:
            return file
        here = self.folder / "translated" / file.name
        here.parent.mkdir(exist_ok=True)
        here.write_text(other, encoding="utf-8")
        return here

    def _hosts(self, text: str) -> str:
        for name, port in (
            ("mosquitto:8883", self.mqtts),
            ("influxdb:8086", self.influxdb.port),
            ("postgres:5432", self.postgres.port),
        ):
            text = text.replace(name, f"127.0.0.1:{port}")
        return text
