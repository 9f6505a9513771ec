"""The spool: in order, on disk, bounded, and whole again after any crash."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.intake import Message
from ingest.spool import Spool
from telemetry.errors import StoreError
from telemetry.metrics import REGISTRY


def batch(number: int, size: int = 3) -> list[Message]:
    return [
        Message(f"city/air/aq-{number}/telemetry", b"x" * i, number * 100 + i, qos=0)
        for i in range(size)
    ]


def drained(spool: Spool) -> list[list[Message]]:
    found = []
    while spool:
        found.append(spool.oldest())
        spool.done()
    return found


def test_batches_come_out_in_the_order_they_went_in(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10**6, segment_bytes=300)
    for i in range(10):
        spool.append(batch(i))
    assert len(list(tmp_path.glob("*.spool"))) > 1
    assert drained(spool) == [batch(i) for i in range(10)]
    assert list(tmp_path.glob("*.spool")) == []
    spool.append(batch(99))
    assert drained(spool) == [batch(99)]
    spool.close()


def test_what_waits_is_there_after_a_crash_and_what_was_drained_is_not(tmp_path: Path) -> None:
    first = Spool(tmp_path, 10**6)
    for i in range(5):
        first.append(batch(i))
    for _ in range(2):
        first.oldest()
        first.done()
    first.close()  # the files as a SIGKILL leaves them: every append was synced
    second = Spool(tmp_path, 10**6)
    second.append(batch(5))
    assert drained(second) == [batch(i) for i in range(2, 6)]
    second.close()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 3), st.data())
def test_a_torn_end_is_cut_and_nothing_before_it(
    tmp_path_factory: pytest.TempPathFactory, whole: int, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("torn")
    spool = Spool(folder, 10**6)
    for i in range(whole):
        spool.append(batch(i))
    before = spool.bytes()
    spool.append(batch(9))
    spool.close()
    (segment,) = folder.glob("*.spool")
    cut = data.draw(st.integers(before, segment.stat().st_size - 1))
    os.truncate(segment, cut)
    again = Spool(folder, 10**6)
    assert again.torn_bytes == cut - before
    again.append(batch(7))
    assert drained(again) == [*(batch(i) for i in range(whole)), batch(7)]
    again.close()


def test_a_flipped_bit_is_noticed(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10**6)
    spool.append(batch(0))
    spool.append(batch(1))
    spool.close()
    (segment,) = tmp_path.glob("*.spool")
    content = bytearray(segment.read_bytes())
    content[-1] ^= 1
    segment.write_bytes(content)
    again = Spool(tmp_path, 10**6)
    assert again.torn_bytes > 0
    assert drained(again) == [batch(0)]
    again.close()


def test_it_is_bounded_and_refuses_in_words(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 250)
    spool.append(batch(0))
    with pytest.raises(StoreError, match=r"the spool is full.*URBAN_SPOOL_MB"):
        spool.append(batch(1, 5))
    assert drained(spool) == [batch(0)]
    spool.append(batch(2))
    spool.close()


def test_a_disk_that_fills_up_in_the_middle_of_a_record_leaves_the_others_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path, 10**6)
    spool.append(batch(0))

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        with pytest.raises(StoreError, match="No space left"):
            spool.append(batch(1))
    spool.append(batch(2))
    assert drained(spool) == [batch(0), batch(2)]
    spool.close()


def test_draining_goes_on_where_the_disk_has_no_room_for_its_head(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk is when draining is needed most: it makes room."""
    spool = Spool(tmp_path, 10**6, segment_bytes=1)
    for i in range(3):
        spool.append(batch(i))

    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    assert drained(spool) == [batch(0), batch(1), batch(2)]
    assert list(tmp_path.glob("*.spool")) == []
    spool.close()


def test_an_old_head_only_drains_twice(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10**6)
    for i in range(3):
        spool.append(batch(i))
    spool.oldest()
    spool.done()
    spool.close()
    (tmp_path / "head").write_text("nonsense")
    again = Spool(tmp_path, 10**6)
    assert drained(again) == [batch(0), batch(1), batch(2)]
    again.close()


def test_how_long_the_oldest_has_waited_is_known_and_told(tmp_path: Path) -> None:
    def told() -> int:
        found = REGISTRY.get_sample_value("urban_spool_oldest_received_timestamp_seconds")
        assert found is not None
        return round(found * 1e9)

    spool = Spool(tmp_path, 10**6)
    assert (spool.since(), told()) == (None, 0)
    spool.append(batch(7))
    spool.append(batch(8))
    assert (spool.since(), told()) == (700, 700)
    spool.close()
    again = Spool(tmp_path, 10**6)
    assert again.since() == 700
    again.done()
    assert (again.since(), told()) == (800, 800)
    again.done()
    assert (again.since(), told()) == (None, 0)
    again.append(batch(9))
    assert again.since() == 900
    again.close()
