"""docker-compose.yml and the Dockerfile, checked without an engine: what `make compose-check` runs."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

import cli
from commands import broker_files
from telemetry.setting_table import SETTINGS
from telemetry.settings import load_settings
from tests.compose.composed import (
    FILE,
    PROFILES,
    ROOT,
    Composed,
    Service,
    Unset,
    interpolate,
    prepared,
    variables_of,
)

SCHEMA: dict[str, Any] = json.loads(
    (Path(__file__).parent / "schema" / "compose-spec.json").read_text(encoding="utf-8")
)
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
# What the world may reach: devices, the page and the API, the boards; the second page of two platforms.
REACHABLE = {"mosquitto": {8883, 9001}, "grafana": {3000}, "platform": {8000},
             "platform-demo": {8000}, "platform-a": {8000}, "platform-b": {8001}}  # fmt: skip
KNOWN = {s.name for s in SETTINGS}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compose")


@pytest.fixture(scope="module")
def composed(folder: Path) -> Composed:
    return Composed(prepared(folder, "demo", "mqtt.example.vn"))


def services(composed: Composed) -> list[Service]:
    return list(composed.services.values())


def test_it_is_what_the_specification_says(composed: Composed) -> None:
    errors = Draft7Validator(SCHEMA).iter_errors(composed.document)
    assert [f"{list(e.absolute_path)}: {e.message}" for e in errors] == []


def test_the_schema_would_see_what_is_none_of_its_words(composed: Composed) -> None:
    wrong = json.loads(json.dumps(composed.document))
    wrong["services"]["mosquitto"]["restrat"] = "always"
    assert list(Draft7Validator(SCHEMA).iter_errors(wrong))


def test_every_image_is_pinned(composed: Composed) -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, flags=re.M)
    assert len(bases) == 2, "one stage installs, the other runs"
    for image in [*(s.told["image"] for s in services(composed)), *bases]:
        tag = image.partition(":")[2]
        assert re.match(r"\d+\.\d+(\.\d+)?", tag), image
    assert {s.told["image"] for s in services(composed) if s.ours} == {f"urban-sensing:{VERSION}"}
    grafana = composed.services["grafana"].told["image"]
    assert grafana == "grafana/grafana:12.4.11", "what the boards' schema is of"


def test_every_file_that_is_named_is_there(composed: Composed) -> None:
    for service in services(composed):
        for inside, path in service.binds.items():
            assert path.exists(), f"{service.name}: {inside} is {path}"
        for name in service.secrets.values():
            assert composed.secret_file(name).is_file(), f"{service.name}: {name}"


def test_secrets_are_for_their_owner_alone_and_the_authoritys_key_for_no_container(
    composed: Composed, folder: Path
) -> None:
    for name in composed.document["secrets"]:
        path = composed.secret_file(name)
        if path.suffix != ".crt":
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    given = [p for s in services(composed) for p in s.binds.values()]
    given += [composed.secret_file(n) for n in composed.document["secrets"]]
    key = folder / "stack" / "certificates" / "ca.key"
    assert key.is_file()
    assert not any(key == p or p in key.parents for p in given)


def test_every_secret_is_used_and_none_stands_in_the_environment(
    composed: Composed, folder: Path
) -> None:
    used = {name for s in services(composed) for name in s.secrets.values()}
    assert used == set(composed.document["secrets"])
    values = {
        text
        for p in (folder / "stack" / "secrets").rglob("*")
        if p.is_file() and (text := p.read_text().strip())
    }
    assert len(values) >= 5
    assert not any(value in yaml.safe_dump(composed.document) for value in values)


def test_every_variable_is_made_by_init_or_has_a_default(folder: Path) -> None:
    text = FILE.read_text(encoding="utf-8")
    made = prepared(folder, "city")
    assert variables_of(text) - {"STACK_PUBLIC_URL", "STACK_PROXIES"} <= set(made)
    assert interpolate("${STACK_PUBLIC_URL:-}", made) == ""
    for missing in ("STACK_UID", "STACK_GID", "STACK_CITY", "STACK_HOSTS"):
        with pytest.raises(Unset, match=f"{missing}: run make compose-init first"):
            Composed({k: v for k, v in made.items() if k != missing})
    assert interpolate("$$a ${b:-c} ${d}", {"d": "e"}) == "$a c e"


@pytest.mark.parametrize("profile", PROFILES)
def test_settings_are_the_programs(composed: Composed, profile: str) -> None:
    for service in composed.of_profile(profile).values():
        if not service.ours:
            assert not any(name.startswith("URBAN_") for name in service.environment)
            continue
        for name in service.environment:
            assert name.startswith("URBAN_"), name
            key = name.removeprefix("URBAN_").lower()
            assert key in KNOWN or key.removesuffix("_file") in KNOWN, f"{service.name}: {name}"
        assert service.told["command"][0] in cli.COMMANDS
        settings = load_settings(on_this_machine(composed, service))
        if service.told["command"] == ["up"]:
            assert (settings.auth, settings.bind) == ("on", "0.0.0.0")
            assert {"platform", "mqtt.example.vn"} <= set(settings.http_hosts)


def on_this_machine(composed: Composed, service: Service) -> dict[str, str]:
    """The environment with the files that the container would see. An empty one is filled by `setup`."""
    found = {}
    for name, value in service.environment.items():
        for inside, secret in service.secrets.items():
            value = re.sub(rf"{inside}\b", str(composed.secret_file(secret)), value)
        if not (name.endswith("_FILE") and not Path(value).read_text().strip()):
            found[name] = value
    return found


def test_every_service_is_guarded_bounded_and_watched(composed: Composed) -> None:
    for s in services(composed):
        told = s.told
        assert told["read_only"] is True, s.name
        assert told["user"] == f"{os.getuid()}:{os.getgid()}", s.name
        assert told["cap_drop"] == ["ALL"] and "privileged" not in told, s.name
        assert told["security_opt"] == ["no-new-privileges:true"], s.name
        limits = told["deploy"]["resources"]["limits"]
        assert set(limits) == {"cpus", "memory", "pids"}, s.name
        assert told["logging"]["options"]["max-size"], s.name
        once = s.name.startswith("setup")
        assert told["restart"] == ("no" if once else "unless-stopped"), s.name
        assert once or told["healthcheck"]["test"][0] == "CMD", s.name
        # A read-only root: what is written goes to a volume, or to memory.
        assert any(t.startswith("/tmp") for t in told["tmpfs"]), s.name


def test_only_what_is_meant_for_the_world_is_reachable(composed: Composed) -> None:
    assert composed.document["networks"]["inner"]["internal"] is True
    for s in services(composed):
        ports = {int(p.partition(":")[0]) for p in s.told.get("ports", [])}
        assert ports == REACHABLE.get(s.name, set()), s.name
        outside = "edge" in s.told["networks"]
        assert outside == bool(ports), s.name
        assert "inner" in s.told["networks"] and "network_mode" not in s.told


@pytest.mark.parametrize("profile", PROFILES)
def test_each_starts_when_what_it_needs_is_ready(composed: Composed, profile: str) -> None:
    found = composed.of_profile(profile)
    for s in found.values():
        for other, how in s.told.get("depends_on", {}).items():
            assert other in found, f"{s.name} waits for {other}, which {profile} has not"
            once = other.startswith("setup")
            wanted = "service_completed_successfully" if once else "service_healthy"
            assert how["condition"] == wanted, (s.name, other)
    platforms = [s for s in found.values() if s.told.get("command") == ["up"]]
    assert len(platforms) == (2 if profile == "scale" else 1)
    for s in platforms:
        assert {"mosquitto", "postgres", "setup"} <= set(s.told["depends_on"])
    named = [s for s in platforms if isinstance(s.told["networks"], dict)]
    assert [s.told["networks"]["inner"]["aliases"] for s in named] == [["platform"]]


def test_two_platforms_share_the_kinds_and_nothing_else(composed: Composed) -> None:
    one, other = composed.services["platform-a"], composed.services["platform-b"]
    topics = [s.environment["URBAN_TOPICS"].strip().split(",") for s in (one, other)]
    kinds = {t.split("/")[1] for found in topics for t in found if t.startswith("city/")}
    wanted = {p.stem for p in (ROOT / "devices" / "kinds").glob("[a-z]*.py")} | {"gateway"}
    assert kinds == wanted and not set(topics[0]) & set(topics[1])
    assert one.environment["URBAN_CLIENT_ID"] != other.environment["URBAN_CLIENT_ID"]
    for path in ("/data", "/run/secrets/operations_address", "/run/secrets/telemetry_address"):
        where = [{**s.binds, **s.secrets}[path] for s in (one, other)]
        assert where[0] != where[1], path


def test_only_the_demo_may_speak_for_every_device(composed: Composed, tmp_path: Path) -> None:
    holders = [s.name for s in services(composed) if "simulator_key" in s.secrets.values()]
    assert holders == ["platform-demo"]
    for profile in PROFILES:
        prepared(tmp_path, profile)
        acl = (tmp_path / "stack" / "mosquitto" / "acl").read_text()
        assert ("user urban-simulator" in acl) == (profile == "demo")


def test_the_broker_reads_the_citys_configuration(folder: Path) -> None:
    wanted = broker_files.CONF.read_text(encoding="utf-8")
    wanted = wanted.replace("/etc/mosquitto/urban/", "/mosquitto/config/")
    wanted = wanted.replace("/var/lib/mosquitto/", "/mosquitto/data/")
    place = folder / "stack" / "mosquitto"
    assert (place / "mosquitto.conf").read_text(encoding="utf-8") == wanted
    for name in re.findall(r"/mosquitto/config/(\S+)", wanted):
        assert (place / name).is_file(), name


def test_init_again_changes_nothing_and_brings_a_revocation_to_the_broker(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".env").write_text("MINE=1\n")
    prepared(tmp_path, "city", "mqtt.example.vn")
    stack = tmp_path / "stack"
    before = {p: p.read_bytes() for p in stack.rglob("*") if p.is_file()}
    capsys.readouterr()
    assert prepared(tmp_path, "city", "mqtt.example.vn")["MINE"] == "1"
    assert "made:" not in capsys.readouterr().out
    assert {p: p.read_bytes() for p in stack.rglob("*") if p.is_file()} == before
    from tests.compose.composed import urban

    urban("devices", "certificates", "issue", "air-1", "--folder", stack / "certificates")
    urban("devices", "certificates", "revoke", "air-1", "--folder", stack / "certificates")
    prepared(tmp_path, "city", "10.0.0.5")
    assert (stack / "mosquitto" / "ca.crl").read_bytes() != before[stack / "mosquitto" / "ca.crl"]
    assert "10.0.0.5" in capsys.readouterr().out, "another name is one more"


def test_the_image_is_small_and_runs_as_nobody() -> None:
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER (?!0\b|root\b)\S+$", last, flags=re.M)
    assert re.search(r"^HEALTHCHECK ", last, flags=re.M)
    assert "pip install" not in last, "the last stage is given what is installed"
    for source in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, flags=re.M):
        assert all((ROOT / name).exists() for name in source.split())


def test_the_image_holds_what_the_program_needs(tmp_path: Path) -> None:
    """The files that .dockerignore leaves over are enough: boards, cities, rights, runbook."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    ignored = [n for n in lines if n and not n.startswith("#")]
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
        capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    kept = [f for f in tracked if not any(_under(f, pattern) for pattern in ignored)]
    assert not any(f.startswith(("tests/", ".git/")) for f in kept)
    for name in kept:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    env = {k: v for k, v in os.environ.items() if not k.startswith("URBAN_")} | {
        "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    for words in (["--help"], ["dashboards", "check"], ["stack", "init", "--city", "hanoi"]):
        done = subprocess.run(
            [sys.executable, "-m", "cli", *words],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
    code = "from commands.runbook import remedy; assert remedy('broker_lost')"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, check=True)


def _under(path: str, pattern: str) -> bool:
    parts = path.split("/")
    return any(
        fnmatch.fnmatch("/".join(parts[:n]), pattern.removeprefix("**/"))
        or (
            pattern.startswith("**/") and fnmatch.fnmatch(parts[n - 1], pattern.removeprefix("**/"))
        )
        for n in range(1, len(parts) + 1)
    )
