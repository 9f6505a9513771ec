"""The shapes of the API's answers about alerts, beside the alert itself: out of service, alarm quality."""

from __future__ import annotations

from msgspec import Struct

from api.schemas import Text, Time


class OutOfServiceInfo(Struct):
    """What an engineer took out of service; rule and title are empty where it is the whole subject."""

    rule: str
    title: Text
    subject: str
    device: str
    device_name: str
    since: Time
    by: str
    why: str
