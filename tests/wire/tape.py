"""What was said in a run of the virtual street: every frame of its tape is opened, and held against the contract."""

import contextlib
import tomllib
from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from itertools import product
from pathlib import Path

import contract
from stoep.errors import MalformedError
from stoep.wire import frame
from stoep_twin import recording

_NEWEST = 8  # uplinks of a node that a reply may still be on its way to


def validate(
    directory: Path, *, renewed: Iterable[tuple[bytes, bytes]] = (), hostile: bool = False
) -> Counter[str]:
    """How many uplinks and replies were said; raises `Misfit` for a frame that is neither, or no secret opens.

    `renewed`: secrets by kid that the nodes had before those of `secrets.toml`. In a `hostile` street frames that no
    secret opens are passed over: an attacker may say anything, but what is sealed must fit.
    """
    said: Counter[str] = Counter()
    heard: dict[bytes, deque[int]] = defaultdict(lambda: deque(maxlen=_NEWEST))
    secrets = _secrets(directory, renewed)
    for one in recording.read(directory):
        rule, plain = _opened(one.frame, heard, secrets)
        if plain is not None:
            contract.validate(rule, plain)
            said[rule] += 1
        elif not hostile:
            raise contract.Misfit(f"no secret opens this as {rule}: {one.frame.hex()}")
    return said


def _secrets(directory: Path, renewed: Iterable[tuple[bytes, bytes]]) -> dict[bytes, list[bytes]]:
    told = tomllib.loads((directory / "secrets.toml").read_text())["secrets"]
    known: dict[bytes, list[bytes]] = defaultdict(list)
    for kid, secret in [*((bytes.fromhex(kid), bytes.fromhex(secret)) for kid, secret in told.items()), *renewed]:
        known[kid].append(secret)
    return known


def _opened(
    sealed: bytes, heard: dict[bytes, deque[int]], secrets: dict[bytes, list[bytes]]
) -> tuple[str, bytes | None]:
    try:
        header = frame.read_header(sealed)
    except MalformedError:
        return "reply", _answer(sealed, heard, secrets)
    for secret in secrets[header.kid]:
        with contextlib.suppress(MalformedError):
            plain = frame.open_uplink(frame.uplink_keys(secret), header)
            heard[header.kid].append(header.counter)
            return "uplink", plain
    return "uplink", None


def _answer(sealed: bytes, heard: dict[bytes, deque[int]], secrets: dict[bytes, list[bytes]]) -> bytes | None:
    for kid, counters in heard.items():
        for answered, secret in product(reversed(counters), secrets[kid]):
            with contextlib.suppress(MalformedError):
                return frame.open_reply(secret, kid, answered, sealed)[1]
    return None
