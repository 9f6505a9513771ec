"""The register: what may be said of a device, who changed what, and lists as CSV there and back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.device_csv import read_lines, write_lines
from control.register import Change, Register
from devices.device import Device
from telemetry.errors import QueryError
from tests.control.conftest import LAMPS, NOW, Bench

SAID: dict[str, Any] = {
    "name": "Nguyễn Huệ 12", "lat": 10.77, "lon": 106.7, "area": "26740", "parent": "feeder-1",
    "limits": {"rated_power": 100.0}, "tags": ("trung tâm",),
}  # fmt: skip


@pytest.fixture
def register(bench: Bench) -> Register:
    return Register(bench.catalogue, bench.operations, {"26740", "26824"}, bench.clock, 20)


def test_registered_edited_retired_reinstated_each_with_its_line(
    bench: Bench, register: Register
) -> None:
    register.take([register.registering("new-1", "lamp", SAID)], "Lan")
    known = bench.catalogue.get("new-1")
    assert known == Device(id="new-1", kind="lamp", **SAID)
    register.take([register.editing(known, {"name": "Đồng Khởi", "lat": 10.78})], "Tâm", "dời")
    register.take([register.retiring(bench.catalogue.devices[-1])], "Tâm", "tháo dỡ")
    retired = bench.catalogue.get("new-1")
    assert retired is not None and (retired.registered, retired.retired) == (False, True)
    with pytest.raises(QueryError, match="is retired: reinstate it"):
        register.registering("new-1", "lamp", {})
    register.take([register.reinstating(retired)], "Tâm")
    assert bench.operations.devices()[-1] == bench.catalogue.get("new-1")
    lines = bench.operations.device_history("new-1")
    assert [(e.what, e.by, e.why, e.time) for e in lines] == [
        ("reinstated", "Tâm", "", NOW), ("retired", "Tâm", "tháo dỡ", NOW),
        ("edited", "Tâm", "dời", NOW), ("registered", "Lan", "", NOW),
    ]  # fmt: skip
    assert (lines[2].before, lines[2].after) == (
        {"name": "Nguyễn Huệ 12", "lat": 10.77}, {"name": "Đồng Khởi", "lat": 10.78}
    )  # fmt: skip
    assert lines[3].before == {} and lines[3].after["tags"] == ["trung tâm"]


def test_one_that_only_sent_is_registered_and_keeps_its_code(
    bench: Bench, register: Register
) -> None:
    (code,) = bench.codes("stranger")
    register.take([register.registering("stranger", "lamp", {"name": "Cột 7"})], "Lan")
    assert bench.codes("stranger") == [code]
    assert bench.catalogue.devices[code].registered
    assert bench.operations.device_history("stranger")[0].before == {
        "name": "",
        "registered": False,
    }


@pytest.mark.parametrize(
    ("device", "kind", "said", "words"),
    [
        ("lamp-1", "lamp", {}, "^id: lamp-1 is registered already"),
        ("Bad Id", "lamp", {}, "^id: must look like"),
        ("urban-ingest", "lamp", {}, "^id: is the platform's own"),
        ("new-1", "moon", {}, "^kind: must be one of air"),
        ("stranger", "air", {}, "^kind: stranger sends as lamp"),
        ("new-1", "lamp", {"lat": 91.0, "lon": 0.0}, "^lat: must lie within -90…90"),
        ("new-1", "lamp", {"lat": float("nan"), "lon": 0.0}, "^lat: must lie"),
        ("new-1", "lamp", {"lat": 1.0}, "^lat: and lon come together"),
        ("new-1", "lamp", {"area": "99999"}, "^area: must be the code"),
        ("new-1", "lamp", {"parent": "new-1"}, "^parent: must be another"),
        ("new-1", "lamp", {"parent": "a/b"}, "^parent: must be the id"),
        ("new-1", "lamp", {"limits": {"x": float("inf")}}, "^limits: must be names with numbers"),
        ("new-1", "lamp", {"limits": {"Bad Name": 1.0}}, "^limits"),
        ("new-1", "lamp", {"tags": ("a|b",)}, r"^tags: must be words without \|"),
        ("new-1", "lamp", {"tags": tuple(map(str, range(51)))}, "^tags: must be 50"),
        ("new-1", "lamp", {"name": "x\ny"}, "^name: must be printable"),
        ("new-1", "lamp", {"colour": "red"}, "^colour: is nothing to be said"),
    ],
)
def test_what_can_not_be_said(
    register: Register, device: str, kind: str, said: dict[str, Any], words: str
) -> None:
    with pytest.raises(QueryError, match=words):
        register.registering(device, kind, said)


def test_nothing_changed_leaves_no_line_and_a_stale_change_is_refused(
    bench: Bench, register: Register
) -> None:
    lamp = LAMPS[0]
    assert register.take([register.editing(lamp, {"name": lamp.name})], "Lan") == []
    first, second = (register.editing(lamp, {"name": name}) for name in ("A", "B"))
    register.take([first], "Lan")
    with pytest.raises(QueryError, match="changed by somebody else meanwhile"):
        register.take([second], "Tâm")
    assert [e.after for e in bench.operations.device_history("lamp-1")] == [{"name": "A"}]


def test_all_or_none_and_no_more_than_may_be_known(bench: Bench, register: Register) -> None:
    many = [Change(None, Device(id=f"new-{n}", kind="lamp"), "registered") for n in range(20)]
    with pytest.raises(QueryError, match="URBAN_MAX_DEVICES"):
        register.take(many, "Lan")
    assert bench.catalogue.get("new-0") is None
    assert bench.operations.changed_devices() == set()


def test_a_spreadsheet_with_semicolons_a_mark_of_order_and_empty_lines() -> None:
    text = "\ufeffID; Kind ;lat;lon;tags;limits\r\nx-1;lamp;10.5;106,7;a| b ;\r\n;;;;;\r\nx-2;level;;;;bd1=1.4|bd2=1.5\r\n"
    first, second = read_lines(text)
    assert first[0] == 2
    assert isinstance(first[1], QueryError) and "lon: must be a number like 10.7769" in str(
        first[1]
    )
    assert second == (4, {"id": "x-2", "kind": "level", "lat": None, "lon": None, "tags": (), "limits": {"bd1": 1.4, "bd2": 1.5}})  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "must name id"), ("id,colour\n", "has columns id, kind.*'colour'"), ("id,id\n", "no column twice"),
     ("kind\nlamp\n", "must name id"), ('id,name\n"a', "can't be read|must have 2 cells")],
)  # fmt: skip
def test_a_file_that_is_none(text: str, words: str) -> None:
    with pytest.raises(QueryError, match=words):
        for _, said in read_lines(text):
            if isinstance(said, QueryError):
                raise said


WORDS = st.text(max_size=30).filter(lambda t: t.isprintable() and t == t.strip())
DEVICES = st.builds(
    Device,
    id=st.just("x-1"),
    kind=st.just("lamp"),
    name=WORDS,
    lat=st.none() | st.floats(-90, 90),
    lon=st.none() | st.floats(-180, 180),
    area=st.sampled_from(["", "26740"]),
    parent=st.sampled_from(["", "feeder-1"]),
    limits=st.dictionaries(st.sampled_from(["bd1", "rated_power"]), st.floats(allow_nan=False, allow_infinity=False)),
    tags=st.lists(WORDS.filter(lambda t: t and "|" not in t and t[0] != "'"), unique=True, max_size=3).map(tuple),
)  # fmt: skip


@given(DEVICES)
def test_what_is_written_is_read_back(device: Device) -> None:
    ((_, said),) = read_lines("".join(write_lines([device])))
    assert isinstance(said, dict)
    assert replace(device, **said) == device


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_no_cell_is_a_formula(start: str) -> None:
    device = Device(id="x-1", kind="lamp", name=f"{start}HYPERLINK(1)", tags=(f"{start}1+1",))
    header, line = write_lines([device])
    cells = line.strip().split(",")
    assert cells[2].startswith("'") and cells[8].startswith("'")
    ((_, said),) = read_lines(header + line)
    assert isinstance(said, dict) and (said["name"], said["tags"]) == (device.name, device.tags)
