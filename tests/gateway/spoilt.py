"""Bytes on a page that nobody wrote."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

PAGE = 4096


def garbage(page: bytes, chance: random.Random) -> bytes:
    return chance.randbytes(len(page))


def zeros(page: bytes, _chance: random.Random) -> bytes:
    return bytes(len(page))


def half(page: bytes, chance: random.Random) -> bytes:
    return page[: len(page) // 2] + chance.randbytes(len(page) // 2)


def turned_bits(page: bytes, chance: random.Random) -> bytes:
    spoilt = bytearray(page)
    for _ in range(40):
        spoilt[chance.randrange(len(page))] ^= 1 << chance.randrange(8)
    return bytes(spoilt)


def pages(file: Path) -> Iterator[int]:
    yield from range(file.stat().st_size // PAGE)


def spoil(file: Path, page: int, how: Callable[[bytes, random.Random], bytes]) -> None:
    content = bytearray(file.read_bytes())
    at = slice(page * PAGE, (page + 1) * PAGE)
    content[at] = how(bytes(content[at]), random.Random(page))
    file.write_bytes(content)
