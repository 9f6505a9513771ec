"""The settings table: every `URBAN_…` variable, its default, and what is allowed.

The same keys, in lower case without the prefix, may stand in a TOML file named by `URBAN_SETTINGS`;
the environment wins. A wrong value stops the start with its name, its value and what is allowed.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from urllib.parse import urlsplit

from telemetry.errors import SettingsError

PREFIX = "URBAN_"
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table."""

    name: str
    default: str
    allowed: str
    text: str
    parse: Callable[[str], object]


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        number = int(text)
        if not low <= number <= high:
            raise ValueError
        return number

    return parse


def _real(low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        number = float(text)
        if not low <= number <= high:
            raise ValueError
        return number

    return parse


def _url(*schemes: str, empty: bool = False) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if empty and not text:
            return text
        if urlsplit(text).scheme not in schemes:
            raise ValueError
        return text

    return parse


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError
        return text

    return parse


def _loopback(text: str) -> str:
    # Nothing but loopback until people can log in: DESIGN §4.
    if text not in LOOPBACK:
        raise ValueError
    return text


def _client_id(text: str) -> str:
    if not 1 <= len(text) <= 64:
        raise ValueError
    return text


def _sync(text: str) -> str:
    if text != "always" and not (text[:-1].isdigit() and text[-1] in "sm"):
        raise ValueError
    return text


PORT = "a port, 0…65535 (0: any free one)"

SETTINGS: tuple[Setting, ...] = (
    Setting("http_port", "8000", PORT, "Page and API", _whole(0, 65535)),
    Setting("mqtt_port", "1883", PORT, "The embedded broker's MQTT listener", _whole(0, 65535)),
    Setting(
        "bind",
        "127.0.0.1",
        "127.0.0.1, ::1 or localhost (another address needs log-in first)",
        "Address of page, API and embedded broker",
        _loopback,
    ),
    Setting(
        "broker",
        "",
        "empty, mqtt://[user:password@]host[:port] or mqtts://…",
        "Empty: the embedded broker",
        _url("mqtt", "mqtts", empty=True),
    ),
    Setting("data_dir", "./data", "a folder", "Where everything is kept", Path),
    Setting(
        "telemetry",
        "",
        "empty, duckdb:///path, influx1://user:password@host:8086/database or influx://token@host:8086/org/bucket",
        "Telemetry store; empty: telemetry.duckdb in the data folder",
        _url("duckdb", "influx", "influxs", "influx1", "influx1s", empty=True),
    ),
    Setting(
        "operations",
        "",
        "empty or sqlite:///path",
        "Operations store; empty: operations.db in the data folder",
        _url("sqlite", empty=True),
    ),
    Setting("city", "hcmc", "the name of a file in cities/, or a path to a .toml", "The city", str),
    Setting("devices", "300", "0…100000", "Simulated devices; 0: none", _whole(0, 100_000)),
    Setting("seed", "1", "a whole number", "Seed of the simulated city", _whole(0, 2**31 - 1)),
    Setting(
        "history_hours", "24", "0…168", "History that the first start fills in [h]", _whole(0, 168)
    ),
    Setting(
        "client_id",
        "urban-ingest",
        "1…64 characters",
        "MQTT client id of the ingestor's session",
        _client_id,
    ),
    Setting(
        "unregistered",
        "accept",
        "accept or refuse",
        "Devices that nobody has registered",
        _one_of("accept", "refuse"),
    ),
    Setting(
        "max_devices",
        "200000",
        "1…2000000",
        "Devices that will be known at most",
        _whole(1, 2_000_000),
    ),
    Setting("max_payload", "65536", "64…16777216", "Largest message [bytes]", _whole(64, 2**24)),
    Setting(
        "ahead_s",
        "600",
        "0…86400",
        "How far ahead of our clock a reading may be [s]",
        _real(0, 86_400),
    ),
    Setting(
        "batch",
        "5000",
        "1…50000",
        "Messages in one write at most; also what may be in flight, times two",
        _whole(1, 50_000),
    ),
    Setting(
        "spool_mb",
        "2048",
        "1…1000000",
        "Disk for messages while a store is away [MiB]",
        _whole(1, 1_000_000),
    ),
    Setting(
        "quarantine_days", "90", "1…3650", "How long quarantine keeps an item [d]", _whole(1, 3_650)
    ),
    Setting(
        "quarantine_mb",
        "512",
        "1…1000000",
        "Disk for quarantine; beyond it the oldest items go [MiB]",
        _whole(1, 1_000_000),
    ),
    Setting(
        "sync",
        "1s",
        "always, or a duration like 1s",
        "Embedded broker: how often it syncs to disk",
        _sync,
    ),
    Setting(
        "notify",
        "",
        "empty, or a .toml file (see docs/notification.md)",
        "Who hears of which alert; empty: nobody is sent anything",
        str,
    ),
    Setting("language", "vi", "vi or en", "The page's first language", _one_of("vi", "en")),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one run; see `SETTINGS` for what each means."""

    http_port: int
    mqtt_port: int
    bind: str
    broker: str
    data_dir: Path
    telemetry: str
    operations: str
    city: str
    devices: int
    seed: int
    history_hours: int
    client_id: str
    unregistered: str
    max_devices: int
    max_payload: int
    ahead_s: float
    batch: int
    spool_mb: int
    quarantine_days: int
    quarantine_mb: int
    sync: str
    notify: str
    language: str

    @property
    def telemetry_path(self) -> Path:
        """Where DuckDB keeps the readings."""
        return _path(self.telemetry) if self.telemetry else self.data_dir / "telemetry.duckdb"

    @property
    def operations_url(self) -> str:
        """SQLAlchemy's address of the operations store."""
        return self.operations or f"sqlite:///{self.data_dir / 'operations.db'}"

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
    for key, value in env.items():
        if key.startswith(PREFIX) and key.removeprefix(PREFIX).lower() in known:
            given[key.removeprefix(PREFIX).lower()] = (key, value)
    values: dict[str, object] = {}
    for setting in SETTINGS:
        place, text = given.get(setting.name, (PREFIX + setting.name.upper(), setting.default))
        try:
            values[setting.name] = setting.parse(text)
        except ValueError:
            # What stands before an @ may be a password or a token: it is never shown.
            shown = text.rpartition("@")[2]
            raise SettingsError(place, f"must be {setting.allowed}", shown) from None
    return Settings(**values)  # type: ignore[arg-type]


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
