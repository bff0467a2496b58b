"""What was said in a run of the virtual street: every frame of its tape is opened, and held against the contract."""

import tomllib
from collections import Counter, defaultdict, deque
from pathlib import Path

import contract
from stoep.errors import MalformedError
from stoep.wire import frame
from stoep_twin import recording

_NEWEST = 8  # uplinks of a node that a reply may still be on its way to


def validate(directory: Path) -> Counter[str]:
    """How many uplinks and replies were said; raises `Misfit` for a frame that is neither, or no secret opens."""
    said: Counter[str] = Counter()
    heard: dict[bytes, deque[int]] = defaultdict(lambda: deque(maxlen=_NEWEST))
    secrets = _secrets(directory)
    for one in recording.read(directory):
        try:
            header = frame.read_header(one.frame)
        except MalformedError:
            contract.validate("reply", _answer(one.frame, heard, secrets))
            said["reply"] += 1
            continue
        heard[header.kid].append(header.counter)
        contract.validate("uplink", _opened(header, secrets))
        said["uplink"] += 1
    return said


def _secrets(directory: Path) -> dict[bytes, bytes]:
    told = tomllib.loads((directory / "secrets.toml").read_text())["secrets"]
    return {bytes.fromhex(kid): bytes.fromhex(secret) for kid, secret in told.items()}


def _opened(header: frame.Header, secrets: dict[bytes, bytes]) -> bytes:
    try:
        return frame.open_uplink(frame.uplink_keys(secrets[header.kid]), header)
    except (KeyError, MalformedError) as error:
        raise contract.Misfit(f"uplink {header.counter} of {header.kid.hex()} does not open: {error!r}") from error


def _answer(sealed: bytes, heard: dict[bytes, deque[int]], secrets: dict[bytes, bytes]) -> bytes:
    for kid, counters in heard.items():
        for answered in reversed(counters):
            try:
                return frame.open_reply(secrets[kid], kid, answered, sealed)[1]
            except MalformedError:
                continue
    raise contract.Misfit(f"neither an uplink nor the reply to one: {sealed.hex()}")
