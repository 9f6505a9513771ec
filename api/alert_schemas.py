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


class FloodInfo(Struct):
    """From ten minutes with more than ten alerts an operator to the first with fewer than five."""

    start: Time
    end: Time
    count: int


class ShareInfo(Struct):
    """How much one alert (rule at a subject) has of all that were announced."""

    rule: str
    title: Text
    subject: str
    count: int
    share: float


class ChatteringInfo(Struct):
    """Announced three times within a minute, or held as flapping. family: the rule's, or the rule itself."""

    family: str
    subject: str


class SpreadInfo(Struct):
    """Median and 95th percentile [s] of `count` alerts; null where there is none."""

    count: int
    median: float | None
    p95: float | None


class BenchmarkInfo(Struct):
    """What a figure should not be over, and who says so; manageable: the most that can be managed."""

    figure: str
    target: float
    manageable: float | None
    source: str


class AlarmQualityInfo(Struct):
    """Alarm quality of start <= time < end. Shares are of 1.

    count: alerts announced. average, most: an operator and ten minutes. over_ten: share of ten-minute
    periods with more than ten. flooded: share of the time in floods. standing, stale: at the end; stale
    ones for more than 24 hours.
    """

    start: Time
    end: Time
    operators: int
    count: int
    average: float
    most: float
    over_ten: float
    flooded: float
    floods: list[FloodInfo]
    standing: int
    stale: int
    chattering: int
    chattering_alerts: list[ChatteringInfo]
    top: list[ShareInfo]
    top_share: float
    to_acknowledge: SpreadInfo
    to_clear: SpreadInfo
    by_severity: dict[str, float]
    benchmarks: list[BenchmarkInfo]
