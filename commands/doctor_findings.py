"""Facts → findings in plain words: what is well, what to know, what needs attention and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from api.schemas import AccountLine
from commands.doctor_facts import Facts
from commands.runbook import heading, remedy, said

_LOG = "it goes on trying by itself; the log in the data folder (urban.log) says more"
SHOWN = 5  # devices of one finding that are named
# A device that loses one message in a hundred, or sends one in ten late, is worth a look.
GAP_SHARE, LATE_SHARE = 0.01, 0.10
FEWEST = 3  # below that it is chance
# Batches are written every few hundredths of a second: this many are seconds, not moments.
BEHIND = 100
FREE_BYTES, FREE_SHARE = 2**30, 0.05


class Level(StrEnum):
    """How much a finding matters."""

    WELL = "well"
    NOTE = "note"
    ATTENTION = "attention"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `do`: the remedy; `more`: the details, a line each."""

    part: str
    level: Level
    text: str
    do: str = ""
    more: list[str] = field(default_factory=list)


def examine(facts: Facts) -> list[Finding]:
    """Every part in the order of the flow."""
    looks: tuple[Callable[[Facts], Iterator[Finding]], ...] = (
        _parts, _account, _quarantine, _gaps, _late, _spool, _behind, _disk, _tables,
    )  # fmt: skip
    return [finding for look in looks for finding in look(facts)]


def _parts(facts: Facts) -> Iterator[Finding]:
    if not facts.running:
        yield Finding("platform", Level.ATTENTION, "does not run", "start it: urban up")
        return
    wrong = {name: words for name, words in facts.checks.items() if words}
    for name, words in wrong.items():
        code = said(words)
        do = f"{remedy(code)} ({heading(code)})" if code else _LOG
        yield Finding(name, Level.ATTENTION, words, do)
    well = [name for name in facts.checks if name not in wrong]
    if well:
        yield Finding("parts", Level.WELL, f"{', '.join(well)}: well")
    if facts.filling is not None:
        done, total = facts.filling
        share = f"{done / total:.0%}" if total else "just begun"
        yield Finding("history", Level.NOTE, f"is being filled in: {share}", "wait")


def _account(facts: Facts) -> Iterator[Finding]:
    total = facts.total
    if total is None:
        yield _unread(facts, "account")
        return
    off = [d for d in facts.devices if not d.balanced]
    if not off and total.balanced:
        text = (
            f"in balance over the last {facts.hours} h: {total.received} received = {total.stored} "
            f"stored + {total.duplicate} duplicate + {total.quarantined} quarantined"
        )
        yield Finding("account", Level.WELL, text)
        return
    for device in off:
        yield _imbalance(device, facts.since.get(device.device or "", ""))
    if not off:
        yield Finding("account", Level.ATTENTION, f"is off by {_deficit(total)} records", _HANDS)


_HANDS = (
    "account and readings are written in one step, so no crash does this: look for rows that were "
    "deleted or restored by hand, and report it with the log"
)
_TWICE = (
    "more outcomes than records: an account that was restored from a backup and added to, or two "
    "platforms that write into one store; run one, and report it with the log"
)


def _imbalance(device: AccountLine, since: str) -> Finding:
    deficit = _deficit(device)
    name = device.device or "messages that no device could be named for"
    begun = f" since {since}" if since else ""
    what = "without an outcome" if deficit > 0 else "more outcomes than records"
    text = f"{name}: off by {abs(deficit)} records{begun} ({what})"
    sums = f"{device.received} received, {device.stored} stored, {device.duplicate} duplicate, {device.quarantined} quarantined"
    return Finding("account", Level.ATTENTION, text, _HANDS if deficit > 0 else _TWICE, [sums])


def _deficit(line: AccountLine) -> int:
    return line.received - line.stored - line.duplicate - line.quarantined


def _quarantine(facts: Facts) -> Iterator[Finding]:
    if facts.quarantine is None:
        yield _unread(facts, "quarantine")
        return
    if not facts.quarantine:
        yield Finding("quarantine", Level.WELL, "nothing waits")
    most_first = sorted(facts.quarantine.items(), key=lambda pair: (-pair[1], pair[0]))
    for reason, n in most_first:
        do = f"{remedy(reason)} ({heading(reason)})".lstrip()
        look = f"urban quarantine list --reason {reason}"
        yield Finding("quarantine", Level.ATTENTION, f"{n} × {reason} wait", do, [look])


def _gaps(facts: Facts) -> Iterator[Finding]:
    if facts.total is None:
        return
    found = [d for d in facts.devices if d.gap > 0]
    grave = [d for d in found if d.gap >= FEWEST and d.gap >= GAP_SHARE * (d.messages + d.gap)]
    lines = _worst(found, lambda d: d.gap, lambda d: f"{d.gap} of {d.messages + d.gap} messages")
    do = (
        "the link or the power of these devices, or a queue that overflows on the way to the broker"
    )
    text = f"{len(found)} devices' seq says that messages never arrived"
    yield _graded("gaps", found, grave, "no device's seq shows a gap", text, do, lines)


def _late(facts: Facts) -> Iterator[Finding]:
    if facts.total is None:
        return
    found = [d for d in facts.devices if d.late > 0]
    grave = [d for d in found if d.late >= FEWEST and d.late >= LATE_SHARE * d.stored]
    lines = _worst(found, lambda d: d.late, lambda d: f"{d.late} of {d.stored} values")
    do = "a device that buffers while its link is down is late and loses nothing; else look at its clock"
    text = f"{len(found)} devices sent values after newer ones"
    yield _graded("late", found, grave, "nothing came late", text, do, lines)


def _graded(
    part: str,
    found: Sequence[AccountLine],
    grave: Sequence[AccountLine],
    well: str,
    text: str,
    do: str,
    lines: list[str],
) -> Finding:
    if not found:
        return Finding(part, Level.WELL, well)
    return Finding(part, Level.ATTENTION if grave else Level.NOTE, text, do, lines)


def _worst(
    found: Sequence[AccountLine],
    by: Callable[[AccountLine], int],
    words: Callable[[AccountLine], str],
) -> list[str]:
    worst = sorted(found, key=lambda d: (-by(d), d.device or ""))
    lines = [f"{d.device or 'unnamed'}: {words(d)}" for d in worst[:SHOWN]]
    return lines + ([f"and {len(worst) - SHOWN} more"] if len(worst) > SHOWN else [])


def _spool(facts: Facts) -> Iterator[Finding]:
    if facts.spool_bytes is None:
        return
    if facts.spool_bytes == 0:
        yield Finding("spool", Level.WELL, "empty: the stores take everything")
        return
    text = f"{size(facts.spool_bytes)} wait on disk for a store"
    do = "bring the store back; the spool drains by itself, oldest first"
    yield Finding("spool", Level.ATTENTION, text, do if facts.running else "start the platform")


def _behind(facts: Facts) -> Iterator[Finding]:
    if facts.behind is None:
        return
    if facts.behind <= BEHIND or facts.filling is not None:
        level = Level.NOTE if facts.behind > BEHIND else Level.WELL
        yield Finding("analytics", level, f"{facts.behind} batches behind what is stored")
        return
    do = "it catches up by itself after a start; where it stays, look at urban_engine_batch_seconds and the log"
    yield Finding("analytics", Level.ATTENTION, f"{facts.behind} batches behind what is stored", do)


def _disk(facts: Facts) -> Iterator[Finding]:
    if facts.disk is None:
        return
    total, free = facts.disk
    text = f"{size(free)} of {size(total)} free where the data is"
    if free < FREE_BYTES or free < FREE_SHARE * total:
        do = (
            "make room: when the disk is full nothing more is acknowledged, and the broker keeps it"
        )
        yield Finding("disk", Level.ATTENTION, text, do)
    else:
        yield Finding("disk", Level.WELL, text)


def _tables(facts: Facts) -> Iterator[Finding]:
    if facts.tables is None:
        return
    here, ours = facts.tables
    text = f"operations store at step {here or 'of before there were marks'}"
    if here == ours:
        yield Finding("tables", Level.WELL, text)
    elif here < ours:
        yield Finding(
            "tables", Level.NOTE, text, f"the next start takes them to {ours}: keep a copy first"
        )
    else:
        do = f"this version knows steps up to {ours}: start the newer version that wrote it"
        yield Finding("tables", Level.ATTENTION, text, do)


def _unread(facts: Facts, part: str) -> Finding:
    words = facts.unread.get(part, "could not be found out")
    return Finding(part, Level.ATTENTION if facts.running else Level.NOTE, words)


def size(n: int) -> str:
    """Bytes for a person: 12.3 MiB."""
    value, units = float(n), ["bytes", "KiB", "MiB", "GiB", "TiB"]
    while value >= 1024 and len(units) > 1:
        value /= 1024
        units.pop(0)
    return f"{value:.0f} {units[0]}" if units[0] == "bytes" else f"{value:.1f} {units[0]}"
