"""The guarded entry: whatever happens below, the board sleeps and starts again, never idles at the REPL."""

import sys

import machine

_PAUSE_MS = 60_000  # after a failure: short enough to notice, long enough not to drain a battery

try:
    from node import start

    start.run()
except BaseException as failure:
    print("failed", end=" ")
    sys.print_exception(failure)
machine.deepsleep(_PAUSE_MS)
