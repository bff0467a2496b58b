"""What was said in a run of the virtual street: every frame of its tape is opened, and held against the contract."""

import contextlib
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import product
from pathlib import Path

import contract
from stoep.errors import MalformedError
from stoep.wire import frame
from stoep_twin import nonces, recording

_KID = slice(8, 12)  # of a reply; which counter it answers, only its AAD knows


def validate(directory: Path, *, renewed: Iterable[tuple[bytes, bytes]] = ()) -> Counter[str]:
    """How many uplinks and replies were said; raises `Misfit` for a frame that is neither, or no secret opens.

    Group frames are counted unopened: what seals them, the gateway alone makes of the group's secret.

    `renewed`: secrets, with their kids, that the nodes had before those of `secrets.toml`.
    """
    said: Counter[str] = Counter()
    listener = _Listener([*_secrets(directory), *renewed])
    for one in recording.read(directory):
        header = nonces.header(one.frame)
        if header is not None and header.generation is not None:
            said["groupframe"] += 1
            continue
        rule, plain = listener.open(one.frame)
        if plain is None:
            raise contract.Misfit(f"no secret opens this as {rule}: {one.frame.hex()}")
        contract.validate(rule, plain)
        said[rule] += 1
    return said


def _secrets(directory: Path) -> Iterable[tuple[bytes, bytes]]:
    told = tomllib.loads((directory / "secrets.toml").read_text())["secrets"]
    return ((bytes.fromhex(kid), bytes.fromhex(secret)) for kid, secret in told.items())


class _Listener:
    """Has all the secrets, and remembers what each node has said."""

    def __init__(self, secrets: Iterable[tuple[bytes, bytes]]) -> None:
        self._secrets: dict[bytes, list[bytes]] = defaultdict(list)
        for kid, secret in secrets:
            self._secrets[kid].append(secret)
        self._counters: dict[bytes, list[int]] = defaultdict(list)

    def open(self, sealed: bytes) -> tuple[str, bytes | None]:
        """What it is and what it says; None if no secret opens it."""
        try:
            header = frame.read_header(sealed)
        except MalformedError:
            return "reply", self._answer(sealed)
        for secret in self._secrets[header.kid]:
            with contextlib.suppress(MalformedError):
                plain = frame.open_uplink(frame.uplink_keys(secret), header)
                self._counters[header.kid].append(header.counter)
                return "uplink", plain
        return "uplink", None

    def _answer(self, sealed: bytes) -> bytes | None:
        kid = sealed[_KID]
        for answered, secret in product(reversed(self._counters[kid]), self._secrets[kid]):
            with contextlib.suppress(MalformedError):
                return frame.open_reply(secret, kid, answered, sealed)[1]
        return None
