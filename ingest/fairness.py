"""One mad device harms only itself (promise 10): what it sends above its allowance goes to quarantine.

A device may send `factor` times as often as its kind declares, and save up for a burst. Above that its
messages must tell of event time: each hour of it has room for `factor` times what the kind declares, so a
day or a year that was stored up may come in one go, in any order. What is neither is refused; from then on
the device's messages are refused by their topic, unread, until it has kept to its allowance for a while.
Why it is so: docs/decisions/0025-fairness-by-event-time.md.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from devices.device import Catalogue
from devices.intake import Intake, Message
from devices.kind import REFUSED_SHARE
from ingest.allowance import BUCKET, EventHours, Groups, Table, tokens_now
from ingest.statements import Statements, Unread
from ingest.strangers import Strangers
from telemetry import metrics
from telemetry.arrays import AnyArray, Codes32, Mask, Values
from telemetry.clock import DAY, HOUR, SECOND
from telemetry.flags import Flag
from telemetry.ledger import NOBODY
from telemetry.readings import Readings

_LOG = logging.getLogger(__name__)
TELL_EVERY = 10 * SECOND  # how often it is told how much of a device is refused
# What a device may tell of the past within a day, while others wait for it: as much as its kind tells in a
# year. While nobody waits a message draws a tenth.
_HISTORY_DAYS, _UNHURRIED = 366, 0.1
# No device speaks of a time before 2000, nor far ahead.
_EARLIEST, _AHEAD = 946_684_800 * SECOND, HOUR
_STATE: dict[str, DTypeLike] = {
    "limited": np.bool_, "begins": np.bool_, "paid": np.int64, "over": np.int64, "sent": np.int64,
    "refused": np.int64, "told": np.int64, "history": np.float64, "history_at": np.int64,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rates:
    """What a device may do.

    factor   it may send so many times as often as its kind declares
    burst_s  of sending like that, at once [s]
    calm_s   it is limited no longer after so long within its allowance [s]
    full     messages in a batch behind which others wait
    """

    factor: float = 10.0
    burst_s: float = 3_600.0
    calm_s: float = 60.0
    full: int = 5_000


_NO_NEWS = Readings.empty()
_NOTHING_UNREAD = Unread(np.zeros(0, np.intp), np.zeros(0, np.int32))


class Fairness:
    """The allowance of every device. Used by one thread; `now` in ns.

    `before` and `after` judge a batch, `news` says what changed by it, and `keep` makes it last. Without it,
    as where a store did not take the batch, `back` makes it undone.

    Per device: a bucket of tokens, one a statement; whether it is `limited`, and that `begins`; `paid`,
    messages of this batch that its topic let through; when it was last `over`; what it `sent` and what was
    `refused` of it since that was `told`, and when that was; `history`, what it may tell of the past.
    """

    def __init__(self, catalogue: Catalogue, rates: Rates) -> None:
        self._catalogue = catalogue
        self._rates = rates
        interval = np.array([k.interval_s for k in catalogue.kinds], dtype=np.float64)
        self._usual = 1 / interval
        self._rate = rates.factor / interval
        self._capacity = np.maximum(self._rate * rates.burst_s, rates.factor)
        self._history = _HISTORY_DAYS * 86_400 / interval
        self._hourly = np.maximum(self._rate * 3_600, rates.factor)
        self._quantity = catalogue.kinds.quantity_code[REFUSED_SHARE.name]
        self._devices = Table(BUCKET | _STATE, 1024)
        self._hours = EventHours()
        self._strangers = Strangers(rates.factor, rates.burst_s, rates.calm_s)
        self._limited: AnyArray = np.zeros(0, dtype=np.int32)

    def adopt(self, latest: Readings, now: int) -> None:
        """Take up where an earlier process left off: when each device was heard, and who is limited.

        latest  the newest reading of every series
        """
        self._devices.grow(len(self._catalogue))
        said = latest.take(latest.quantity == self._quantity)
        kind_of, accepted = self._catalogue.kind_of, self._catalogue.kinds.accepted
        sent = latest.take(accepted[kind_of[latest.device], latest.quantity])
        heard = np.zeros(len(self._catalogue), dtype=np.int64)
        np.maximum.at(heard, sent.device, sent.received)
        codes = np.flatnonzero(heard)
        capacity = self._capacity[kind_of[codes]]
        self._devices.put(codes, tokens=capacity, at=heard[codes])
        self._devices.put(said.device, told=said.time, limited=said.value > 0, over=now)
        self.keep()

    def watches(self) -> bool:
        """True while somebody is limited: then `news` must be asked for as time passes."""
        return bool(len(self._limited)) or self._strangers.watches()

    def before(self, messages: Sequence[Message], owner: Callable[[str], int], now: int) -> Unread:
        """Which messages are refused unread.

        owner  the device of a topic; NOBODY where it names none, or one that was not met yet
        """
        self._devices.grow(len(self._catalogue))
        if not self.watches():
            return _NOTHING_UNREAD
        owners = np.array([owner(m.topic) for m in messages], dtype=np.int32)
        refused = self._strangers.before(messages, np.flatnonzero(owners == NOBODY), now)
        named = np.flatnonzero(owners != NOBODY)
        mine = named[self._devices["limited"][owners[named]]]
        if len(mine):
            by = Groups(owners[mine])
            tokens = self._tokens(by.codes, now)
            paid = np.minimum(by.count, np.floor(tokens).astype(np.int64))
            self._devices.put(by.codes, tokens=tokens - paid, at=now, paid=paid)
            self._note(by.codes, by.count, by.count - paid, now)
            refused = np.sort(np.concatenate([refused, mine[by.rank >= paid[by.group]]]))
        return Unread(refused, owners[refused])

    def after(
        self,
        messages: Sequence[Message],
        owner: Callable[[str], int],
        unread: Unread,
        intake: Intake,
        now: int,
    ) -> None:
        """Refuse what of a decoded batch is above an allowance: it becomes rejects of `intake`."""
        self._devices.grow(len(self._catalogue))  # some were met in this batch
        said = Statements.of(intake)
        empty = np.ones(len(messages), dtype=bool)
        empty[unread.message] = False
        read = empty.copy()
        empty[said.message] = False
        hollow = np.flatnonzero(empty)  # read, and nothing in it that can be stored
        owners = np.array([owner(messages[i].topic) for i in hollow.tolist()], dtype=np.int32)
        device = np.concatenate([said.device, owners[owners != NOBODY]])
        if len(device):
            refused = self._judge(messages, said, device, now)
            if refused is not None and refused[: len(said)].any():
                over = refused[: len(said)]
                said.refuse(intake, over, self.words)
                read[said.message[~over]] = False
                hollow = np.flatnonzero(read)
                owners = np.array([owner(messages[i].topic) for i in hollow.tolist()], np.int32)
        self._strangers.after(messages, hollow[owners == NOBODY], now)
        unread.reject(intake, self.words)

    def news(self, now: int) -> Readings:
        """Readings of `refused_share`: who is limited, from time to time again, and 0 who is no longer."""
        asked = np.union1d(self._limited, self._devices.changed("limited")).astype(np.int32)
        self._strangers.release(now)
        d = self._devices
        calm = now - d["over"][asked] >= self._rates.calm_s * SECOND
        again = (now - d["told"][asked] >= TELL_EVERY) & (d["refused"][asked] > 0)
        tell = d["limited"][asked] & (d["begins"][asked] | calm | again)
        asked, calm = asked[tell], calm[tell]
        if not len(asked):
            return _NO_NEWS
        share = 100 * d["refused"][asked] / np.maximum(d["sent"][asked], 1)
        value = np.where(calm, 0.0, np.clip(share, 0.1, 100.0))
        # Each is newer than the one before, also where a clock was set back.
        time = np.maximum(now, d["told"][asked] + 1)
        d.put(asked, limited=~calm, begins=False, sent=0, refused=0, told=time)
        quantity = np.full(len(asked), self._quantity)
        return Readings.of(asked, quantity, time, value, Flag.GOOD, now)

    def keep(self) -> None:
        """What was judged is durable: it stays charged."""
        asked = np.union1d(self._limited, self._devices.changed("limited")).astype(np.int32)
        self._devices.keep()
        self._hours.keep()
        self._strangers.keep()
        limited = asked[self._devices["limited"][asked]]
        for code in np.setdiff1d(limited, self._limited).tolist():
            _LOG.warning("%s", self.words(code))
        self._limited = limited
        metrics.LIMITED_DEVICES.set(len(limited))

    def back(self) -> None:
        """Undo what was judged since the last `keep`."""
        self._devices.back()
        self._hours.back()
        self._strangers.back()

    def words(self, device: int) -> str:
        """Why messages of a device (or NOBODY) are refused, for a person to read."""
        if device == NOBODY:
            return self._strangers.words
        found = self._catalogue.devices[device]
        interval = self._catalogue.kinds[found.kind].interval_s
        return (
            f"{found.id} sends more than {self._rates.factor:g} times as often as its kind declares "
            f"({found.kind}: every {interval} s); refused until it has kept to that for {self._rates.calm_s:g} s"
        )

    def _tokens(self, codes: AnyArray, now: int) -> Values:
        kind = self._catalogue.kind_of[codes]
        return tokens_now(
            self._devices, codes, now, self._rate[kind], self._capacity[kind], self._usual[kind]
        )

    def _judge(
        self, messages: Sequence[Message], said: Statements, device: Codes32, now: int
    ) -> Mask | None:
        """Which statements are refused; None: none. `device`: of each, then of messages that held none."""
        by = Groups(device)
        tokens = self._tokens(by.codes, now)
        paid = self._devices["paid"][by.codes]
        # Of the lower half only what has no hour to go to may draw: one bad message in a backfill is no crime.
        half = self._capacity[self._catalogue.kind_of[by.codes]] / 2
        upper = np.floor(np.maximum(tokens - half, 0)).astype(np.int64) + paid
        if (by.count <= upper).all() and not self.watches():
            self._devices.put(by.codes, tokens=tokens - by.count, at=now)
            return None
        asked = (by.rank >= upper[by.group]) & ~self._devices["limited"][by.codes][by.group]
        granted = self._of_the_past(messages, said, asked, now)
        rest = np.flatnonzero(~granted)
        refused: Mask = np.zeros(len(device), dtype=bool)
        room = np.floor(tokens).astype(np.int64) + paid
        refused[rest] = Groups(device[rest]).rank >= room[by.group[rest]]
        taken = np.maximum(by.total(~(granted | refused)) - paid, 0)
        self._devices.put(by.codes, tokens=tokens - taken, at=now, paid=0)
        self._note(by.codes, np.maximum(by.count - paid, 0), by.total(refused), now)
        return refused

    def _of_the_past(
        self, messages: Sequence[Message], said: Statements, asked: Mask, now: int
    ) -> Mask:
        """Which of the statements asked about tell of event time that was not told of enough yet."""
        granted: Mask = np.zeros(len(asked), dtype=bool)
        believable = (said.time >= _EARLIEST) & (said.time <= now + _AHEAD)
        which = np.flatnonzero(asked[: len(said)] & believable)
        most = self._hourly[self._catalogue.kind_of[said.device[which]]]
        which = which[self._hours.take(said.device[which], said.time[which], most)]
        if not len(which):
            return granted
        # A message weighs by its KiB, shared by what it states.
        shares = np.bincount(said.message, minlength=len(messages))
        size = np.array([len(messages[i].payload) for i in said.message[which].tolist()])
        weight = np.maximum(1.0, size / 1024 / shares[said.message[which]])
        if len(messages) < self._rates.full:
            weight *= _UNHURRIED
        by = Groups(said.device[which])
        left = self._history_left(by.codes, now)
        fits = by.running(weight) <= left[by.group]
        left -= np.bincount(by.group[fits], weight[fits], minlength=len(by.codes))
        self._devices.put(by.codes, history=left, history_at=now)
        granted[which[fits]] = True
        return granted

    def _history_left(self, codes: AnyArray, now: int) -> Values:
        """What these devices may still tell of the past, in messages of up to a KiB."""
        most = self._history[self._catalogue.kind_of[codes]]
        at = self._devices["history_at"][codes]
        gained = np.maximum(now - at, 0) * (most / DAY)
        left = np.minimum(self._devices["history"][codes] + gained, most)
        return np.where(at == 0, most, left)

    def _note(self, codes: AnyArray, sent: AnyArray, refused: AnyArray, now: int) -> None:
        """What was sent and refused just now; who is over the allowance is limited from here on."""
        d = self._devices
        asked = (refused > 0) | d["limited"][codes]
        codes, sent, refused = codes[asked], sent[asked], refused[asked]
        over = refused > 0
        d.put(
            codes,
            begins=d["begins"][codes] | ~d["limited"][codes],
            over=np.where(over, now, d["over"][codes]),
            sent=d["sent"][codes] + sent,
            refused=d["refused"][codes] + refused,
            limited=True,
        )
