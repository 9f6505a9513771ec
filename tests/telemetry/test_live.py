"""The hub keeps what its bounds allow, tells everybody everything that is kept, and cuts who is too slow."""

from __future__ import annotations

import asyncio
import threading

from hypothesis import given
from hypothesis import strategies as st

from telemetry.live import Hub


def heard(hub: Hub, after: int | None, count: int) -> list[int]:
    async def listen() -> list[int]:
        subscription = hub.subscribe(after)
        found: list[int] = []
        while len(found) < count and (event := await subscription.next()) is not None:
            found.append(event.number)
        subscription.close()
        return found

    return asyncio.run(listen())


@given(st.integers(1, 30), st.integers(1, 60), st.integers(0, 70))
def test_whoever_comes_back_gets_all_that_is_kept(keep: int, published: int, after: int) -> None:
    hub = Hub(keep=keep)
    for number in range(published):
        hub.publish("x", number)
    first = max(published - keep + 1, after + 1)
    expected = list(range(first, published + 1))
    assert heard(hub, after, len(expected)) == expected


@given(st.lists(st.integers(0, 8), min_size=1, max_size=40), st.integers(1, 20))
def test_rows_are_bounded_and_the_newest_stays(sizes: list[int], keep: int) -> None:
    hub = Hub(keep_rows=keep)
    for size in sizes:
        hub.publish("readings", [0] * size)
    kept = []
    after = 0
    while after < hub.number:
        event, lost = hub.read(after)
        after += 1
        if not lost and event is not None:
            kept.append(event)
    assert kept[-1].number == len(sizes)
    assert sum(e.rows for e in kept) <= keep or len(kept) == 1


def test_what_is_old_is_forgotten() -> None:
    hub = Hub(keep_s=0)
    hub.publish("x", 1)
    hub.publish("x", 2)
    assert hub.read(0) == (None, True)
    event, lost = hub.read(1)
    assert event is not None and not lost


def test_every_client_of_several_threads_hears_everything_in_order() -> None:
    hub = Hub()

    async def listen(count: int) -> list[int]:
        subscription = hub.subscribe(0)
        numbers: list[int] = []
        while len(numbers) < count and (event := await subscription.next()) is not None:
            numbers.append(event.number)
        return numbers

    def publish() -> None:
        for number in range(200):
            hub.publish("x", number)

    async def whole() -> list[list[int]]:
        threads = [threading.Thread(target=publish) for _ in range(3)]
        for thread in threads:
            thread.start()
        found = await asyncio.wait_for(asyncio.gather(*(listen(600) for _ in range(5))), 20)
        for thread in threads:
            thread.join()
        return found

    assert asyncio.run(whole()) == [list(range(1, 601))] * 5


def test_who_falls_behind_is_cut() -> None:
    hub = Hub(keep=5)

    async def listen() -> bool:
        subscription = hub.subscribe()
        for number in range(6):
            hub.publish("x", number)
        assert await subscription.next() is None
        return subscription.cut and hub.clients() == 0

    assert asyncio.run(listen())
