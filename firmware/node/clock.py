"""The tick: seconds since the cold boot by the board's own RTC.

Stock MicroPython starts `time.time()` at zero (2000-01-01) on a cold boot and lets it run on through deep sleep;
nobody ever sets it, so it is never stepped. It drifts; the gateway measures by how much.
"""

import time


def tick():
    """Whole seconds since the cold boot."""
    return int(time.time())
