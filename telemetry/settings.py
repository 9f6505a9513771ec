"""The settings of a run: every `URBAN_…` variable, as the table in setting_table.py says.

The same keys, in lower case without the prefix, may stand in a TOML file named by `URBAN_SETTINGS`;
the environment wins. `URBAN_…_FILE` names a file that holds the value, for what is secret. A wrong value stops the start with its name, its value and what is allowed.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from urllib.parse import urlsplit

from telemetry.errors import SettingsError
from telemetry.retention import Retention
from telemetry.setting import Setting
from telemetry.setting_table import CLIENT_ID, SETTINGS
from telemetry.setting_values import LOOPBACK

__all__ = ["PREFIX", "SETTINGS", "Setting", "Settings", "as_table", "load_settings"]

PREFIX = "URBAN_"


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one run; see `SETTINGS` for what each means."""

    http_port: int
    mqtt_port: int
    ingest_port: int
    bind: str
    auth: str
    broker: str
    command_broker: str
    broker_files: str
    simulator_broker: str
    data_dir: Path
    telemetry: str
    operations: str
    city: str
    devices: int
    seed: int
    scenario: str
    history_hours: int
    client_id: str
    topics: str
    unregistered: str
    max_devices: int
    max_payload: int
    ahead_s: float
    rate_factor: float
    rate_burst_s: float
    rate_calm_s: float
    batch: int
    spool_mb: int
    duckdb_mb: int
    quarantine_days: int
    quarantine_mb: int
    retention_raw_days: int
    retention_minutes_days: int
    retention_hours_days: int
    sync: str
    rules: str
    notify: str
    escalate: dict[str, int]
    remind: dict[str, int]
    own_dwell_s: float
    disk_free_mb: int
    area_share: float
    area_least: int
    area_window_s: float
    grafana_token: str
    public_url: str
    hosts: tuple[str, ...]
    proxies: tuple[str, ...]
    cors: tuple[str, ...]
    session_idle: int
    session_max: int
    oidc: str
    api_rate: float
    api_rate_anonymous: float
    api_readings: float
    api_key: str
    language: str

    @property
    def asks_for_log_in(self) -> bool:
        """Whether people log in and programs send keys."""
        return self.auth == "on"

    @property
    def broker_bind(self) -> str:
        """Where the embedded broker listens: whoever reaches it may publish for any device."""
        return self.bind if self.bind in LOOPBACK else LOOPBACK[0]

    @property
    def here(self) -> str:
        """The address at which this machine's own programs reach page and API."""
        everywhere = {"0.0.0.0": LOOPBACK[0], "::": LOOPBACK[1]}
        return everywhere.get(self.bind, self.bind)

    @property
    def http_hosts(self) -> tuple[str, ...]:
        """Names that a request may be addressed to."""
        public = urlsplit(self.public_url).hostname if self.public_url else None
        return (*LOOPBACK, self.bind, *self.hosts, *([public] if public else []))

    @property
    def telemetry_path(self) -> Path:
        """Where DuckDB keeps the readings."""
        return _path(self.telemetry) if self.telemetry else self.data_dir / "telemetry.duckdb"

    @property
    def operations_url(self) -> str:
        """The address of the operations store; see store.sql_address."""
        return self.operations or f"sqlite:///{self.data_dir / 'operations.db'}"

    @property
    def retention(self) -> Retention:
        """How long each resolution is kept."""
        return Retention.of_days(
            self.retention_raw_days, self.retention_minutes_days, self.retention_hours_days
        )

    @property
    def is_own_client_id(self) -> bool:
        """Whether the client id was chosen, and is not the one that every ingestor has by default."""
        return self.client_id != CLIENT_ID

    @property
    def in_flight(self) -> int:
        """Messages that may be unacknowledged: the one figure that broker, client and batch share."""
        return 2 * self.batch


def _path(url: str) -> Path:
    # duckdb:///x is relative, duckdb:////x absolute: as SQLAlchemy writes it.
    return Path(urlsplit(url).path.removeprefix("/"))


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment over `URBAN_SETTINGS`' file over the defaults.

    Raises SettingsError for an unknown name or a value that is not allowed.
    """
    env = os.environ if environ is None else environ
    known = {s.name: s for s in SETTINGS}
    given = _from_file(env.get("URBAN_SETTINGS", ""), known)
    for name in known:
        found = _from_environment(env, PREFIX + name.upper())
        if found is not None:
            given[name] = found
    values: dict[str, object] = {}
    for setting in SETTINGS:
        place, text = given.get(setting.name, (PREFIX + setting.name.upper(), setting.default))
        try:
            values[setting.name] = setting.parse(text)
        except ValueError:
            # What stands before an @, or in a query, may be a password or a token: it is never shown.
            shown = "…" if setting.hidden else text.partition("?")[0].rpartition("@")[2]
            raise SettingsError(place, f"must be {setting.allowed}", shown) from None
    settings = Settings(**values)  # type: ignore[arg-type]
    settings.retention.refuse_gaps()
    _refuse_open_door(settings)
    return settings


def _refuse_open_door(settings: Settings) -> None:
    if not settings.asks_for_log_in and settings.bind not in LOOPBACK:
        raise SettingsError(
            "URBAN_BIND", f"must be {', '.join(LOOPBACK)} while nobody has to log in", settings.bind,
            "set URBAN_AUTH=on, see docs/security.md",
        )  # fmt: skip
    if settings.session_idle > settings.session_max:
        raise SettingsError("URBAN_SESSION_IDLE", "must be no more than URBAN_SESSION_MAX")


def _from_environment(env: Mapping[str, str], key: str) -> tuple[str, str] | None:
    """(where it stands, value) of a variable, or of the file that KEY_FILE names; None where there is neither.

    A file, because what stands in the environment of a process is seen by who may look at the process.
    """
    named = env.get(f"{key}_FILE", "")
    if not named:
        return (key, env[key]) if key in env else None
    if env.get(key):
        raise SettingsError(f"{key}_FILE", f"and {key} are both set", remedy="set one of them")
    try:
        text = Path(named).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise SettingsError(
            f"{key}_FILE", f"must name a file that can be read ({reason})", named
        ) from None
    return f"{key}_FILE ({named})", text.strip()


def _from_file(name: str, known: Mapping[str, Setting]) -> dict[str, tuple[str, str]]:
    if not name:
        return {}
    try:
        table = tomllib.loads(Path(name).read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            "URBAN_SETTINGS", f"must name a file that can be read ({error.strerror})", name
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(name, f"must be TOML: {error}") from None
    for key in table:
        if key not in known:
            raise SettingsError(f"{name}: {key}", f"is no setting; known are {', '.join(known)}")
    return {key: (f"{name}: {key}", str(value)) for key, value in table.items()}


def as_table() -> str:
    """The settings as a Markdown table; the README holds it, and a test compares."""
    rows = ["| setting | default | what | allowed |", "|---|---|---|---|"]
    for s in SETTINGS:
        default = f"`{s.default}`" if s.default else "(empty)"
        rows.append(f"| `{PREFIX}{s.name.upper()}` | {default} | {s.text} | {s.allowed} |")
    return "\n".join(rows)


assert [f.name for f in fields(Settings)] == [s.name for s in SETTINGS]
