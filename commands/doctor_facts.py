"""What `urban doctor` looks at: a running platform through its API, or its files where none runs."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from api.account import group, line
from api.schemas import AccountLine
from commands.http_api import HttpApi, Json
from store.duckdb_file import read_account
from store.schema import REVISION
from store.sql_store import SqlOperations
from store.telemetry import AccountRow
from telemetry.clock import HOUR, format_time
from telemetry.errors import UrbanError
from telemetry.setting_values import LOOPBACK
from telemetry.settings import Settings

# Devices out of balance whose hours are asked for one by one: there should be none.
_MOST_HOURS = 20


@dataclass(slots=True)
class Facts:
    """What was found. None, or an entry in `unread`: it could not be found out, and why.

    devices   the account of each device of the last hours; "" is what no device could be named for
    since     device out of balance → the first hour of that, where it is known
    total     the account of all of them
    disk      bytes of the disk that the data folder is on: (total, free)
    tables    of the operations store: (the step that they have reached, the one of this version)
    """

    source: str
    running: bool
    hours: int
    checks: dict[str, str] = field(default_factory=dict)
    filling: tuple[int, int] | None = None
    total: AccountLine | None = None
    devices: list[AccountLine] = field(default_factory=list)
    since: dict[str, str] = field(default_factory=dict)
    quarantine: dict[str, int] | None = None
    spool_bytes: int | None = None
    behind: int | None = None
    disk: tuple[int, int] | None = None
    tables: tuple[str, str] | None = None
    unread: dict[str, str] = field(default_factory=dict)


def ask_platform(api: HttpApi, settings: Settings, start: int, hours: int) -> Facts:
    """From a running platform. Raises StartError where none answers."""
    ready = api.readiness()
    facts = Facts(f"the platform at {api.url}", True, hours, checks=ready.get("checks", {}))
    if ready.get("history"):
        done, total = ready["history"]
        facts.filling = (done, total)
    try:
        _ask_account(api, facts, format_time(start))
    except UrbanError as error:
        facts.unread["account"] = str(error)
    try:
        facts.quarantine = api.get("/quarantine/counts")["reasons"]
    except UrbanError as error:
        facts.unread["quarantine"] = str(error)
    gauges = _gauges(api.metrics())
    facts.spool_bytes = gauges.get("urban_spool_bytes")
    facts.behind = gauges.get("urban_engine_batches_behind")
    if urlsplit(api.url).hostname in (*LOOPBACK, settings.bind):
        facts.disk = _disk(settings.data_dir)
    return facts


def read_files(settings: Settings, start: int, end: int, hours: int) -> Facts:
    """From the files of a platform that does not run; they stay as they are."""
    facts = Facts(f"the files in {settings.data_dir}", False, hours)
    facts.disk = _disk(settings.data_dir)
    facts.spool_bytes = _spooled(settings.data_dir / "spool")
    try:
        _read_account(settings, facts, start, end)
    except UrbanError as error:
        facts.unread["account"] = str(error)
    try:
        store = SqlOperations(settings.operations_url, read_only=True)
        try:
            facts.tables = (store.revision(), REVISION)
            facts.quarantine = store.quarantine_counts()
        finally:
            store.close()
    except UrbanError as error:
        facts.unread["quarantine"] = str(error)
    return facts


def _ask_account(api: HttpApi, facts: Facts, start: str) -> None:
    pages = _account(api, {"by": "device", "start": start})
    facts.total = msgspec.convert(pages[0]["totals"], AccountLine)
    facts.devices = [msgspec.convert(item, AccountLine) for p in pages for item in p["items"]]
    for device in [d.device for d in facts.devices if not d.balanced and d.device][:_MOST_HOURS]:
        hours = _account(api, {"by": "hour", "start": start, "device": device})
        first = (item["hour"] for p in hours for item in p["items"] if not item["balanced"])
        facts.since[str(device)] = next(first, "")


def _account(api: HttpApi, query: Json) -> list[Json]:
    """Every page; each has the totals too."""
    pages = [api.get("/accounting", query)]
    while pages[-1]["next"]:
        pages.append(api.get("/accounting", query | {"cursor": pages[-1]["next"]}))
    return pages


def _read_account(settings: Settings, facts: Facts, start: int, end: int) -> None:
    if urlsplit(settings.telemetry).scheme not in ("", "duckdb"):
        facts.unread["account"] = (
            "is in the server of URBAN_TELEMETRY; start the platform to see it"
        )
        return
    if not settings.telemetry_path.exists():
        facts.unread["account"] = f"{settings.telemetry_path}: is not there; nothing was stored yet"
        return
    rows = read_account(settings.telemetry_path, start // HOUR * HOUR, end + HOUR)
    facts.total = line(_sum(rows))
    for device, counts in group(rows, lambda row: row.device).items():
        found = line(counts)
        found.device = str(device)
        facts.devices.append(found)
        if not found.balanced:
            facts.since[str(device)] = _since(r for r in rows if r.device == device)


def _sum(rows: list[AccountRow]) -> Counter[str]:
    total: Counter[str] = Counter()
    for row in rows:
        total[row.outcome] += row.count
    return total


def _since(rows: Iterable[AccountRow]) -> str:
    hours = group(rows, lambda row: row.hour)
    return next(
        (format_time(int(h)) for h, counts in hours.items() if not line(counts).balanced), ""
    )


def _gauges(text: str) -> dict[str, int]:
    """The metrics without labels, by name."""
    families = text_string_to_metric_families(text)
    return {
        s.name: int(s.value)
        for f in families
        if f.type == "gauge"
        for s in f.samples
        if not s.labels
    }


def _disk(folder: Path) -> tuple[int, int] | None:
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return None
    return usage.total, usage.free


def _spooled(folder: Path) -> int:
    """Bytes of all segments; some of the oldest may be drained already."""
    return sum(segment.stat().st_size for segment in folder.glob("*.spool"))
