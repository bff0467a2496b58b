"""From power to purpose: which board is this, and what does it do?"""

from machine import Pin
from micropython import const

from node import flash, identity, power
from node.release import RELEASE

_LINGER_S = const(10)  # how long a board without identity listens to a technician
_RETRY_MS = const(60_000)
_BOOT = const(0)


def purpose():
    """What this board was commissioned for, to be `run()`, which does not return; None: a technician wants the REPL."""
    device = flash.partition()
    who = identity.load(device)
    if who is None or who.kind == "none":
        return _uncommissioned()
    if who.kind == "bridge":
        from bridge.relay import Relay

        return Relay(who.channel, RELEASE)
    if who.kind == "lamppost":
        _light_up()
    if _is_visited(who.kind):
        return None
    _nap_on()
    if who.kind == "lamppost":
        from node.lamp.awake import Awake

        return Awake(device, who, RELEASE)
    from node.cycle import Cycle

    return Cycle(device, who, RELEASE)


def _light_up():
    # After a restart the PWM of the life before may go on, and be dark: a pin that nobody drives is light.
    from node.generated.pins_lamppost import LIGHT_DIM

    Pin(LIGHT_DIM, Pin.IN)


def _nap_on():
    # What goes wrong here must not keep the node from its next sample.
    try:
        from node import watch

        watch.between_samples()
    except Exception as failure:
        from node import crash

        print("failed", type(failure).__name__)
        crash.keep(failure)


def _is_visited(kind):
    # After a cold boot, or with BOOT held, which pulls GPIO 0 low.
    from node import memory, staging

    if power.cause() == "power":
        memory.lose()
    elif Pin(_BOOT, Pin.IN, Pin.PULL_UP).value():
        return False
    from node import visit

    came = visit.comes(kind)
    staging.forget("visit", "sensors")
    return came


def _uncommissioned():
    from node import visit

    print("uncommissioned release=%s remedy=commission this board: it has no identity" % RELEASE)
    if not visit.listens(_LINGER_S):
        power.sleep(_RETRY_MS)
