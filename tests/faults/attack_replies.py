"""Replies that the gateway never meant for this node now, played to it within its reply window.

The gateway's own code seals them here; `board/replies.py` plays them to the firmware's own wake in MicroPython.
"""

import json
import os
import secrets
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import attack_frames

from stoep import resources
from stoep.wire import frame
from stoep.wire.messages import Place
from stoep.wire.replies import Answer, Challenge
from stoep_twin import interpreter

_BOARD = Path(__file__).parent / "board"
_NOR = Path(__file__).resolve().parents[1] / "firmware" / "board"
_INSTANCE, _OLDER = b"\x01\x02\x03\x04", b"\x09\x09\x09\x09"
_WAKES = 12
_YESTERDAY = 1000  # counters of other days


@dataclass
class Gateways:
    """Two lives of the node's gateway, and the one of another street."""

    kid: bytes = b"\xc0\xff\xee\x01"
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    _sealed: int = 0

    def seal(
        self, answered: int, plain: bytes, instance: bytes = _INSTANCE, kid: bytes = b"", secret: bytes = b""
    ) -> bytes:
        """A reply under a counter never used before."""
        self._sealed += 1
        keys = frame.reply_keys(secret or self.secret, instance)
        return frame.seal_reply(keys, kid or self.kid, instance, self._sealed, answered, plain)

    def answer(self, answered: int) -> bytes:
        """The true one: one sample a wake, each received, those before it durable."""
        said = Answer(Place(1, answered - 1), [(1, answered, answered)])
        return self.seal(answered, said.to_bytes())


def _false(gateways: Gateways, number: int, true: bytes, tape: list[bytes]) -> list[bytes]:
    """What is played while the node waits for the reply to `number`."""
    all_of_it, nothing = Answer(Place(1, number)).to_bytes(), Challenge().to_bytes()
    forged = [*tape]
    for answered in (number - 1, number + 1, number + 256, 0):
        forged += [gateways.seal(max(0, answered), plain) for plain in (all_of_it, nothing)]
    for instance in (_INSTANCE, _OLDER):
        forged.append(gateways.seal(number, nothing, instance, secret=bytes(32)))
        foreign = gateways.seal(number, all_of_it, instance, kid=b"\xc0\xff\xee\x02")
        forged += [foreign, attack_frames.renamed(foreign, gateways.kid)]
    # Under another instance's name, which is not part of what is authenticated but of the key.
    forged.append(true.replace(_INSTANCE, _OLDER))
    forged += attack_frames.cuts(true)
    forged += attack_frames.flips(true)
    forged += [true + b"\x00", b"\x00", b""]
    forged.append(frame.seal_uplink(frame.uplink_keys(gateways.secret), gateways.kid, number, all_of_it))
    return forged


def cases(wakes: int = _WAKES) -> dict[str, Any]:
    """A node's wakes: in the third from the end its gateway is silent, so that every false reply has its chance."""
    gateways = Gateways()
    tape = [gateways.seal(number, Challenge().to_bytes(), _OLDER) for number in range(_YESTERDAY, _YESTERDAY + 40)]
    told = []
    for number in range(1, wakes + 1):
        true = gateways.answer(number)
        false = _false(gateways, number, true, tape)
        false += attack_frames.splices(true, tape[-1])
        silent = number == wakes - 2
        told.append({"false": [reply.hex() for reply in false], "true": "" if silent else true.hex()})
        tape.append(true)
    return {
        "kid": gateways.kid.hex(),
        "secret": gateways.secret.hex(),
        "instance": _INSTANCE.hex(),
        "wakes": told,
    }


def play(directory: Path, wakes: int = _WAKES, firmware: Path | None = None) -> dict[str, Any]:
    """What the node made of them: played, accepted, changed (wakes in which its memory or flash did), answered…"""
    file = directory / "cases.json"
    file.write_text(json.dumps(cases(wakes)))
    path = os.pathsep.join([".frozen", str(firmware or resources.firmware_dir()), str(_NOR)])
    done = subprocess.run(
        [*interpreter.command(), "-X", "heapsize=16M", str(_BOARD / "replies.py"), str(file)],
        env={**os.environ, "MICROPYPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the node's wakes could not be played:\n{done.stdout}{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
