"""The API over a real pipeline behind a real socket, and `urban …` called in this process."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from api.app import create_app
from api.context import Context
from cli import main
from tests.api.test_quarantine import context_on
from tests.browser.server import Server
from tests.ingest.conftest import Bench, build


@dataclass
class Running:
    """A platform that answers, and what is behind it."""

    bench: Bench
    context: Context
    url: str

    def urban(self, *words: str, stdin: bytes = b"") -> tuple[int, str, str]:
        """`urban …` at this platform: exit code, stdout, stderr."""
        return urban(*words, "--url", self.url, stdin=stdin)

    def waiting(self) -> list[str]:
        """Ids of what waits in quarantine, newest first."""
        return [item.id for item in self.bench.operations.quarantine()]


def urban(*words: str, stdin: bytes = b"") -> tuple[int, str, str]:
    """`urban …` in this process, its output no terminal."""
    raw = io.BytesIO()
    out, err = io.TextIOWrapper(raw, encoding="utf-8", write_through=True), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        main(words)
    return (
        int(ended.value.code or 0),
        raw.getvalue().decode(errors="surrogateescape"),
        err.getvalue(),
    )


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = build(tmp_path)
    yield made
    made.telemetry.close()
    made.operations.close()


@pytest.fixture
def running(bench: Bench) -> Iterator[Running]:
    context = context_on(bench)
    with Server(create_app(context, console=False)) as server:
        yield Running(bench, context, server.url)
