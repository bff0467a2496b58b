"""The node's way into the gateway's registry: a hand-over file sealed for it, or its own `stoep registry import`.

A file waits in the working folder until somebody carries it; by SSH, or on the gateway itself, it is taken in at once.
"""

import json
import shlex
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import msgspec

from stoep.registry import atomic, handover
from stoep_field.errors import FieldError, FolderError
from stoep_field.papers.journal import Board

_PATIENCE_S = 30
_STDIN = "/dev/stdin"


def document(board: Board, *, site: str | None) -> handover.Handover:
    """What the gateway is told of a node, its secret with it."""
    tested = handover.Tested(
        passed=bool(board.tested["passed"]), at=_moment(board.tested["at"]), note=board.tested["note"] or None
    )
    node = handover.Node(
        kid=board.kid,
        name=board.name,
        kind=board.kind,  # type: ignore[arg-type] # a literal, checked when it was asked for
        secret=board.secret,
        made_at=_moment(board.made_at),
        release=board.release or None,
        at=board.at,
        place=board.place or None,
        test=tested,
    )
    return handover.Handover(nodes=(node,), written_at=_moment(board.tested["at"]), site=site)


def _moment(text: str) -> datetime:
    return msgspec.convert(text, datetime)


class Way(Protocol):
    """How a node gets to its gateway."""

    def hand(self, board: Board) -> str:
        """Returns where its hand-over went, in words. Raises FieldError."""


class ByFile:
    """Sealed for `recipient` (age1…), into `folder`; a second one of a node takes the place of the first."""

    def __init__(self, folder: Path, recipient: str, site: str | None) -> None:
        self._folder, self._recipient, self._site = folder, recipient, site

    def hand(self, board: Board) -> str:
        file = self._folder / f"{board.name}-{board.kid}.age"
        atomic.make_folder(self._folder)
        try:
            atomic.replace(file, handover.seal(document(board, site=self._site), [self._recipient]))
        except ValueError as error:
            raise FieldError(f"--gateway-key {error}", "copy the whole line that `stoep registry key` prints") from None
        except OSError as error:
            raise FolderError(f"{file} cannot be written ({error.strerror})", "make room there") from error
        return file.name


class ByCommand:
    """To a gateway whose `stoep` this laptop can call: `before` is `ssh HOST`, or nothing on the gateway itself."""

    def __init__(self, before: Sequence[str], config: str, site: str | None) -> None:
        self._before, self._config, self._site = tuple(before), config, site
        self._recipient: str | None = None

    def hand(self, board: Board) -> str:
        if self._recipient is None:
            self._recipient = self._call("registry", "key").strip()
        sealed = handover.seal(document(board, site=self._site), [self._recipient])
        if board.replaces:
            self.retire(board.replaces)
        self._call("registry", "import", _STDIN, given=sealed)
        return " ".join(self._before) or self._config

    def retire(self, kid: str) -> None:
        """Does nothing when the gateway does not know it (any more)."""
        if any(node["kid"] == kid for node in json.loads(self._call("registry", "list", "--json"))):
            self._call("registry", "retire", kid, "--yes")

    def status(self) -> dict[str, Any]:
        """What the running gateway says of itself."""
        found: dict[str, Any] = json.loads(self._call("status", "--json"))
        return found

    def _call(self, *words: str, given: bytes = b"") -> str:
        call = [*words, "--config", self._config]
        own = [sys.executable, "-m", "stoep"]
        whole = [*self._before, shlex.join(["stoep", *call])] if self._before else [*own, *call]
        where = " ".join(self._before) or "here"
        try:
            done = subprocess.run(whole, input=given, capture_output=True, timeout=_PATIENCE_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            remedy = "is it reachable? Without it, say --gateway-key and carry the file"
            raise FieldError(f"`stoep {words[0]}` cannot be called {where} ({error})", remedy) from error
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no reason given"]
            raise FieldError(
                f"the gateway did not take it: {said[0]}", "put that right; the same command goes on from here"
            )
        return done.stdout.decode(errors="replace")
