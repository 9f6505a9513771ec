"""Whatever is done to the audit log, verifying finds it and says where."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.access_records import AuditEntry, AuditRecord
from store.audit_anchor import NAME, Anchor, parse_head
from store.audit_chain import GENESIS, Head, link, verify
from telemetry.errors import StoreError

WORDS = st.text(max_size=8)
ENTRIES = st.lists(
    st.builds(
        AuditEntry, time=st.integers(0, 2**62), who=WORDS, role=WORDS, source=WORDS, act=WORDS,
        about=WORDS, before=WORDS, after=WORDS,
    ),
    min_size=2, max_size=12,
)  # fmt: skip


def chain(entries: list[AuditEntry]) -> list[AuditRecord]:
    made: list[AuditRecord] = []
    for number, entry in enumerate(entries, 1):
        made.append(link(number, entry, made[-1].hash if made else GENESIS))
    return made


def head(records: list[AuditRecord]) -> Head:
    return Head(records[-1].number, records[-1].hash)


@given(ENTRIES)
def test_an_untouched_log_is_whole(entries: list[AuditEntry]) -> None:
    records = chain(entries)
    found = verify(records, [head(records), head(records[:1])])
    assert (found.records, found.head, found.findings) == (len(records), head(records), ())


@given(ENTRIES, st.data())
def test_a_changed_field_is_found_where_it_is(
    entries: list[AuditEntry], data: st.DataObject
) -> None:
    records = chain(entries)
    at = data.draw(st.integers(0, len(records) - 1))
    name = data.draw(st.sampled_from(sorted(AuditEntry.__dataclass_fields__)))
    old = getattr(records[at].entry, name)
    change: dict[str, Any] = {name: old + 1 if isinstance(old, int) else old + "x"}
    records[at] = replace(records[at], entry=replace(records[at].entry, **change))
    assert verify(records).findings == (
        f"record {at + 1} was changed: what stands there does not give its hash",
    )


@given(ENTRIES, st.data())
def test_what_moves_from_field_to_field_is_a_change(
    entries: list[AuditEntry], data: st.DataObject
) -> None:
    """Without separators `ab`+`c` and `a`+`bc` would hash alike."""
    entries[0] = replace(entries[0], about="ab", before="c")
    records = chain(entries)
    moved = replace(records[0].entry, about="a", before="bc")
    records[0] = replace(records[0], entry=moved)
    assert verify(records).findings


@given(ENTRIES, st.data())
def test_a_removed_record_is_found_also_at_the_end(
    entries: list[AuditEntry], data: st.DataObject
) -> None:
    records = chain(entries)
    noted = head(records)
    at = data.draw(st.integers(0, len(records) - 1))
    del records[at]
    findings = verify(records, [noted]).findings
    assert any(f"record {at + 1} is missing" in f for f in findings), findings


@given(ENTRIES, st.data())
def test_reordered_records_are_found(entries: list[AuditEntry], data: st.DataObject) -> None:
    records = chain(entries)
    a = data.draw(st.integers(0, len(records) - 2))
    b = data.draw(st.integers(a + 1, len(records) - 1))
    one, other = records[a], records[b]
    records[a] = replace(other, number=one.number)
    records[b] = replace(one, number=other.number)
    assert verify(records).findings


@given(ENTRIES, st.data())
def test_a_log_that_was_computed_anew_does_not_fit_its_head(
    entries: list[AuditEntry], data: st.DataObject
) -> None:
    """The chain alone can't see that: the noted head does."""
    noted = head(chain(entries))
    at = data.draw(st.integers(0, len(entries) - 1))
    entries[at] = replace(entries[at], who=entries[at].who + "x")
    forged = chain([*entries, entries[0]])
    assert verify(forged).findings == ()
    where = f"record {noted.number} is not the one that was noted as the head"
    assert verify(forged, [noted]).findings == (where,)


@settings(deadline=None, max_examples=25)
@given(ENTRIES)
def test_the_anchor_moves_on_with_the_log_and_stays_over_a_cut_one(
    tmp_path_factory: pytest.TempPathFactory, entries: list[AuditEntry]
) -> None:
    anchor = Anchor(tmp_path_factory.mktemp("anchor") / NAME)
    records = chain(entries)
    hashes = {r.number: r.hash for r in records}
    for record in records:
        assert anchor.follow(Head(record.number, record.hash), hashes.get) == ""
    assert anchor.read() == head(records)
    # The last one is cut off, and another takes its number.
    cut = records[:-1]
    forged = link(
        len(records), replace(entries[-1], who="mallory"), cut[-1].hash if cut else GENESIS
    )
    hashes = {r.number: r.hash for r in [*cut, forged]}
    assert "not the one" in anchor.follow(Head(forged.number, forged.hash), hashes.get)
    assert anchor.read() == head(records)


def test_the_anchor_never_goes_back(tmp_path: Path) -> None:
    anchor = Anchor(tmp_path / NAME)
    hashes = {1: "a" * 64, 2: "b" * 64}
    assert anchor.follow(Head(2, hashes[2]), hashes.get) == ""
    assert anchor.follow(Head(1, hashes[1]), hashes.get) == ""
    assert anchor.read() == Head(2, hashes[2])
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600
    assert "missing" in anchor.follow(Head(1, hashes[1]), {1: hashes[1]}.get)


@pytest.mark.parametrize("text", ["", "1", "x:" + "a" * 64, "1:abc", "1:" + "g" * 64])
def test_a_head_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(StoreError, match="NUMBER:HASH"):
        parse_head(text, "--head")
