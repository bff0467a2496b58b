"""The guarded entry: whatever happens below, the board starts again, never idles at the REPL.

UART0 carries the bridge's line, and noise on it may be a 0x03: Ctrl-C is off, but on a board that waits for a
technician.
"""

import sys

import machine

_COLLECT = 16_384  # bytes between collections: a heap that is swept early stays in one piece and need not grow
_PAUSE_MS = 60_000  # after a failure: short enough to notice, long enough not to drain a battery

wanted = False
try:
    import micropython

    micropython.kbd_intr(-1)
    import gc

    gc.threshold(_COLLECT)
    from node import start

    purpose = start.purpose()
    del start  # its code is in the way of what is to come
    if purpose:
        purpose.run()
    wanted = True
except KeyboardInterrupt:  # it came in the moment before Ctrl-C was off
    machine.reset()
except BaseException as failure:
    print("failed", type(failure).__name__)
    sys.print_exception(failure)
    try:
        from node import crash

        crash.keep(failure)
    except BaseException as another:  # whatever is broken: the board sleeps and starts again
        print("not kept", type(another).__name__)
if not wanted:
    machine.deepsleep(_PAUSE_MS)
