"""A recording's times, as a mapping declares them → ns, UTC. Local times with daylight saving included."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from simulators.mapping import EPOCH_NS, ISO, TimeColumn
from telemetry.clock import SECOND, from_datetime, parse_duration, parse_time, within_reach
from telemetry.errors import DeclarationError, TimeError

# RFC 8428, 4.5.3: a time under 2**28 s (4 July 1978) is read as relative to now.
SENML_ABSOLUTE_FROM = 2**28 * SECOND


class RowRefused(Exception):
    """This row can't be sent; the argument says why."""


class TimeReader:
    """Reads one time after the other as a mapping declares it; remembers the last for ambiguous ones."""

    def __init__(self, time: TimeColumn, place: str) -> None:
        self._format = time.format
        self._zone = ZoneInfo(time.zone) if time.zone else None
        self._place = place
        self._last = 0
        self.counts = bool(time.start)  # no times in the file: the number of the row tells
        self._start = parse_time(time.start) if time.start else 0
        self._step = parse_duration(time.step) if time.step else 0

    def at(self, row: int) -> int:
        """The time of a row, by its number from 0. [ns]"""
        return self._start + row * self._step

    def read(self, text: str, line: int) -> int:
        """A time of the recording → ns, UTC. `line` is for the error's sake.

        Raises RowRefused where it is no time or does not exist, DeclarationError where it is naive and
        the mapping names no zone.
        """
        try:
            ns = self._parse(text, line)
        except (ValueError, OverflowError, TimeError):
            raise RowRefused("not a time" if text else "no time") from None
        if ns < SENML_ABSOLUTE_FROM:
            raise RowRefused("before 4 July 1978, which SenML would read as relative to now")
        self._last = ns
        return ns

    def _parse(self, text: str, line: int) -> int:
        if self._format in EPOCH_NS:
            return within_reach(_epoch(text, EPOCH_NS[self._format]), self._place, text)
        if self._format == ISO:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is not None:
                return parse_time(text)
        else:
            moment = datetime.strptime(text, self._format)  # noqa: DTZ007
        return from_datetime(moment) if moment.tzinfo else self._local(moment, line)

    def _local(self, naive: datetime, line: int) -> int:
        if self._zone is None:
            raise DeclarationError(
                f"{self._place}, line {line}",
                "holds a time without an offset, and the mapping names no zone",
                naive.isoformat(),
                'set zone = "UTC" or an IANA name under [time]',
            )
        first = naive.replace(tzinfo=self._zone)
        if first.astimezone(UTC).astimezone(self._zone).replace(tzinfo=None) != naive:
            raise RowRefused("local time that does not exist (the clock was put forward over it)")
        ns = from_datetime(first)
        if ns < self._last:
            # When the clock is put back an hour comes twice. Rows that step back into it are the
            # second time; where that doesn't mend the order, the rows have none to go by.
            second = from_datetime(naive.replace(tzinfo=self._zone, fold=1))
            if second >= self._last:
                return second
        return ns


def _epoch(text: str, unit_ns: int) -> int:
    # Through whole numbers where it can be: a float of today's nanoseconds is exact to 256 only.
    whole, _, fraction = text.partition(".")
    digits = len(str(unit_ns)) - 1
    if not whole.isdecimal() or not (fraction or "0").isdecimal():
        raise ValueError
    return int(whole) * unit_ns + int(fraction[:digits].ljust(digits, "0") or "0")
