"""Ctrl-C on UART0, as on the board: while it is on, byte 0x03 never reaches `sys.stdin` but interrupts the program.

MicroPython turns it on at the start of `boot.py` and of `main.py` and off at their ends; `micropython.kbd_intr` changes
it in between. The twin's line takes the byte out and has the KeyboardInterrupt scheduled. `kbd_intr` is one store on
the chip, so here it finishes what it does before an interrupt gets through.
"""

import sys

import micropython
from host import board as _board

_CTRL_C = 3
_calls = 0


def _off():
    # Answered when no interrupt is under way any more. The number tells an answer from one that an interrupt left over.
    global _calls
    _calls = (_calls + 1) & 0xFF
    while _board.ask(b"k", bytes((0, _calls)))[0] != _calls:
        pass


def kbd_intr(chr):
    interrupted = None
    while True:  # an interrupt is raised at a jump, and up to here there was none
        try:
            if not _board.facts["uart0"] or _board.facts["script"]:
                return
            if chr == _CTRL_C:
                _board.tell(b"k", b"\x01\x00")
            else:
                _off()
            break
        except KeyboardInterrupt as error:
            interrupted = error
    if interrupted:
        raise interrupted


def run(code, scope):
    """What `boot.py` and `main.py` are run by; an interrupt that waits at the end counts as raised inside."""
    try:
        kbd_intr(_CTRL_C)
        exec(code, scope)
        kbd_intr(-1)
    except BaseException:
        try:
            kbd_intr(-1)
        except KeyboardInterrupt:
            pass
        raise


class _Module:
    pass


def take_its_place():
    """`micropython` is a module that a file of that name cannot hide."""
    ours = _Module()
    for name in dir(micropython):
        setattr(ours, name, getattr(micropython, name))
    ours.kbd_intr = kbd_intr
    sys.modules["micropython"] = ours
