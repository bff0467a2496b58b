"""Runs the commands of `stoep` one after the other, each in a process of its own, in the time of a fork.

    python registry_zygote.py SABOTAGE

For each line it reads, `{"words": [...], "said": FILE}`, it says the exit status of the command, which speaks to FILE.
SABOTAGE takes out one of the safeguards, to see that the power cuts find it; "none" leaves all of them.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stoep import cli
from stoep.registry import atomic


def _unsynced() -> None:
    os.fsync = lambda _fd: None


def _swapped() -> None:
    """Nodes are there before their secrets."""
    replace = atomic.replace
    waiting: list[tuple[Path, bytes]] = []

    def swapped(file: Path, content: bytes, *more: Any) -> None:
        if file.name == "secrets.toml":
            waiting.append((file, content))
            return
        replace(file, content, *more)
        for one in waiting:
            replace(*one)
        waiting.clear()

    atomic.replace = swapped


KINDS: dict[str, Callable[[], None]] = {
    "none": lambda: None,
    "unsynced": _unsynced,
    "swapped": _swapped,
}


def _command(words: list[str], said: str) -> None:
    os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600), 1)
    sys.argv = ["stoep", *words]
    cli.main()


def main() -> None:
    os.umask(0o022)
    KINDS[sys.argv[1]]()
    cli.build()  # imports what the forks need
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            try:
                _command(**json.loads(line))
            except SystemExit as ended:
                os._exit(ended.code if isinstance(ended.code, int) else 1)
            finally:
                os._exit(1)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
