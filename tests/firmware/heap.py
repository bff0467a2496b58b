"""The board's heap, in the interpreter at hand: 56 KiB in words of four bytes, twice that in words of eight."""

import subprocess
from functools import cache

from stoep_twin import interpreter

_BOARD_BYTES = 56 * 1024


@cache
def word() -> int:
    """Bytes in a word of the interpreter."""
    return 8 if say("import sys; print(sys.maxsize > 1 << 32)") == "True" else 4


def board() -> int:
    """The board's heap, in bytes of this interpreter: `-X heapsize=56wK`."""
    return _BOARD_BYTES * word() // 4


def say(program: str) -> str:
    """What a short program prints."""
    done = subprocess.run([*interpreter.command(), "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()
