"""The matrix of routes and roles as a document: docs/roles.md is made of the routes' own rules.

python -m tests.access.role_matrix > docs/roles.md
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from api.access.principal import LOCAL, Role
from api.access.rules import RuledRoute, ruled_routes
from tests.access.people import app_for
from tests.api.world import build

HEAD = """# Who may do what

Made of the routes' own rules by `python -m tests.access.role_matrix > docs/roles.md`; a test compares. ✓: may. How roles
and parts of the city are given, and what a part means: [security.md](security.md).

Whoever is for a part of the city (domains, areas) sees and changes only what is in it, through every route; routes marked
**whole city** are closed to them. Without authentication (on loopback) everybody is the local administrator.
"""
ROLES = tuple(Role)


def rows(routes: Iterable[RuledRoute]) -> list[str]:
    """A line for each method of a route."""
    found = {
        (r.path, method): (r, method)
        for r in routes
        for method in r.methods
        if method not in ("HEAD", "OPTIONS")
    }
    return [_row(*found[key]) for key in sorted(found)]


def _row(route: RuledRoute, method: str) -> str:
    marks = " | ".join("✓" if role >= route.role else "" for role in ROLES)
    act = f"`{route.act}`" if route.act else ""
    whole = "whole city" if route.whole else ""
    path = route.path.replace("|", "\\|")
    return f"| {method} `{path}` | {marks} | {act} | {whole} |"


def document(routes: Iterable[RuledRoute]) -> str:
    """The whole page."""
    names = " | ".join(role.word for role in ROLES)
    line = "|---" * (len(ROLES) + 3) + "|"
    table = [f"| route | {names} | noted as | only for |", line, *rows(routes)]
    return HEAD + "\n" + "\n".join(table) + "\n"


def make() -> str:
    """From an app as it runs."""
    with tempfile.TemporaryDirectory() as folder:
        world = build(Path(folder))
        try:
            return document(ruled_routes(app_for(world.context, LOCAL)))
        finally:
            world.close()


if __name__ == "__main__":
    print(make(), end="")
