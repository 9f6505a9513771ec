"""The shape of the code: imports run one way, files hold one idea, only the clock knows the time."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from store import sql_migrate
from tests.store.old_tables import differences

ROOT = Path(__file__).parent.parent
# A package may import from those on the levels before its own, and from itself.
LEVELS = (
    {"telemetry"}, {"devices"}, {"store"}, {"ingest", "control", "simulators", "analytics"}, {"api", "grafana"},
    {"commands", "benchmarks"}, {"cli"},
)  # fmt: skip
LEVEL = {name: i for i, names in enumerate(LEVELS) for name in names}


def sources() -> list[Path]:
    files = [ROOT / "cli.py"]
    for package in sorted(LEVEL):
        files += sorted((ROOT / package).rglob("*.py"))
    return files


def package_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, a.name) for a in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, "imports are absolute here"
            yield node.lineno, node.module


def wrong_imports(path: Path, text: str) -> list[str]:
    own = package_of(path)
    wrong = []
    for line, module in imports(ast.parse(text)):
        other = module.split(".")[0]
        if other in LEVEL and other != own and LEVEL[other] >= LEVEL[own]:
            wrong.append(f"{path.name}:{line}: {own} must not import {module}")
    return wrong


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_run_one_way(path: Path) -> None:
    assert wrong_imports(path, path.read_text(encoding="utf-8")) == []


def test_the_check_would_see_a_wrong_import() -> None:
    assert wrong_imports(ROOT / "ingest" / "x.py", "import analytics.engine")
    assert wrong_imports(ROOT / "telemetry" / "x.py", "def f():\n    from devices.kind import Kind")
    assert not wrong_imports(ROOT / "api" / "x.py", "from store.records import Alert")


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_says_its_idea_first_and_stays_readable(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text)), "the first line says what the file is for"
    assert text.count("\n") <= 330, "one idea a file"


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(ROOT)))
def test_only_the_clock_reads_the_wall_clock(path: Path) -> None:
    if path == ROOT / "telemetry" / "clock.py" or package_of(path) == "benchmarks":
        return
    reads = {
        ("time", "time"),
        ("time", "time_ns"),
        ("datetime", "now"),
        ("datetime", "utcnow"),
        ("date", "today"),
    }
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            assert (node.value.id, node.attr) not in reads, f"line {node.lineno}: pass a Clock in"


def test_a_changed_table_has_its_step() -> None:
    """Else no database that is there already gets it: see store/migrations/__init__.py."""
    engine = create_engine("sqlite://")
    with engine.begin() as db:
        sql_migrate._upgrade(db)
    assert differences(engine) == []
    engine.dispose()
