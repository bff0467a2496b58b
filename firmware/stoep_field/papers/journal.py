"""What is known of each board that this laptop has had in hand: a file per board, so that nothing is begun twice.

A board is its MAC. It gets one identity for good; each flashing gets a new secret, which is written here before it goes
to the board and forgotten when the gateway has it. Its files are the owner's alone.
"""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from stoep.registry import atomic
from stoep_field.errors import FolderError
from stoep_field.image.identity import KID, SECRET

_FOLDER_MODE = 0o700


class Stage(StrEnum):
    """What is done; whoever goes on begins with the next."""

    NAMED = "named"  # it has an identity
    FLASHING = "flashing"  # a secret may be on it, whole or not: the next flashing makes a new one
    FLASHED = "flashed"  # read back and right
    TESTED = "tested"  # and passed
    HANDED = "handed over"
    DONE = "done"  # label and record are written
    RETIRED = "retired"


class Board(msgspec.Struct, kw_only=True):
    """`secret` is hex, and empty once the gateway has it; `fingerprint` tells it from others without telling it."""

    mac: str
    kid: str
    kind: str
    name: str
    place: str
    stage: Stage = Stage.NAMED
    at: tuple[float, float] | None = None
    settings: dict[str, int] = {}
    secret: str = ""
    fingerprint: str = ""
    made_at: str = ""
    flashings: int = 0
    firmware: str = ""  # SHA-256 of what was flashed
    micropython: str = ""
    release: str = ""
    handed: str = ""  # the hand-over's file name, or whom it went to
    replaces: str = ""  # the kid of the node whose place it has
    tested: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<board {self.mac}: {self.name} ({self.kid}), {self.stage.value}>"


class Journal:
    """The boards in `folder`/boards. Raises FolderError when a file cannot be read or written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._boards = folder / "boards"
        try:
            is_new = not folder.exists()
            atomic.make_folder(self._boards)
            self._boards.chmod(_FOLDER_MODE)
            if is_new:
                folder.chmod(_FOLDER_MODE)
        except OSError as error:
            raise FolderError(f"{folder} cannot be used ({error.strerror})", "name another with --folder") from error

    def all(self) -> Iterator[Board]:
        for file in sorted(self._boards.glob("*.json")):
            yield self._read(file)

    def of(self, mac: bytes) -> Board | None:
        file = self._file(mac.hex())
        return self._read(file) if file.exists() else None

    def named(self, name: str) -> Board | None:
        """By name or kid, of those in service."""
        return next((one for one in self.all() if name in {one.name, one.kid} and one.stage is not Stage.RETIRED), None)

    def keep(self, board: Board) -> None:
        try:
            atomic.replace(self._file(board.mac), msgspec.json.format(msgspec.json.encode(board), indent=2))
        except OSError as error:
            raise FolderError(f"{self.folder} cannot be written ({error.strerror})", "make room there") from error

    def new_kid(self) -> str:
        taken = {board.kid for board in self.all()}
        while (kid := secrets.token_hex(KID)) in taken:
            pass
        return kid

    def _file(self, mac: str) -> Path:
        return self._boards / f"{mac}.json"

    def _read(self, file: Path) -> Board:
        try:
            return msgspec.json.decode(file.read_bytes(), type=Board)
        except (OSError, msgspec.DecodeError) as error:
            remedy = "bring it back from a copy, or move it away: the board is then commissioned as a new one"
            raise FolderError(f"{file} cannot be read ({error})", remedy) from error


def renew(board: Board) -> None:
    """A new secret, for a flashing that is about to begin."""
    board.secret = secrets.token_hex(SECRET)
    board.made_at = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    board.stage, board.flashings = Stage.FLASHING, board.flashings + 1
    board.handed, board.tested = "", {}
