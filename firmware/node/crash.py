"""The last exception, kept in flash for whoever comes: `from node import crash; print(crash.last())`."""

import io
import sys

from micropython import const

from node import flash
from node.life import Life
from node.release import RELEASE

_LONGEST = const(180)


def keep(failure, life=None):
    """Keep the end of its traceback; the same one again costs no write.

    Whoever holds the node's `life` gives it: another one beside it would not know where its records end.
    """
    text = io.StringIO()
    sys.print_exception(failure, text)
    said = RELEASE.encode() + b" " + text.getvalue().encode()[-_LONGEST:]
    (life or Life(flash.partition())).keep_crash(said)


def last():
    """What was kept, or None."""
    kept = Life(flash.partition()).crash()
    return kept and kept.decode()
