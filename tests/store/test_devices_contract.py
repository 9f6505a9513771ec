"""What every operations store promises of changes of devices (store/operations.py)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devices.device import Device
from store.device_records import DeviceEvent
from store.operations import OperationsStore
from telemetry.errors import StoreError

LAMP = Device(id="lamp-1", kind="lamp", name="Cột 1", tags=("cầu",), limits={"rated_power": 100.0})


def event(number: int, device: str = "lamp-1") -> DeviceEvent:
    return DeviceEvent(
        device=device, time=number, what="edited", by="Lan", why="đổi", before={"name": "ổ"},
        after={"name": f"Cột {number}", "limits": {"a": 1.5}, "lat": None},
    )  # fmt: skip


def test_a_change_and_its_line_come_back_whole(operations: OperationsStore) -> None:
    operations.change_devices(
        [(LAMP, event(1)), (replace(LAMP, id="lamp-2", retired=True), event(2, "lamp-2"))]
    )
    assert operations.devices() == [LAMP, replace(LAMP, id="lamp-2", retired=True)]
    (line,) = operations.device_history("lamp-1")
    assert line == replace(event(1), number=line.number)
    assert operations.changed_devices() == {"lamp-1", "lamp-2"}


def test_history_is_newest_first_in_pages(operations: OperationsStore) -> None:
    for number in range(1, 6):
        operations.change_devices([(LAMP, event(number))])
    first = operations.device_history("lamp-1", 2)
    rest = operations.device_history("lamp-1", 9, first[-1].number)
    assert [e.time for e in first + rest] == [5, 4, 3, 2, 1]


def test_who_is_met_again_stays_as_people_said(operations: OperationsStore) -> None:
    operations.put_devices([LAMP])
    stranger = Device(id="aq-9", kind="air", registered=False)
    operations.meet_devices([replace(LAMP, name="", registered=False), stranger])
    operations.meet_devices([])
    assert operations.devices() == [LAMP, stranger]


def test_a_change_is_whole_or_not_at_all(operations: OperationsStore) -> None:
    wrong = DeviceEvent(device="lamp-1", time=None, what="edited", by="Lan")  # type: ignore[arg-type]
    with pytest.raises(StoreError):
        operations.change_devices([(LAMP, event(1)), (LAMP, wrong)])
    assert operations.devices() == [] and operations.device_history("lamp-1") == []
