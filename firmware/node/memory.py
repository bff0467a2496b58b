"""What a node remembers from wake to wake: its share of the RTC memory.

It survives deep sleep, the watchdog and `reset()`, not a power-off. Nothing here may be the only copy of
something that must survive; what is lost with it is asked for again or sent again.
"""

import struct

from micropython import const

from node import flash

MAGIC = const(0x537D)  # raised whenever the fields change
FIXED = const("<HHIQQ4sQIHIIIIH6s8H8BhI8H8BBHIIBIBBBBBIBIHHIIIIBIIBII")
_RANGES = const(4)
MOST_ALARMS = const(8)  # remembered by place; a cold boot finds those beyond
UNKNOWN = const(-32768)
NO_INSTANCE = b"\x00\x00\x00\x00"
HEALTH = const(1)  # what may be untold
TRACE = const(2)
_HIGHEST = const(65535)


class Memory:
    """The fields below; a cold boot starts them at nothing."""

    def __init__(self):
        self.epoch = 0
        self.seq = 0  # last seq given in this epoch
        self.counter = 0  # last frame counter used
        self.reserved = 0  # counters below this are reserved in flash
        self.instance = NO_INSTANCE  # last one heard
        self.heard = 0  # the newest counter of this epoch whose reply was heard; 0: none
        self.heard_tick = 0  # the tick that frame carried
        self.durable = (0, 0)  # everything up to here is on the gateway's disk
        self.received = []  # (epoch, first, last) beyond it: in the gateway's hands
        self.number = 0  # last alarm number given in this epoch
        self.alarms = []  # (sector, offset) of the newest alarms not acknowledged
        self.group = 0  # last number of a frame to the lamp group in this epoch
        self.more = 1  # whether the ring may hold others
        self.raised = 0  # alarms that are on, one bit a code
        self.next_wake = 0  # tick
        self.bridge = None  # MAC of the bridge that answered last
        self.unanswered = 0  # attempts since the last reply
        self.failures = [0] * 8  # by sensor, see health.py
        self.failing = [0] * 8  # by sensor: failures beyond successes, up to an alarm
        self.alike = [0] * 8  # by sensor: how often its last value came in a row,
        self.value = [0] * 8  # and that value's fingerprint
        self.watched = 0  # the pin whose movements are counted; 0: none
        self.moves = 0  # since the last sample
        self.deaf_until = 0  # tick
        self.hour = 0  # in which movements were counted last,
        self.wakes = 0  # and how many
        self.saturated = 0  # the hour after the last one that had more than may be counted
        self.held_high = 0  # looks in a row at which the pin was high
        self.leant = 0  # whether it leant at the last sample
        self.silent = 0  # wakes in a row in which nobody answered,
        self.skip = 0  # and how many more may pass without an attempt
        self.wholes = 0  # wakes that measured,
        self.watchdogs = 0  # those that ended in the watchdog,
        self.crashes = 0  # in a panic or an exception
        self.frames = 0  # sent,
        self.unheard = 0  # and of them without an answer
        self.heap = 0  # least that was free of it, bytes; 0: not yet looked
        self.told = 0  # tick at which the gateway had its health last
        self.untold = HEALTH  # what it must hear of the node itself
        self.refused = 0  # fingerprint of the settings refused or given up last; 0: none
        self.flaw = 0  # the setting that was wrong in them; 0: nobody answered under them
        self.light = 0  # version of the light it lives by, see wire.cddl; 0: none
        self.thrift = 0  # stage of a low battery, see thrift.py
        self.unfinished = 0  # wakes in a row that did not come to their end
        self.tried = 0  # tick at which the whole application was tried last
        self.warmth = None  # the temperature measured last, 0.01 °C,
        self.warmth_tick = 0  # and when

    def pack(self):
        """The bytes for the RTC memory: magic, fields, CRC."""
        mac = self.bridge or bytes(6)
        out = bytearray(
            struct.pack(
                FIXED, MAGIC, self.epoch, self.seq, self.counter, self.reserved, self.instance,
                self.heard, self.heard_tick, self.durable[0], self.durable[1], self.number, self.raised,
                self.next_wake, min(self.unanswered, _HIGHEST), mac, *self.failures, *self.failing,
                UNKNOWN if self.warmth is None else self.warmth, self.warmth_tick,
                *self.value, *self.alike, self.watched, self.moves, self.deaf_until, self.hour, self.wakes,
                self.saturated, self.held_high, self.leant, self.silent, self.skip,
                self.unfinished, self.tried, self.thrift,
                self.wholes, self.watchdogs, self.crashes, self.frames, self.unheard, self.heap, self.told, self.untold,
                self.refused, self.flaw, self.more, self.group, self.light,
            )
        )  # fmt: skip
        ranges = self.received[:_RANGES]
        alarms = self.alarms[:MOST_ALARMS]
        out.extend(bytes((len(ranges), len(alarms))))
        for epoch, first, last in ranges:
            out.extend(struct.pack("<HII", epoch, first, last))
        for sector, at in alarms:
            out.extend(struct.pack("<HH", sector, at))
        out.extend(struct.pack("<I", flash.crc32(out)))
        return out


def keep(memory):
    """Remember `memory` over the coming sleep."""
    from machine import RTC

    RTC().memory(memory.pack())


def note_heap(memory):
    """Remember what the heap has left beside the code that is loaded now, if that is less than ever."""
    import gc

    gc.collect()
    free = gc.mem_free()
    memory.heap = min(memory.heap or free, free)


def note_crash(memory):
    """An exception ended a wake, or would have; its traceback is to be told."""
    memory.untold |= HEALTH | TRACE
    memory.crashes = min(memory.crashes + 1, _HIGHEST)


def lose():
    """After a power-on the clock begins again: what may have survived it must not be believed by any later start."""
    from machine import RTC

    RTC().memory(b"")
