"""A gateway without threads and the city it serves: commands go in, results come out, a test says when time passes."""

import json
from pathlib import Path
from typing import Any

from gateway_chain import Chain
from gateway_rig import PlayedNode, TurnedClock
from stoep.store import commands as rows
from stoep.uplink.dialects.native import timestamp
from stoep.wire.messages import Health
from stoep.wire.replies import Answer, version_of

TOPIC = "stoep/1/grote-markt/bin-1/set"
BASE = {1: 900, 3: 1500}  # as the registry says


def health(settings: dict[int, int] | None = None, refused: dict[int, int] | None = None, flaw: int = 0) -> Health:
    version = version_of(BASE if settings is None else settings)
    return Health(1, 0, 0, 9, 0, 4096, 1, 0, version, version_of(refused) if refused else 0, flaw, (0,) * 8)


class Town:
    """A gateway without threads and its city: commands go in, results come out."""

    def __init__(self, folder: Path, settings: dict[int, int] | None = None, kind: str = "bin") -> None:
        self.clock = TurnedClock()
        self.node = PlayedNode()
        self.chain = Chain(
            folder / "stoep.db", self.clock, self.node, kind, settings=BASE if settings is None else settings
        )
        self._tick = 10

    def wants(
        self, id_: str = "a", expires: Any = 3600, *, retained: bool = False, topic: str = TOPIC, **settings: Any
    ) -> None:
        """`expires` in seconds from now, or as it is said."""
        when = timestamp(self.clock.utc() + expires) if isinstance(expires, int) else expires
        self.says(
            json.dumps({"id": id_, "expires": when, "settings": settings}).encode(), retained=retained, topic=topic
        )

    def says(self, payload: bytes, *, retained: bool = False, topic: str = TOPIC) -> None:
        self.chain.commands.take(topic, payload, retained)

    def hears(self) -> list[tuple[str | None, str]]:
        """(id, result) of each message that waits."""
        return [(one["id"], one["result"]) for one in self.told()]

    def told(self) -> list[dict[str, Any]]:
        self.chain.commands.turn()
        return self.chain.said("set/result")

    def report(self, said: Health | None = None, after: float = 60) -> Answer:
        """The node's next report, and what it is answered."""
        self.clock.now += after
        self._tick += round(after)
        return self.chain.ask(tick=self._tick, health=said)

    def restart(self) -> None:
        self.chain.crash()

    def audit(self) -> list[str]:
        with self.chain.database.reading() as sql:
            return [step.result.value for step in rows.newest(sql, None, 1)[0].steps]
