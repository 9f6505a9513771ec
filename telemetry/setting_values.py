"""Text → value for each sort of setting; ValueError for what is not allowed."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import urlsplit

from telemetry.clock import parse_duration
from telemetry.errors import TimeError

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def whole(low: int, high: int) -> Callable[[str], int]:
    """A whole number, low <= number <= high."""

    def parse(text: str) -> int:
        number = int(text)
        if not low <= number <= high:
            raise ValueError
        return number

    return parse


def real(low: float, high: float) -> Callable[[str], float]:
    """A number, low <= number <= high."""

    def parse(text: str) -> float:
        number = float(text)
        if not low <= number <= high:
            raise ValueError
        return number

    return parse


def url(*schemes: str, empty: bool = False) -> Callable[[str], str]:
    """An address with one of these schemes."""

    def parse(text: str) -> str:
        if empty and not text:
            return text
        if urlsplit(text).scheme not in schemes:
            raise ValueError
        return text

    return parse


def one_of(*words: str) -> Callable[[str], str]:
    """One of these words."""

    def parse(text: str) -> str:
        if text not in words:
            raise ValueError
        return text

    return parse


def address(text: str) -> str:
    """An address to listen on. That others than loopback need log-in is settings' to see: DESIGN §4."""
    if text != "localhost":
        ip_address(text)
    return text


def names(text: str) -> tuple[str, ...]:
    """`a, b` → names of hosts or addresses, without ports."""
    found = tuple(filter(None, (part.strip().lower() for part in text.split(","))))
    if any(set(name) & set(" /@?#*[]") or not name.isascii() for name in found):
        raise ValueError
    return found


def origins(text: str) -> tuple[str, ...]:
    """`https://a.example, …` → origins as browsers send them."""
    found = tuple(filter(None, (part.strip() for part in text.split(","))))
    for origin in found:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or f"{parts.scheme}://{parts.netloc}" != origin:
            raise ValueError
    return found


def public_url(text: str) -> str:
    """http(s)://host[:port], or nothing."""
    if text and (not origins(text) or "," in text):
        raise ValueError
    return text


def duration(low: str, high: str) -> Callable[[str], int]:
    """30m, 12h: a duration within bounds [ns]."""

    def parse(text: str) -> int:
        try:
            found = parse_duration(text)
        except TimeError:
            raise ValueError from None
        if not parse_duration(low) <= found <= parse_duration(high):
            raise ValueError
        return found

    return parse


def client_id(text: str) -> str:
    """An MQTT client id."""
    if not 1 <= len(text) <= 64:
        raise ValueError
    return text


def days_kept(text: str) -> int:
    """Days that something is kept; 0: for ever."""
    # Less than the history that the first start fills in, and a day, would refuse that history.
    number = int(text)
    if number and not 8 <= number <= 36_500:
        raise ValueError
    return number


def sync(text: str) -> str:
    """How often the embedded broker syncs: always, or a duration."""
    if text != "always" and not (text[:-1].isdigit() and text[-1] in "sm"):
        raise ValueError
    return text


def token(text: str) -> str:
    """A secret that nobody guesses, or nothing."""
    if text and not (24 <= len(text) <= 200 and text.isascii() and text.isprintable()):
        raise ValueError
    if " " in text:
        raise ValueError
    return text


def topics(text: str) -> str:
    """MQTT filters with commas between them, or nothing; devices.topics says which there may be."""
    if any(
        not part.strip().startswith(("city/", "application/")) for part in text.split(",") if text
    ):
        raise ValueError
    return text


def toml_file(text: str) -> str:
    """The name of a TOML file, or nothing."""
    if text and not text.endswith(".toml"):
        raise ValueError
    return text


def scenario(text: str) -> str:
    """The name of a scenario or of a TOML file, or nothing; whether it is there is seen later."""
    if not text.endswith(".toml") and not re.fullmatch(r"[a-z0-9-]*", text):
        raise ValueError
    return text


SEVERITIES = ("low", "medium", "high", "critical")


def by_severity(text: str) -> dict[str, int]:
    """`critical=5m,high=15m` → severity → duration [ns]; empty: none."""
    found: dict[str, int] = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        name, _, duration = part.partition("=")
        if name not in SEVERITIES or name in found:
            raise ValueError
        try:
            found[name] = parse_duration(duration)
        except TimeError:
            raise ValueError from None
    return found
