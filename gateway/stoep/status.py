"""What the gateway says about itself and its nodes, retained at the broker and never more often than useful."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stoep.clock import Clock, real, timestamp
from stoep.health import Counters
from stoep.intake.intake import Intake
from stoep.intake.node import Heard
from stoep.links.base import Link
from stoep.refine.refiner import Refiner
from stoep.store.nodes import Identity
from stoep.uplink.dialects.native import Native
from stoep.uplink.retained import Retained

CHANGED_SECONDS = 2.0  # real, while something changes
QUIET_SECONDS = 60.0  # real, while nothing does


class Status:
    def __init__(
        self,
        native: Native,
        retained: Retained,
        clock: Clock,
        counters: Counters,
        intake: Intake,
        refiner: Refiner,
        links: Sequence[Link],
        more: Callable[[], Mapping[str, Any]],
        *,
        states: bool = True,
    ) -> None:
        self._states = states
        self._native = native
        self._retained = retained
        self._clock = clock
        self._counters = counters
        self._intake = intake
        self._refiner = refiner
        self._links = links
        self._more = more
        self._said: dict[str, Any] | None = None
        self._said_at = 0.0
        self._looked_at = 0.0
        self._heard: dict[bytes, tuple[Heard, float | None]] = {}

    def publish(self, identities: Mapping[bytes, Identity], *, now: bool = False) -> None:
        """Puts what changed where the publisher finds it."""
        if not now and real() - self._looked_at < CHANGED_SECONDS:
            return
        self._looked_at = real()
        trusted = self._clock.trusted()
        if self._states:
            self._publish_nodes(identities, trusted=trusted)
        more = dict(self._more())
        document: dict[str, Any] = {
            "instance": self._intake.instance.hex(),
            "clock_trusted": trusted,
            "counters": {**self._counters.snapshot(), "outbox": more.pop("outbox")},
            "bridges": [dict(link.status()) for link in self._links if link.medium == "radio"],
            **more,
        }
        for link in self._links:
            if link.medium == "broker":
                document["local_broker"] = dict(link.status())
        if document == self._said and real() - self._said_at < QUIET_SECONDS:
            return
        self._said, self._said_at = document, real()
        time = timestamp(self._clock.utc()) if trusted else None
        self._retained.put(self._native.gateway_topic, self._native.gateway({**document, "time": time}))

    def _publish_nodes(self, identities: Mapping[bytes, Identity], *, trusted: bool) -> None:
        heard = self._intake.heard()
        for kid, identity in identities.items():
            window = self._refiner.published.get(kid)
            last = heard.get(kid)
            if window is None and last is None:
                continue
            utc = None if last is None else self._dated(kid, last, trusted=trusted)
            self._retained.put(*self._native.state(identity, window, last, utc))

    def _dated(self, kid: bytes, heard: Heard, *, trusted: bool) -> float | None:
        """The UTC of `heard`, worked out once: a clock that is being slewed must not make it news again and again."""
        known = self._heard.get(kid)
        if known is None or known[0] is not heard or known[1] is None:
            known = self._heard[kid] = (heard, heard.at + self._clock.offset() if trusted else None)
        return known[1]
