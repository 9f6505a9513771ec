"""docker-compose.yml as docker compose would read it: variables put in, one profile's services, their files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import cli

ROOT = Path(__file__).parent.parent.parent
FILE = ROOT / "docker-compose.yml"
PROFILES = ("city", "demo", "scale")
# ${NAME}, ${NAME:-default}, ${NAME:?what to do}; $$ is a dollar.
_VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(?::([-?])([^}]*))?\})")


class Unset(Exception):
    """A variable that is asked for is not there."""


def interpolate(text: str, variables: Mapping[str, str]) -> str:
    """As compose does it."""

    def value(found: re.Match[str]) -> str:
        if found[1] is None:
            return "$"
        if variables.get(found[1]):
            return variables[found[1]]
        if found[2] == "-":
            return found[3]
        raise Unset(f"{found[1]}: {found[3] or 'is not set'}")

    return _VARIABLE.sub(value, text)


def variables_of(text: str) -> set[str]:
    return {found[1] for found in _VARIABLE.finditer(text) if found[1]}


def read_environment(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.partition("=")[::2] for line in lines if line)


def urban(*words: object) -> None:
    """A command of `urban` that must succeed."""
    try:
        cli.main([str(w) for w in words])
    except SystemExit as ended:
        assert not ended.code, words


def prepared(folder: Path, profile: str, *hosts: str) -> dict[str, str]:
    """What `urban stack init` makes in a folder; the variables for docker compose."""
    named = [w for h in hosts for w in ("--host", h)]
    urban("stack", "init", *named, "--profile", profile, "--folder", folder / "stack",
          "--env-file", folder / ".env")  # fmt: skip
    return read_environment(folder / ".env")


@dataclass(frozen=True)
class Service:
    """One service of the file."""

    name: str
    told: dict[str, Any]

    @property
    def environment(self) -> dict[str, str]:
        return {k: str(v) for k, v in self.told.get("environment", {}).items()}

    @property
    def ours(self) -> bool:
        return "build" in self.told

    @property
    def binds(self) -> dict[str, Path]:
        """Path inside → on this machine."""
        found = {}
        for line in self.told.get("volumes", []):
            source, inside = line.removesuffix(":ro").rsplit(":", 1)
            found[inside] = (ROOT / source).resolve()
        return found

    @property
    def secrets(self) -> dict[str, str]:
        """Path inside → name of the secret."""
        found = {}
        for one in self.told.get("secrets", []):
            named = {"source": one} if isinstance(one, str) else one
            found[f"/run/secrets/{named.get('target', named['source'])}"] = named["source"]
        return found


class Composed:
    """The file with its variables put in."""

    def __init__(self, variables: Mapping[str, str], text: str | None = None) -> None:
        raw = FILE.read_text(encoding="utf-8") if text is None else text
        self.document: dict[str, Any] = yaml.safe_load(interpolate(raw, variables))
        self.services = {n: Service(n, told) for n, told in self.document["services"].items()}

    def of_profile(self, profile: str) -> dict[str, Service]:
        return {
            name: s
            for name, s in self.services.items()
            if profile in s.told.get("profiles", [profile])
        }

    def secret_file(self, name: str) -> Path:
        return (ROOT / str(self.document["secrets"][name]["file"])).resolve()
