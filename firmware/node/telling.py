"""What the next report says: as much of what the gateway has not got as a frame holds, alarms first."""

from micropython import const

from node import flash
from node.frame import PLAIN_LONGEST
from node.generated.spelling import ALARM_CRASHED
from node.memory import HEALTH, NO_INSTANCE, TRACE
from node.report import Report

RESERVED = const(28)  # a report's head and its samples' key, at their longest
_OLDER = const(8)  # what a floor and samples of an earlier epoch add
_BLOCK = const(2)  # the key and head of losses or alarms
_LOST_COST = const(17)
_ALARM_COST = const(24)
_MOST_ALARMS = const(4)
_HEALTH_COST = const(85)
_TRACE_HEAD = const(3)


def plain(session, memory, ring, life, tick, counter):
    """(plaintext, whether it tells of the node itself) of the uplink under `counter`, made at `tick`."""
    floor = _floor(memory, ring)
    back = counter - memory.heard if memory.heard else 0
    report = Report(memory.instance, memory.epoch, tick, floor, back, tick - memory.heard_tick)
    room = PLAIN_LONGEST - RESERVED - 2 * _BLOCK - (_OLDER if floor[0] != memory.epoch else 0)
    report.alarms = session.alarms[:_MOST_ALARMS]
    room -= _tell_of_itself(report, memory, ring, life)
    room -= len(report.alarms) * _ALARM_COST
    for piece in session.pieces():
        if session.is_received(piece):
            continue
        room -= _LOST_COST if isinstance(piece, list) else report.cost(piece)
        if room < 0:
            break
        if isinstance(piece, list):
            report.lost.append(piece)
        else:
            report.add(piece)
    return report.encode(), HEALTH if report.health else 0


def _tell_of_itself(report, memory, ring, life):
    # The bytes it takes at most. A traceback goes with its alarm, and that one alone.
    alarm = report.alarms[0].payload if report.alarms else b"\0"
    if memory.untold & TRACE and alarm[0] == ALARM_CRASHED and alarm[1] == 1:
        report.trace = life.crash()
        if report.trace:
            report.alarms = report.alarms[:1]
            return len(report.trace) + _TRACE_HEAD
    if not memory.untold & HEALTH or memory.instance == NO_INSTANCE:  # whose first word will be a challenge
        return 0
    report.health = [memory.wholes, memory.watchdogs, memory.crashes, memory.frames, memory.unheard, memory.heap]
    report.health += [ring.use(*memory.durable), memory.light]
    report.health += [flash.crc32(life.settings() or b"\xa0"), memory.refused, memory.flaw]
    report.health += memory.failures
    return _HEALTH_COST


def _floor(memory, ring):
    # The lowest (epoch, seq) held; the next to be given when none is.
    for record in ring.samples(*memory.durable):
        return record.epoch, record.number
    return memory.epoch, memory.seq + 1
