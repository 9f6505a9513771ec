"""GET and POST /backups: copies of the stores that the platform makes of itself, into its data folder."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Path, Response

from api.access.principal import Role
from api.access.rules import allow
from api.bodies import Act
from api.desks import BackupDesk
from api.encode import listing, respond
from api.openapi import answers, list_of
from api.parameters import Ctx
from api.platform_schemas import Backup
from api.problems import Problem, not_found
from telemetry.errors import StoreError

router = APIRouter(tags=["platform"], dependencies=[allow(Role.ADMINISTRATOR, whole=True)])
Name = Annotated[str, Path(description="A backup's name", examples=["20261128t020000z"])]


@router.get("/backups", summary="Backups that were made", responses=answers(list_of(Backup)))
def get_backups(context: Ctx) -> Response:
    """Those in the platform's data folder, and the one that is being made; the newest first."""
    return listing(_desk(context.backups).all())


@router.post(
    "/backups",
    summary="Make a backup",
    responses=answers(Backup, 409, 411, 415),
    dependencies=[allow(Role.ADMINISTRATOR, act="backup.make")],
)
def make_backup(
    context: Ctx, body: Annotated[Act, Body(examples=[{"by": "Kỹ sư Tâm"}])]
) -> Response:
    """Begins at once and goes on while the platform works; `GET /backups/{name}` says how far it is."""
    by = context.trail.principal.signed(body.by)
    begun = _desk(context.backups).start(by)
    if begun is None:
        raise Problem(409, "Conflict", "backups: one is being made; wait for its end")
    context.trail.note("backup.make", begun.name, None, {"by": by})
    return respond(begun)


@router.get("/backups/{name}", summary="One backup", responses=answers(Backup, 404))
def get_backup(context: Ctx, name: Name) -> Response:
    """How far it is, or that it is done: it lies in backups/ of the data folder then."""
    for backup in _desk(context.backups).all():
        if backup.name == name:
            return respond(backup)
    raise not_found(f"there is no backup {name}")


def _desk(desk: BackupDesk | None) -> BackupDesk:
    if desk is None:
        raise StoreError("backups", "are not made by this process")
    return desk
