"""Runs every `test_*` function of the module named, in MicroPython, and says of each how it went.

Every report that the firmware makes on the way is said, too (`said HEX`), for whoever holds it against the contract.
"""

import sys
from binascii import hexlify

from node.session import Session

_report = Session.report


def _said(session, tick, counter):
    plain = _report(session, tick, counter)
    print("said", hexlify(plain).decode())
    return plain


Session.report = _said
_module = __import__(sys.argv[1])
for _name in dir(_module):
    if _name.startswith("test_"):
        try:
            getattr(_module, _name)()
            print("passed", _name)
        except Exception as failure:
            print("failed", _name)
            sys.print_exception(failure)
