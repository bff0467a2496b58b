"""By which link a lamppost talks to its gateway: the setting `link`, and why it may be refused.

The lamps of a group hear each other by ESP-NOW on the site's channel, and a station is on its access point's: one that
follows can be on Wi-Fi only where the two are the same, and with power save off, in which frames are lost.
"""

from node import flash
from node.generated import refusals

_wifi = []  # type: list  # the link in use, if it is this one
_missing = 0


def choose(lamp, identity, wanted):
    """Give `lamp` the link that is `wanted` (0: ESP-NOW, 1: Wi-Fi), if it has another."""
    global _missing
    _missing = 0
    if not wanted:
        if _wifi:
            link = _wifi.pop()
            link.leave()
            lamp.speak_by(link.radio)
    elif not _wifi:
        link = beside(lamp.link, identity)
        if link is None:
            _missing = refusals.ACCOUNT
            return
        _wifi.append(link)
        lamp.speak_by(link)
        link.settle(lamp.pause)


def beside(radio, identity):
    """The Wi-Fi link beside the ESP-NOW link `radio`, or None for a board that has no account."""
    from node.links import account

    known = account.read(flash.partition())
    if known is None:
        return None
    from node.links.wifi import Link

    return Link(radio, known, identity.kid, identity.secret)


def flaw(follows):
    """Why the link in use cannot be, see `[refusals]` in channels.toml; 0: nothing speaks against it."""
    return unfit(follows, _wifi[0].channel, _wifi[0].standing()) if _wifi else _missing


def unfit(follows, wanted, standing):
    """The same of a lamp on the site's channel `wanted`; `standing` is the link's: (channel, power save is off)."""
    if not follows or standing is None:
        return 0
    channel, still = standing
    if channel != wanted:
        return refusals.CHANNEL
    return 0 if still else refusals.POWER_SAVE
