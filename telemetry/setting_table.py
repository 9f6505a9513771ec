"""The table of settings: each with its default, what is allowed, and what it is for. The README holds it too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from telemetry.setting_values import (
    by_severity,
    client_id,
    days_kept,
    loopback,
    one_of,
    real,
    scenario,
    sync,
    token,
    toml_file,
    topics,
    url,
    whole,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table. hidden: a value that is wrong is not shown either."""

    name: str
    default: str
    allowed: str
    text: str
    parse: Callable[[str], object]
    hidden: bool = False


_DAYS_KEPT = "0 (for ever), 8…36500"
CLIENT_ID = "urban-ingest"
PORT = "a port, 0…65535 (0: any free one)"

SETTINGS: tuple[Setting, ...] = (
    Setting("http_port", "8000", PORT, "Page and API", whole(0, 65535)),
    Setting("mqtt_port", "1883", PORT, "The embedded broker's MQTT listener", whole(0, 65535)),
    Setting("ingest_port", "8001", PORT, "Health and metrics of `urban ingest`", whole(0, 65535)),
    Setting(
        "bind",
        "127.0.0.1",
        "127.0.0.1, ::1 or localhost (another address needs log-in first)",
        "Address of page, API and embedded broker",
        loopback,
    ),
    Setting(
        "broker",
        "",
        "empty, mqtt://[user:password@]host[:port] or mqtts://…[?ca=FILE&cert=FILE&key=FILE]",
        "Empty: the embedded broker; over TLS `ca` names its authority, `cert` and `key` our own certificate",
        url("mqtt", "mqtts", empty=True),
    ),
    Setting(
        "command_broker",
        "",
        "empty, mqtt://… or mqtts://… as for URBAN_BROKER",
        "Empty: commands go by URBAN_BROKER; else by this address, as a user who may write them",
        url("mqtt", "mqtts", empty=True),
    ),
    Setting(
        "broker_files",
        "",
        "empty, or a folder",
        "Folder of the city's Mosquitto (passwords, acl), in which the API may issue devices' passwords",
        str,
    ),
    Setting(
        "simulator_broker",
        "",
        "empty, mqtt://… or mqtts://… as for URBAN_BROKER",
        "Empty: the simulated city publishes to URBAN_BROKER; else to this address, as a user who may write for all devices",
        url("mqtt", "mqtts", empty=True),
    ),
    Setting("data_dir", "./data", "a folder", "Where everything is kept", Path),
    Setting(
        "telemetry",
        "",
        "empty, duckdb:///path, influx1://user:password@host:8086/database or influx://token@host:8086/org/bucket",
        "Telemetry store; empty: telemetry.duckdb in the data folder",
        url("duckdb", "influx", "influxs", "influx1", "influx1s", empty=True),
    ),
    Setting(
        "operations",
        "",
        "empty, sqlite:///path or postgresql://user:password@host:port/database",
        "Operations store; empty: operations.db in the data folder",
        url("sqlite", "postgresql", empty=True),
    ),
    Setting("city", "hcmc", "the name of a file in cities/, or a path to a .toml", "The city", str),
    Setting("devices", "300", "0…100000", "Simulated devices; 0: none", whole(0, 100_000)),
    Setting("seed", "1", "a whole number", "Seed of the simulated city", whole(0, 2**31 - 1)),
    Setting(
        "scenario",
        "",
        "empty, a name of `urban simulate --scenario list`, or a path to a .toml",
        "What happens in the simulated city; empty: an ordinary one",
        scenario,
    ),
    Setting(
        "history_hours", "24", "0…168", "History that the first start fills in [h]", whole(0, 168)
    ),
    Setting(
        "client_id",
        CLIENT_ID,
        "1…64 characters",
        "MQTT client id of the ingestor's session",
        client_id,
    ),
    Setting(
        "topics",
        "",
        "empty, or filters like city/air/+/+,city/level/+/+",
        "Only these topics are taken in, where others share the broker; empty: all",
        topics,
    ),
    Setting(
        "unregistered",
        "accept",
        "accept or refuse",
        "Devices that nobody has registered",
        one_of("accept", "refuse"),
    ),
    Setting(
        "max_devices",
        "200000",
        "1…2000000",
        "Devices that will be known at most",
        whole(1, 2_000_000),
    ),
    Setting("max_payload", "65536", "64…16777216", "Largest message [bytes]", whole(64, 2**24)),
    Setting(
        "ahead_s",
        "600",
        "0…86400",
        "How far ahead of our clock a reading may be [s]",
        real(0, 86_400),
    ),
    Setting(
        "rate_factor",
        "10",
        "0…10000 (0: no limit)",
        "How many times as often as its kind declares a device may send; above it: quarantine",
        real(0, 10_000),
    ),
    Setting(
        "rate_burst_s",
        "3600",
        "1…864000",
        "How long a device may send like that at once, if it saved up for it [s]",
        real(1, 864_000),
    ),
    Setting(
        "rate_calm_s",
        "60",
        "1…86400",
        "After so long within its allowance a device is limited no longer [s]",
        real(1, 86_400),
    ),
    Setting(
        "batch",
        "5000",
        "1…50000",
        "Messages in one write at most; also what may be in flight, times two",
        whole(1, 50_000),
    ),
    Setting(
        "spool_mb",
        "2048",
        "1…1000000",
        "Disk for messages while a store is away [MiB]",
        whole(1, 1_000_000),
    ),
    Setting(
        "duckdb_mb",
        "128",
        "96…1000000",
        "Memory of DuckDB; more makes questions about much at once faster [MiB]",
        whole(96, 1_000_000),
    ),
    Setting(
        "quarantine_days", "90", "1…3650", "How long quarantine keeps an item [d]", whole(1, 3_650)
    ),
    Setting(
        "quarantine_mb",
        "512",
        "1…1000000",
        "Disk for quarantine; beyond it the oldest items go [MiB]",
        whole(1, 1_000_000),
    ),
    Setting(
        "retention_raw_days",
        "0",
        _DAYS_KEPT,
        "How long readings are kept; older ones are refused [d]",
        days_kept,
    ),
    Setting(
        "retention_minutes_days",
        "0",
        f"{_DAYS_KEPT}; no less than readings",
        "How long roll-ups of a minute are kept [d]",
        days_kept,
    ),
    Setting(
        "retention_hours_days",
        "0",
        f"{_DAYS_KEPT}; no less than minutes",
        "How long roll-ups of an hour and the account are kept [d]",
        days_kept,
    ),
    Setting(
        "sync",
        "1s",
        "always, or a duration like 1s",
        "Embedded broker: how often it syncs to disk",
        sync,
    ),
    Setting(
        "rules",
        "",
        "empty, or a .toml file (see docs/rules.md)",
        "Alert rules of your own, beside those that the API adds",
        toml_file,
    ),
    Setting(
        "notify",
        "",
        "empty, or a .toml file (see docs/notification.md)",
        "Who hears of which alert; empty: nobody is sent anything",
        toml_file,
    ),
    Setting(
        "escalate",
        "critical=5m,high=15m,medium=1h",
        "severities with durations, like critical=5m,high=15m; empty: never",
        "When an alert that nobody has acknowledged is told as unattended",
        by_severity,
    ),
    Setting(
        "remind",
        "critical=1h,high=4h",
        "severities with durations, like critical=1h,high=4h; empty: never",
        "How often an alert that still stands is told again",
        by_severity,
    ),
    Setting(
        "own_dwell_s",
        "10",
        "0…3600",
        "How long a part of the platform is in trouble before that is an alert [s]",
        real(0, 3_600),
    ),
    Setting(
        "disk_free_mb",
        "1024",
        "0…10000000",
        "Less free disk in the data folder than this is an alert [MiB]",
        whole(0, 10_000_000),
    ),
    Setting(
        "area_share",
        "60",
        "10…100",
        "Share of an area's devices, or of a feeder's lamps, that fell silent together to be one alert [%]",
        real(10, 100),
    ),
    Setting(
        "area_least",
        "3",
        "2…100000",
        "And so many of them at least",
        whole(2, 100_000),
    ),
    Setting(
        "area_window_s",
        "600",
        "10…86400",
        "Within how long they must have been told offline to count as together [s]",
        real(10, 86_400),
    ),
    Setting(
        "grafana_token",
        "",
        "empty, or 24…200 characters without blanks",
        "What Grafana's webhook must know to tell alerts of the platform; empty: it is refused",
        token,
        hidden=True,
    ),
    Setting("language", "vi", "vi or en", "The page's first language", one_of("vi", "en")),
)
