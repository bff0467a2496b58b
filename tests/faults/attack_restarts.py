"""The nonce over every kind of restart: a street in which something is always being cut, reset, flashed or restored.

A seeded chance draws what befalls whom; the air's book of nonces looks at every frame. At the end the street is left
alone, and every node must be answered again.
"""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from attack_chain import copy_store, restore_store

from stoep_twin.states import Cause
from stoep_twin.street import Node, Options, Street

_ACTS = {  # what befalls a node or the gateway, and how often
    "power cut": 8,
    "EN button": 5,
    "reset": 5,
    "watchdog": 3,
    "flashed anew": 3,
    "commissioned again": 3,
    "gateway killed": 3,
    "gateway restarted": 1,
    "gateway restored": 1,
}
_APART_S = 0.35  # real, on average: a node lives a wake or two in between
_SETTLE_S = 25.0  # the gateway looks at its registry every five
_BACKUP_EVERY = 17


@dataclass
class Restarts:
    """What came of it."""

    acts: Counter[str] = field(default_factory=Counter)
    uplinks: int = 0
    replies: int = 0
    reused: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    secrets: list[tuple[bytes, bytes]] = field(default_factory=list)  # those replaced, with their kids

    @property
    def restarts(self) -> int:
        """Of nodes and gateway together."""
        return sum(self.acts.values())


class Restarting:
    """A street and a seeded chance that leaves it no peace."""

    def __init__(self, directory: Path, seed: int) -> None:
        options = Options(bins=4, speed=480.0, interval=120, loss=0.1, seed=seed, directory=directory)
        self.street = Street(options)
        self.result = Restarts()
        self._chance = random.Random(f"{seed}/restarts")
        self._store = self.street.directory / "stoep.db"
        self._backup = self.street.directory / "backup.db"

    async def run(self, restarts: int, uplinks: int = 0) -> Restarts:
        """Until that many of each."""
        street, result = self.street, self.result
        async with street.running():
            await asyncio.sleep(1.0)
            while result.restarts < restarts or street.air.nonces.uplinks < uplinks:
                street.check()
                if result.restarts % _BACKUP_EVERY == 0:
                    await asyncio.to_thread(copy_store, self._store, self._backup)
                await self._befall()
                await asyncio.sleep(self._chance.expovariate(1 / _APART_S))
            await self._served()
        book = street.air.nonces
        result.uplinks, result.replies = book.uplinks, book.replies
        result.reused = [str(header) for header in book.reused]
        if street.faults:
            result.problems += street.findings[:5]
        return result

    async def _befall(self) -> None:
        what = self._chance.choices(list(_ACTS), list(_ACTS.values()))[0]
        name = self._chance.choice(list(self.street.nodes))
        self.result.acts[what] += 1
        if what.startswith("gateway"):
            await self._gateway(what)
        else:
            await self._node(what, name)

    async def _node(self, what: str, name: str) -> None:
        board = self.street.nodes[name].board
        if what == "power cut":
            board.cut_power()
        elif what == "EN button":
            board.press_reset()
        elif what == "reset":
            board.crash(Cause.RESET)
        elif what == "watchdog":
            board.crash(Cause.WATCHDOG)
        else:
            entry = self.street.nodes[name].entry
            self.result.secrets.append((entry.kid, entry.secret))
            await self.street.renew(name, erased=what == "flashed anew")

    async def _gateway(self, what: str) -> None:
        gateway = self.street.gateway
        if what == "gateway killed":
            gateway.kill()
            return
        await gateway.down()
        if what == "gateway restored":
            await asyncio.to_thread(restore_store, self._backup, self._store)
        gateway.up()

    async def _served(self) -> None:
        """Left alone, every node is answered again."""
        end = time.monotonic() + _SETTLE_S
        before = {name: self._answers(node) for name, node in self.street.nodes.items()}
        waiting = dict(self.street.nodes)
        while waiting and time.monotonic() < end:
            await asyncio.sleep(0.2)
            waiting = {name: node for name, node in waiting.items() if self._answers(node) < before[name] + 2}
        self.result.problems += [f"{name} is not answered any more" for name in waiting]

    def _answers(self, node: Node) -> int:
        log = self.street.directory / "boards" / node.entry.name / "console.log"
        return log.read_text().count(" reply counter=")


def campaign(directory: Path, seed: int, restarts: int, uplinks: int = 0) -> Restarts:
    """One run, from an empty directory."""
    directory.mkdir(parents=True, exist_ok=True)
    return asyncio.run(Restarting(directory, seed).run(restarts, uplinks))
