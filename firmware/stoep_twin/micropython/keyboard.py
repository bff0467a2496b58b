"""Ctrl-C on UART0, as on the board: while it is on, byte 0x03 never reaches `sys.stdin` but interrupts the program.

MicroPython turns it on at the start of `boot.py` and of `main.py` and off at their ends; `micropython.kbd_intr` changes
it in between. The twin's line takes the byte out and has the KeyboardInterrupt scheduled.

On the chip each of these is one store: what comes before it waits for the program's next jump, what comes after it is a
byte. The interpreter raises a KeyboardInterrupt at any jump, in these lines too, but only in its main thread. So the
lines that run while Ctrl-C is on have no jump (no `if`, no loop, no `except` that names what it catches), and what has
to wait for the twin runs in a thread of its own, while the program waits for a lock.
"""

import sys

import micropython
from host import board as _board

_CTRL_C = 3


def _on():
    _board.tell(b"k", b"\x01")


def _ask_for_off():
    try:
        _board.ask(b"k", b"\x00")  # answered when no interrupt is on its way any more
    finally:
        _answered.release()


def _off():
    _start_new_thread(_ask_for_off, ())
    _answered.acquire()


def _nothing():
    pass


if _board.facts["uart0"] and not _board.facts["script"]:
    from _thread import allocate_lock
    from _thread import start_new_thread as _start_new_thread

    _answered = allocate_lock()
    _answered.acquire()
    _switch = (_off, _on)
else:
    _switch = (_nothing, _nothing)


def kbd_intr(chr):
    _switch[chr == _CTRL_C]()


def _forget():
    try:
        for _ in b" ":
            pass  # the jump
    except KeyboardInterrupt:
        pass


def run(code, scope):
    """What `boot.py` and `main.py` are run by; an interrupt that waits at the end counts as raised inside."""
    try:
        kbd_intr(_CTRL_C)
        exec(code, scope)
        kbd_intr(-1)
        for _ in b" ":
            pass  # the jump
    except:  # whatever: to compare what was raised would be a jump
        kbd_intr(-1)
        _forget()
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
