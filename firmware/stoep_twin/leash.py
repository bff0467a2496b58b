"""Nothing that the twin starts outlives it: children die with their parent, however that ends.

    python -m stoep_twin.leash PARENT PROGRAM ARGUMENTS...

ties itself to the parent's life and becomes the program. Linux does this (prctl, PR_SET_PDEATHSIG) and keeps it through
an exec; on other systems a killed twin's children end when they notice that their pipes have closed.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def tie(parent: int) -> None:
    """End this process by SIGKILL when `parent` ends; at once when it has already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def command(argv: list[str]) -> list[str]:
    """`argv`, on a leash held by the calling process."""
    return [sys.executable, "-P", "-m", "stoep_twin.leash", str(os.getpid()), *argv]


if __name__ == "__main__":
    tie(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 (becoming the program is the purpose)
