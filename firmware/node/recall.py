"""The way back of `memory.Memory.pack`: what the wake before left in the RTC memory. Read once, and then in the way."""

import struct

from node import flash
from node.memory import FIXED, MAGIC, UNKNOWN, Memory


def unpack(data):
    """The memory these bytes hold, or None when they are none of ours or were lost."""
    size = struct.calcsize(FIXED)
    if len(data) < size + 6 or struct.unpack_from("<I", data, len(data) - 4)[0] != flash.crc32(data[:-4]):
        return None
    fields = struct.unpack_from(FIXED, data, 0)
    if fields[0] != MAGIC:
        return None
    memory = Memory()
    memory.epoch, memory.seq, memory.counter, memory.reserved, memory.instance, memory.heard = fields[1:7]
    memory.heard_tick = fields[7]
    memory.durable = (fields[8], fields[9])
    memory.number, memory.raised, memory.next_wake, memory.unanswered = fields[10:14]
    memory.bridge = fields[14] if fields[14] != bytes(6) else None
    memory.failures = list(fields[15:23])
    memory.failing = list(fields[23:31])
    memory.warmth, memory.warmth_tick = fields[31:33]
    if memory.warmth == UNKNOWN:
        memory.warmth = None
    memory.value = list(fields[33:41])
    memory.alike = list(fields[41:49])
    memory.watched, memory.moves, memory.deaf_until, memory.hour, memory.wakes = fields[49:54]
    memory.saturated, memory.held_high, memory.leant = fields[54:57]
    memory.silent, memory.skip, memory.unfinished, memory.tried = fields[57:61]
    memory.thrift = fields[61]
    memory.wholes, memory.watchdogs, memory.crashes, memory.frames, memory.unheard = fields[62:67]
    memory.heap, memory.told, memory.untold = fields[67:70]
    memory.refused, memory.flaw, memory.more, memory.group, memory.light = fields[70:75]
    at = size + 2
    for _ in range(data[size]):
        memory.received.append(struct.unpack_from("<HII", data, at))
        at += 10
    for _ in range(data[size + 1]):
        memory.alarms.append(struct.unpack_from("<HH", data, at))
        at += 4
    return memory


def last_wake():
    """What it left in the RTC memory, or None after a power-off."""
    from machine import RTC

    return unpack(RTC().memory())
