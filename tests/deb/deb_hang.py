"""Makes one thread of a process stand still, as a driver that never returns does: ptrace stops it, and no other."""

import contextlib
import ctypes
import os
import time
from pathlib import Path

_SEIZE, _INTERRUPT = 0x4206, 0x4207
_WALL = 0x40000000


def threads(pid: int) -> list[int]:
    """In the order in which they were started: the first is the main one."""
    return sorted(int(place.name) for place in Path(f"/proc/{pid}/task").iterdir())


def stop(thread: int) -> None:
    """While it waits for something, so that it holds no lock of the interpreter. It ends with whoever called this."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    for _ in range(2000):
        if (Path(f"/proc/{thread}/stat").read_text().rpartition(")")[2].split()[0]) == "S":
            break
        time.sleep(0.001)
    if libc.ptrace(_SEIZE, thread, None, None) or libc.ptrace(_INTERRUPT, thread, None, None):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    os.waitpid(thread, _WALL)


def let_go(thread: int) -> None:
    """Once its process has been killed: until then it is ours, and its machine could not be turned off."""
    with contextlib.suppress(ChildProcessError):
        for _ in range(500):
            if os.waitpid(thread, _WALL | os.WNOHANG)[0]:
                return
            time.sleep(0.01)
