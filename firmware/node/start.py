"""From power to purpose: which board is this, and what does it do?"""

import time

import micropython
from micropython import const

from node import flash, identity, power

RELEASE = "0.1.0"
_LINGER_MS = const(10_000)  # how long a board without identity listens to a technician
_RETRY_MS = const(60_000)
_CTRL_C = const(3)  # what mpremote begins with


def run():
    """Run what this board was commissioned for. Returns only True: a technician wants the REPL."""
    device = flash.partition()
    who = identity.load(device)
    if who is None or who.kind == "none":
        return _uncommissioned()
    if who.kind == "bridge":
        from bridge.relay import Relay

        Relay(who.channel, RELEASE).run()
    else:
        _nap_on()
        from node.cycle import Cycle

        Cycle(device, who, RELEASE).run()
    return False


def _nap_on():
    # What goes wrong here must not keep the node from its next sample.
    try:
        from node import watch

        watch.between_samples()
    except Exception as failure:
        from node import crash

        print("failed", type(failure).__name__)
        crash.keep(failure)


def _uncommissioned():
    print("uncommissioned release=%s remedy=commission this board: it has no identity" % RELEASE)
    dog = power.watchdog()
    try:
        micropython.kbd_intr(_CTRL_C)
        for _ in range(_LINGER_MS // 100):
            time.sleep_ms(100)
            dog.feed()
        micropython.kbd_intr(-1)
    except KeyboardInterrupt:
        return True  # the watchdog goes on: this must be done within its time
    power.sleep(_RETRY_MS)
    return False
