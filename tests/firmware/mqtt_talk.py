"""The node's own MQTT client, compiled, in a real MicroPython with a board's heap: a process to talk with."""

import os
import queue
import subprocess
import threading
from pathlib import Path
from typing import Self

import heap
from stoep_twin import interpreter

_SCRIPT = Path(__file__).parent / "board" / "talk_mqtt.py"


class Talk:
    """One run of `board/talk_mqtt.py`."""

    def __init__(self, firmware: Path, port: int, name: str, password: str = "", keepalive: int = 30) -> None:
        self._said: queue.Queue[str] = queue.Queue()
        self._process = subprocess.Popen(
            [
                *interpreter.command(),
                *("-X", f"heapsize={heap.board()}", str(_SCRIPT)),
                *("127.0.0.1", str(port), name, password, str(keepalive)),
            ],
            env={**os.environ, "MICROPYPATH": os.pathsep.join([".frozen", str(firmware)])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as said:
            for line in said:
                self._said.put(line.strip())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.hang_up()
        self._process.kill()
        self._process.wait(5)

    def next(self, seconds: float = 5.0) -> str:
        """What it says next; queue.Empty when it says nothing."""
        return self._said.get(timeout=seconds)

    def publish(self, message: bytes, *, again: bool = False) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{'again' if again else 'publish'} {message.hex()}\n")

    def hang_up(self) -> None:
        assert self._process.stdin is not None
        if not self._process.stdin.closed:
            self._process.stdin.close()
