"""All bridges side by side: which is dead, and which lives and is still of no use.

A bridge that says hello but hears nobody looks healthy by itself; only another one that hears the street shows it.
"""

import logging
from collections.abc import Sequence
from typing import NamedTuple

from stoep.clock import Clock, real
from stoep.links.bridge import BridgeLink

_log = logging.getLogger(__name__)
DEAD = 30.0  # real seconds after which it is told: one that restarts is back before
DEAF = 3600.0  # seconds of the clock: four usual reports of a node
_ENOUGH = 20  # frames that another bridge heard meanwhile


class _Ear(NamedTuple):
    at: float  # of the clock: when it was last known to hear
    frames: int  # it had heard by then
    others: int  # all others had heard by then


class Watch:
    """Looks at the bridges now and then; says what it sees in the log, and in each link's `flaw`."""

    def __init__(self, bridges: Sequence[BridgeLink], clock: Clock) -> None:
        self._bridges = tuple(bridges)
        self._clock = clock
        self._lived = dict.fromkeys(self._bridges, real())
        self._dead: set[BridgeLink] = set()
        self._ears: dict[BridgeLink, _Ear] = {}

    def look(self) -> None:
        for bridge in self._bridges:
            self._look_for_death(bridge)
            flaw = (self._off_channel(bridge) or self._deaf(bridge)) if bridge.alive() else None
            if flaw is not None and bridge.flaw is None:
                _log.warning("%s", flaw)
            bridge.flaw = flaw

    def _look_for_death(self, bridge: BridgeLink) -> None:
        if bridge.alive():
            self._lived[bridge] = real()
            if bridge in self._dead:
                self._dead.remove(bridge)
                _log.info("bridge %s is back", bridge.name)
        elif bridge not in self._dead and real() - self._lived[bridge] >= DEAD:
            self._dead.add(bridge)
            _log.error("bridge %s is dead since %d seconds: %s", bridge.name, DEAD, bridge.trouble())

    def _off_channel(self, bridge: BridgeLink) -> str | None:
        for other in self._bridges:
            if other.alive() and None not in (bridge.channel, other.channel) and other.channel != bridge.channel:
                return (
                    f"bridge {bridge.name} listens on radio channel {bridge.channel}, {other.name} on {other.channel}: "
                    "a site has one, commission the wrong one again"
                )
        return None

    def _deaf(self, bridge: BridgeLink) -> str | None:
        now, others = self._clock.monotonic(), sum(one.frames for one in self._bridges if one is not bridge)
        ear = self._ears.get(bridge)
        if ear is None or ear.frames != bridge.frames:
            self._ears[bridge] = _Ear(now, bridge.frames, others)
            return None
        if now - ear.at < DEAF or others - ear.others < _ENOUGH:
            return None
        return f"bridge {bridge.name} hears no node while another bridge does: look at its antenna and its place"
