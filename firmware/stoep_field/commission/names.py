"""Which board gets which name: those it has already, else the next that is free."""

import re
import threading
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from stoep_field.errors import BoardError, FieldError
from stoep_field.papers.journal import Board, Journal, Stage

_LONGEST = 120  # characters, as the hand-over takes a place
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class Named(NamedTuple):
    """`name` is the node's everywhere; `place` is what people say."""

    name: str
    place: str


def named(said: str) -> Named:
    """ "Grote Markt 3" is the place of the node grote-markt-3. Raises FieldError."""
    if _NAME.fullmatch(said):
        return Named(said, said)
    plain = unicodedata.normalize("NFKD", said).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:64]
    if not name or len(said) > _LONGEST or not said.isprintable():
        raise FieldError(f"{said!r} is no name", 'give one of letters and digits, such as "Grote Markt 3"')
    return Named(name, said)


class Names:
    """Hands the names of this run out, one to a board; to be used from several threads.

    `replacing`: the board whose name another one takes over, which retires it.
    """

    def __init__(self, wanted: Sequence[Named], kind: str, journal: Journal, replacing: Board | None = None) -> None:
        names = [one.name for one in wanted]
        if len(set(names)) < len(names):
            raise FieldError("a name is given twice", "each node has a name of its own")
        self._lock = threading.Lock()
        self._kind, self._journal = kind, journal
        self._replacing = replacing
        owned = {board.name for board in journal.all() if board.stage is not Stage.RETIRED and board != replacing}
        self._wanted = {one.name: one for one in wanted}
        self._free = [one for one in wanted if one.name not in owned]

    def give(self, mac: bytes, held: str | None) -> Board:
        """This board's identity, kept in the journal; `held` is the kid that its flash names. Raises BoardError."""
        with self._lock:
            known = self._journal.of(mac)
            if known is not None and known.stage is not Stage.RETIRED:
                return self._same(known)
            old = self._replacing
            if not self._free:
                raise BoardError(f"{mac.hex(':')} is one board more than there are names", "give another --name")
            chosen = self._free.pop(0)
            is_free = old is None and all(board.kid != held for board in self._journal.all())
            kid = held if held is not None and is_free else self._journal.new_kid()
            board = Board(mac=mac.hex(), kid=kid, kind=self._kind, name=chosen.name, place=chosen.place)
            if old is not None:
                board.replaces, board.at, board.settings = old.kid, old.at, old.settings
                old.stage, old.secret = Stage.RETIRED, ""
            self._journal.keep(board)
            if old is not None:
                self._journal.keep(old)
            return board

    def _same(self, known: Board) -> Board:
        if self._replacing is not None:
            remedy = "plug in the board that is to take its place, and only that"
            raise BoardError(f"this board is {known.name} ({known.kid}), in service", remedy)
        if known.name not in self._wanted:
            remedy = f"say --name {known.name} to go on with it, or `stoep node retire {known.name}` to make it another"
            raise BoardError(f"this board is {known.name} ({known.kid}) already", remedy)
        if known.kind != self._kind:
            remedy = f"say --kind {known.kind}, or `stoep node retire {known.name}` to make it another"
            raise BoardError(f"this board is a {known.kind} already, {known.name} ({known.kid})", remedy)
        return known
