"""What is done to the serial line, and what must hold: each case is a coroutine that returns an `Outcome`.

Of every case: no frame comes out at either end that was not put in at the other; every frame that is due (see
`serial_noise.py`) comes out; the bridge says hello each second, never begins anew but where that is the case, and is
never found at the REPL or by its watchdog; nine replies in ten are on the air again within `RECOVERS` seconds after the
last disturbance, and so is the filter: what the gateway's list does not name is not let through.
"""

import asyncio
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from serial_ends import End, LinkEnd, Peer
from serial_noise import BOOT_TEXT, Weather
from serial_rig import BRIDGE_MAC, CHANNEL, Rig

from stoep.wire import serial as line
from stoep_twin.air import Radio
from stoep_twin.states import Cause

RECOVERS = 3.0  # garbage costs the credit until the next hello, one a second; lost bytes, until one after that
HELLO_GAP = 2.0
BOOTS_WITHIN = 0.7
_LINE_RATE = 92  # bytes in a millisecond
_SETTLE = 0.4
_CALM = 1.0
_WINDOW, _FLOWING = 0.25, 0.9  # seconds, and which share of the street's frames is answered in them
SENDERS = 256  # as many a bridge hears before it begins anew
_PASSING = 0.003  # between two strangers
_PAUSES = (0.005, 0.02)  # between two frames of the street


@dataclass
class Outcome:
    """One case's figures."""

    name: str
    frames: int = 0
    false_frames: int = 0
    out_of_step: int = 0
    stopped: int = 0
    recovered: float | None = None  # seconds from the last disturbance until replies flow; the slowest boot
    seconds: float = 0.0
    findings: list[str] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        return bool(self.false_frames or self.out_of_step or self.stopped or self.findings)


def end_for(kind: str, rig: Rig, seed: int) -> End:
    if kind == "framing":
        return Peer(rig.directory / "port", seed)
    # The street's own kids lie in the first part, the last and between: a part that is lost must not shut anybody out.
    strangers = [number.to_bytes(4, "big") for number in [*range(90), *range(0xD0000000, 0xD0000000 + 50)]]
    return LinkEnd(rig.directory / "port", seed, [*strangers, *(radio.kid for radio in rig.radios)])


class Case:
    """A rig with an end at work and a street that talks; `judge` compares what went in and what came out."""

    def __init__(self, name: str, rig: Rig, end: End, seed: int) -> None:
        self.outcome = Outcome(name)
        self.rig, self.end = rig, end
        self.chance = random.Random(f"{seed}/{name}")
        self.began = time.monotonic()
        self.talks = True
        self.said = 0
        self.starts = 1  # as many as there should be
        self._talk = asyncio.create_task(self._street())

    async def _street(self) -> None:
        while True:
            if self.talks:
                self.chance.choice(self.rig.radios).say()
                self.said += 1
            await asyncio.sleep(self.chance.uniform(*_PAUSES))

    def replies(self) -> int:
        return sum(sum(radio.heard.values()) for radio in self.rig.radios)

    async def ready(self) -> None:
        """Switched on, greeted, at work."""
        began = time.monotonic()
        self.rig.switch_on()
        if await self.rig.greeted(began, 10.0) == math.inf:
            self.outcome.findings.append("the bridge never said hello")

    async def opened(self) -> None:
        """The gateway has the port again; from now on its frames are due."""
        until = time.monotonic() + RECOVERS
        while not self.end.is_open() and time.monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        self.rig.up.interrupted()
        self.rig.up.listening = True

    async def recovers(self) -> None:
        """From the last disturbance until replies flow, then a while of a good line in which all must come."""
        calm = time.monotonic()
        while True:
            began, said, heard = time.monotonic(), self.said, self.replies()
            await asyncio.sleep(_WINDOW)
            if self.replies() - heard >= _FLOWING * (self.said - said) or began > calm + 2 * RECOVERS:
                break
        self.outcome.recovered = round(began - calm, 2)
        if self.outcome.recovered > RECOVERS:
            self.outcome.findings.append(f"replies do not flow after {self.outcome.recovered} s")
        heard = {radio.mac: sum(radio.heard.values()) for radio in self.rig.radios}
        await asyncio.sleep(_CALM)
        deaf = [radio.kid.hex() for radio in self.rig.radios if sum(radio.heard.values()) == heard[radio.mac]]
        if self.end.filters:
            await asyncio.sleep(max(0.0, calm + RECOVERS - time.monotonic()))
            for _ in range(3):
                self.rig.stranger.say()
                await asyncio.sleep(0.03)
            if any(key.startswith(self.rig.stranger.mac) for key in self.end.got):
                self.outcome.findings.append("the bridge lets strangers through: it has lost its filter")
        if deaf:
            self.outcome.findings.append(f"nobody answers {', '.join(deaf)} any more")

    def keeps_greeting(self, since: float, until: float) -> None:
        """A hello a second all that time."""
        times = [since, *(at for at in self.rig.hellos if since < at < until), until]
        gap = max(later - earlier for earlier, later in pairwise(times))
        if gap > HELLO_GAP:
            self.outcome.stopped += 1
            self.outcome.findings.append(f"no hello for {gap:.1f} s")

    async def judge(self) -> Outcome:
        outcome, rig, end = self.outcome, self.rig, self.end
        self._talk.cancel()
        await asyncio.sleep(_SETTLE)
        outcome.findings += end.problems()
        end.stop()
        self._judge(self._seen(rig.up.sent), self._seen(rig.up.due), end.got)
        everybody = (*rig.radios, rig.stranger)
        heard = sum((radio.heard for radio in everybody), Counter())
        self._judge(self._ordered(rig.down.sent), self._ordered(rig.down.due), heard)
        outcome.stopped += abs(rig.board.starts - self.starts)
        outcome.findings += rig.findings
        outcome.seconds = round(time.monotonic() - self.began, 1)
        return outcome

    def _judge(self, sent: Counter[bytes], due: Counter[bytes], got: Counter[bytes]) -> None:
        self.outcome.frames += sent.total()
        self.outcome.false_frames += (got - sent).total()
        self.outcome.out_of_step += (due - got).total()

    def _seen(self, bodies: Counter[bytes]) -> Counter[bytes]:
        seen: Counter[bytes] = Counter()
        for body, times in bodies.items():
            key = self.end.key(body)
            if key is not None:
                seen[key] += times
        return seen

    @staticmethod
    def _ordered(bodies: Counter[bytes]) -> Counter[bytes]:
        return Counter({body[1:]: times for body, times in bodies.items() if body[0] == line.Send.TYPE})


async def _case(
    name: str, kind: str, directory: Path, seed: int, act: Callable[[Case], Coroutine[None, None, None]]
) -> Outcome:
    async with Rig(directory, seed).built() as rig:
        end = end_for(kind, rig, seed)
        end.start()
        case = Case(f"{name}, {kind}", rig, end, seed)
        try:
            await act(case)
            return await case.judge()
        finally:
            case._talk.cancel()
            end.stop()


# -- noise -------------------------------------------------------------------------------------------------------------


async def noise(
    name: str, weather: Weather, seconds: float, kind: str, directory: Path, seed: int, *, both: bool = True
) -> Outcome:
    """Bad from power-on for `seconds`, then good; both ways, or only downwards, where the gateway keeps its credit."""

    async def act(case: Case) -> None:
        rig = case.rig
        rig.down.weather = weather
        rig.up.weather = weather if both else Weather()
        await case.ready()
        began = time.monotonic()
        await asyncio.sleep(seconds + case.chance.random())  # not always just before a hello
        rig.down.weather = rig.up.weather = Weather()
        await case.recovers()
        case.keeps_greeting(began, time.monotonic())

    return await _case(f"{name}, {'both ways' if both else 'towards the board'}", kind, directory, seed, act)


async def resets(times: int, kind: str, directory: Path, seed: int) -> Outcome:
    """The bridge is reset while it sends: boot text in mid-frame, its ring and its peers forgotten."""

    async def act(case: Case) -> None:
        await case.ready()
        for _ in range(times):
            await asyncio.sleep(case.chance.uniform(0.2, 0.6))
            began = time.monotonic()
            case.rig.board.crash(Cause.RESET)
            case.starts += 1
            if await case.rig.greeted(began, BOOTS_WITHIN) == math.inf:
                case.outcome.findings.append("no hello after a reset")
        await case.recovers()

    return await _case("resets in mid-frame", kind, directory, seed, act)


async def pulled(times: int, kind: str, directory: Path, seed: int) -> Outcome:
    """The cable is pulled in mid-frame, power and all, and put back."""

    async def act(case: Case) -> None:
        await case.ready()
        for _ in range(times):
            await asyncio.sleep(case.chance.uniform(0.2, 0.6))
            case.rig.pull_out()
            await case.rig.switch_off()
            if isinstance(case.end, Peer):
                case.end.stop()
            await asyncio.sleep(case.chance.uniform(0.05, 0.3))
            case.rig.plug_in()
            if isinstance(case.end, Peer):
                case.end.start()
            case.starts += 1
            await case.ready()
            await case.opened()
        await case.recovers()

    return await _case("pulled out in mid-frame", kind, directory, seed, act)


async def crowded(strangers: int, kind: str, directory: Path, seed: int) -> Outcome:
    """Ever new addresses in the air: the port would remember each for ever, so the bridge begins anew now and then."""

    async def act(case: Case) -> None:
        await case.ready()
        air = case.rig.air
        for number in range(strangers):
            mac = b"\x02" + number.to_bytes(5, "big")
            passer = Radio(mac, 5.0, False, lambda *_: None, channel=CHANNEL, stranger=True)
            air.transmit(passer, BRIDGE_MAC, case.chance.randbytes(40), lambda _: None)
            await asyncio.sleep(_PASSING)
        anew = case.rig.board.starts - case.starts
        if not strangers // SENDERS - 1 <= anew <= strangers // SENDERS + 1:
            case.outcome.findings.append(f"{strangers} strangers, and the bridge began anew {anew} times")
        case.starts += anew
        await case.recovers()

    return await _case(f"a crowd of {strangers}", kind, directory, seed, act)


# -- floods ------------------------------------------------------------------------------------------------------------


def floods(seed: int, size: int) -> dict[str, bytes]:
    """`size` bytes of each kind of garbage."""
    chance = random.Random(f"{seed}/floods")

    def many(piece: bytes) -> bytes:
        return (piece * (size // len(piece) + 1))[:size]

    overlong = line.frame(line.Send(bytes(6), chance.randbytes(600)).to_bytes())
    return {
        "zeros": bytes(size),
        "ones": b"\xff" * size,
        "random": chance.randbytes(size),
        "boot text": many(BOOT_TEXT),
        "0x03": b"\x03" * size,
        "frames of no known kind": many(line.frame(b"\x55" + chance.randbytes(40)) + line.frame(b"\x01")),
        "frames too short": many(line.frame(b"\x11abc") + line.frame(b"\x12\x00") + line.frame(b"\x02")),
        "over-long frames": many(overlong),
    }


async def flood(name: str, garbage: bytes, kind: str, directory: Path, seed: int) -> Outcome:
    """Garbage at line speed, down to the board and up to the gateway at once, while the street talks."""

    async def act(case: Case) -> None:
        await case.ready()
        await asyncio.sleep(0.3)
        began = time.monotonic()
        for at in range(0, len(garbage), _LINE_RATE):
            case.rig.line.insert_down(garbage[at : at + _LINE_RATE])
            case.rig.line.insert_up(garbage[at : at + _LINE_RATE])
            ahead = at / _LINE_RATE / 1000 - (time.monotonic() - began)
            if ahead > 0:
                await asyncio.sleep(ahead)
        await case.recovers()
        case.keeps_greeting(began, time.monotonic())

    return await _case(f"flood of {name}", kind, directory, seed, act)


async def drowned(seconds: float, kind: str, directory: Path, seed: int) -> Outcome:
    """A line that always has more: the bridge reads slower than it comes, and must still hear its radio."""

    async def act(case: Case) -> None:
        await case.ready()
        began, garbage, taken = time.monotonic(), case.chance.randbytes(8192), 0
        frames = case.rig.up.sent.total()
        while time.monotonic() < began + seconds:
            taken += case.rig.line.fill(garbage)
            await asyncio.sleep(0)
        case.keeps_greeting(began, time.monotonic())
        if case.rig.up.sent.total() - frames < 10 * seconds:
            case.outcome.findings.append("the radio was not heard during the flood")
        if taken < 10_000 * seconds:
            case.outcome.findings.append(f"only {taken} bytes: no flood")
        await case.recovers()

    return await _case("a flood faster than the bridge reads", kind, directory, seed, act)


# -- Ctrl-C ------------------------------------------------------------------------------------------------------------


async def interrupted_boots(burst: int, step_ms: float, directory: Path, seed: int) -> Outcome:
    """0x03 at each `step_ms` of the bridge's boot, a boot for each; `burst` of them, a millisecond apart."""
    outcome = Outcome(f"{burst} x 0x03 each {step_ms} ms of a boot")
    began = time.monotonic()
    async with Rig(directory, seed).built() as rig:
        usual = max([await _boot(rig, None, 0) for _ in range(3)])
        at, slowest, again = 0.0, 0.0, 0
        while at <= usual * 1000 + 5:
            before = rig.board.starts
            took = await _boot(rig, at / 1000, burst)
            outcome.frames += 1
            slowest = max(slowest, took)
            more = rig.board.starts - before - 1
            again += more
            if took > BOOTS_WITHIN or more > burst or rig.findings:
                outcome.stopped += 1
                outcome.findings.append(f"0x03 at {at:.2f} ms: {more + 1} boots in {took:.2f} s {rig.findings}")
                rig.findings.clear()
            at += step_ms
        outcome.name += f" ({usual * 1000:.0f} ms; {again} began anew)"
    outcome.recovered = round(slowest, 3)
    outcome.seconds = round(time.monotonic() - began, 1)
    return outcome


async def _boot(rig: Rig, at: float | None, burst: int) -> float:
    began = time.monotonic()
    rig.switch_on()
    while rig.line.plugged_at < began:  # noqa: ASYNC110
        await asyncio.sleep(0)
    if at is not None:
        for number in range(burst):
            await asyncio.sleep(max(0.0, rig.line.plugged_at + at + number / 1000 - time.monotonic()))
            rig.line.insert_down(b"\x03")
    took = await rig.greeted(began, 2 * BOOTS_WITHIN)
    await rig.switch_off()
    return took
