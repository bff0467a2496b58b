"""A wake begins: what is remembered of the one before, as far as flash does not know better."""

from micropython import const

from node import clock, power, recall, trust
from node.memory import HEALTH, Memory

_HIGHEST = const(65535)


def begin(life, release):
    """(what the node remembers, whether this wake may be a whole one). Raises ValueError for a spent identity."""
    if not life.alive:
        raise ValueError("the frame counter is gone: commission this board again, with a new secret")
    cause = power.cause()
    recalled = recall.last_wake() if cause != "power" else None
    if recalled is None or not _is_of(life, recalled):
        recalled = _cold_boot(life)
    if cause == "watchdog":
        recalled.watchdogs = min(recalled.watchdogs + 1, _HIGHEST)
        recalled.untold |= HEALTH
    whole = trust.begin(recalled, clock.tick())
    print("boot cause=%s epoch=%d release=%s" % (cause, recalled.epoch, release))
    return recalled, whole


def _is_of(life, recalled):
    # A board commissioned again without a power cut remembers counters that flash has not reserved for this secret.
    return recalled.epoch == life.epoch and recalled.reserved <= life.reserved


def _cold_boot(life):
    fresh = Memory()
    fresh.epoch, free, fresh.reserved = life.cold_boot()
    fresh.counter = free - 1
    return fresh


def find_place(recalled, ring):
    """Go on behind the newest sample in flash: a reset may have come between flash and memory, and flash is right."""
    epoch, seq = ring.last()
    if epoch == recalled.epoch and seq > recalled.seq:
        recalled.seq = seq
