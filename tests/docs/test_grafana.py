"""docs/grafana.md is what the boards are."""

from __future__ import annotations

from pathlib import Path

from grafana.document import as_markdown

PAGE = Path(__file__).parent.parent.parent / "docs" / "grafana.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == as_markdown(), (
        "run: python -m grafana.document > docs/grafana.md"
    )
