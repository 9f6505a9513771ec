"""InfluxDB 2.x made ready: the first user where there is none, organisation, buckets, and tokens with least rights.

    writer.token    reads and writes the buckets of this city, and no others: for URBAN_TELEMETRY
    reader.token    reads them: for a backup
    grafana.token   reads them: for Grafana's data source, so that it can be revoked alone
    telemetry.address   with the writer's token in it: what URBAN_TELEMETRY_FILE names
    admin.token     of a server that was set up here, with admin.password

A secret is on disk before the server is told of it, or the token that got lost is replaced.
"""

# Half of influxdb-client's annotations are missing: what it returns is checked by tests, not by mypy.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.domain.authorization import Authorization
from influxdb_client.domain.onboarding_request import OnboardingRequest
from influxdb_client.domain.permission import Permission
from influxdb_client.domain.permission_resource import PermissionResource
from influxdb_client.rest import ApiException
from influxdb_client.service.setup_service import SetupService

from store.influx2 import TIMEOUT_MS, Influx2Server, answer_of
from store.influx_expire import keep
from store.influx_http import Answer, Patience, until_taken
from store.influx_server import InfluxAddress
from store.secret_file import read_secret, write_secret
from telemetry.errors import SettingsError, StoreError
from telemetry.retention import Retention

_RIGHTS = {"writer": ("read", "write"), "reader": ("read",), "grafana": ("read",)}
ADDRESS = "telemetry.address"
_ADMIN = "urban-admin"
_NO_RIGHT = re.compile(r"does not let us in")


def set_up_influx2(
    address: InfluxAddress, retention: Retention, tokens: Path | None, patience: Patience
) -> Iterator[str]:
    """See store.influx_setup.set_up_influx."""
    if not address.user and tokens is not None:
        address = replace(address, user=read_secret(tokens / "admin.token"))
    if _is_new(address, patience):
        address, told = _first_user(address, tokens, patience)
        yield told
    if not address.user:
        raise SettingsError(
            "URBAN_TELEMETRY",
            "needs an administrator's token for --setup",
            str(address),
            "write it like influx://TOKEN@host:8086/org/bucket",
        )
    admin = _Administrator(address, patience)
    server = Influx2Server(address, patience)
    try:
        yield from admin.organisation()
        yield from server.prepare()
        yield from keep(server, retention)
        if tokens is not None:
            buckets = [server.bucket_named(name).id for name in server.buckets()]
            for name, actions in _RIGHTS.items():
                yield from admin.token(name, actions, buckets, tokens / f"{name}.token")
            _write_address(address, tokens)
    finally:
        server.close()
        admin.close()


def _write_address(address: InfluxAddress, tokens: Path) -> None:
    token = quote(read_secret(tokens / "writer.token"), safe="")
    scheme, _, host = address.base.partition("://")
    path = "/".join(quote(name, safe="") for name in address.path)
    wanted = f"influx{'s' if scheme == 'https' else ''}://{token}@{host}/{path}"
    if read_secret(tokens / ADDRESS) != wanted:
        write_secret(tokens / ADDRESS, wanted)


def _is_new(address: InfluxAddress, patience: Patience) -> bool:
    """Whether the server has no user, organisation or bucket yet."""
    with _client(address) as client:
        setup: Any = SetupService(client.api_client)
        return bool(_asked(address, setup.get_setup, patience).allowed)


def _first_user(
    address: InfluxAddress, tokens: Path | None, patience: Patience
) -> tuple[InfluxAddress, str]:
    """Make the first user with its organisation and bucket; the address with its token."""
    if tokens is None:
        raise SettingsError(
            "--tokens",
            "must name a folder: the server is new, and its administrator's token must be kept",
        )
    token = address.user or secrets.token_urlsafe(48)
    password = read_secret(tokens / "admin.password") or secrets.token_urlsafe(24)
    write_secret(tokens / "admin.token", token)
    write_secret(tokens / "admin.password", password)
    org, bucket = address.path
    asked = OnboardingRequest(
        username=_ADMIN, password=password, org=org, bucket=bucket, token=token
    )
    with _client(address) as client:
        setup: Any = SetupService(client.api_client)
        _asked(address, lambda: setup.post_setup(asked), patience)
    told = f"user {_ADMIN}, organisation {org} and bucket {bucket}; admin.token and admin.password are in {tokens}"
    return replace(address, user=token), told


class _Administrator:
    """What takes an operator's or an all-access token."""

    def __init__(self, address: InfluxAddress, patience: Patience) -> None:
        self._address, self._patience = address, patience
        self._org, self._bucket = address.path
        self._org_id = ""
        self._client = _client(address)

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def organisation(self) -> Iterator[str]:
        """Find it, or make it."""
        api: Any = self._client.organizations_api()
        try:
            found = self._ask(lambda: api.find_organizations(org=self._org))
        except StoreError as error:
            if "not found" not in error.need:
                raise
            found = []
        if not found:
            found = [self._ask(lambda: api.create_organization(name=self._org))]
            yield f"organisation {self._org}"
        self._org_id = found[0].id

    def token(
        self, name: str, actions: tuple[str, ...], buckets: list[str], path: Path
    ) -> Iterator[str]:
        """See that the file holds a token with exactly these rights; make one where it does not."""
        api: Any = self._client.authorizations_api()
        description = f"urban {name} of {self._bucket}"
        ours = [
            a
            for a in self._ask(lambda: api.find_authorizations(org_id=self._org_id))
            if a.description == description
        ]
        wanted = {(action, bucket) for action in actions for bucket in buckets}
        fit = [a for a in ours if a.status == "active" and _rights(a) == wanted]
        # A server that keeps only hashes does not tell tokens: what the file holds must do then.
        if fit and read_secret(path) and fit[-1].token in (read_secret(path), None, "", "redacted"):
            return
        permissions = [
            Permission(action, PermissionResource(type="buckets", id=bucket, org_id=self._org_id))
            for action, bucket in sorted(wanted)
        ]
        asked = Authorization(org_id=self._org_id, permissions=permissions, description=description)
        made = self._ask(lambda: api.create_authorization(authorization=asked))
        write_secret(path, made.token)
        yield f"token of the {name} in {path}"
        for old in ours:
            self._ask(partial(api.delete_authorization, old))
            yield f"an older token of the {name} is revoked"

    def _ask(self, call: Callable[[], Any]) -> Any:
        return _asked(self._address, call, self._patience)


def _rights(authorization: Any) -> set[tuple[str, str]]:
    return {(p.action, p.resource.id) for p in authorization.permissions}


def _client(address: InfluxAddress) -> InfluxDBClient:
    org = address.path[0]
    return InfluxDBClient(address.base, token=address.user, org=org, timeout=TIMEOUT_MS)


def _asked(address: InfluxAddress, call: Callable[[], Any], patience: Patience) -> Any:
    """What a call of influxdb-client gives, tried again as its answer asks for. Raises StoreError."""
    found: list[Any] = []

    def send() -> Answer:
        try:
            found.append(call())
        except ApiException as error:
            return answer_of(error)
        return Answer(200, {}, b"")

    try:
        until_taken(str(address), send, 0, patience)
    except StoreError as error:
        if not _NO_RIGHT.search(error.need):
            raise
        raise StoreError(
            error.place,
            error.need,
            remedy="set up with an operator's or an all-access token in URBAN_TELEMETRY",
        ) from None
    return found[0]
