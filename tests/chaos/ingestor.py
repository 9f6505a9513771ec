"""The ingest part as a process of its own: it can be asked, robbed of its store, and killed.

It is forked from a server that has imported everything, so that a start costs a tenth of a second and a
test affords many. Behind the pipe runs what `urban up` runs: Receiver → Sink (Spool) → Pipeline → stores.
"""

from __future__ import annotations

import multiprocessing
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from devices.device import Catalogue
from devices.registry import load_kinds
from ingest.decode import Decoder
from ingest.pipeline import Pipeline
from ingest.receiver import Receiver
from ingest.sink import Sink
from ingest.spool import Spool
from store.duckdb_store import DuckDBStore
from store.sql_store import SqlOperations
from telemetry.address import BrokerAddress
from telemetry.clock import SystemClock
from telemetry.errors import StoreError
from telemetry.ledger import Ledger
from telemetry.readings import Readings

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([__name__])


@dataclass(frozen=True, slots=True)
class Place:
    """Where an ingestor works. `store_away`: its telemetry store refuses from the start."""

    folder: Path
    port: int
    batch: int = 200
    store_away: bool = False

    @property
    def telemetry(self) -> Path:
        """The DuckDB file."""
        return self.folder / "telemetry.duckdb"

    @property
    def operations(self) -> str:
        """The SQLite file, as an address."""
        return f"sqlite:///{self.folder / 'operations.db'}"


class AwayStore(DuckDBStore):
    """A store that can be away: it then refuses every batch."""

    away = False

    def append(self, readings: Readings, ledger: Ledger) -> int:
        """See TelemetryStore.append."""
        if self.away:
            raise StoreError(str(self.path), "is away")
        return super().append(readings, ledger)


class IngestProcess:
    """One ingestor, restarted and killed at will; every start works on the same files."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._process: Any = None
        self._pipe: Any = None

    @property
    def pid(self) -> int:
        """Process id of the ingestor that runs."""
        return int(self._process.pid)

    def start(self, *, store_away: bool = False) -> None:
        """Start it; does not wait until it is ready."""
        place = self.place
        given = Place(place.folder, place.port, place.batch, store_away)
        self._pipe, theirs = _FORKS.Pipe()
        self._process = _FORKS.Process(target=_serve, args=(given, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def report(self) -> dict[str, Any]:
        """Its account by outcome, its trouble in words, and the bytes that wait in its spool."""
        self._pipe.send("report")
        found: dict[str, Any] = self._pipe.recv()
        return found

    def store(self, *, away: bool) -> None:
        """Take its telemetry store away, or give it back."""
        self._pipe.send("away" if away else "back")

    def kill(self) -> None:
        """SIGKILL: nothing is finished, nothing is flushed. Fails where it had ended already."""
        ended = self._process.exitcode
        self.close()
        assert ended is None, f"the ingestor had ended by itself, with {ended}"

    def stop(self) -> None:
        """Let it finish its batch and leave; fails where it does not."""
        self._pipe.send("stop")
        self._process.join(20)
        code = self._process.exitcode
        self.close()
        assert code == 0, f"the ingestor ended with {code}"

    def close(self) -> None:
        """Whatever happened in the test, leave nothing behind."""
        if self._process is None:
            return
        self._process.kill()
        self._process.join(10)
        self._process.close()
        self._pipe.close()
        self._process = None


def _serve(place: Place, pipe: Connection) -> None:
    """The child: ingest, and answer what the test asks, until it is told to stop or the test is gone."""
    catalogue = Catalogue(load_kinds())
    operations = SqlOperations(place.operations)
    for device in operations.devices():
        catalogue.put(device)
    telemetry = AwayStore(place.telemetry, catalogue)
    telemetry.away = place.store_away
    spool = Spool(place.folder / "spool", 2**30)
    sink = Sink(Pipeline(catalogue, telemetry, operations, Decoder(catalogue)), spool)
    address = BrokerAddress("127.0.0.1", place.port)
    receiver = Receiver(address, "urban-ingest", sink, SystemClock(), place.batch)
    receiver.start()
    try:
        while (word := pipe.recv()) != "stop":
            if word == "report":
                pipe.send(_report(telemetry, spool, receiver))
            else:
                telemetry.away = word == "away"
    except EOFError:
        pass  # the test has ended without a word
    receiver.stop()
    telemetry.close()
    operations.close()


def _report(telemetry: DuckDBStore, spool: Spool, receiver: Receiver) -> dict[str, Any]:
    account: dict[str, int] = {}
    for row in telemetry.account(0, 2**62):
        account[row.outcome] = account.get(row.outcome, 0) + row.count
    return {"account": account, "trouble": receiver.trouble(), "spool": spool.bytes()}
