"""Replay and forgery in a whole street: real firmware, bridge, line, gateway, and an attacker's radio in the air.

An hour of the street's life is on the attacker's tape. All of it is sent again at once, after the gateway was killed,
after a node's cold boot, after yesterday's database was put back; in between the attacker forges, floods, and answers
the nodes before the gateway can. While the tape is played the honest nodes sleep: every frame can be accounted for.
"""

import asyncio
import contextlib
import random
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import attack_frames
from attack_chain import TAKEN, VERDICTS, Outcome, copy_store, growth, restore_store, store_sizes
from attack_radio import Attacker

from stoep_twin import technician
from stoep_twin.auditor import WINDOW_S, Auditor
from stoep_twin.ending import wind_down
from stoep_twin.states import State
from stoep_twin.street import RADIO_CHANNEL, Node, Options, Street

_BRIDGE = ("heard", "filtered", "overflows")
_LOG_LINES = 12  # an act lasts seconds; each kind of bad frame is logged every ten
_KINDS = re.compile(r"malformed|not sealed with|not in the registry|seems to send")
_PACE_S = 0.006  # between forged frames: the bridge's sieve lets about a hundred of a node through at once
_FLOOD_S = 0.003
_WAIT_S = 15.0
_FALSE_REPLIES = 50  # as many at least
_COMMIT_S = 1.5  # the gateway commits within a second,
_STATUS_S = 2.2  # says what it has counted every two,
_GRACE_S = 90  # virtual: and closes a window a minute after its end


@dataclass
class Findings:
    """What the whole attack came to."""

    sent: int = 0
    accepted: int = 0
    unaccounted: int = 0
    grown: dict[str, Any] = field(default_factory=dict)
    acts: dict[str, dict[str, int]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def problem(self, text: str) -> None:
        """Something that must not be."""
        self.problems.append(text)


async def until(true: Callable[[], bool], what: str, seconds: float = _WAIT_S) -> None:
    """Wait for it, or say what did not come."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"after {seconds:.0f} s still not: {what}")
        await asyncio.sleep(0.05)


class AttackedStreet:
    """One street and its attacker."""

    def __init__(self, directory: Path, seed: int = 1) -> None:
        self.street = Street(Options(bins=3, speed=480.0, interval=120, loss=0.0, seed=seed, directory=directory))
        self.seed = seed
        self.findings = Findings()
        self._store = self.street.directory / "stoep.db"
        self._yesterday = self.street.directory / "yesterday.db"

    # -- looking -------------------------------------------------------------------------------------------------------

    def _counted(self) -> Counter[str]:
        """What gateway and bridge have counted, of this life of each."""
        said = Counter[str](self.street.status.get("counters", {}))
        for bridge in self.street.status.get("bridges", ()):
            said.update({f"bridge {name}": bridge.get("counters", {}).get(name, 0) for name in _BRIDGE})
        return said

    def _life(self, name: str) -> Counter[str]:
        """How often a node has said each word on its console."""
        log = self.street.directory / "boards" / name / "console.log"
        return Counter(line.split(" ", 2)[1] for line in log.read_text().splitlines())

    def _epochs(self, name: str) -> int:
        log = self.street.directory / "boards" / name / "console.log"
        return log.read_text().count(" boot cause=power ")

    def _answers(self) -> Counter[str]:
        """What the nodes say they took from the air."""
        lives = [self._life(name) for name in self.street.nodes]
        return Counter({word: sum(life[word] for life in lives) for word in ("reply", "challenge")})

    def _log_lines(self) -> int:
        return len(_KINDS.findall((self.street.directory / "gateway.log").read_text(errors="replace")))

    def _alive(self) -> bool:
        bridges = self.street.status.get("bridges") or [{}]
        return self.street.status.get("status") == "online" and bool(bridges[0].get("alive"))

    @contextlib.asynccontextmanager
    async def hushed(self) -> AsyncIterator[None]:
        """All honest nodes asleep, everything they said taken, windows and outbox at rest."""
        clock = self.street.clock
        async with contextlib.AsyncExitStack() as asleep:
            for node in self.street.nodes.values():
                await asleep.enter_async_context(node.board.hands)
            await asyncio.sleep(_COMMIT_S)
            clock.jump(WINDOW_S + _GRACE_S - clock.utc_us() / 1e6 % WINDOW_S)
            await self._at_rest()
            yield

    async def _at_rest(self) -> None:
        """Until the store has not changed for a while, nor the counters for longer than they take to be said."""
        last: Any = None
        since = time.monotonic()
        end = since + _WAIT_S
        while time.monotonic() - since < _STATUS_S:
            if time.monotonic() > end:
                raise TimeoutError("the gateway does not come to rest")
            now = (self._counted(), store_sizes(self._store))
            if now != last:
                last, since = now, time.monotonic()
            await asyncio.sleep(0.1)

    # -- acting --------------------------------------------------------------------------------------------------------

    async def _act(self, name: str, say: Callable[[], Awaitable[int]]) -> Outcome:
        """Have the attacker speak while everybody else is silent, and account for every frame."""
        counted, sizes, lines = self._counted(), store_sizes(self._store), self._log_lines()
        outcome = Outcome(sent=await say())

        def change() -> Counter[str]:
            now = self._counted()
            return Counter({key: now[key] - counted[key] for key in now})

        def accounted() -> bool:
            now = change()
            seen = now["bridge filtered"] + now["bridge overflows"] + sum(now[verdict] for verdict in VERDICTS)
            return seen >= outcome.sent

        await asyncio.sleep(_COMMIT_S)
        with contextlib.suppress(TimeoutError):
            await until(accounted, "all frames counted", 8.0)
        now = change()
        outcome.verdicts = Counter({key: now[key] for key in VERDICTS if now[key]})
        outcome.verdicts.update({key: now[key] for key in ("bridge filtered", "bridge overflows") if now[key]})
        outcome.taken = Counter({key: now[key] for key in TAKEN if now[key]})
        outcome.grown = growth(sizes, store_sizes(self._store))
        self._judge(name, outcome, self._log_lines() - lines)
        return outcome

    def _judge(self, name: str, outcome: Outcome, lines: int) -> None:
        found = self.findings
        found.sent += outcome.sent
        found.accepted += outcome.taken["samples_received"] + outcome.taken["replies"]
        found.unaccounted += outcome.unaccounted
        found.acts[name] = {"sent": outcome.sent, **outcome.verdicts}
        if outcome.grown:
            found.grown[name] = outcome.grown
        if not outcome.harmless:
            found.problem(f"{name}: {outcome}")
        if lines > _LOG_LINES:
            found.problem(f"{name}: {lines} lines in the gateway's log for {outcome.sent} frames")

    async def _served(self, name: str, seconds: float) -> None:
        """The honest nodes live; each must sample, and be answered in every wake."""
        before = {name: self._life(name) for name in self.street.nodes}
        await asyncio.sleep(seconds)
        for node, then in before.items():
            now = self._life(node) - then
            if not now["sample"] or now["reply"] < now["sample"] - 1:  # one wake may just be under way
                self.findings.problem(f"{name}: {node} was not served: {now}")

    def _forgeries(self) -> list[bytes]:
        """A few of each sort, of frames of every node; attack_chain has them all."""
        chance = random.Random(f"{self.seed}/forgeries")
        one, other = (attack_frames.renumbered(self.attacker.uplinks[at][1], 5000) for at in (-2, -1))
        frames = chance.sample(list(attack_frames.cuts(one)), 30)
        for frame in (one, other):
            frames += chance.sample(list(attack_frames.flips(frame)), 60)
        frames += chance.sample(list(attack_frames.splices(one, other)), 30)
        return frames

    async def _replay(self) -> int:
        return await self.attacker.replay()

    async def _forge(self) -> int:
        attacker, chance = self.attacker, random.Random(f"{self.seed}/strangers")
        count = await attacker.say_all(self._forgeries(), pause=_PACE_S)
        count += await attacker.say_all(attack_frames.strangers(attacker.uplinks[-1][1], 200, chance))
        return count + await attacker.say_all([chance.randbytes(chance.randint(1, 250)) for _ in range(100)])

    async def _crowd(self) -> int:
        """More addresses than the bridge has peers, each with a frame that passes the sieve."""
        return await self.attacker.say_all([self.attacker.uplinks[-1][1]] * 60)

    async def _flood(self, seconds: float) -> tuple[int, int]:
        """Forged frames of one node, faster than the sieve lets them through, while everybody lives."""
        flips = list(attack_frames.flips(attack_frames.renumbered(self.attacker.uplinks[-1][1], 5000)))[-64:]
        end, count = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            await self.attacker.say(flips[count % len(flips)], self.attacker.uplinks[-1][0])
            await asyncio.sleep(_FLOOD_S)
            count += 1
        return count, round(count / seconds)

    # -- the whole -----------------------------------------------------------------------------------------------------

    async def attacked(self, record: float = 7.5) -> Findings:
        """The whole attack; `record`: real seconds on tape, 8 virtual minutes each."""
        street = self.street
        async with street.running():
            self.attacker = Attacker(street.air, RADIO_CHANNEL, self.seed)
            await asyncio.sleep(0.6 * record)
            copy_store(self._store, self._yesterday)
            await asyncio.sleep(0.4 * record)
            async with self.hushed():
                await self._act("replayed at once", self._replay)
                await self._act("forged", self._forge)
                await self._act("more addresses than peers", self._crowd)
                told, said = self._counted(), self._answers()
            await self._flooded()
            await self._answered()
            async with self.hushed():
                self._compare(self._counted() - told, self._answers() - said)
                await self._after_a_kill()
            await self._served("after a restart", 1.5)
            await self._after_a_cold_boot()
            await wind_down(street, asyncio.Event())
            self._audited("before the restore", street.auditor)
            await self._after_a_restore()
        if street.air.nonces.reused:
            self.findings.problem(f"nonces used twice: {street.air.nonces.reused[:3]}")
        if street.faults or street.untrue:
            self.findings.problem(f"faults: {street.findings[:5]}")
        return self.findings

    async def _answered(self) -> None:
        self.attacker.answering = True
        await self._served("while old replies are played to the nodes", 3.0)
        for _ in range(5):  # a busy machine plays fewer in three seconds
            if self.attacker.answered < _FALSE_REPLIES:
                await asyncio.sleep(3.0)
        self.attacker.answering = False

    def _compare(self, gateway: Counter[str], nodes: Counter[str]) -> None:
        """The nodes have taken as many replies as the gateway has sent, and no more."""
        self.findings.sent += self.attacker.answered
        self.findings.acts["answered for the gateway"] = {"sent": self.attacker.answered, **nodes}
        taken = nodes["reply"] - gateway["replies"] + nodes["challenge"] - gateway["challenges"]
        if taken or self.attacker.answered < _FALSE_REPLIES:
            self.findings.accepted += abs(taken)
            self.findings.problem(f"{self.attacker.answered} false replies: nodes {nodes}, gateway {gateway}")

    async def _flooded(self) -> None:
        flooded = asyncio.create_task(self._flood(2.0))
        victim = self.attacker.uplinks[-1][0]
        others = [node for node in self.street.nodes.values() if node.board.mac != victim]
        everybody = list(self.street.nodes.values())
        before, before_all = self._silences(others), self._silences(everybody)
        await asyncio.sleep(2.0)
        count, rate = await flooded
        silent = self._silences(others) - before
        self.findings.sent += count
        self.findings.acts["flooded"] = {
            "sent": count,
            "a second": rate,
            "silences of the others": silent,
            "silences of the named": self._silences(everybody) - before_all - silent,
        }
        if silent:
            self.findings.problem(f"a flood under one name silenced the others {silent} times")
        await self._served("after a flood", 1.5)

    def _silences(self, nodes: Iterable[Node]) -> int:
        return sum(self._life(node.entry.name)["silent"] for node in nodes)

    async def _after_a_kill(self) -> None:
        before = self.street.status["instance"]
        self.street.gateway.kill()
        await until(lambda: self.street.status["instance"] != before and self._alive(), "a new gateway")
        await self._at_rest()
        outcome = await self._act("replayed after a restart", self._replay)
        if not outcome.verdicts["challenges"]:
            self.findings.problem("after a restart nothing was challenged")

    async def _after_a_cold_boot(self) -> None:
        node = next(iter(self.street.nodes.values()))
        epoch = self._epochs(node.entry.name)
        node.board.cut_power()
        await until(lambda: self._epochs(node.entry.name) > epoch, "a cold boot")
        await self._served("after a cold boot", 1.5)
        async with self.hushed():
            await self._act("replayed after a cold boot", self._replay)

    def _audited(self, when: str, auditor: Auditor) -> None:
        audit = auditor.audit()
        if audit.lost or audit.duplicates or audit.values_wrong or not audit.readings_delivered:
            self.findings.problem(f"{when}: {audit}")

    async def _after_a_restore(self) -> None:
        """What happened between the backup and now is the ledger's; of what comes after nothing may be missing."""
        street = self.street
        await until(lambda: all(n.board.state is State.ASLEEP for n in street.nodes.values()), "all asleep")
        async with self.hushed():
            before = street.status["instance"]
            await street.gateway.down()
            restore_store(self._yesterday, self._store)
            street.gateway.up()
            await until(lambda: street.status.get("instance") != before and self._alive(), "the restored gateway")
            await self._at_rest()
            await self._act("replayed after a restore", self._replay)
            start = (street.clock.utc_us() // 1_000_000 // WINDOW_S + 1) * WINDOW_S
            street.clock.jump(start + 60 - street.clock.utc_us() / 1e6)
            street.auditor = _Since(street.auditor, start)
        for node in street.nodes.values():
            await technician.change_settings(node.board, sampling=1, interval=street.options.interval)
            node.board.reset_if_asleep()
        await self._served("after a restore", 2.0)
        await wind_down(street, asyncio.Event())
        self._audited("after the restore", street.auditor)


class _Since(Auditor):
    """An audit of the windows from `start` (Unix seconds) on, by the same rules."""

    def __init__(self, before: Auditor, start: int) -> None:
        super().__init__(before._channels, before._tolerance)
        self._start = start

    def deliver(self, node: str, message: Any) -> None:
        from datetime import datetime

        if datetime.fromisoformat(message["start"]).timestamp() >= self._start:
            super().deliver(node, message)
