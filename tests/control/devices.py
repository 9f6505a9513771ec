"""A device that obeys: its own MQTT session, each command done once and answered every time."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from devices.topics import ack_topic, command_topic
from tests.brokers import wait_until

Reply = Callable[[dict[str, Any]], dict[str, Any] | bytes | None]


def obey(command: dict[str, Any]) -> dict[str, Any]:
    """Done as told."""
    return {"id": command["id"], "ok": True, "value": command["value"], "time": command["time"]}


class ObedientDevice:
    """Answers each command by `reply`; None: says nothing. `done` counts by id, `heard` keeps payloads."""

    def __init__(self, port: int, kind: str, device: str, reply: Reply = obey) -> None:
        self.kind, self.device, self.reply = kind, device, reply
        self.heard: list[dict[str, Any]] = []
        self._subscribed = False
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=f"test-{device}", clean_session=False
        )
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._client.subscribe(command_topic(kind, device, "+"), 1)
        wait_until(lambda: self._subscribed)

    def answer(self, command: str, payload: bytes, topic: str = "") -> None:
        """Publish an acknowledgement, confirmed on return."""
        where = topic or ack_topic(self.kind, self.device, command)
        self._client.publish(where, payload, 1).wait_for_publish(10)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_subscribe(self, *_: Any) -> None:
        self._subscribed = True

    def _on_message(self, _c: Any, _u: Any, message: paho.MQTTMessage) -> None:
        assert not message.retain
        told = json.loads(message.payload)
        self.heard.append(told)
        made = self.reply(told)
        if made is not None:
            body = made if isinstance(made, bytes) else json.dumps(made).encode()
            command = message.topic.rpartition("/")[2]
            self._client.publish(ack_topic(self.kind, self.device, command), body, 1)
