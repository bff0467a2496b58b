"""Cuts a node's power at every program and erase of a long life, in MicroPython, and boots it again each time.

    micropython power_cuts.py STEPS SEED      prints one JSON line: states, failures, findings

A life is commissioned, boots cold now and then, samples, raises alarms, hears answers, changes settings, and wraps its
ring. Before each operation on the flash all the states it can leave behind are built: untouched, torn, finished but not
returned from. From each the node boots, and what it had promised is looked for; from some of them the power is cut a
second time while it recovers.
"""

import json
import random
import sys

from nor import SECTOR, Nor, PowerCut

from node import flash, identity, settings
from node.held import ALARM, SAMPLE
from node.life import Life
from node.memory import Memory
from node.ring import Ring
from node.session import Session

SECTORS = 9  # a small ring wraps often
KID, SECRET = b"\xc0\xff\xee\x01", bytes(range(32))
PAYLOAD = b"\x01\x19\x07\x3d\x19\x15\x88\x18\x64\x19\x01\x90\x18\x2a\x18\x64" + b"\x00" * 60
TWO_DEEP_EVERY = 7
MOST_FINDINGS = 20


class Promises:
    """What has been said to be safe, and what was ever used."""

    def __init__(self):
        self.commissioned = False
        self.samples = set()  # (epoch, seq) that append returned for and no gateway has
        self.alarms = set()
        self.epoch = 0
        self.counter = 0

    def copy(self):
        other = Promises()
        other.commissioned = self.commissioned
        other.samples = set(self.samples)
        other.alarms = set(self.alarms)
        other.epoch = self.epoch
        other.counter = self.counter
        return other


class Watched(Nor):
    """A NOR that calls `before(kind, block, offset, data)` ahead of each operation."""

    before = None

    def writeblocks(self, block, buf, offset):
        if self.before:
            self.before("program", block, offset, buf)
        Nor.writeblocks(self, block, buf, offset)

    def ioctl(self, op, arg):
        if op == 6 and self.before:
            self.before("erase", arg, 0, None)
        return Nor.ioctl(self, op, arg)


class Node:
    """A node without sensors and radio: the same life, ring, memory and session that `cycle.py` drives."""

    def __init__(self, device, promises):
        self.device = device
        self.promises = promises
        self.life = Life(device)
        self.memory = Memory()
        self.memory.epoch, free, self.memory.reserved = self.life.cold_boot()
        check(self.memory.epoch > promises.epoch, "epoch %d after %d" % (self.memory.epoch, promises.epoch))
        check(free > promises.counter, "counter %d after %d" % (free, promises.counter))
        promises.epoch = self.memory.epoch
        self.memory.counter = free - 1
        self.ring = Ring(device, flash.RING, lambda: self.memory.durable, self._give_up)

    def _give_up(self, epoch, first, last):
        self.life.declare(epoch, first, last, 1)

    def sample(self):
        seq = self.memory.seq + 1
        self.ring.append(SAMPLE, self.memory.epoch, seq, seq * 900, PAYLOAD)
        self.memory.seq = seq
        self.promises.samples.add((self.memory.epoch, seq))

    def alarm(self):
        self.memory.number += 1
        place = self.ring.append(ALARM, self.memory.epoch, self.memory.number, 5, b"\x01\x01\x18\x5b")
        self.promises.alarms.add((self.memory.epoch, self.memory.number))
        self.memory.alarms = (self.memory.alarms + [place])[-8:]

    def talk(self, durable):
        session = Session(self.memory, self.ring, self.life)
        counter = session.next_counter()
        check(counter > self.promises.counter, "counter %d used again" % counter)
        self.promises.counter = counter
        session.report(self.memory.seq * 900, counter)
        answer = Answer()
        answer.durable = durable
        answer.alarms = sorted(self.promises.alarms)[:1]
        # What the gateway has on its disk, the node may forget from here on.
        for pair in list(self.promises.samples):
            if pair <= durable:
                self.promises.samples.discard(pair)
        for pair in answer.alarms:
            self.promises.alarms.discard(pair)
        session.answered(b"abcd", counter, answer)


class Answer:
    received = ()
    utc = None


class PromiseBroken(Exception):
    pass


def check(true, words):
    if not true:
        raise PromiseBroken(words)


def boots(device, promises):
    """What must hold when the power comes back; what it promises from then on. Raises PromiseBroken."""
    who = identity.load(device)
    if who is None or who.kind == "none":
        check(not promises.commissioned, "the identity is gone")
        return
    check(who.kid == KID and who.secret == SECRET, "the identity changed")
    check(Life(device).alive, "an identity without its counter")
    settings.load(Life(device))
    node = Node(device, promises)
    held, lost = set(), []
    for piece in Session(node.memory, node.ring, node.life).pieces():
        if isinstance(piece, list):
            lost.append(piece)
        else:
            held.add((piece.epoch, piece.number))
    for epoch, seq in promises.samples:
        named = any(epoch == run[0] and run[1] <= seq <= run[2] for run in lost)
        check((epoch, seq) in held or named, "sample %d/%d is gone without a word" % (epoch, seq))
    for epoch, first, last, _ in lost:
        check(not any(epoch == one[0] and first <= one[1] <= last for one in held), "what is held is called lost")
    alarms = {(alarm.epoch, alarm.number) for alarm in node.ring.alarms()}
    for pair in promises.alarms:
        check(pair in alarms, "alarm %d/%d is gone" % pair)
    node.sample()
    check(node.ring.last() == (node.memory.epoch, 1), "a new sample is not the last")
    node.talk((0, 0))


class Campaign:
    """Builds the states, counts them, keeps what went wrong."""

    def __init__(self, steps, seed):
        self.steps = steps
        self.states = 0
        self.failures = 0
        self.findings = []
        self.device = Watched(SECTORS)
        self.promises = Promises()
        random.seed(seed)

    def left_behind(self, kind, block, offset, data):
        """The sector's possible contents when the power goes during this operation."""
        start = block * SECTOR
        old = bytes(self.device.data[start : start + SECTOR])
        yield old
        if kind == "erase":
            ragged = bytearray(old)
            for at in range(0, SECTOR, 4):  # each word as far as chance has it
                ragged[at] |= random.getrandbits(8)
                ragged[at + 2] |= random.getrandbits(8)
            yield ragged
            yield b"\xff" * 2048 + old[2048:]
            yield old[:2048] + b"\xff" * 2048
            yield b"\xff" * SECTOR
            return
        size = len(data)
        for cut in (1, size // 2, size - 1, size):
            yield old[:offset] + bytes(data[:cut]) + old[offset + cut :]
        ragged = bytearray(old)
        for at in range(size):
            ragged[offset + at] &= data[at] | random.getrandbits(8)
        yield ragged

    def before(self, kind, block, offset, data):
        whole = bytes(self.device.data)
        start = block * SECTOR
        for content in self.left_behind(kind, block, offset, data):
            state = Nor(1)
            state.data = bytearray(whole)
            state.data[start : start + SECTOR] = content
            self.states += 1
            self._try(state, self.promises.copy(), "%s of sector %d at %d" % (kind, block, offset))
            if self.states % TWO_DEEP_EVERY == 0:
                self._two_deep(whole, start, content)

    def _two_deep(self, whole, start, content):
        state = Nor(1)
        state.data = bytearray(whole)
        state.data[start : start + SECTOR] = content
        state.budget = random.getrandbits(3)
        promises = self.promises.copy()
        try:
            boots(state, promises)
        except PowerCut:
            pass
        except PromiseBroken:
            return  # counted one cut deep
        state.budget = None
        self.states += 1
        self._try(state, promises, "a second cut")

    def _try(self, state, promises, where):
        try:
            boots(state, promises)
        except Exception as error:
            self.failures += 1
            if len(self.findings) < MOST_FINDINGS:
                self.findings.append("%s: %s %s" % (where, type(error).__name__, error))

    def run(self):
        device = self.device
        device.before = self.before
        # What `commission.write` does, in its order.
        identity.store(device, "none", 6, None, None)
        Life(device).begin()
        identity.store(device, "bin", 6, KID, SECRET)
        self.promises.commissioned = True
        node = Node(device, self.promises)
        for step in range(self.steps):
            if step % 211 == 210:
                node = Node(device, self.promises)
            node.sample()
            if step % 37 == 0:
                node.alarm()
            if step % 5 == 0:
                node.talk(self.durable(step))
            if step % 97 == 0:
                node.life.keep_settings(b"\xa1\x01\x19\x03" + bytes((step % 250,)))
        print(json.dumps({"states": self.states, "failures": self.failures, "findings": self.findings}))

    def durable(self, step):
        # The gateway is away for long stretches, so that the ring must give samples up.
        if step % 400 > 120:
            return (0, 0)
        held = sorted(self.promises.samples)
        return held[len(held) // 2] if held else (0, 0)


if __name__ == "__main__":
    Campaign(int(sys.argv[1]), int(sys.argv[2])).run()
