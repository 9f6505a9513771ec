"""A message to a channel, through Apprise: mail, chat, SMS, webhook by URL."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from analytics.notify.plan import Channel
from telemetry.errors import DeclarationError

if TYPE_CHECKING:
    from apprise import Apprise

_LOG = logging.getLogger(__name__)


class Delivery(Protocol):
    """Sends a message; False where the channel did not take it."""

    def __call__(self, channel: str, title: str, body: str) -> bool: ...


class AppriseDelivery:
    """The channels of a plan. Raises DeclarationError, without the URL, where Apprise knows none like it."""

    def __init__(self, place: str, channels: Mapping[str, Channel]) -> None:
        # Below warnings it shows what it sends, and where to.
        logging.getLogger("apprise").setLevel(logging.WARNING)
        with warnings.catch_warnings():
            # It imports a module that Python 3.13 no longer has, and does without it there.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._by_name = {n: _service(place, n, c.url) for n, c in channels.items()}

    def __call__(self, channel: str, title: str, body: str) -> bool:
        """Send; False where the channel did not take it, with the reason in the log."""
        try:
            return bool(self._by_name[channel].notify(body=body, title=title))
        except Exception as error:  # a service's own fault must not end the thread that notifies
            # Not the error's text: it may hold the URL, and with it a secret.
            _LOG.error("channel %s failed with %s", channel, type(error).__name__)
            return False


def _service(place: str, name: str, url: str) -> Apprise:
    # Its import takes a moment: only who notifies waits.
    from apprise import Apprise

    service = Apprise.instantiate(url)
    if service is None:
        raise DeclarationError(
            f"{place}: channels.{name}.url",
            "must be an Apprise URL of a service that is known, and whole",
            remedy="the forms are listed at github.com/caronc/apprise/wiki",
        )
    found = Apprise()
    found.add(service)
    return found
