"""What state each device is in: alert severity, offline, silent or ok. For lists, the map and the console."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from api.context import Context
from api.encode import severity_name
from devices.kind import ONLINE, REFUSED_SHARE
from store.records import SHOWN, Alert, AlertState
from store.telemetry import Series
from telemetry.arrays import Codes32, Mask, Times
from telemetry.clock import SECOND
from telemetry.readings import Readings

OFFLINE_RULE = "device_offline"
STATES = ("critical", "high", "medium", "low", "offline", "silent", "ok")


@dataclass(frozen=True, slots=True)
class States:
    """One row per device of the catalogue, by code.

    newest  time of its newest reading [ns]; 0 where there is none
    online  it was heard of lately
    alerts  standing alerts, its offline alert included
    """

    state: list[str]
    online: Mask
    newest: Times
    alerts: dict[str, list[Alert]]


def active(alerts: Iterable[Alert]) -> list[Alert]:
    """Those that an operator must see: standing and not held back, or returned unseen."""
    return [a for a in alerts if a.state in SHOWN]


def states(context: Context, latest: Readings, standing: Iterable[Alert]) -> States:
    """The state of every device, from `latest` (all series) and the standing alerts."""
    count = len(context.catalogue)
    told_by_us = latest.quantity == context.kinds.quantity_code[REFUSED_SHARE.name]
    newest = _newest(latest.take(~told_by_us), count)
    online = _online(context, latest, newest)
    by_device: dict[str, list[Alert]] = {}
    for alert in active(standing):
        by_device.setdefault(alert.device, []).append(alert)
    state = [
        _state(by_device.get(device.id, ()), bool(online[code]), int(newest[code]))
        for code, device in enumerate(context.catalogue.devices[:count])
    ]
    return States(state, online, newest, by_device)


def states_of(context: Context, devices: Codes32 | None = None) -> States:
    """The state of every device now; those that are not among `devices` count as silent."""
    latest = context.telemetry.latest(Series(devices, None))
    return states(context, latest, context.alerts.standing())


def _newest(latest: Readings, count: int) -> Times:
    """Newest time of what the device itself measured or was heard with. [ns]"""
    newest = np.zeros(count, dtype=np.int64)
    known = latest.device < count  # devices may join while we look
    np.maximum.at(newest, latest.device[known], latest.time[known])
    return newest


def _online(context: Context, latest: Readings, newest: Times) -> Mask:
    # Analytics says it where it has spoken; until then the kind's time-out does.
    count = len(newest)
    timeout = np.array([k.timeout_s * SECOND for k in context.kinds], dtype=np.int64)
    online: Mask = newest >= context.clock.now() - timeout[context.catalogue.kind_of[:count]]
    said = (latest.quantity == context.kinds.quantity_code[ONLINE.name]) & (latest.device < count)
    online[latest.device[said]] = latest.value[said] > 0.5
    return online & (newest > 0)


def _state(alerts: Iterable[Alert], online: bool, newest: int) -> str:
    standing = [
        a.severity
        for a in alerts
        if a.rule != OFFLINE_RULE
        and a.state in (AlertState.UNACKNOWLEDGED, AlertState.ACKNOWLEDGED)
    ]
    if standing:
        return severity_name(max(standing))
    if newest == 0:
        return "silent"
    return "ok" if online else "offline"
