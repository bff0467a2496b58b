"""The life of a virtual board: power, process, deep sleep, watchdog, resets; what survives which of them.

A board's process is the interpreter running `micropython/board.py`. It ends at every deep sleep and reset, and starts
again as the chip would. Flash always survives; RTC memory and the RTC's time survive all but a power-off.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import struct
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from stoep_twin import flash, starting
from stoep_twin.access import Station
from stoep_twin.air import Radio
from stoep_twin.console import Line as ConsoleLine
from stoep_twin.hostlink import HostLink
from stoep_twin.line import Line
from stoep_twin.nursery import Child
from stoep_twin.states import Cause, End, State, Strike, Wake
from stoep_twin.surroundings import Surroundings
from stoep_twin.upkeep import Upkeep
from stoep_twin.watch import Watch
from stoep_twin.watchdog import Watchdog
from stoep_twin.wiring import Wiring

STAND_INS = Path(__file__).parent / "micropython"
_AWAKE_S = 10.0  # real: who is awake for longer is not expected to sleep
_PAUSE_S = 0.2  # real, before a crashed interpreter is started again


class ScriptError(RuntimeError):
    """A technician's script failed on a board."""


class Board:
    """One board in its directory. `live()` is its life, `hands` must be held by whoever runs something on it.

    A PWM runs on over a reset, the watchdog's and a crash: the ESP-IDF's restart resets the processors, the radio and
    some peripherals, but neither LEDC nor the pins (esp_restart_noos of the ESP32). Deep sleep, the EN button and a
    power cut end it.
    """

    def __init__(
        self,
        name: str,
        directory: Path,
        mac: bytes,
        drift_ppm: int,
        wiring: Wiring,
        radio: Radio,
        around: Surroundings,
        line: Line | None = None,
    ) -> None:
        self.name = name
        self.mac = mac
        self.radio = radio
        self.state = State.OFF
        self.starts = 0
        self.upkeep = Upkeep()
        self.wake_at: int | None = None  # virtual µs
        self._wake = Wake.NONE
        self.hands = asyncio.Lock()
        self._directory = directory
        self._wiring = wiring
        self._around = around
        self._line = line
        self._drift_ppm = drift_ppm
        self._rtc_origin = 0
        self._alarm = asyncio.Event()
        self._link: HostLink | None = None
        self._child: Child | None = None
        self._ended: asyncio.Future[End] | None = None
        self._dog = Watchdog(self._bitten)
        self._awake_since = 0.0  # the loop's time
        self._script = False
        self._struck: Strike | None = None
        self._watch: Watch | None = None
        self._mains = asyncio.Event()
        self._mains.set()
        self._station = Station(around.access_point, mac, self._tell)
        self._answers: dict[str, Callable[[bytes], bytes | None]] = {
            "c": self._console,
            "i": wiring.i2c,
            "u": wiring.uart,
            "p": wiring.pin,
            "l": self._look_always,
            "P": self._modulate,
            "a": wiring.adc,
            "w": self._tune,
            "s": self._transmit,
            "W": self._station.ask,
            "g": self._dog.feed,
            "d": self._deepsleep,
            "r": self._reset,
            "n": self._flash_misused,
            "e": self._repl,
            "f": self.upkeep.add,
            "k": self._keyboard,
        }
        radio.hear = self._hear
        around.air.join(radio)
        around.clock.on_change(self._jumped)
        directory.mkdir(parents=True)
        flash.make(directory / "flash.bin")
        self._log = (directory / "console.log").open("a", encoding="utf-8")

    # -- life ----------------------------------------------------------------------------------------------------------

    async def live(self) -> None:
        """From power-on until this task is cancelled, which is the power-off."""
        self._power_on()
        cause = Cause.POWER
        try:
            while True:
                if not self._mains.is_set():
                    self.state = State.OFF
                    await self._mains.wait()
                async with self.hands:
                    end = await self._run(self._befallen(cause), None)
                assert end.next is not None
                cause = end.next
                if self._struck is not None:
                    continue
                if end.sleep_until is not None:
                    await self._sleep(end.sleep_until, end.woken_by)
                elif end.failure is not None:
                    await asyncio.sleep(_PAUSE_S)
        finally:
            self.state = State.OFF
            self._wiring.undrive()

    @contextlib.asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """In a technician's hands: as soon as it sleeps, or after a reset if it is one that does not sleep."""
        waiting = asyncio.ensure_future(self.hands.acquire())
        awake = asyncio.get_running_loop().time() - self._awake_since
        done, _ = await asyncio.wait({waiting}, timeout=max(0.1, _AWAKE_S - awake))
        if not done:
            self.crash(Cause.RESET)
        await waiting
        try:
            yield
        finally:
            self.hands.release()

    async def run_script(self, source: str) -> None:
        """Run a script as a technician's laptop would; `hands` must be held. Raises ScriptError."""
        assert self.hands.locked()
        path = self._directory / "script.py"
        path.write_text(source)
        try:
            end = await self._run(Cause.RESET, path)
        finally:
            path.unlink(missing_ok=True)  # it may hold a secret
        if end.failure is not None:
            raise ScriptError(f"{self.name}: {end.failure}")

    def _jumped(self, ahead_us: int) -> None:
        self._alarm.set()
        if self._link is not None:
            self._link.send("J", struct.pack("<Q", ahead_us))
        if self._watch is not None:
            self._watch.look_again()

    def _ring(self) -> None:
        self._wake = Wake.TIMER
        self.wake_at = None
        self._alarm.set()

    def _power_on(self) -> None:
        (self._directory / "rtc.bin").unlink(missing_ok=True)
        self._rtc_origin = self._around.clock.virtual_us()
        self._wiring.undrive()
        self._wiring.reset(power=True)

    async def _sleep(self, until: int, woken_by: tuple[int, bool] | None) -> None:
        self.state = State.ASLEEP
        self._wake = Wake.TIMER
        self.wake_at = until
        if woken_by is not None:
            clock = self._around.clock
            moved = self._wiring.next_level(*woken_by, clock.utc_us() / 1e6)
            if moved is not None and (ahead := round(moved * 1e6) - clock.utc_us(until)) < 0:
                self._wake = Wake.PIN
                self.wake_at = until + ahead
        while self.wake_at is not None and (left := self._around.clock.real_seconds_until(self.wake_at)) > 0:
            self._alarm.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._alarm.wait(), min(left, 3600.0))
        self.wake_at = None

    # -- what befalls it -----------------------------------------------------------------------------------------------

    def cut_power(self) -> None:
        """The power goes and comes back, awake or asleep; what was in the RTC memory is gone."""
        self._strike(Strike(Cause.POWER, forget=True))

    def switch_off(self) -> None:
        """The power goes and stays away until `switch_on`."""
        self._mains.clear()
        self.cut_power()

    def switch_on(self) -> None:
        """It comes back."""
        self._mains.set()

    def press_reset(self) -> None:
        """The EN button: the chip starts as from a power-on, but the RTC memory may still hold what it held."""
        self._strike(Strike(Cause.POWER, forget=False))

    def crash(self, cause: Cause) -> None:
        """A start with `RESET` or `WATCHDOG`, over which RTC memory and the RTC's time go on."""
        self._strike(Strike(cause, forget=False))

    def reset_if_asleep(self) -> None:
        """Start a sleeping board at once, as a technician does who has changed its settings."""
        if self._link is None:
            self.crash(Cause.RESET)

    def _strike(self, strike: Strike) -> None:
        if self._link is not None and self._script:
            raise RuntimeError(f"{self.name} is in a technician's hands")
        self._struck = strike
        if strike.cause is Cause.POWER:
            self._wiring.undrive()
        if self._link is None:
            self._ring()
        else:
            self._finish(End(strike.cause))

    def _befallen(self, cause: Cause) -> Cause:
        # Only now is the process gone that might have written on.
        strike, self._struck = self._struck, None
        if strike is None:
            return cause
        if strike.forget:
            self._power_on()
        elif strike.cause is Cause.POWER:
            self._rtc_origin = self._around.clock.virtual_us()
        return strike.cause

    def erase(self, first: int = 0, last: int | None = None) -> None:
        """Erase sectors `first` to `last` (or all) of the partition `stoep`; `hands` must be held."""
        assert self.hands.locked()
        flash.erase(self._directory / "flash.bin", first, last)

    def close(self) -> None:
        """Nothing more will happen to this board."""
        self._log.close()

    # -- one run of the interpreter ------------------------------------------------------------------------------------

    async def _run(self, cause: Cause, script: Path | None) -> End:
        self._script = script is not None
        self.state = State.BENCH if self._script else State.AWAKE
        self.starts += 0 if self._script else 1
        loop = asyncio.get_running_loop()
        self._ended = loop.create_future()
        self._awake_since = loop.time()
        self._wiring.reset(power=False)
        link = self._link = HostLink(self._take, lambda: None)
        watch = self._watch = Watch(
            self._wiring, self._around.clock, lambda pin, level: link.send("L", bytes((pin, level)))
        )
        child = self._child = self._start(cause, script, link)
        try:
            done, _ = await asyncio.wait((self._ended, child.exited), return_when=asyncio.FIRST_COMPLETED)
            if self._ended not in done:
                # What it still said before it died is in the link.
                await asyncio.sleep(0.02)
            if not self._ended.done():
                return self._crashed(child)
            return self._ended.result()
        finally:
            self._link = self._watch = None
            watch.end()
            self._dog.stop()
            self.radio.listening = False
            self._station.leave()
            self._around.nursery.kill(child)
            await asyncio.shield(child.exited)
            link.close()
            if self._line is not None:
                self._line.unplug()

    def _start(self, cause: Cause, script: Path | None, link: HostLink) -> Child:
        facts = {
            "mac": list(self.mac),
            "cause": int(cause),
            "wake": int(self._wake if cause is Cause.DEEPSLEEP else Wake.NONE),
            "drift_ppm": self._drift_ppm,
            "rtc_origin_us": self._rtc_origin,
            "uart0": self._line is not None,
            "script": str(script) if script else None,
        }
        return starting.start(self._directory, self._around, STAND_INS, facts, self._line, link)

    def _crashed(self, child: Child) -> End:
        status = child.exited.result()
        code = os.waitstatus_to_exitcode(status)
        failure = f"the interpreter ended by itself ({code}); see {self._directory / 'console.raw'}"
        self._around.finding(f"{self.name}: {failure}")
        return End(Cause.WATCHDOG, failure=failure)

    def _finish(self, end: End) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(end)

    # -- what the board says -------------------------------------------------------------------------------------------

    def _take(self, kind: str, body: bytes) -> None:
        if self._ended is None or self._ended.done():
            return  # its last words, after it had been switched off
        answer = self._answers[kind](body)
        if answer is not None and self._link is not None:
            self._link.send(kind, answer)

    def _console(self, body: bytes) -> None:
        self._said(ConsoleLine(struct.unpack_from("<Q", body)[0], body[8:].decode(errors="replace")))

    def _tune(self, body: bytes) -> None:
        self.radio.listening, self.radio.channel = bool(body[0]), body[1]

    def _tell(self, kind: str) -> None:
        if self._link is not None:
            self._link.send(kind)

    def _deepsleep(self, body: bytes) -> None:
        asked = int(struct.unpack_from("<Q", body)[0]) * 1000
        slept = asked * 1_000_000 // (1_000_000 + self._drift_ppm)  # the timer runs on the drifting clock
        self._wiring.undrive()
        pin = body[8:]
        woken_by = (pin[0], bool(pin[1])) if pin else None
        self._finish(End(Cause.DEEPSLEEP, sleep_until=self._around.clock.virtual_us() + slept, woken_by=woken_by))

    def _look_always(self, body: bytes) -> bytes:
        assert self._watch is not None
        return bytes((self._watch.begin(body[0]),))

    def _modulate(self, body: bytes) -> None:
        pin, parts, at = struct.unpack("<BIQ", body)
        self._wiring.modulate(pin, parts / 65536, self._around.clock.utc_us(at) / 1e6)

    def _reset(self, _body: bytes) -> None:
        self._finish(End(Cause.RESET))

    def _flash_misused(self, body: bytes) -> None:
        self._around.finding(f"{self.name}: flash {body.decode()}")

    def _said(self, line: ConsoleLine) -> None:
        self._log.write(f"{line.virtual_us / 1e6:.3f} {line.text}\n")
        self._log.flush()
        if not self._script:
            self._around.said(self.name, line)

    def _repl(self, body: bytes) -> None:
        how = body.decode(errors="replace")
        if self._script:
            self._finish(End(None, failure=None if how == "done" else how))
            return
        # A board at the REPL is awake for nothing until its watchdog, if it runs, resets it.
        self.state = State.STUCK
        self._around.finding(f"{self.name} stuck at the REPL: {how.strip()}")

    def _keyboard(self, body: bytes) -> bytes | None:
        # Ctrl-C is on, or off: that is answered when no interrupt is on its way to the board any more.
        line, child, link = self._line, self._child, self._link
        assert line is not None
        assert child is not None
        if body[0]:
            line.ctrl_c = lambda: self._around.nursery.interrupt(child)
            return None
        line.ctrl_c = None
        if not child.interrupted:
            return b""
        child.delivered = lambda: link.send("k") if link is not None else None
        return None

    def _transmit(self, body: bytes) -> None:
        link, wants_answer, to, frame = self._link, bool(body[0]), body[1:7], body[7:]

        def sent(acknowledged: bool) -> None:
            if wants_answer and link is not None:
                link.send("s", b"\x01" if acknowledged else b"\x00")

        self._around.air.transmit(self.radio, to, frame, sent)

    def _hear(self, sender: bytes, rssi: int, frame: bytes) -> None:
        if self._link is not None:
            self._link.send("R", sender + struct.pack("b", rssi) + frame)

    def _bitten(self) -> None:
        self._around.finding(f"{self.name}: watchdog reset")
        self._finish(End(Cause.WATCHDOG))
