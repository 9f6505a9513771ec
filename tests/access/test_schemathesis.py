"""Schemathesis over the whole OpenAPI, as each role: no fault of ours, and each answer is as it is described.

In process, bounded and from a fixed seed. What is refused is refused with a problem.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.access.audit_log import AuditLog
from api.access.principal import Role
from api.platform_schemas import Backup
from store.audit_anchor import NAME, Anchor
from tests.access.people import OWN, app_for, person
from tests.api.world import World, build

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = (
    4  # of what fits the description, and as many of what does not, for each operation and role
)
ENDLESS = {"/api/v1/stream"}
WHO = {
    **{role.word: person(role) for role in Role},
    "a part": person(Role.ENGINEER, domains={"environment"}, areas={OWN}),
}


class NoBackups:
    """A desk at which nothing is ever begun."""

    def start(self, by: str) -> Backup | None:
        return None

    def all(self) -> list[Backup]:
        return []


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = build(tmp_path_factory.mktemp("city"))
    made.context.settings = replace(made.context.settings, hosts=("testserver",))
    made.context.backups = NoBackups()
    made.context.told = lambda told: None
    anchor = Anchor(Path(made.context.settings.data_dir) / NAME)
    made.context.audit = AuditLog(made.operations, anchor, made.clock).write
    yield made
    made.close()


@pytest.mark.parametrize("who", WHO)
def test_every_operation_answers_as_described(world: World, who: str) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", app_for(world.context, WHO[who]))
    wrong: list[str] = []
    tried = 0
    for found in schema.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]
        if operation.path in ENDLESS:
            continue
        modes = [GenerationMode.POSITIVE]
        if who == "administrator" and (operation.query or operation.body):
            modes.append(GenerationMode.NEGATIVE)  # what is wrong is wrong for every role
        for mode in modes:
            tried += 1
            try:
                _try(operation, mode)
            except Unsatisfiable:
                continue  # nothing that would not fit
            except (Exception, BaseExceptionGroup) as error:  # all of them are told at once
                wrong.append(f"{operation.label} ({mode.value}): {error}")
    assert tried > 60
    assert not wrong, "\n\n".join(wrong)


def _try(operation: Any, mode: GenerationMode) -> None:
    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        answer = case.call(headers={"Origin": "http://testserver"})
        case.validate_response(answer, checks=CHECKS)

    ask()
