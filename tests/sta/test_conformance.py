"""The conformance table: what is claimed has its tests, and docs/sensorthings.md says the same."""

from __future__ import annotations

from pathlib import Path

from api.sta.conformance import REQUIREMENTS, as_table, conformance
from tests.api.client import Client

HERE = Path(__file__).parent
DOCS = HERE.parent.parent / "docs" / "sensorthings.md"


def test_every_claim_has_its_tests_and_every_file_its_claim() -> None:
    files = {p.stem.removeprefix("test_") for p in HERE.glob("test_*.py")} - {"conformance"}
    assert {r.tests for r in REQUIREMENTS if r.tests} == files
    for requirement in REQUIREMENTS:
        assert bool(requirement.tests) != bool(requirement.why), requirement.name
        if requirement.tests:
            text = (HERE / f"test_{requirement.tests}.py").read_text(encoding="utf-8")
            assert "/req/" in text.splitlines()[0]


def test_the_documentation_and_the_root_say_the_same(client: Client) -> None:
    assert as_table() in DOCS.read_text(encoding="utf-8")
    assert client.get("/sta/v1.1").json()["serverSettings"]["conformance"] == conformance()
