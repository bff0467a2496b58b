"""A board's modules, faked just enough to run `node` code outside the twin: no radio, no sensors."""

from nor import Nor

from node import flash
from node.held import SAMPLE
from node.life import Life
from node.memory import Memory
from node.ring import Ring
from node.session import Session


class Board:
    """A node with its flash, life, ring and memory, as after a cold boot."""

    def __init__(self, sectors=12):
        self.device = Nor(sectors)
        Life(self.device).begin()
        self.boot()

    def boot(self):
        self.life = Life(self.device)
        self.memory = Memory()
        self.memory.epoch, free, self.memory.reserved = self.life.cold_boot()
        self.memory.counter = free - 1
        self.memory.untold = 0  # what it says of itself has tests of its own
        self.ring = Ring(self.device, flash.RING, lambda: self.memory.durable, self._give_up)

    def _give_up(self, epoch, first, last):
        self.life.declare(epoch, first, last, 1)

    def sample(self, tick, payload=b"\x01\x19\x07\x3d\xf6\x18\x64\xf6\xf6\x18\x2a"):
        self.memory.seq += 1
        self.ring.append(SAMPLE, self.memory.epoch, self.memory.seq, tick, payload)

    def session(self):
        return Session(self.memory, self.ring, self.life)
