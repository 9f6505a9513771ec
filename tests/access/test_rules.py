"""Each route has a rule; one that has none lets nobody in; a role that is too low is refused in words."""

from __future__ import annotations

import pytest

from api.access.principal import ANONYMOUS, LOCAL, Role
from api.access.rules import RuledRoute, ruled_routes
from api.app import create_app
from tests.access.people import always, app_for, client_for, person
from tests.api.client import Client
from tests.api.world import HOST, World

ROLES = list(Role)


def test_every_route_has_a_rule(shared_world: World) -> None:
    routes = list(ruled_routes(app_for(shared_world.context, LOCAL)))
    assert len(routes) > 25
    assert [r.path for r in routes if not r.rules] == []


def test_a_route_that_was_forgotten_lets_nobody_in(shared_world: World) -> None:
    app = create_app(shared_world.context, console=False, identify=always(LOCAL))

    @app.get("/forgotten")
    def forgotten() -> str:
        return "secret"

    assert [r.path for r in ruled_routes(app) if not r.rules] == ["/forgotten"]
    with Client(app) as client:
        answer = client.get("/forgotten")
    assert answer.status_code == 403
    assert "secret" not in answer.text


def test_what_changes_something_names_its_act(shared_world: World) -> None:
    safe = {"GET", "HEAD", "OPTIONS"}
    silent = [
        r.path
        for r in ruled_routes(app_for(shared_world.context, LOCAL))
        if not safe.issuperset(r.methods) and not r.act and r.path not in NOTHING_CHANGES
    ]
    assert silent == []


NOTHING_CHANGES = {"/api/v1/rules/try", "/api/v1/stream/ws"}  # a WebSocket that only tells
# No role opens it: tests/api/test_platform_alerts.py.
ITS_OWN_TOKEN = {"/api/v1/platform-alerts/grafana"}


@pytest.mark.parametrize("role", ROLES)
def test_each_route_lets_in_its_role_and_those_above(shared_world: World, role: Role) -> None:
    app = app_for(shared_world.context, person(role))
    with Client(app) as client:
        for route in ruled_routes(app):
            for method in route.methods:
                if method == "WEBSOCKET" or route.path.endswith("/stream"):
                    continue
                if route.path in ITS_OWN_TOKEN:
                    continue
                own = {"Origin": HOST}  # as from our own page
                answer = client.request(method, _path(route), headers=own, **_body(method))
                refused = answer.status_code in (401, 403)
                assert refused == (role < route.role), (method, route.path, answer.text)
                if refused:
                    assert answer.status_code == (401 if role is Role.ANONYMOUS else 403)
                    assert answer.headers["content-type"] == "application/problem+json"


def test_who_sees_a_part_does_not_see_the_metrics(shared_world: World) -> None:
    part = person(Role.ENGINEER, areas={"26740"})
    with client_for(shared_world.context, part) as client:
        assert client.get("/metrics").status_code == 403
        assert client.get("/healthz").status_code == 200
    with client_for(shared_world.context, ANONYMOUS) as client:
        assert client.get("/metrics").status_code == 401


def _path(route: RuledRoute) -> str:
    """An address of the route at which nothing is: what is allowed ends in 404 or 400, and changes nothing."""
    path = route.path
    while "{" in path:
        before, _, rest = path.partition("{")
        path = before + "nothing-there" + rest.partition("}")[2]
    return path


def _body(method: str) -> dict[str, object]:
    return {} if method in ("GET", "HEAD", "DELETE") else {"json": {"nonsense": 1}}
