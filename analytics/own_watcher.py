"""Looks after the platform's own parts: a small thread that lets `OwnWatch` look every second."""

from __future__ import annotations

import logging
import threading

from analytics.own import OwnWatch
from telemetry.clock import Clock
from telemetry.errors import StoreError

_LOG = logging.getLogger(__name__)
EVERY_S = 1.0


class OwnWatcher:
    """Runs `watch.look` until it is stopped. What the operations store does not take is told when it does."""

    def __init__(self, watch: OwnWatch, clock: Clock, every_s: float = EVERY_S) -> None:
        self._watch = watch
        self._clock = clock
        self._every_s = every_s
        self._ending = threading.Event()
        self._trouble = ""
        self._thread = threading.Thread(target=self._run, name="own watch", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the look at hand."""
        self._ending.set()
        if self._thread.ident is not None:
            self._thread.join()

    def trouble(self) -> str:
        """What is wrong, in words; "" when well."""
        if self._thread.ident is not None and not self._thread.is_alive():
            return "has ended"
        return self._trouble

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                self._watch.look(self._clock.now())
                self._trouble = ""
            except StoreError as error:
                self._trouble = str(error)
                _LOG.warning("alerts of our own outages wait for the store: %s", error)
            except Exception as error:  # a bug here must not end the watch for good
                self._trouble = repr(error)
                _LOG.exception("looking after the platform's parts failed")
            self._ending.wait(self._every_s)
