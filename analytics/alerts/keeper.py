"""Lets time pass for alerts: a small thread that asks the book to do what is due."""

from __future__ import annotations

import logging
import threading

from analytics.alerts.book import AlertBook
from telemetry.errors import StoreError

_LOG = logging.getLogger(__name__)
EVERY_S = 1.0


class Keeper:
    """Runs `book.tend` until it is stopped. A store that is away is asked again; nothing that is due is lost."""

    def __init__(self, book: AlertBook, every_s: float = EVERY_S) -> None:
        self._book = book
        self._every_s = every_s
        self._ending = threading.Event()
        self._trouble = ""
        self._thread = threading.Thread(target=self._run, name="alert keeper", daemon=True)

    def start(self) -> None:
        """Begin; what fell due while nobody looked is done at once."""
        self._thread.start()

    def stop(self) -> None:
        """End after what is at hand."""
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
                self._book.tend()
                self._trouble = ""
            except StoreError as error:
                self._trouble = str(error)
                _LOG.warning("alerts wait for the store: %s", error)
            except Exception as error:  # a bug here must not end shelves and reminders for good
                self._trouble = repr(error)
                _LOG.exception("tending alerts failed")
            self._ending.wait(self._every_s)
