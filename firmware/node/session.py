"""What is said to the gateway and what its answers mean: from the ring to a report, from a reply to the memory.

The gateway's `durable` is what is on its disk; the node forgets nothing else. `received` is what this instance of
the gateway holds in its hands: not sent again, unless the next answer omits it or another instance answers.
"""

from micropython import const

from node import flash
from node.frame import PLAIN_LONGEST
from node.generated.catalogue import ALARM_CRASHED, LOST_CORRUPT
from node.memory import HEALTH, NO_INSTANCE, TRACE
from node.report import Report

RESERVED = const(28)  # a report's head and its samples' key, at their longest
_OLDER = const(8)  # what a floor and samples of an earlier epoch add
_BLOCK = const(2)  # the key and head of losses or alarms
_SAMPLE_LEAST = const(6)  # a sample is never shorter
_LOST_COST = const(17)
_ALARM_COST = const(24)
_MOST_ALARMS = const(4)
_HEALTH_COST = const(78)
_TRACE_HEAD = const(3)


class Session:
    """The talk of one wake."""

    def __init__(self, memory, ring, life):
        self._memory = memory
        self._ring = ring
        self._life = life
        self._tick = 0  # of the report made last,
        self._told_health = 0  # and whether it told of the node itself
        self._alarms = [alarm for alarm in [ring.alarm(*where) for where in memory.alarms] if alarm]

    def next_counter(self):
        """A frame counter never used before, reserved on flash."""
        memory = self._memory
        if memory.counter + 1 >= memory.reserved:
            memory.reserved = self._life.reserve()
        memory.counter += 1
        return memory.counter

    def report(self, tick, counter):
        """The plaintext of the next uplink, to be sealed under `counter` at `tick`."""
        memory = self._memory
        held, unsent, gaps = self._survey()
        floor = held or (memory.epoch, memory.seq + 1)
        back = counter - memory.heard if memory.heard else 0
        self._tick, self._told_health = tick, 0
        report = Report(memory.instance, memory.epoch, tick, floor, back, tick - memory.heard_tick)
        room = PLAIN_LONGEST - RESERVED - 2 * _BLOCK - (_OLDER if floor[0] != memory.epoch else 0)
        report.alarms = self._alarms[:_MOST_ALARMS]
        room -= self._tell(report)
        room -= len(report.alarms) * _ALARM_COST
        report.lost = (self._life.lost() + gaps)[: room // _LOST_COST]
        room -= len(report.lost) * _LOST_COST
        for record in unsent:
            room -= report.cost(record)
            if room < 0:
                break
            report.add(record)
        return report.encode()

    def _tell(self, report):
        # Of the node itself; the bytes it takes at most. A traceback goes with its alarm, and that one alone.
        memory = self._memory
        alarm = report.alarms[0].payload if report.alarms else b"\0"
        if memory.untold & TRACE and alarm[0] == ALARM_CRASHED and alarm[1] == 1:
            report.trace = self._life.crash()
            if report.trace:
                report.alarms = report.alarms[:1]
                return len(report.trace) + _TRACE_HEAD
        if not memory.untold & HEALTH or memory.instance == NO_INSTANCE:  # whose first word will be a challenge
            return 0
        self._told_health = HEALTH
        report.health = [memory.wholes, memory.watchdogs, memory.crashes, memory.frames, memory.unheard, memory.heap]
        report.health += [flash.crc32(self._life.settings() or b"\xa0"), memory.refused, memory.flaw]
        report.health += memory.failures
        return _HEALTH_COST

    def _survey(self):
        # The lowest (epoch, seq) held, the first samples not received, the holes between those held.
        memory = self._memory
        held = None
        previous = memory.durable
        unsent = []
        gaps: list[list[int]] = []
        for record in self._ring.samples(*memory.durable):
            if held is None:
                held = (record.epoch, record.number)
            if record.epoch == previous[0] and record.number > previous[1] + 1:
                self._add_gap(gaps, record.epoch, previous[1] + 1, record.number - 1)
            previous = (record.epoch, record.number)
            if not self._is_received(record):
                unsent.append(record)
                if len(unsent) * _SAMPLE_LEAST > PLAIN_LONGEST:
                    break
        return held, unsent, gaps

    def _add_gap(self, gaps, epoch, first, last):
        for known in self._life.lost():
            if known[0] == epoch and known[1] <= first and last <= known[2]:
                return
        gaps.append([epoch, first, last, LOST_CORRUPT])

    def _is_received(self, record):
        for epoch, first, last in self._memory.received:
            if record.epoch == epoch and first <= record.number <= last:
                return True
        return False

    def challenged(self, instance):
        """Another instance of the gateway runs: what the last one only held in its hands must be sent again."""
        memory = self._memory
        memory.instance = instance
        memory.received = []
        memory.heard = 0
        memory.untold |= HEALTH

    def answered(self, instance, counter, answer):
        """Take an answer in. Raises ValueError when it names what was never sent."""
        memory = self._memory
        if answer.durable > (memory.epoch, memory.seq):
            raise ValueError("durable lies in the future")
        memory.instance = instance
        memory.heard = counter
        memory.heard_tick = self._tick
        memory.durable = answer.durable
        memory.received = answer.received
        self._life.acknowledged(*answer.durable)
        if self._told_health:
            memory.untold &= ~HEALTH
            memory.told = self._tick
        left = []
        for alarm in self._alarms:
            if (alarm.epoch, alarm.number) in answer.alarms:
                self._ring.close_alarm(alarm)
                if alarm.payload[0] == ALARM_CRASHED:
                    memory.untold &= ~TRACE
            else:
                left.append(alarm)
        self._alarms = left
        memory.alarms = [(alarm.sector, alarm.at) for alarm in left]

    def is_settled(self):
        """Whether the gateway has everything in its hands and every alarm on its disk."""
        if self._alarms or self._memory.untold & HEALTH:
            return False
        return all(self._is_received(record) for record in self._ring.samples(*self._memory.durable))

    def held(self):
        """(first, last, count) of the samples not known to be on the gateway's disk; None when there are none."""
        first = last = None
        count = 0
        for record in self._ring.samples(*self._memory.durable):
            last = (record.epoch, record.number)
            first = first or last
            count += 1
        return (first, last, count) if count else None
