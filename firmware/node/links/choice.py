"""By which link a lamppost talks to its gateway: the setting `link`, and why it may be refused.

The lamps of a group hear each other by ESP-NOW on the site's channel, and a station is on its access point's: one that
follows can be on Wi-Fi only where the two are the same, and with power save off, in which frames are lost.
"""

from node import flash, staging
from node.generated import refusals


def choose(lamp, identity, used, wanted):
    """Give `lamp` the link that is `wanted` (0: ESP-NOW, 1: Wi-Fi), if it has another than the Wi-Fi link `used`.

    What is used now: that link, or None; False where Wi-Fi is wanted and the board has no account for it.
    """
    if wanted and used:
        return used
    if used:
        used.leave()
        lamp.speak_by(used.radio)
    if not wanted:
        return None
    link = beside(lamp.link, identity)
    if link is None:
        return False
    lamp.speak_by(link)
    link.settle(lamp.pause)
    return link


def beside(radio, identity):
    """The Wi-Fi link beside the ESP-NOW link `radio`, or None for a board that has no account."""
    from node.links import account

    known = account.read(flash.partition())
    password = account.password(identity.secret)
    del account
    staging.forget("links.account")
    if known is None:
        return None
    from node.links.wifi import Link

    return Link(radio, known, identity.kid, password)


def alone(identity, bridge):
    """The link of a lamppost in safe mode, whose lamp nobody serves; None: it has no account."""
    from node import power
    from node.links.espnow import Link

    radio = Link(identity.channel, bridge)
    link = beside(radio, identity)
    if link is None:
        radio.close()
        return None
    link.settle(power.pause)
    return link


def flaw(follows, used):
    """Why what is used cannot be, see `[refusals]` in channels.toml; 0: nothing speaks against it."""
    return unfit(follows, used.channel, used.standing()) if used else refusals.ACCOUNT


def unfit(follows, wanted, standing):
    """The same of a lamp on the site's channel `wanted`; `standing` is the link's: (channel, power save is off)."""
    if not follows or standing is None:
        return 0
    channel, still = standing
    if channel != wanted:
        return refusals.CHANNEL
    return 0 if still else refusals.POWER_SAVE
