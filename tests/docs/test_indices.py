"""docs/indices.md is what the code says, and every index of a kind says what it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from analytics.indices.document import as_markdown
from analytics.indices.info import IndexInfo
from analytics.indices.registry import all_indices, check, index_of
from devices.registry import load_kinds
from telemetry.errors import DeclarationError

PAGE = Path(__file__).parent.parent.parent / "docs" / "indices.md"
KINDS = load_kinds()
DESCRIBED = (
    "air",
    "noise",
    "water",
    "level",
    "traffic",
    "emission",
    "lamp",
    "feeder",
    "waste",
    "tree",
)  # kinds whose indices all have their page


def test_the_page_is_up_to_date() -> None:
    want = as_markdown()
    assert PAGE.read_text(encoding="utf-8") == want, (
        "run: python -m analytics.indices.document > docs/indices.md"
    )


def test_indices_and_kinds_agree() -> None:
    check(all_indices(), KINDS)
    for kind in (KINDS[name] for name in DESCRIBED):
        for quantity in kind.indices:
            assert index_of(kind.name, quantity) is not None, f"{kind.name}.{quantity} has no INDEX"


@pytest.mark.parametrize("info", all_indices(), ids=lambda i: i.quantity)
def test_an_index_says_all_of_itself(info: IndexInfo) -> None:
    texts = [
        info.vi,
        info.en,
        info.formula,
        info.edition,
        info.source,
        info.data_rule,
        info.derived,
    ]
    assert all(t.strip() for t in (*texts, *info.why_not))
    tops = [c.top for c in info.categories]
    assert tops == sorted(tops)
    unit = {KINDS[kind].quantity(info.quantity).unit for kind in info.kinds}  # type: ignore[union-attr]
    assert unit == {info.unit}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"edition": ""}, "edition"),
        ({"unit": "furlong"}, "UCUM"),
        ({"kinds": ("noise",)}, "among the indices of noise"),
        ({"also": ("pm25",)}, "derived quantity of air"),
    ],
)
def test_an_index_that_can_not_be_is_refused(change: dict[str, object], message: str) -> None:
    info = index_of("air", "vn_aqi")
    assert info is not None
    with pytest.raises(DeclarationError, match=message):
        check([replace(info, **change)], KINDS)  # type: ignore[arg-type]
