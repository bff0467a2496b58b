"""systemd's watchdog is fed while every part gets on, and is told in one sentence how things stand."""

import logging
from collections.abc import Callable

from stoep.health import Bounded, Pulse
from stoep.status.notify import notify

_log = logging.getLogger(__name__)
_PATIENCE = 60.0  # seconds without progress of a part after which the watchdog is not fed any more


class Vigil:
    """`sentence`: how things stand while all is well."""

    def __init__(self, pulse: Pulse, sentence: Callable[[], str]) -> None:
        self._pulse = pulse
        self._sentence = sentence
        self._said = ""
        self._say = Bounded(_log, logging.ERROR)

    def feed(self) -> None:
        stalled = self._pulse.stalled(_PATIENCE)
        if stalled:
            sentence = f"no progress in {', '.join(stalled)}: the watchdog is not fed"
            self._say.say("stalled", "%s", sentence)
        else:
            sentence = self._sentence()
            notify("WATCHDOG=1")
        if sentence != self._said:
            self._said = sentence
            notify(f"STATUS={sentence}")
