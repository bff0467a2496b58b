"""The whole service: in a thread of the test, or as a process of its own."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway_rig import PlayedNode, PtyBridge
from stoep import settings
from stoep.resources import firmware_dir
from stoep.service.service import Service
from stoep.wire.replies import Answer, Challenge


class Running:
    """A service in a thread of the test."""

    def __init__(self, config: Path) -> None:
        self.service = Service(settings.load(config))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.service.run, args=(self._stop,))
        self._thread.start()

    def stop(self) -> float:
        began = time.monotonic()
        self._stop.set()
        self._thread.join(10)
        assert not self._thread.is_alive()
        return time.monotonic() - began


@contextmanager
def in_service(config: Path) -> Iterator[Service]:
    """The service of a gateway.toml until the block is left."""
    running = Running(config)
    try:
        yield running.service
    finally:
        running.stop()


def ask(bridge: PtyBridge, node: PlayedNode, frame: bytes) -> Answer | Challenge:
    bridge.hear(frame)
    return node.open(bridge.sent.get(timeout=3).frame)


@contextmanager
def serving(config: Path, env: dict[str, str] | None = None) -> Iterator["subprocess.Popen[str]"]:
    paths = [str(firmware_dir().parent / "gateway"), str(firmware_dir())]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **(env or {})}
    process = subprocess.Popen(
        [sys.executable, "-m", "stoep", "gateway", "--config", str(config)],
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()
