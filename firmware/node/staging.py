"""Code that has done its work makes room: a board's heap does not hold all of a wake at once."""

import gc
import sys


def forget(*names):
    """Drop these modules of the node and what lies below them; whatever they made must be gone already."""
    for name in list(sys.modules):
        for dropped in ["node." + own for own in names]:
            if name == dropped or name.startswith(dropped + "."):
                del sys.modules[name]
                package, _, own = name.rpartition(".")
                if package in sys.modules and hasattr(sys.modules[package], own):
                    delattr(sys.modules[package], own)  # a package holds on to its modules, too
                break
    gc.collect()
