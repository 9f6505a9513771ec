"""How much one principal may ask: requests a second, and readings a minute. Token buckets, in memory.

Readings are paid when they were given: what an answer really cost, whichever route gave it. Who is in debt
waits until it is paid off.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from api.access.principal import Principal, Role
from api.problems import Problem
from telemetry.clock import SECOND, Clock

BURST_S = 10  # requests that may come at once: those of so many seconds
_MINUTE_S = 60
_DEBT = 5  # minutes' worth of readings that may be owed
_MOST = 20_000


@dataclass(frozen=True, slots=True)
class Rates:
    """requests: a second; readings: a minute."""

    requests: float
    readings: float


@dataclass(slots=True)
class _Bucket:
    requests: float
    readings: float
    at: int


class Limits:
    """Every method may be called from any thread."""

    def __init__(self, known: Rates, anonymous: Rates, clock: Clock) -> None:
        self._known = known
        self._anonymous = anonymous
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def admit(self, principal: Principal) -> None:
        """One request. Raises Problem (429) with Retry-After."""
        rates = self._rates(principal)
        with self._lock:
            bucket = self._bucket(principal, rates)
            if bucket.requests < 1:
                wait = (1 - bucket.requests) / rates.requests
                words = f"more than {rates.requests:g} requests a second"
            elif bucket.readings < 0:
                wait = -bucket.readings / rates.readings * _MINUTE_S
                words = f"more than {rates.readings:g} readings a minute"
            else:
                bucket.requests -= 1
                return
        seconds = max(1, -(-int(wait * 1_000) // 1_000))
        raise Problem(
            429, "Too many requests", f"{words}: try again in {seconds} s", retry_after_s=seconds
        ).with_headers({"Retry-After": str(seconds)})

    def charge(self, principal: Principal, readings: int) -> None:
        """So many readings, or windows, were given."""
        rates = self._rates(principal)
        with self._lock:
            bucket = self._bucket(principal, rates)
            bucket.readings = max(bucket.readings - readings, -_DEBT * rates.readings)

    def _rates(self, principal: Principal) -> Rates:
        return self._anonymous if principal.role is Role.ANONYMOUS else self._known

    def _bucket(self, principal: Principal, rates: Rates) -> _Bucket:
        name = f"address:{principal.source}" if principal.sort == "anonymous" else principal.label
        now = self._clock.now()
        found = self._buckets.get(name)
        if found is None:
            found = self._buckets[name] = _Bucket(rates.requests * BURST_S, rates.readings, now)
            while len(self._buckets) > _MOST:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(name)
        passed = max(0, now - found.at) / SECOND
        found.at = now
        found.requests = min(rates.requests * BURST_S, found.requests + passed * rates.requests)
        gained = passed * rates.readings / _MINUTE_S
        found.readings = min(rates.readings, found.readings + gained)
        return found
