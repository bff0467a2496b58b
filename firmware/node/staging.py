"""Code that has done its work makes room: a board's heap does not hold all of a wake at once."""

import gc
import sys


def forget(*names):
    """Drop these modules of the node and what lies below them; whatever they made must be gone already."""
    for own in names:
        name = "node." + own
        below = name + "."
        for dropped in [one for one in sys.modules if one == name or one.startswith(below)]:
            del sys.modules[dropped]
            package, _, known = dropped.rpartition(".")
            if package in sys.modules and hasattr(sys.modules[package], known):
                delattr(sys.modules[package], known)  # a package holds on to its modules, too
    gc.collect()
