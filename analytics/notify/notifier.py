"""Alerts → people, beside everything else: a thread a channel, so that a slow one holds up nobody."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable

from analytics.notify.post import Post
from telemetry.errors import StoreError

_LOG = logging.getLogger(__name__)
EVERY_S = 1.0
FAILING = 3  # messages in a row that a channel did not take: an alert of its own


class Notifier:
    """Runs the posts of all channels.

    on_trouble(channel, words): a channel has failed several times in a row; "" once it works again.
    """

    def __init__(
        self,
        posts: Iterable[Post],
        on_trouble: Callable[[str, str], None],
        every_s: float = EVERY_S,
    ) -> None:
        self._posts = list(posts)
        self._on_trouble = on_trouble
        self._every_s = every_s
        self._ending = threading.Event()
        self._failing: dict[str, int] = {}
        self._threads = [
            threading.Thread(target=self._run, args=[p], name=f"notify {p.name}", daemon=True)
            for p in self._posts
        ]

    def start(self) -> None:
        """Follow the history of alerts from where each channel left off."""
        for thread in self._threads:
            thread.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """End after the messages at hand; what was not said is said after the next start."""
        self._ending.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(timeout_s)

    def trouble(self) -> str:
        """Which channels fail, in words; "" when well."""
        failing = sorted(name for name, count in self._failing.items() if count >= FAILING)
        return f"channels that take no message: {', '.join(failing)}" if failing else ""

    def _run(self, post: Post) -> None:
        while not self._ending.wait(self._every_s):
            try:
                post.step()
            except StoreError as error:
                _LOG.warning("channel %s waits for the store: %s", post.name, error)
                continue
            except Exception:
                _LOG.exception("channel %s: a step failed", post.name)
                continue
            self._look_after(post)

    def _look_after(self, post: Post) -> None:
        before, self._failing[post.name] = self._failing.get(post.name, 0), post.failures
        if (before >= FAILING) == (post.failures >= FAILING):
            return
        words = f"has not taken {post.failures} messages in a row" if post.failures else ""
        try:
            self._on_trouble(post.name, words)
        except StoreError as error:
            self._failing[post.name] = before  # told again at the next step
            _LOG.warning("channel %s: its alert can't be written: %s", post.name, error)
