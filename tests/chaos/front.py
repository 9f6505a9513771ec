"""A face before a real influxd that answers everything, reads and writes, as a server in trouble does."""

from __future__ import annotations

import time

from tests.store.scripted import Scripted, Step


class Front(Scripted):
    """Passes requests on, unless `fault` is set: then that is the answer to each.

    delay_s  how much later each answer comes
    largest  a body of more bytes is answered with 413; 0: any size is taken
    """

    def __init__(self, upstream: int) -> None:
        super().__init__(upstream)
        self.heal()

    def heal(self) -> None:
        """Be well again."""
        self.fault: Step = None
        self.delay_s = 0.0
        self.largest = 0
        self.answered = 0  # requests that met the fault

    def step(self, path: str, body: bytes) -> Step:
        """See Scripted."""
        time.sleep(self.delay_s)
        if self.fault is not None:
            self.answered += 1
            return self.fault
        if self.largest and len(body) > self.largest:
            self.answered += 1
            return 413, {}, b'{"error":"Request Entity Too Large"}'
        return None
