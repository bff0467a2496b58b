"""The last exception, kept in flash for whoever comes: `from node import crash; print(crash.last())`."""

import io
import sys

from micropython import const

from node import flash
from node.life import Life

_LONGEST = const(180)


def keep(failure):
    """Keep the end of its traceback; the same one again costs no write."""
    from node.start import RELEASE

    text = io.StringIO()
    sys.print_exception(failure, text)
    Life(flash.partition()).keep_crash(RELEASE.encode() + b" " + text.getvalue().encode()[-_LONGEST:])


def last():
    """What was kept, or None."""
    kept = Life(flash.partition()).crash()
    return kept and kept.decode()
