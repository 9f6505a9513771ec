"""InfluxDB: how long its policies keep their points, and what a policy can't express.

Readings, minutes and hours live in policies of their own, and the server removes a shard when all of it is
too old. The account shares a policy with the log, whose times are no moments: it is deleted from.
"""

from __future__ import annotations

import logging

from store.influx_query import source
from store.influx_server import LOG, READINGS, ROLLUP_POLICY, InfluxServer
from store.line_protocol import encode_point
from telemetry.clock import DAY, HOUR, MINUTE
from telemetry.retention import FOR_EVER, GRACE, Retention, removed_before

_LOG = logging.getLogger(__name__)
_HORIZON = source("horizon", LOG)


class InfluxExpiry:
    """`horizon`: readings before this time may be gone [ns]."""

    def __init__(self, server: InfluxServer) -> None:
        self._server = server
        self._applied: Retention | None = None
        self._account_from = 0
        (series,) = server.query([f"SELECT before FROM {_HORIZON}"])
        self.horizon = int(series[0].whole("before")[0]) if series else 0

    def apply(self, retention: Retention, now: int) -> None:
        """Make the policies fit, and delete what is over and has no policy. Costs little to do again."""
        self._note(removed_before(retention.raw, now))
        if retention != self._applied:
            for change in keep(self._server, retention):
                _LOG.warning("%s: %s", self._server.place, change)
            self._applied = retention
        account_from = removed_before(retention.hours, now)
        if account_from is not None and account_from > self._account_from:
            self._server.remove(LOG, "account", account_from)
            self._account_from = account_from

    def _note(self, before: int | None) -> None:
        """Before the server may remove: a shard can end up to a day after the day that we count with."""
        if before is None or before + DAY <= self.horizon:
            return
        line = encode_point("horizon", {}, {"before": before + DAY}, 0)
        self._server.write(LOG, line.encode())
        self.horizon = before + DAY


def keep(server: InfluxServer, retention: Retention) -> list[str]:
    """Have the server keep each resolution as long as it is to be kept, and a day: ours are late by that.

    Returns what was changed, in words.
    """
    changes = [
        server.keep(policy, FOR_EVER if kept_for == FOR_EVER else kept_for + GRACE)
        for policy, kept_for in (
            (READINGS, retention.raw),
            (ROLLUP_POLICY[MINUTE], retention.minutes),
            (ROLLUP_POLICY[HOUR], retention.hours),
        )
    ]
    return [change for change in changes if change]
