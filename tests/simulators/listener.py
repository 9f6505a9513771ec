"""Somebody who hears all that passes the broker."""

from __future__ import annotations

import threading
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion


class Listener:
    """Hears what passes the broker: retained messages apart, the rest in order."""

    def __init__(self, port: int, client_id: str = "listener") -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.retained: dict[str, bytes] = {}
        self._ready = threading.Event()
        # A session that outlives the broker's restart, so that nothing passes it unheard.
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=False
        )
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda c, *_: c.subscribe("city/#", qos=1)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._ready.wait(10)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def say(self, topic: str, payload: bytes) -> None:
        """Publish at QoS 1; on its way when it returns."""
        self._client.publish(topic, payload, qos=1)

    def said(self, channel: str = "telemetry") -> list[tuple[str, bytes]]:
        return [(t, p) for t, p in self.heard if t.endswith(channel)]

    def _on_message(self, _c: Any, _u: Any, message: paho.MQTTMessage) -> None:
        if message.retain:
            self.retained[message.topic] = bytes(message.payload)
        else:
            self.heard.append((message.topic, bytes(message.payload)))
