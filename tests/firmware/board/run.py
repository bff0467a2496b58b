"""Runs every `test_*` function of the module named, in MicroPython, and says of each how it went."""

import sys

_module = __import__(sys.argv[1])
for _name in dir(_module):
    if _name.startswith("test_"):
        try:
            getattr(_module, _name)()
            print("passed", _name)
        except Exception as failure:
            print("failed", _name)
            sys.print_exception(failure)
