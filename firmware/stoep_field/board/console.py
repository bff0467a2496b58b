"""A board's console: what it says as it boots, and its REPL, spoken to by mpremote's own transport.

A node listens for a Ctrl-C in the moment after a cold boot (`node/visit.py`). Its raw REPL is entered without a soft
reset: that would end the timer which feeds the watchdog for whoever visits.
"""

import contextlib
import time
from types import TracebackType
from typing import Any, NamedTuple, Self

import serial

from stoep_field.board import trouble
from stoep_field.board.bench import Bench, probe
from stoep_field.errors import BoardError

BAUD = 115_200
_COMES_UP_S = 20.0  # a board without identity sleeps for a minute between its ten seconds, but starts awake
_KNOCK_S = 0.25
_CTRL_C = b"\x03"
_PROMPT = ">>> "
_BROWN_OUT, _BROWN_OUTS = "Brownout detector was triggered", 2
_AWAITED = "waiting for download"
_NO_PROGRAM = "invalid header: 0xffffffff"
_BUSY = ("sample epoch=", "boot cause=")


class Said(NamedTuple):
    """What a script printed, and the traceback it ended with, or ""."""

    out: str
    failure: str


class Console:
    """An open port, as a context. Every method raises BoardError when the board does not play along."""

    def __init__(self, bench: Bench, port: str) -> None:
        self._bench = bench
        self.port = port
        self.log = ""  # everything heard since the restart
        self._transport: Any = None

    def __enter__(self) -> Self:
        self._open()
        return self

    def _open(self) -> None:
        from mpremote.transport import TransportError
        from mpremote.transport_serial import SerialTransport

        probe(self.port)
        try:
            self._transport = SerialTransport(self.port, BAUD)
        except (TransportError, OSError) as error:
            raise trouble.cut_off(self.port, "opened") from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):  # it is gone
            self._transport.close()

    def listen(self, seconds: float) -> str:
        """What it says meanwhile; the boot log's own troubles are raised."""
        until = time.monotonic() + seconds
        began = len(self.log)
        try:
            while (left := until - time.monotonic()) > 0:
                self._transport.serial.timeout = min(left, 0.05)
                self.log += self._transport.serial.read(1024).decode(errors="replace")
        except (serial.SerialException, OSError) as error:
            raise trouble.cut_off(self.port, "listened to") from error
        finally:
            self._transport.serial.timeout = None
        self._diagnose()
        return self.log[began:]

    def _diagnose(self) -> None:
        if self.log.count(_BROWN_OUT) >= _BROWN_OUTS:
            raise trouble.brown_out(self.port)
        if _AWAITED in self.log:
            raise trouble.strapped(self.port)
        if _NO_PROGRAM in self.log:
            raise trouble.no_program(self.port)

    def visit(self) -> None:
        """Have the board, which was just restarted, let us in: from here on `run` works."""
        until = time.monotonic() + _COMES_UP_S
        while not self.log.endswith(_PROMPT):
            if time.monotonic() > until:
                raise self._not_let_in()
            self.listen(_KNOCK_S)
            self._knock()
        self.attend()

    def _knock(self) -> None:
        try:
            self._transport.serial.write(_CTRL_C)
        except (serial.SerialException, OSError) as error:
            raise trouble.cut_off(self.port, "spoken to") from error

    def _not_let_in(self) -> BoardError:
        if any(word in self.log for word in _BUSY):
            remedy = "charge its battery, or hold BOOT from a second after EN until the prompt comes"
            return BoardError(f"the board at {self.port} runs but lets nobody in", remedy)
        said = self.log.strip().splitlines()
        remedy = "is it flashed, is the cable good? Commission it again"
        return BoardError(f"the board at {self.port} does not come up; it last said {said[-1:]}", remedy)

    def attend(self) -> None:
        """Enter the raw REPL of a board that is at its prompt."""
        self._do("spoken to", lambda: self._transport.enter_raw_repl(soft_reset=False, timeout_overall=10))

    def run(self, script: str, seconds: float = 60.0) -> Said:
        """Run a script there."""
        out, failure = self._do("asked", lambda: self._transport.exec_raw(script, timeout=seconds))
        return Said(out.decode(errors="replace"), failure.decode(errors="replace"))

    def _do(self, doing: str, act: Any) -> Any:
        from mpremote.transport import TransportError

        try:
            return act()
        except TransportError as error:
            raise BoardError(f"{self.port} stopped while it was {doing} ({error})", "say the command again") from error
        except (serial.SerialException, OSError) as error:
            raise trouble.cut_off(self.port, doing) from error
