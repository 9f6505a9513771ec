"""docs/roles.md is what the routes say."""

from __future__ import annotations

from pathlib import Path

from api.access.principal import Role
from api.access.rules import Rule, RuledRoute
from tests.access.role_matrix import make, rows

PAGE = Path(__file__).parent.parent.parent / "docs" / "roles.md"


def test_the_page_is_what_the_routes_say() -> None:
    made = make()
    known = PAGE.read_text(encoding="utf-8")
    assert known == made, "python -m tests.access.role_matrix > docs/roles.md"


def test_a_row_says_who_may() -> None:
    rule = Rule(Role.ENGINEER, whole=True, act="x.y")
    (row,) = rows([RuledRoute("/x", ("GET", "HEAD"), (rule,))])
    assert row == "| GET `/x` |  |  |  | ✓ | ✓ | `x.y` | whole city |"
