"""All that came in a run, checked: what of it was wrong, what was only new, and the figures of the summary."""

from collections import Counter
from collections.abc import Mapping
from statistics import median
from typing import Any, NamedTuple

from stoep.listen.checking import Checker
from stoep.listen.windows import SECONDS, Windows, meaning, unix
from stoep.uplink import contract

_UNEXPLAINED = "unexplained"
_MOST = 200_000  # keys that are remembered: who listens for months has heard many samples
_FAIL = 4  # QARTOD's flag of a reading that is wrong


class Heard(NamedTuple):
    """One message: its kind, what it says (None: nothing that can be read), what is wrong with it."""

    message: str
    document: Any
    wrong: tuple[str, ...]


class Account:
    """`notes` are what a later release may add, and gaps; `wrong` is what must not be."""

    def __init__(self) -> None:
        self._checker = Checker()
        self.windows = Windows()
        self.messages: Counter[str] = Counter()
        self.nodes: dict[str, str] = {}  # kid → name
        self.flagged: Counter[str] = Counter()  # channels of windows by the reason of a flag of 4
        self.wrong: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()
        self._delays: list[float] = []
        self._meant: dict[tuple[Any, ...], int] = {}  # key of an event, sample or receipt → what it said

    def take(self, topic: str, payload: bytes, *, retained: bool, now: float) -> Heard:
        """`now` in Unix seconds."""
        document, flaws = self._checker.read(topic, payload)
        known = contract.topic_of(topic)
        message = "other" if known is None else known.message
        self.messages[message] += 1
        wrong = [str(flaw) for flaw in flaws if not flaw.unknown]
        self.unknown.update(f"{message}: {flaw.field}" for flaw in flaws if flaw.unknown)
        if not wrong and known is not None:
            wrong += self._told(message, document, now=None if retained else now)
        for words in wrong:
            self.wrong[f"{topic}: {words}"] += 1
        return Heard(message, document, tuple(wrong))

    def _told(self, message: str, document: Mapping[str, Any], *, now: float | None) -> list[str]:
        """What is wrong with a message that is as its schema says."""
        if "kid" in document and document["kid"] is not None:
            self.nodes[document["kid"]] = document["node"]
        match message:
            case "window":
                return self._window(document, now)
            case "event":
                return self._once(message, document, "kid", "epoch", "number", "time")
            case "sample":
                return self._once(message, document, "kid", "epoch", "seq", "time")
            case "ledger":
                return [*self._once(message, document, "day", "generation", "revision"), *_unbalanced(document)]
        return []

    def _window(self, document: Mapping[str, Any], now: float | None) -> list[str]:
        wrong = self.windows.take(document)
        if wrong is not None:
            return [f"{document['start']}: {wrong}"]
        for name, channel in document["channels"].items():
            if channel["quality"]["flag"] == _FAIL:
                self.flagged[f"{name}: {channel['quality']['reason']}"] += 1
        if now is not None and "backlog" not in document and document["revision"] == 1:
            self._delays.append(now - unix(document["start"]) - SECONDS)
        return []

    def _once(self, message: str, document: Mapping[str, Any], *key: str) -> list[str]:
        """What comes again under its key says the same."""
        where = (message, document["site"], *(document[name] for name in key))
        if len(self._meant) >= _MOST:
            del self._meant[next(iter(self._meant))]
        if self._meant.setdefault(where, meaning(document)) == meaning(document):
            return []
        return [f"{', '.join(f'{name} {document[name]}' for name in key)} means two things"]

    def delays(self) -> tuple[float, float] | None:
        """Seconds from the end of a live window to its first message: the median and the most."""
        return (median(self._delays), max(self._delays)) if self._delays else None


def _unbalanced(document: Mapping[str, Any]) -> list[str]:
    wrong = []
    for who, one in (("all", document["total"]), *((node["node"], node) for node in document["nodes"])):
        if one["expected"] != one["delivered"] + one["kept"] + sum(one["lost"].values()) + one["owed"]:
            wrong.append(f"{document['day']}, {who}: expected is not delivered + kept + lost + owed")
        if one["lost"].get(_UNEXPLAINED):
            unexplained = one["lost"][_UNEXPLAINED]
            wrong.append(f"{document['day']}, {who}: {unexplained} samples are lost, and nobody knows why")
    return wrong
