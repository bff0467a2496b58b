"""Runs in the interpreter of a virtual board: sets the stage, then does what MicroPython does at power-on.

    micropython board.py facts.json

As on the board an exception in `boot.py` skips `main.py`, and everything that is not a deep sleep or a reset ends at
the REPL: the twin is told and takes such a board for stuck. With a `script` in the facts it is that script which runs,
as a technician's laptop would run it.

Without a `firmware` in the facts the board runs what its flash holds, and nothing else: the partition `vfs` is mounted
as its root, and the REPL at the end is served (`repl.py`).
"""

import json
import os
import sys

with open(sys.argv[1]) as _file:
    _facts = json.load(_file)
if _facts["firmware"] is None:
    import vfs

    vfs.mount(vfs.VfsPosix("/"), "/host")
    for _name in ("clock", "flash", "nvs", "rtc", "stand_ins"):
        _facts[_name] = "/host" + _facts[_name]
    sys.path[:] = ["", _facts["stand_ins"], "/lib"]
else:
    sys.path[:] = [_facts["stand_ins"], _facts["firmware"]] + sys.path[1:]
    os.chdir(_facts["firmware"])  # the board's root

import host

_board = host.attach(_facts)

# What is C on the chip is there before `boot.py` begins: a Ctrl-C cannot fall into its import.
import keyboard  # noqa: E402
import machine  # noqa: E402, F401

keyboard.take_its_place()


def _report(text):
    import struct

    _board.tell(b"c", struct.pack("<Q", _board.virtual_us()) + text.encode()[:4000])


class _Console:
    """Takes the place of print: every line goes to the twin with the exact time, and out of UART0 if wired."""

    def __init__(self):
        self._begun = ""

    def print(self, *args, sep=" ", end="\n", file=None):
        if file is not None:
            _print(*args, sep=sep, end=end, file=file)
            return
        text = sep.join([str(a) for a in args]) + end
        if _facts["uart0"]:
            sys.stdout.buffer.write(text.replace("\n", "\r\n").encode())
        lines = (self._begun + text).split("\n")
        self._begun = lines.pop()
        for line in lines:
            _report(line)


def _trace(error):
    import io

    trace = io.StringIO()
    sys.print_exception(error, trace)
    return trace.getvalue()


def _run(path, scope):
    with open(path) as source:
        code = compile(source.read(), path, "exec")
    keyboard.run(code, scope)


def _life():
    scope = {"__name__": "__main__"}
    if _facts["script"]:
        _run(_facts["script"], scope)
        return b"done"
    root = _facts["firmware"] or ""
    try:
        _run(root + "/boot.py", scope)
    except BaseException as error:
        return b"boot.py ended: " + _trace(error).encode()
    try:
        _run(root + "/main.py", scope)
    except BaseException as error:
        return b"main.py ended: " + _trace(error).encode()
    return b"main.py returned"


import builtins  # noqa: E402

_print = print
builtins.print = _Console().print
try:
    if _facts["firmware"] is None:
        import repl

        repl.mount()
    _end = _life()
except BaseException as _error:
    _end = b"failed: " + _trace(_error).encode()
if _facts["firmware"] is None:
    print(_end.decode())
    repl.serve(_run)
_board.tell(b"e", _end[:4000])
while True:  # the REPL of a board that nobody looks at
    _board.listen(-1)
    _board.arrived.clear()
