"""A publisher with its outbox and a clock to turn, in a thread of the test."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway_chain import fail
from gateway_rig import MORNING, TurnedClock
from stoep.health import Counters, Pulse
from stoep.store.database import Database
from stoep.store.outbox import Outbox
from stoep.uplink.connection import Broker, Handler
from stoep.uplink.dialects.native import Native
from stoep.uplink.publisher import Publisher
from stoep.uplink.retained import Retained

GATEWAY = "stoep/1/made-up/gateway"
NOW = MORNING
needs_mosquitto = pytest.mark.skipif(
    shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin") is None,
    reason="mosquitto is not installed: apt install mosquitto",
)
SET = "stoep/1/made-up/+/set"


class Running:
    """`listen`: takes what the city sends under SET."""

    def __init__(
        self,
        folder: Path,
        broker: Broker,
        *,
        backlog_per_second: float = 1000,
        listen: Handler | None = None,
    ) -> None:
        self.database = Database(folder / "stoep.db", fail)
        self.outbox = Outbox(self.database)
        self.retained = Retained()
        self.counters = Counters()
        self.publisher = Publisher(
            broker,
            self.outbox,
            self.retained,
            GATEWAY,
            b'{"status":"offline"}',
            self.counters,
            Pulse(),
            clock=TurnedClock(),
            mark=Native.mark,
            backlog_per_second=backlog_per_second,
        )
        if listen is not None:
            self.publisher.subscribe(SET, listen)
        self.failure: BaseException | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.publisher.run(self._stop)
        except BaseException as error:  # noqa: BLE001 -- as the service sees it
            self.failure = error

    def put(self, *numbers: int, urgent: bool = False, age: float = 0, what: str = "window") -> None:
        """A row for each number, on a topic of its own, that tells of `age` seconds ago."""
        with self.database.transaction() as sql:
            for number in numbers:
                topic = f"stoep/1/made-up/bin-{number}/{what}"
                key = f"{what} {number} {age}"
                self.outbox.put(sql, key, topic, b'{"number":%d}' % number, urgent=urgent, at=NOW - age)
        self.outbox.waiting.set()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(10)
        assert not self._thread.is_alive()
        self.database.close()


@contextmanager
def running(
    folder: Path,
    port: int,
    *,
    backlog_per_second: float = 1000,
    listen: Handler | None = None,
    keepalive: int = 30,
    **more: object,
) -> Iterator[Running]:
    broker = Broker("127.0.0.1", port, "test-gateway", keepalive, **{"tls": False, **more})  # type: ignore[arg-type]
    played = Running(folder, broker, backlog_per_second=backlog_per_second, listen=listen)
    try:
        yield played
    finally:
        played.stop()
