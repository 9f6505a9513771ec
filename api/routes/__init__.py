"""One file a resource, all under /api/v1 but health. `ROUTERS` is what the app includes, in the order of /docs."""

from __future__ import annotations

from fastapi import APIRouter

from api.routes import (
    accounting,
    alert_acts,
    alert_figures,
    alerts,
    audit,
    backups,
    commands,
    credentials,
    device_files,
    device_register,
    device_service,
    devices,
    export,
    health,
    indices,
    kinds,
    latest,
    map,
    me,
    open_data,
    platform_alerts,
    quality,
    quarantine,
    quarantine_acts,
    rules,
    stream,
    telemetry,
)

ROUTERS: tuple[APIRouter, ...] = (
    kinds.router,
    device_files.router,
    devices.router,
    device_register.router,
    credentials.router,
    commands.router,
    device_service.router,
    latest.router,
    telemetry.router,
    export.router,
    indices.router,
    map.router,
    alert_figures.router,
    alert_acts.router,  # before the other: its addresses look like an alert's
    alerts.router,
    rules.router,
    stream.router,
    accounting.router,
    quarantine_acts.router,  # before the other: its addresses look like an item's
    quality.router,
    quarantine.router,
    backups.router,
    platform_alerts.router,
    audit.router,
    me.router,
)
HEALTH: APIRouter = health.router
OPEN: APIRouter = open_data.router
