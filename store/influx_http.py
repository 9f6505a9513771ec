"""One request to InfluxDB until it is taken: what each answer means, and how often to try again.

2xx                          taken
time-out, 408, 429, 5xx,     the same bytes again, with jitter and Retry-After; StoreError when the
broken connection            patience is over: the caller keeps everything and comes back
413, reset on a big body     TooLarge: send less at once
400, 422, 500 that names     Refused: some of the lines are bad, which ones is for the caller to find
a type conflict
401, 403, 404                StoreError that says what to do
"""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec
import urllib3

from telemetry.errors import StoreError

_LOG = logging.getLogger(__name__)

# A connection that breaks under a body of this size may mean "too large": 1.x does not always say 413.
BIG_BODY = 1_000_000
FIRST_DELAY_S = 0.1
LONGEST_DELAY_S = 5.0
_LOST_TYPE = re.compile(r"type conflict", re.IGNORECASE)
_DROPPED = re.compile(r"dropped=(\d+)")
# 1.x and 2.0 to 2.6 say beyond, later ones outside.
_TOO_OLD = re.compile(r"(beyond|outside) retention policy", re.IGNORECASE)
_NOT_FOUND = re.compile(r"(database|retention policy|bucket) .*not found", re.IGNORECASE)


class Refused(StoreError):
    """The server says that lines are bad. `dropped`: how many it left out, where it says so; else 0."""

    def __init__(self, place: str, need: str, dropped: int) -> None:
        super().__init__(place, need)
        self.dropped = dropped


class TooLarge(StoreError):
    """The body is more than the server takes at once."""


def too_old_for_policy(reason: str) -> bool:
    """Whether the server refuses points only because it would remove them again at once."""
    return _TOO_OLD.search(reason) is not None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said. Header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def message(self) -> str:
        """The server's own words, from either version's error shape."""
        try:
            told = msgspec.json.decode(self.body)
            return str(told.get("error") or told.get("message") or told)
        except (msgspec.DecodeError, AttributeError):
            return self.body[:300].decode(errors="replace").strip() or f"status {self.status}"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one request is tried again, and how waiting is done.

    total_s  tries and waits together; no further try is begun beyond it [s]. Ingest waits meanwhile, and
             what it holds is unacknowledged: with one time-out it stays under the broker's `ack_wait`
    """

    total_s: float = 5.0
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random


def until_taken(place: str, send: Callable[[], Answer], size: int, patience: Patience) -> bytes:
    """Send until the server takes it; its answer's body. `size` of what is sent, in bytes.

    Raises Refused, TooLarge, or StoreError where trying again is of no use or has gone on for too long.
    """
    spent, delay_s = 0.0, FIRST_DELAY_S
    while True:
        started = time.monotonic()
        answer, trouble = _tried(place, send, size)
        if answer is not None:
            trouble = _judged(place, answer)
            if trouble is None:
                return answer.body
        wait_s = max(delay_s * (0.5 + patience.chance() / 2), _retry_after(answer))
        spent += time.monotonic() - started + wait_s
        if spent > patience.total_s:
            raise _away(place, patience, trouble, _retry_after(answer))
        _LOG.warning("%s: %s; trying again in %.1f s", place, trouble, wait_s)
        patience.sleep(wait_s)
        delay_s = min(2 * delay_s, LONGEST_DELAY_S)


def _away(place: str, patience: Patience, trouble: str | None, retry_after_s: float) -> StoreError:
    away = StoreError(
        place,
        f"InfluxDB did not take a request within {patience.total_s:g} s",
        trouble,
        "is it running, and not overloaded? Nothing is lost: it is tried again",
    )
    away.retry_after_s = retry_after_s
    return away


def _tried(place: str, send: Callable[[], Answer], size: int) -> tuple[Answer | None, str | None]:
    """The answer, or what kept it from us in words."""
    try:
        return send(), None
    except urllib3.exceptions.LocationValueError as error:
        raise StoreError(place, f"is no address of a server: {error}") from None
    except urllib3.exceptions.TimeoutError as error:
        return None, f"no answer in time ({error})"
    except urllib3.exceptions.HTTPError as error:
        if size > BIG_BODY and _cut_while_sending(error):
            raise TooLarge(
                place, "the connection was cut under a body of this size", size
            ) from None
        return None, f"no connection ({error})"


def _cut_while_sending(error: urllib3.exceptions.HTTPError) -> bool:
    if isinstance(error, urllib3.exceptions.MaxRetryError) and error.reason is not None:
        cause: object = error.reason
    else:
        cause = error
    return isinstance(cause, urllib3.exceptions.ProtocolError)


def _judged(place: str, answer: Answer) -> str | None:
    """None: taken. Words: try again. Everything else is raised."""
    status = answer.status
    if 200 <= status < 300:
        return None
    message = answer.message
    if status == 413:
        raise TooLarge(
            place,
            f"the server takes less at once: {message}",
            remedy="a line of the log is up to 60 kB: the limit for a body must be larger (max-body-size; a proxy's own)",
        )
    if status in (400, 422) or (status == 500 and _LOST_TYPE.search(message)):
        dropped = _DROPPED.search(message)
        raise Refused(place, message, int(dropped[1]) if dropped else 0)
    if status in (401, 403):
        raise StoreError(
            place,
            f"InfluxDB does not let us in ({status}: {message})",
            remedy="check name, password or token in URBAN_TELEMETRY, and that they may read and write there",
        )
    if status == 404 or _NOT_FOUND.search(message):
        raise StoreError(
            place,
            f"InfluxDB has no such database or bucket ({status}: {message})",
            remedy="check the path of URBAN_TELEMETRY, and make what is missing",
        )
    if status in (408, 429) or status >= 500:
        return f"{status}: {message}"
    raise StoreError(place, f"InfluxDB answered {status}: {message}")


def _retry_after(answer: Answer | None) -> float:
    """What the server asks us to wait; 0 where it says nothing, or says it as a date. [s]"""
    told = answer.headers.get("retry-after", "") if answer is not None else ""
    return float(told) if told.isdecimal() else 0.0
