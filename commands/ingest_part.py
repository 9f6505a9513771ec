"""The ingest part: broker → receiver → sink with its spool → pipeline → stores."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from commands.stores import Stores
from devices.topics import FEED, UPLINK, topic_filters
from ingest.decode import Decoder
from ingest.fairness import Fairness, Rates
from ingest.housekeeping import Housekeeping
from ingest.pipeline import Pipeline
from ingest.receiver import Receiver
from ingest.sink import Sink
from ingest.spool import Spool
from ingest.validate import Limits
from store.telemetry import Series
from telemetry.address import BrokerAddress
from telemetry.clock import SECOND, Clock
from telemetry.errors import StartError
from telemetry.readings import Readings
from telemetry.settings import Settings


def filters_of(settings: Settings, option: str = "") -> Sequence[str]:
    """The topics of `--topics`, else of URBAN_TOPICS, else all. Raises UrbanError in words."""
    place, text = ("--topics", option) if option else ("URBAN_TOPICS", settings.topics)
    if not text:
        return FEED, UPLINK
    found = topic_filters(text, place)
    if not settings.is_own_client_id:
        # The broker would end the connection of one ingestor whenever the other makes its own.
        raise StartError(
            "URBAN_CLIENT_ID",
            "must be an id of its own where ingestors share a broker by topic",
            settings.client_id,
            "set URBAN_CLIENT_ID, another one for each ingestor, and keep it: the broker keeps the "
            "messages of a session under it",
        )
    return found


class IngestPart:
    """Everything between a broker and the stores. `start` and `stop` are the only life cycle.

    on_stored: told of new readings once they are durable; analysed: the position in the log that
    analytics has saved; topics: the filters to subscribe to.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        stores: Stores,
        address: BrokerAddress,
        on_stored: Callable[[Readings], None],
        analysed: Callable[[], int],
        topics: Sequence[str] = (FEED, UPLINK),
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._stores = stores
        spool = Spool(settings.data_dir / "spool", settings.spool_mb * 2**20)
        self.sink = Sink(self._pipeline(), spool, on_stored)
        self.receiver = Receiver(
            address, settings.client_id, self.sink, clock, settings.batch, topics
        )
        self._housekeeping = Housekeeping(
            stores.operations,
            stores.telemetry,
            clock,
            settings.quarantine_days,
            settings.quarantine_mb * 2**20,
            settings.retention,
            analysed,
        )

    def start(self) -> None:
        """Connect, and look after what is kept."""
        self.receiver.start()
        self._housekeeping.start()

    def stop(self) -> None:
        """Finish the batch at hand and leave; the broker keeps what was not acknowledged."""
        self._housekeeping.stop()
        self.receiver.stop()

    def idle(self) -> bool:
        """Nothing that was taken from the broker waits to be stored."""
        return self.receiver.waiting() == 0 and not self.sink.waits()

    def _pipeline(self) -> Pipeline:
        settings, stores = self._settings, self._stores
        decoder = Decoder(
            stores.catalogue, settings.unregistered, settings.max_devices, settings.max_payload
        )
        limits = Limits(int(settings.ahead_s * SECOND), settings.retention.raw)
        return Pipeline(
            stores.catalogue,
            stores.telemetry,
            stores.operations,
            decoder,
            limits,
            self._clock,
            stores.refusals,
            self._fairness(),
        )

    def _fairness(self) -> Fairness | None:
        settings, stores = self._settings, self._stores
        if settings.rate_factor == 0:
            return None
        rates = Rates(
            settings.rate_factor, settings.rate_burst_s, settings.rate_calm_s, settings.batch
        )
        made = Fairness(stores.catalogue, rates)
        made.adopt(stores.telemetry.latest(Series()), self._clock.now())
        return made
