"""The shapes of what the API tells about changes of devices, imports and credentials."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

Time = Annotated[str, Meta(description="RFC 3339, UTC", examples=["2026-11-22T03:00:00Z"])]


class DeviceEventInfo(Struct):
    """One line of a device's history; before and after hold the fields that changed.

    what: registered, edited, retired, reinstated, credentials_issued or credentials_removed.
    """

    device: str
    time: Time
    what: str
    by: str
    why: str
    before: dict[str, Any]
    after: dict[str, Any]


class ImportLine(Struct):
    """What became of a line. outcome: registered, edited, unchanged or refused, and then why."""

    line: int
    device: str
    outcome: str
    error: str


class ImportReport(Struct):
    """What an import did, or would do. `lines`: one for each line behind the header."""

    dry_run: bool
    registered: int
    edited: int
    unchanged: int
    refused: int
    lines: list[ImportLine]


class Credentials(Struct):
    """What a device logs in with at the city's broker. The password is shown this once; only its hash is kept."""

    device: str
    username: str
    password: str
    rotated: bool
    note: str


class CredentialsRemoved(Struct):
    """A device's password is gone. removed: false where it had none."""

    device: str
    removed: bool
    note: str
