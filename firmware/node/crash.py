"""The last exception, kept in flash for whoever comes: `from node import crash; print(crash.last())`."""

import io
import sys

from micropython import const

from node import flash, memory, recall
from node.life import Life
from node.release import RELEASE

_LONGEST = const(150)  # what a report has room for beside its alarm
# module → what a board does in it
_DOING = const((("taking", "measuring"), ("keeping", "keeping"), ("contact", "talking"), ("relay", "relaying")))


def keep(failure, life=None, recalled=None):
    """Keep release, phase and the end of the traceback; the same again costs no write.

    Whoever holds the node's `life` gives it: another one beside it would not know where its records end. So it is
    with its memory.
    """
    written = io.StringIO()
    sys.print_exception(failure, written)
    text = written.getvalue()
    doing = [phase for module, phase in _DOING if '"%s"' % module in text or '/%s.py"' % module in text]
    head = "%s %s: " % (RELEASE, doing[0] if doing else "starting")
    remembered = recalled or recall.last_wake()
    if remembered is not None:
        memory.note_crash(remembered)
        if recalled is None:
            memory.keep(remembered)
    (life or Life(flash.partition())).keep_crash((head + text.strip()[len(head) - _LONGEST :]).encode()[:_LONGEST])


def last():
    """What was kept, or None."""
    kept = Life(flash.partition()).crash()
    return kept and kept.decode()
