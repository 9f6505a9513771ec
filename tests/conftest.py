"""Fixtures for every part: a PostgreSQL of the whole run, and the operations store on either database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import operations
from tests.services import require
from tests.store.postgres import Postgres, postgres_present

EITHER = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    require("postgresql", postgres_present())
    server = Postgres()
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture(params=EITHER)
def either_operations(request: pytest.FixtureRequest) -> Iterator[None]:
    """What `tests.operations` opens in this test: a file, and then a database on PostgreSQL."""
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        with operations.on(server):
            yield
    else:
        yield
