"""From power to purpose: which board is this, and what does it do?"""

import time

from micropython import const

from node import flash, identity, power

RELEASE = "0.1.0"
_LINGER_MS = const(10_000)  # how long a board without identity listens to a technician
_RETRY_MS = const(60_000)


def run():
    """Run what this board was commissioned for. Does not return normally."""
    device = flash.partition()
    who = identity.load(device)
    if who is None or who.kind == "none":
        _uncommissioned()
    elif who.kind == "bridge":
        from bridge.relay import Relay

        Relay(who.channel, RELEASE).run()
    else:
        from node.cycle import Cycle

        Cycle(device, who, RELEASE).run()


def _uncommissioned():
    print("uncommissioned release=%s remedy=commission this board: it has no identity" % RELEASE)
    dog = power.watchdog()
    for _ in range(_LINGER_MS // 100):
        time.sleep_ms(100)
        dog.feed()
    power.sleep(_RETRY_MS)
