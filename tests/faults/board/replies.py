"""Plays replies to a node, in MicroPython, that its gateway never meant for it now. Nothing of them may leave a trace.

    micropython replies.py CASES.json      prints one JSON line: played, accepted, changed, served

The node is the firmware's own (`Contact._exchange`) over a NOR in RAM; only radio and RTC memory are played. For
each uplink the false replies come first, the true one last: it alone must be taken.
"""

import binascii
import json
import sys

from nor import Nor
from stand_ins import Rtc

from node import flash, frame
from node.contact import Contact
from node.held import SAMPLE
from node.identity import Identity
from node.life import Life
from node.memory import Memory
from node.payload import pack_values
from node.ring import Ring
from node.session import Session


class Node(Contact):
    """A node that has booted; its sensors are left out."""

    def __init__(self, kid, secret, instance):
        self.device = Nor(12)
        Life(self.device).begin()
        life = Life(self.device)
        memory = Memory()
        memory.epoch, free, memory.reserved = life.cold_boot()
        memory.counter = free - 1
        memory.instance = instance
        ring = Ring(self.device, flash.RING, lambda: memory.durable, None)
        super().__init__(Identity("bin", 6, kid, secret), life, memory, ring)

    def sample(self, tick):
        memory = self._memory
        self._ring.append(SAMPLE, memory.epoch, memory.seq + 1, tick, pack_values(1, {1: 1853, 3: 101325}))
        memory.seq += 1

    def wake(self, link):
        session = Session(self._memory, self._ring, self._life)
        keys = frame.Keys(self._identity.secret, b"up")
        return self._exchange(session, keys, link, 1)

    def trace(self):
        """Everything it would remember."""
        return bytes(self.device.data), self._memory.pack(), Rtc.kept


class Played:
    """The link: plays one reply after the other, as they would come within the window."""

    reply_ms = 60

    def __init__(self, node, case):
        self._node = node
        self._case = case
        self.accepted = self.changed = 0

    def send(self, sealed):
        self.sent = sealed

    def hear(self, _timeout_ms, accept):
        before = self._node.trace()
        for false in self._case["false"]:
            if accept(binascii.unhexlify(false)) is not None:
                self.accepted += 1
        if self._node.trace() != before:
            self.changed += 1
        return accept(binascii.unhexlify(self._case["true"])) if self._case["true"] else None


def main(path):
    with open(path) as file:
        cases = json.load(file)
    kid, secret = binascii.unhexlify(cases["kid"]), binascii.unhexlify(cases["secret"])
    node = Node(kid, secret, binascii.unhexlify(cases["instance"]))
    found = {"played": 0, "accepted": 0, "changed": 0, "answered": 0, "challenged": 0, "silent": 0}
    for number, case in enumerate(cases["wakes"], 1):
        node.sample(900 * number)
        link = Played(node, case)
        heard = node.wake(link)
        found["played"] += len(case["false"])
        found["accepted"] += link.accepted
        found["changed"] += link.changed
        found[{"answer": "answered", "challenge": "challenged", None: "silent"}[heard]] += 1
    found["durable"] = list(node._memory.durable)
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
