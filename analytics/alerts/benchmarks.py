"""What EEMUA 191 and ISA-18.2 hold to be good: shown beside the figures, each with its source.

Editions: ANSI/ISA-18.2-2016 clause 16 (recommended alarm performance metrics, based on 30 days and more),
EEMUA Publication 191. They are of process plants; a city may set itself others. The values are those that
are widely quoted from the standards; the texts themselves are sold and were not at hand here.
"""

from __future__ import annotations

from dataclasses import dataclass

from devices.kind import Severity

ISA = "ANSI/ISA-18.2-2016, 16 (as widely quoted)"
EEMUA = "EEMUA 191 (as widely quoted)"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A figure's name, the value that it should not be over, and who says so.

    manageable  the most that can be managed, where the source tells it apart; else None
    """

    figure: str
    target: float
    source: str
    manageable: float | None = None


BENCHMARKS = (
    Benchmark("average", 1.0, f"{EEMUA}; {ISA}", 2.0),
    Benchmark("most", 10.0, ISA),
    Benchmark("over_ten", 0.01, ISA),
    Benchmark("flooded", 0.01, ISA),
    Benchmark("standing", 10.0, EEMUA),
    Benchmark("stale", 4.0, ISA),  # fewer than five on any day
    Benchmark("chattering", 0.0, ISA),
    Benchmark("top_share", 0.01, ISA, 0.05),
)
# Share of alerts of each severity, with four of them.
BY_SEVERITY = {
    int(Severity.LOW): 0.80,
    int(Severity.MEDIUM): 0.15,
    int(Severity.HIGH): 0.05,
    int(Severity.CRITICAL): 0.01,
}
