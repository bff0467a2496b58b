"""What the gateway says about itself and its nodes: retained at the broker and never more often than useful, and to
whoever asks on the machine itself."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from stoep import __version__
from stoep.clock import Clock, real, timestamp
from stoep.fleet import summary
from stoep.fleet.condition import Condition
from stoep.health import Counters
from stoep.intake.intake import Intake
from stoep.intake.node import Heard
from stoep.links.base import Link
from stoep.refine.refiner import Refiner
from stoep.store.nodes import Identity
from stoep.store.windows import Summary
from stoep.uplink.dialects.native import Native
from stoep.uplink.retained import Retained

_log = logging.getLogger(__name__)
CHANGED_SECONDS = 2.0  # real, between two looks; on a large site more:
_REST, _LONGEST = 1600, 10.0  # times as long as a look takes of the processor; real seconds
QUIET_SECONDS = 60.0  # real, while nothing does


class _Known(NamedTuple):
    """What a node's last state was made from."""

    identity: Identity
    window: Summary | None
    heard: Heard | None
    utc: float | None
    condition: Condition | None
    silent: bool


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
        conditions: Callable[[], Mapping[bytes, Condition]] = dict,
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
        self._conditions = conditions
        self._started = clock.monotonic()
        self._trusted: bool | None = None
        self._silent: set[str] = set()
        self._more_said: dict[str, Any] = {}  # as of the last look, for whoever may not wait for the store
        self._said: dict[str, Any] | None = None
        self._said_at = 0.0
        self._looked_at = 0.0
        self._rest = CHANGED_SECONDS
        self._spent = 0.0  # seconds of the processor that the last look took
        self._heard: dict[bytes, tuple[Heard, float | None]] = {}
        self._nodes_said: dict[bytes, _Known] = {}

    def publish(self, identities: Mapping[bytes, Identity], *, now: bool = False) -> None:
        """Puts what changed where the publisher finds it."""
        began = real()
        if not now and began - self._looked_at < self._rest:
            return
        self._looked_at = began
        worked = time.thread_time()  # not what it waited: on a busy machine it would fall silent
        self._look(identities)
        spent = time.thread_time() - worked
        usual, self._spent = min(spent, self._spent), spent  # one in which much was new makes the next one no later
        self._rest = max(CHANGED_SECONDS, min(_LONGEST, _REST * usual))

    def _look(self, identities: Mapping[bytes, Identity]) -> None:
        trusted = self._clock.trusted()
        if self._states:
            self._publish_nodes(identities, trusted=trusted)
        self._more_said = dict(self._more())
        self._tell_changes(trusted=trusted)
        document = self._document(trusted=trusted)
        if document == self._said and real() - self._said_at < QUIET_SECONDS:
            return
        self._said, self._said_at = document, real()
        now = timestamp(self._clock.utc()) if trusted else None
        self._retained.put(self._native.gateway_topic, self._native.gateway({**document, "time": now}))

    def report(self) -> dict[str, Any]:
        """All of it, for `stoep status` and the metrics: JSON-able, without a look into the store."""
        trusted = self._clock.trusted()
        conditions = self._conditions()
        heard = self._heard_utc()
        now, started = self._now()
        return {
            **self._document(trusted=trusted),
            "version": __version__,
            "time": round(now),
            "started": round(started),
            "table": [summary.row(one, heard.get(kid), now, started) for kid, one in conditions.items()],
        }

    def sentence(self) -> str:
        """The state in a few words, for `systemctl status`."""
        said = self._said or {}
        fleet = said.get("fleet")
        words = ["no survey of the nodes yet"] if fleet is None else [_fleet_words(fleet)]
        if not said.get("clock_trusted", True):
            words.append("the clock is not trusted")
        down = sum(not link.alive() for link in self._links)
        if down:
            words.append(f"{down} of {len(self._links)} links down")
        connected = said.get("uplink", {}).get("connected")
        words.append("the city's broker is connected" if connected else "no city's broker")
        words.append(f"{said.get('counters', {}).get('outbox', 0)} messages wait")
        return ", ".join(words)

    def _document(self, *, trusted: bool) -> dict[str, Any]:
        more = dict(self._more_said)
        document: dict[str, Any] = {
            "instance": self._intake.instance.hex(),
            "clock_trusted": trusted,
            "counters": {**self._counters.snapshot(), "outbox": more.pop("outbox", 0)},
            "bridges": [dict(link.status()) for link in self._links if link.medium == "radio"],
            **more,
        }
        for link in self._links:
            if link.medium == "broker":
                document["local_broker"] = dict(link.status())
        conditions = self._conditions()
        if trusted and conditions:
            document["fleet"] = summary.fleet(conditions.values(), self._heard_utc(), *self._now())
        return document

    def _tell_changes(self, *, trusted: bool) -> None:
        """Once each: whether there are dates at all, and who falls silent and speaks again."""
        if trusted != self._trusted:
            self._trusted = trusted
            if trusted:
                _log.info("the clock is trusted: readings are dated and published")
            else:
                _log.warning("the clock is not trusted: readings are kept, nothing is published until NTP has set it")
        if not trusted:
            return
        heard, (now, started) = self._heard_utc(), self._now()
        silent = {one.name for kid, one in self._conditions().items() if one.silent(heard.get(kid), now, started)}
        for name in sorted(silent - self._silent):
            _log.warning("%s is silent", name)
        for name in sorted(self._silent - silent):
            _log.info("%s is heard again, or gone from the registry", name)
        self._silent = silent

    def _publish_nodes(self, identities: Mapping[bytes, Identity], *, trusted: bool) -> None:
        heard = self._intake.heard()
        conditions = self._conditions() if trusted else {}
        now, started = self._now()
        for kid, identity in identities.items():
            window = self._refiner.published.get(kid)
            last = heard.get(kid)
            if window is None and last is None:
                continue
            utc = None if last is None else self._dated(kid, last, trusted=trusted)
            condition = conditions.get(kid)
            silent = condition is not None and condition.silent(utc, now, started)
            known = _Known(identity, window, last, utc, condition, silent)
            if self._nodes_said.get(kid) != known:
                self._nodes_said[kid] = known
                more = {} if condition is None else summary.node(condition, silent=silent)
                self._retained.put(*self._native.state(identity, window, last, utc, more))

    def _now(self) -> tuple[float, float]:
        """Now and the service's start in Unix seconds, as good as the clock is."""
        offset = self._clock.offset()
        return self._clock.monotonic() + offset, self._started + offset

    def _heard_utc(self) -> dict[bytes, float]:
        offset = self._clock.offset()
        return {kid: heard.at + offset for kid, heard in self._intake.heard().items()}

    def _dated(self, kid: bytes, heard: Heard, *, trusted: bool) -> float | None:
        """The UTC of `heard`, worked out once: a clock that is being slewed must not make it news again and again."""
        known = self._heard.get(kid)
        if known is None or known[0] is not heard or known[1] is None:
            known = self._heard[kid] = (heard, heard.at + self._clock.offset() if trusted else None)
        return known[1]


def _fleet_words(fleet: Mapping[str, Any]) -> str:
    silent = len(fleet["silent"])
    said = f"{fleet['nodes'] - silent} of {fleet['nodes']} nodes heard"
    return said if fleet["share"] is None else f"{said}, {fleet['usable']} of {fleet['of']} usable"
