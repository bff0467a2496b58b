"""`stoep clock-witness`: asks the kernel, for a gateway that may not, whether NTP keeps the clock.

The gateway's sandbox forbids whatever could set a clock, and the call that asks is the same as the one that sets. So a
second service with no other right than this call keeps a file in /run that is there while the answer is yes.
"""

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from stoep import clock
from stoep.status.notify import notify

if TYPE_CHECKING:
    import typer

_EVERY = 1.0  # seconds


def witness(file: Path, says: Callable[[], bool | None]) -> None:
    """Brings `file` up to date: there or not, its content is nothing."""
    if says():
        file.touch()
    else:
        file.unlink(missing_ok=True)


def run() -> None:
    """Until SIGTERM; raises OSError when its file cannot be made, and systemd starts it again."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    witness(clock.WITNESS, clock.kernel_says)
    notify("READY=1")
    while not stop.wait(_EVERY):
        witness(clock.WITNESS, clock.kernel_says)
        notify("WATCHDOG=1")
    clock.WITNESS.unlink(missing_ok=True)


def register(app: "typer.Typer") -> None:
    @app.command("clock-witness", hidden=True)
    def command() -> None:
        """Keep /run/stoep-clock/synchronised while NTP keeps the clock; run by stoep-clock.service."""
        run()
