"""The REPL of a board that runs from its flash, as a laptop sees it on UART0: friendly, raw, and raw paste.

MicroPython's documentation, "The MicroPython Interactive Interpreter Mode". While a line is awaited, 0x03 is a byte
like any other and timers fire; while code runs, it interrupts.
"""

import os
import select
import sys

import keyboard
import machine
from esp32 import Partition
from host import board as _board

_WINDOW = 128  # two of them fit into a UART's ring
_RAW, _FRIENDLY, _INTERRUPT, _END, _PASTE = 1, 2, 3, 4, 5
_TURN_MS = 100
_first_path = list(sys.path)
_ours = None  # modules that are part of the chip


def mount():
    """The partition `vfs` becomes the root, as the stock image's `_boot.py` does it."""
    import vfs

    global _ours
    volume = vfs.VfsLfs2(Partition.find(Partition.TYPE_DATA, label="vfs")[0])
    import time  # noqa: F401

    import espnow  # noqa: F401 (what is C on the chip is there before its files are)
    import network  # noqa: F401

    vfs.umount("/")
    vfs.mount(volume, "/")
    os.chdir("/")
    _ours = set(sys.modules)


def _write(data):
    sys.stdout.buffer.write(data)


class _Input:
    def __init__(self):
        self._stdin = sys.stdin.buffer
        self._poll = select.poll()
        self._poll.register(sys.stdin, select.POLLIN)

    def byte(self):
        """The next one; meanwhile timers fire."""
        while not self._poll.poll(_TURN_MS):
            for timer in list(machine._timers.values()):
                timer._look()
        got = self._stdin.read(1)
        if not got:
            raise SystemExit
        return got[0]


def serve(run_file):
    """For ever; `run_file(path, scope)` runs a file as MicroPython does."""
    came = _Input()
    scope = {"__name__": "__main__"}
    raw = False
    while True:
        if raw:
            _write(b"raw REPL; CTRL-B to exit\r\n>")
            raw = _serve_raw(came, scope)
            if raw:  # a soft reset stays raw
                scope = _soft_reset(run_file)
        else:
            _write(b"\r\nMicroPython %s; a virtual board\r\n>>> " % sys.version.encode())
            _serve_friendly(came, scope)
            raw = True


def _serve_friendly(came, scope):
    """Until somebody wants the raw one. A soft reset here is a restart."""
    line = b""
    while True:
        byte = came.byte()
        if byte == _RAW:
            return
        if byte == _END:
            _write(b"\r\nMPY: soft reboot\r\n")
            machine.reset()
        if byte in (_FRIENDLY, _INTERRUPT):
            line = b""
            _write(b"\r\n>>> ")
        elif byte == 13:
            _write(b"\r\n")
            _show(line, scope)
            line = b""
            _write(b">>> ")
        else:
            line += bytes((byte,))
            _write(bytes((byte,)))


def _show(line, scope):
    try:
        try:
            code = compile(line, "<stdin>", "eval")
        except SyntaxError:
            keyboard.run(compile(line, "<stdin>", "exec"), scope)
            return
        scope["_"] = None
        value = eval(code, scope)  # noqa: S307 (a REPL is for that)
        if value is not None:
            print(repr(value))
    except BaseException as error:
        print(_trace(error), end="")


def _serve_raw(came, scope):
    """Until the friendly one is wanted (False) or a soft reset (True)."""
    code = b""
    while True:
        byte = came.byte()
        if byte == _RAW:
            code = b""
            _write(b"raw REPL; CTRL-B to exit\r\n>")
        elif byte == _FRIENDLY:
            return False
        elif byte == _INTERRUPT:
            code = b""
        elif byte == _PASTE and not code:
            pasted = _paste(came)
            if pasted is not None:
                _execute(pasted, scope)
        elif byte == _END:
            if not code:
                _write(b"OK\r\nMPY: soft reboot\r\n")
                return True
            _write(b"OK")
            _execute(code, scope)
            code = b""
        else:
            code += bytes((byte,))


def _paste(came):
    """The code that comes with flow control, or None."""
    if (came.byte(), came.byte()) != (65, 1):
        _write(b"R\x00")
        return None
    _write(b"R\x01" + bytes((_WINDOW, 0)) + b"\x01")
    code, fresh = bytearray(), 0
    while True:
        byte = came.byte()
        if byte == _END:
            _write(b"\x04")
            return bytes(code)
        if byte == _INTERRUPT:
            _write(b"\x04\x04\x04>")
            return None
        code.append(byte)
        fresh += 1
        if fresh == _WINDOW:
            fresh = 0
            _write(b"\x01")


def _execute(code, scope):
    failure = b""
    try:
        keyboard.run(compile(code, "<stdin>", "exec"), scope)
    except BaseException as error:
        failure = _trace(error).replace("\n", "\r\n").encode()
    _write(b"\x04" + failure + b"\x04>")


def _trace(error):
    import io

    trace = io.StringIO()
    sys.print_exception(error, trace)
    return trace.getvalue()


def _soft_reset(run_file):
    """What was imported from the file system goes, timers end, and `boot.py` runs, `main.py` does not."""
    for name in list(sys.modules):
        if name not in _ours:
            del sys.modules[name]
    machine._timers.clear()
    sys.path[:] = _first_path
    scope = {"__name__": "__main__"}
    try:
        run_file("/boot.py", scope)
    except BaseException as error:
        print(_trace(error), end="")
    _board.arrived.clear()
    return scope
