"""What the broker had sent to a line that then died comes again: on Mosquitto at once, on nats-server after
`ack_wait`. What had only waited comes at once on both. Subscribing again changes neither."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.brokers import Broker, Mosquitto, Publisher, wait_until
from tests.chaos.proxy import Proxy

COUNT = 200
TOPIC = "city/+/+/+"


@pytest.fixture
def proxy(broker: Broker) -> Iterator[Proxy]:
    made = Proxy(broker.port)
    yield made
    made.close()


class Listener:
    """A persistent session that acknowledges at once; `again`: it subscribes on every connect."""

    def __init__(self, port: int, again: bool) -> None:
        self.got: list[tuple[int, bool]] = []  # (number, marked as sent again)
        self._again = again
        self._ready = threading.Event()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id="listener", clean_session=False
        )
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = lambda _c, _u, m: self.got.append((int(m.payload), m.dup))
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._ready.wait(10)

    def numbers(self) -> list[int]:
        return [number for number, _ in self.got]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, client: paho.Client, _u: Any, flags: Any, *_: Any) -> None:
        if self._again or not flags.session_present:
            client.subscribe(TOPIC, 1)
        else:
            self._ready.set()


def publish(publisher: Publisher, first: int, end: int) -> None:
    for number in range(first, end):
        publisher.send(number, "city/air/d/telemetry", b"%d" % number)
    publisher.wait_all()


@pytest.mark.timeout(60)
@pytest.mark.parametrize("again", [True, False], ids=["subscribes again", "does not"])
def test_only_what_was_on_its_way_to_a_dead_line_comes_later(
    broker: Broker, proxy: Proxy, again: bool
) -> None:
    publisher = Publisher(broker.port)
    gone = Listener(proxy.port, again)
    proxy.half_open()
    publish(publisher, 0, COUNT)  # sent into nothing
    gone.close()
    proxy.cut()
    publish(publisher, COUNT, 2 * COUNT)  # for a session that is away
    back = Listener(broker.port, again)
    wait_until(lambda: set(back.numbers()) == set(range(2 * COUNT)))
    back.close()
    publisher.close()
    sent_again = [number for number, again in back.got if again]
    first = [number for number, again in back.got if not again]
    if isinstance(broker, Mosquitto):
        assert back.numbers() == list(range(2 * COUNT)), "in order, and at once"
    else:
        # Of the second half, what came before the broker knew of the cut had the same fate.
        assert set(sent_again) >= set(range(COUNT))
        assert first == sorted(set(range(COUNT, 2 * COUNT)) - set(sent_again))
