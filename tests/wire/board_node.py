"""A handle on `board/peer.py`: the node's own code, asked from a test. One process answers for a whole session."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from stoep import resources
from stoep_twin import interpreter

_HERE = Path(__file__).parent
_NOR_AND_STREET = _HERE.parent / "firmware" / "board"


class BoardNode:
    """Firmware in a MicroPython interpreter; the requests are those of `board/peer.py`."""

    def __init__(self) -> None:
        path = os.pathsep.join([".frozen", str(resources.firmware_dir()), str(_NOR_AND_STREET)])
        self._process = subprocess.Popen(
            [*interpreter.command(), "-X", "heapsize=4M", str(_HERE / "board" / "peer.py")],
            env={**os.environ, "MICROPYPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _ask(self, *request: Any) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        said = self._process.stdout.readline()
        if not said.startswith(("[", '"')):
            # An exception that the firmware's callers do not catch would have been a reset in the street.
            rest, errors = self._process.communicate()
            raise AssertionError(f"the node's code failed on {request!r:.600}\n{said}{rest}{errors}")
        return json.loads(said)

    def seal(self, secret: bytes, kid: bytes, counter: int, plain: bytes) -> bytes:
        return bytes.fromhex(self._ask("seal", secret.hex(), kid.hex(), counter, plain.hex()))

    def report(self, secret: bytes, kid: bytes, counter: int, state: dict[str, Any]) -> tuple[bytes, bytes]:
        """Plaintext and frame of what a node in that state says."""
        plain, frame = self._ask("report", secret.hex(), kid.hex(), counter, state)
        return bytes.fromhex(plain), bytes.fromhex(frame)

    def kids(self, frames: list[bytes]) -> list[bytes | None]:
        kids = self._ask("kid", [frame.hex() for frame in frames])
        return [None if kid is None else bytes.fromhex(kid) for kid in kids]

    def open(self, secret: bytes, kid: bytes, answered: int, frames: list[bytes]) -> list[Any]:
        """For each frame (instance, plaintext, answer), or None for what is no reply to us."""
        verdicts = self._ask("open", secret.hex(), kid.hex(), answered, [frame.hex() for frame in frames])
        return [one and (bytes.fromhex(one[0]), bytes.fromhex(one[1]), one[2]) for one in verdicts]

    def read(self, plains: list[bytes]) -> list[Any]:
        """For each plaintext [durable, received, alarms, utc, settings, light], 0 (a challenge), None (neither)."""
        verdicts: list[Any] = self._ask("read", [plain.hex() for plain in plains])
        return verdicts

    def decode(self, spelled: list[bytes]) -> list[Any]:
        things: list[Any] = self._ask("decode", [one.hex() for one in spelled])
        return things

    def encode(self, things: list[Any]) -> list[bytes]:
        return [bytes.fromhex(spelled) for spelled in self._ask("encode", things)]

    def close(self) -> None:
        self._process.communicate()
        assert self._process.returncode == 0
