"""Boards that come one after the other: each is begun when it is plugged in, and none is begun twice."""

import threading
import time
from collections.abc import Callable

import pytest

from stoep.errors import SettingsError
from stoep_field.commission import many
from stoep_field.commission.many import Run
from stoep_field.errors import BoardError
from stoep_field.papers.journal import Board


class Ports:
    """A bench whose ports come when somebody asks for the nth time."""

    has_lines = True

    def __init__(self, *at: tuple[str, int]) -> None:
        self._at, self._asked = at, 0

    def ports(self) -> list[tuple[str, str]]:
        self._asked += 1
        return [(port, "") for port, turn in self._at if turn <= self._asked]

    def hold_boot(self, port: str) -> None: ...

    def restart(self, port: str) -> None: ...

    def close(self) -> None: ...


Begin = Callable[..., list[many.Outcome]]


@pytest.fixture
def begin(monkeypatch: pytest.MonkeyPatch) -> Begin:
    """`begin(bench, expected, does)`: a run in which a board's whole commissioning is `does(port)`."""
    monkeypatch.setattr(many, "_LOOK_S", 0.01)

    def run(bench: Ports, expected: int, does: Callable[[str], Board], patience: float = 0.3) -> list[many.Outcome]:
        monkeypatch.setattr(many, "commission", lambda _bench, port, _plan, _tell: does(port))
        return Run(bench, None, expected, patience, lambda *_: None).run()  # type: ignore[arg-type]

    return run


def board(port: str) -> Board:
    return Board(mac=port, kid=port, kind="bin", name=port, place=port)


def test_the_next_board_is_waited_for_while_the_first_is_at_work(begin: Begin) -> None:
    begun: list[str] = []
    at_work = threading.Barrier(3, timeout=10)

    def does(port: str) -> Board:
        begun.append(port)
        at_work.wait()
        return board(port)

    outcomes = begin(Ports(("a", 1), ("b", 5), ("c", 9), ("d", 9)), 3, does, patience=5.0)
    assert begun == ["a", "b", "c"]  # as many as there are names
    assert all(outcome.passed for outcome in outcomes)


def test_what_never_appears_is_said_after_a_while(begin: Begin) -> None:
    began = time.monotonic()
    outcomes = begin(Ports(("a", 1)), 3, board)
    assert time.monotonic() - began < 5
    assert [outcome.port for outcome in outcomes] == ["a", None, None]
    assert "only 1 of 3 boards appeared" in str(outcomes[1].error)


def test_one_boards_end_is_its_own(begin: Begin, tmp_path: object) -> None:
    def does(port: str) -> Board:
        if port == "a":
            raise BoardError("it is wet", "dry it")
        if port == "b":
            raise SettingsError(tmp_path, "key", "is wrong", "correct it")  # type: ignore[arg-type]
        return board(port)

    found = {outcome.port: outcome for outcome in begin(Ports(("a", 1), ("b", 1), ("c", 1)), 3, does)}
    assert (found["a"].passed, found["b"].passed, found["c"].passed) == (False, False, True)
    assert str(found["a"].error) == "it is wet; dry it"
    assert "key: is wrong; correct it" in str(found["b"].error)


def test_a_mistake_of_ours_is_not_taken_for_a_boards(begin: Begin) -> None:
    def does(port: str) -> Board:
        if port == "a":
            raise ZeroDivisionError
        return board(port)

    with pytest.raises(ZeroDivisionError):
        begin(Ports(("a", 1), ("b", 1)), 2, does)
