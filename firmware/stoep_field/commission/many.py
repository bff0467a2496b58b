"""Several boards side by side: each as soon as it is plugged in, and each with its own end."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stoep.errors import StoepError
from stoep_field.board.bench import Bench
from stoep_field.commission.one import Plan, Tell, commission
from stoep_field.errors import BoardError, FieldError
from stoep_field.papers.journal import Board

_LOOK_S = 0.3
_SIDE_BY_SIDE = 8
_NEXT = "next board"  # in the place of a port


@dataclass(frozen=True)
class Outcome:
    """What became of one board; `port` None: it never appeared."""

    port: str | None
    board: Board | None
    error: FieldError | None

    @property
    def passed(self) -> bool:
        return self.error is None


Told = Callable[[str, str, float | None], None]
"""Hears (port, what is being done, how much of it)."""


class Run:
    """As many boards as are `expected`, waited for up to `patience` seconds after the last one came."""

    def __init__(self, bench: Bench, plan: Plan, expected: int, patience: float, told: Told) -> None:
        self._bench, self._plan, self._expected, self._patience, self._told = bench, plan, expected, patience, told
        self._outcomes: list[Outcome] = []
        self._lock = threading.Lock()
        self._defects: list[Exception] = []
        self._room = threading.Semaphore(_SIDE_BY_SIDE)

    def run(self) -> list[Outcome]:
        begun: dict[str, threading.Thread] = {}
        last = time.monotonic()
        awaited = -1
        while len(begun) < self._expected:
            for port, _ in self._bench.ports():
                if port not in begun and len(begun) < self._expected:
                    begun[port] = threading.Thread(target=self._one, args=(port,), name=port, daemon=True)
                    begun[port].start()
                    last = time.monotonic()
            if len(begun) < self._expected and time.monotonic() - last > self._patience:
                break
            if awaited != len(begun) and len(begun) < self._expected:
                awaited = len(begun)
                self._told(_NEXT, f"plug in {awaited + 1} of {self._expected}", None)
            time.sleep(_LOOK_S)
        if awaited >= 0:
            self._told(_NEXT, "all are here" if len(begun) == self._expected else "waited in vain", 1.0)
        for thread in begun.values():
            thread.join()
        if self._defects:
            raise self._defects[0]
        missing = self._expected - len(begun)
        return [*self._outcomes, *(Outcome(None, None, _absent(len(begun), self._expected)) for _ in range(missing))]

    def _one(self, port: str) -> None:
        tell: Tell = lambda step, share: self._told(port, step, share)  # noqa: E731
        with self._room:
            try:
                outcome = Outcome(port, commission(self._bench, port, self._plan, tell), None)
            except FieldError as error:
                outcome = Outcome(port, None, error)
            except StoepError as error:
                outcome = Outcome(port, None, BoardError(str(error), "put that right, and say the same command"))
            except Exception as error:  # noqa: BLE001 -- a mistake of ours: the other boards come to their end first
                self._defects.append(error)
                return
        tell("done" if outcome.passed else "stopped", 1.0)
        with self._lock:
            self._outcomes.append(outcome)


def _absent(came: int, expected: int) -> BoardError:
    remedy = (
        "a cable that only charges shows nothing: take one with data lines; `lsusb` lists what is seen. Then say "
        "the same command again"
    )
    return BoardError(f"only {came} of {expected} boards appeared", remedy)


def settled(outcomes: Sequence[Outcome]) -> bool:
    """Whether all passed."""
    return all(outcome.passed for outcome in outcomes)
