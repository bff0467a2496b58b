"""A flood at the cabinet's broker, from a process of its own: as many messages as it takes, by one valid account.

python load_flood.py PORT USER TOPIC HEX [TOPIC HEX …], the password on its input.
"""

import contextlib
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path


def _string(text: bytes) -> bytes:
    return struct.pack(">H", len(text)) + text


def _packet(kind: int, body: bytes) -> bytes:
    length = bytearray()
    rest = len(body)
    while True:
        rest, low = rest >> 7, rest & 0x7F
        length.append(low | (0x80 if rest else 0))
        if not rest:
            return bytes((kind,)) + bytes(length) + body


def _flood(port: int, user: str, password: str, messages: Sequence[tuple[str, bytes]]) -> None:
    """MQTT 3.1.1, QoS 0, until somebody ends it; says every so often how many it sent."""
    connect = _string(b"MQTT") + b"\x04\xc2\x00\x00" + _string(b"flood") + _string(user.encode())
    some = b"".join(_packet(0x30, _string(topic.encode()) + frame) for topic, frame in messages)
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(_packet(0x10, connect + _string(password.encode())))
        assert connection.recv(4)[3] == 0, "the account is not valid"
        sent = 0
        while True:
            connection.sendall(some)
            sent += len(messages)
            if sent % (100 * len(messages)) == 0:
                print(sent, flush=True)


class Flood:
    """One that is under way."""

    def __init__(self, output: Path) -> None:
        self._output = output

    def sent(self) -> int:
        lines = self._output.read_text(encoding="ascii").split()
        return int(lines[-1]) if lines else 0


@contextlib.contextmanager
def flooding(port: int, account: tuple[str, str], messages: Sequence[tuple[str, bytes]]) -> Iterator[Flood]:
    """While it lasts, `account` (name, password) says `messages` (topic, frame) over and over."""
    output = Path(__file__).parents[2] / "build" / f"flood-{port}"
    words = [word for topic, frame in messages for word in (topic, frame.hex())]
    command = [sys.executable, __file__, str(port), account[0], *words]
    with output.open("w", encoding="ascii") as out:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=subprocess.DEVNULL, text=True)
    assert process.stdin is not None
    process.stdin.write(account[1] + "\n")
    process.stdin.close()
    try:
        yield Flood(output)
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    _, _port, _user, *_words = sys.argv
    _pairs = [(topic, bytes.fromhex(text)) for topic, text in zip(_words[::2], _words[1::2], strict=True)]
    with contextlib.suppress(OSError):
        _flood(int(_port), _user, sys.stdin.readline().strip(), _pairs)
