"""One run from beginning to end, with its signals, kills and screen."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import select
import signal
import time

from stoep.resources import wire_dir
from stoep_twin import rundir
from stoep_twin.auditor import catalogue
from stoep_twin.ending import summarise, wind_down
from stoep_twin.scenarios import befall
from stoep_twin.show import Show, progress
from stoep_twin.street import Options, Street
from stoep_twin.summary import Summary

_FRAME_S = 0.25
_INTERRUPTED = 130
_STDOUT = 1


def _nobody_reads() -> bool:
    """Whether whoever read our output is gone. A closed terminal tells only its session's leader, which may be make."""
    output = select.poll()
    output.register(_STDOUT, 0)
    return any(events & (select.POLLHUP | select.POLLERR) for _, events in output.poll(0))


class Run:
    """Runs one street; `asyncio.run(Run(options).through())`."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._stop = asyncio.Event()
        self._phase = "running"
        self._street: Street | None = None
        self._show: Show | None = None

    async def through(self) -> Summary:
        """Everything, up to the counted summary."""
        options = self._options
        lock = rundir.prepare(options.directory)
        with lock:
            progress(
                f"a street of {len(options.furniture)} nodes, {options.speed:g} times as fast as life, "
                f"in {options.directory}"
            )
            self._street = street = Street(options)
            self._catch()
            with Show(street, catalogue(wire_dir())) as show:
                self._show = show
                async with street.running():
                    await self._live(street, show)
            return summarise(street)

    async def _live(self, street: Street, show: Show) -> None:
        happening = asyncio.create_task(befall(street))
        works = (self._draw(show), self._kill(street), self._mind_reader())
        helpers = [happening, *(asyncio.create_task(work) for work in works)]
        try:
            await self._wait(street, happening)
            if street.cast is not None:
                happening.cancel()  # who is still to come does not
                await asyncio.gather(happening, return_exceptions=True)
            self._phase = "ending"
            await wind_down(street, self._stop)
        finally:
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
            await asyncio.to_thread(show.draw, show.snap("ended"))

    async def _wait(self, street: Street, happening: asyncio.Task[None]) -> None:
        end = None if self._options.seconds is None else street.first_boot + self._options.seconds
        while not self._stop.is_set() and (end is None or time.monotonic() < end):
            street.check()
            if happening.done():
                happening.result()
                if street.cast is not None:
                    return
            left = 0.5 if end is None else min(0.5, max(0.0, end - time.monotonic()))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), left)

    async def _draw(self, show: Show) -> None:
        while True:
            await asyncio.to_thread(show.draw, show.snap(self._phase))
            await asyncio.sleep(_FRAME_S)

    async def _mind_reader(self) -> None:
        while not _nobody_reads():  # noqa: ASYNC110 -- only the kernel knows, and it has to be asked
            await asyncio.sleep(_FRAME_S)
        self._end_at_once()

    async def _kill(self, street: Street) -> None:
        kills = self._options.kills
        chance = random.Random(f"{self._options.seed}/kills")
        apart = (self._options.seconds or 20.0 * (kills + 1)) / (kills + 1)
        for number in range(1, kills + 1):
            at = street.first_boot + apart * (number + chance.uniform(-0.2, 0.2))
            await asyncio.sleep(max(0.0, at - time.monotonic()))
            street.gateway.kill()

    # -- signals -------------------------------------------------------------------------------------------------------

    def _catch(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._interrupted)
        loop.add_signal_handler(signal.SIGHUP, self._end_at_once)

    def _interrupted(self) -> None:
        if self._stop.is_set():
            self._end_at_once()
        self._stop.set()
        if self._show is not None:
            self._show.say("ending; once more ends at once")

    def _end_at_once(self) -> None:
        with contextlib.suppress(OSError):  # the terminal may be gone
            if self._show is not None:
                self._show.close()
        if self._street is not None:
            self._street.end_at_once()
        os._exit(_INTERRUPTED)
