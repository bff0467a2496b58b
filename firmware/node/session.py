"""What is said to the gateway and what its answers mean: from the ring to a report, from a reply to the memory.

The gateway's `durable` is what is on its disk; the node forgets nothing else. `received` is what this instance of
the gateway holds in its hands: not sent again, unless the next answer omits it or another instance answers.
"""

from micropython import const

from node.generated.spelling import ALARM_CRASHED, LOST_CORRUPT, LOST_FULL
from node.memory import HEALTH, MOST_ALARMS, TRACE

_BEYOND = const(65536)  # an epoch later than any


class Session:
    """The talk of one wake."""

    def __init__(self, memory, ring, life):
        self._memory = memory
        self._ring = ring
        self._life = life
        self._tick = 0  # of the report made last,
        self._told_health = 0  # and whether it told of the node itself
        self.alarms = [alarm for alarm in [ring.alarm(*where) for where in memory.alarms] if alarm]
        if len(self.alarms) < len(memory.alarms):
            memory.more = 1  # the ring has carried some over
        self._remember()

    def next_counter(self):
        """A frame counter never used before, reserved on flash."""
        memory = self._memory
        if memory.counter + 1 >= memory.reserved:
            memory.reserved = self._life.reserve()
        memory.counter += 1
        return memory.counter

    def report(self, tick, counter):
        """The plaintext of the next uplink, to be sealed under `counter` at `tick`."""
        from node import telling

        self._tick = tick
        plain, self._told_health = telling.plain(self, self._memory, self._ring, self._life, tick, counter)
        return plain

    def pieces(self):
        """What the gateway may not have on its disk, in its order: records, and between them what is lost,
        [epoch, first, last, cause]. A hole within a sector is damage; the ring gives up whole sectors.
        """
        given_up = sorted(self._life.lost())
        at, sector = self._memory.durable, None
        for record in self._ring.samples(*at):
            here = record.epoch, record.number
            holes = list(_between(given_up, at, here))
            if here[0] == at[0] and here[1] > at[1] + 1:
                full = holes and record.sector != sector
                holes = [[here[0], at[1] + 1, here[1] - 1, LOST_FULL if full else LOST_CORRUPT]]
            for hole in holes:
                yield hole
            yield record
            at, sector = here, record.sector
        for hole in _between(given_up, at, (_BEYOND, 0)):
            yield hole

    def is_received(self, piece):
        """Whether this instance of the gateway has it in its hands."""
        if isinstance(piece, list):
            epoch, lowest, highest, _ = piece
        else:
            epoch, lowest, highest = piece.epoch, piece.number, piece.number
        for known, first, last in self._memory.received:
            if known == epoch and first <= lowest and highest <= last:
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
        for alarm in self.alarms:
            if (alarm.epoch, alarm.number) in answer.alarms:
                self._ring.close_alarm(alarm)
                if alarm.payload[0] == ALARM_CRASHED:
                    memory.untold &= ~TRACE
            else:
                left.append(alarm)
        self.alarms = left
        self._remember()

    def _remember(self):
        # By place; when those are told, the ring is looked through for others.
        memory = self._memory
        if memory.more and not self.alarms:
            memory.more = 0
            for alarm in self._ring.alarms():
                if len(self.alarms) == MOST_ALARMS:
                    memory.more = 1
                    break
                self.alarms.append(alarm)
        memory.alarms = [(alarm.sector, alarm.at) for alarm in self.alarms]

    def is_settled(self):
        """Whether the gateway has everything in its hands and every alarm on its disk."""
        if self.alarms or self._memory.untold & HEALTH:
            return False
        return all(self.is_received(piece) for piece in self.pieces())

    def held(self):
        """(first, last, count) of the samples not known to be on the gateway's disk; None when there are none."""
        first = last = None
        count = 0
        for record in self._ring.samples(*self._memory.durable):
            last = (record.epoch, record.number)
            first = first or last
            count += 1
        return (first, last, count) if count else None


def _between(given_up, after, before):
    # The parts of these ranges that lie beyond the (epoch, seq) `after` and ahead of `before`.
    for epoch, lowest, highest, cause in given_up:
        first = max(lowest, after[1] + 1) if epoch == after[0] else lowest
        last = min(highest, before[1] - 1) if epoch == before[0] else highest
        if after[0] <= epoch <= before[0] and first <= last:
            yield [epoch, first, last, cause]
