"""Messages drawn at random, and what can happen to one: in its bytes, and in the things its bytes spell."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from random import Random
from typing import Any

import cbor2

from second_reader import LAYOUTS

# Where the lengths, signs and limits of the wire lie.
EDGES = (0, 1, 2, 8, 9, 23, 24, 127, 128, 255, 256, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**64 - 1, 2**64)
INSTANCES = (bytes(4), bytes.fromhex("a1b2c3d4"))


def number(rng: Random, lowest: int = 0, highest: int = 2**32 - 1) -> int:
    """Within the limits: small, near an edge, or anywhere."""
    kind = rng.randrange(3)
    if kind == 0:
        return rng.randint(lowest, min(highest, lowest + 30))
    if kind == 1:
        near = rng.choice((*EDGES, lowest, highest, highest)) + rng.randint(-1, 1)
        return min(max(near, lowest), highest)
    return rng.randint(lowest, highest)


def _value(rng: Random) -> int | None:
    return None if rng.random() < 0.2 else number(rng, -(2**31), 2**31 - 1)


def _values(rng: Random, layout: int) -> list[int | None]:
    return [_value(rng) for _ in range(LAYOUTS[layout])]


def _whole(rng: Random, number_of: int, when: int) -> list[Any]:
    layout = rng.choice(list(LAYOUTS))
    return [number_of, layout, when, *_values(rng, layout)]


def _many(rng: Random, most: int, one: Callable[[], Any]) -> list[Any]:
    return [one() for _ in range(rng.randint(1, most))]


def reply(rng: Random) -> Any:
    """What a gateway says."""
    if rng.random() < 0.1:
        return 0
    epoch = lambda: number(rng, 0, 65535)  # noqa: E731
    answer: dict[int, Any] = {1: [epoch(), number(rng)]}
    if rng.random() < 0.5:
        answer[2] = _many(rng, 4, lambda: [epoch(), number(rng), number(rng)])
    if rng.random() < 0.5:
        answer[3] = _many(rng, 8, lambda: [epoch(), number(rng)])
    if rng.random() < 0.5:
        answer[4] = number(rng)
    if rng.random() < 0.3:
        answer[5] = dict(sorted((number(rng), number(rng)) for _ in range(rng.choice((1, 3, 16, 17)))))
    if rng.random() < 0.4:
        answer[6] = _light(rng)
    return answer


def _light(rng: Random) -> list[Any]:
    moment = lambda: number(rng, -200_000, 200_000)  # noqa: E731
    dusk = number(rng, -200_000, 199_999)
    levels = [number(rng, 0, 1000) for _ in range(2)]
    light: list[Any] = [number(rng), [dusk, number(rng, dusk + 1, 200_000), *levels, *(moment() for _ in range(4))]]
    if rng.random() < 0.7:
        positions = sorted(rng.sample(range(10_001), rng.choice((1, 2, 6, 12, 12, 13))))
        lamps = [[rng.randbytes(4), position] for position in positions]
        light.append([number(rng, 0, 65535), rng.randbytes(16), rng.randrange(len(lamps)), lamps])
    return light


def uplink(rng: Random) -> list[Any]:
    """What a node says; mostly sensible, for one that never is shows little."""
    instance = rng.choice(INSTANCES)
    if rng.random() < 0.3:
        return [instance, number(rng), *_whole(rng, number(rng, 1), number(rng, 0, 99))]
    epoch, tick = number(rng, 1, 65535), number(rng)
    earlier = rng.random() < 0.3
    parts: dict[int, Any] = {}
    if rng.random() < 0.5:
        parts[1] = number(rng, 1)
    if rng.random() < 0.7:
        whole = lambda: _whole(rng, number(rng, 1, 2**31), number(rng, 0, tick))  # noqa: E731
        parts[2] = _samples(rng, whole)
    if rng.random() < 0.4:
        past = lambda: _whole(rng, number(rng, 1), number(rng))  # noqa: E731
        parts[3] = _many(rng, 2, lambda: [number(rng, 0, epoch - 1), _samples(rng, past)])
    if rng.random() < 0.4:
        parts[4] = _many(rng, 3, lambda: _lost(rng, epoch))
    if rng.random() < 0.4:
        alarm = lambda: [number(rng, 0, epoch), number(rng), 1, number(rng), rng.randint(0, 1), _value(rng)]  # noqa: E731
        parts[5] = _many(rng, 3, alarm)
    if earlier:
        parts[6] = [number(rng, 0, epoch - 1), number(rng, 1)]
    if rng.random() < 0.3:
        parts[7] = [number(rng) for _ in range(19)]
    if rng.random() < 0.3:
        parts[8] = rng.randbytes(rng.choice((1, 2, 40, 150, 150, 151)))
    return [instance, epoch, tick, 0 if earlier else number(rng, 1, 2**31), parts]


def _samples(rng: Random, whole: Callable[[], list[Any]]) -> list[list[Any]]:
    samples = [whole()]
    layout = samples[0][1]
    for _ in range(rng.randint(0, 3)):
        if rng.random() < 0.6:
            samples.append([-number(rng, 1, 1000), *_values(rng, layout)])
        else:
            samples.append(whole())
            layout = samples[-1][1]
    return samples


def _lost(rng: Random, epoch: int) -> list[int]:
    first = number(rng, 1)
    return [number(rng, 0, epoch), first, number(rng, first), number(rng, 1, 255)]


# --- to the bytes


def _flip(rng: Random, data: bytearray, _other: bytes) -> None:
    for _ in range(rng.choice((1, 1, 1, 2, 8))):
        at = rng.randrange(8 * len(data))
        data[at // 8] ^= 1 << at % 8


_HEADS = bytes.fromhex("000117181f20385f40809fa0bfc2f4f5f6f7f9fbff")  # what a decoder must tell apart


def _set(rng: Random, data: bytearray, _other: bytes) -> None:
    data[rng.randrange(len(data))] = rng.choice((*_HEADS, rng.randrange(256)))


def _cut(rng: Random, data: bytearray, _other: bytes) -> None:
    del data[rng.randrange(len(data)) :]


def _drop(rng: Random, data: bytearray, _other: bytes) -> None:
    at = rng.randrange(len(data))
    del data[at : at + rng.randint(1, 4)]


def _extend(rng: Random, data: bytearray, _other: bytes) -> None:
    data += rng.randbytes(rng.choice((1, 1, 2, 8, 40)))


def _insert(rng: Random, data: bytearray, _other: bytes) -> None:
    at = rng.randrange(len(data) + 1)
    data[at:at] = rng.randbytes(rng.randint(1, 4))


def _splice(rng: Random, data: bytearray, other: bytes) -> None:
    data[rng.randrange(len(data) + 1) :] = other[rng.randrange(len(other) + 1) :]


def _swap(rng: Random, data: bytearray, _other: bytes) -> None:
    size = rng.randint(1, max(1, len(data) // 3))
    one, two = sorted(rng.randrange(max(1, len(data) - size)) for _ in range(2))
    data[one : one + size], data[two : two + size] = data[two : two + size], data[one : one + size]


_TO_BYTES = (_flip, _flip, _set, _set, _cut, _drop, _extend, _insert, _splice, _swap)


def bytes_changed(rng: Random, data: bytes, other: bytes) -> bytes:
    """`data` after one or two things that happen to bytes; `other` is what a splice takes its end from."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2))):
        if changed:
            rng.choice(_TO_BYTES)(rng, changed, other)
    return bytes(changed)


# --- to the things


def _places(thing: Any) -> list[tuple[Any, Any]]:
    """(container, key) of everything inside."""
    found: list[tuple[Any, Any]] = []
    if isinstance(thing, list):
        found += [(thing, index) for index in range(len(thing))]
    elif isinstance(thing, dict):
        found += [(thing, key) for key in thing]
    for container, key in list(found):
        found += _places(container[key])
    return found


def _anything(rng: Random) -> Any:
    edge = rng.choice(EDGES)
    return rng.choice((
        edge, -edge, -1 - edge, None, True, False, b"", bytes(4), [], [1], {}, {1: 1}, 1.5, "a", [[]], -1,
    ))  # fmt: skip


def thing_changed(rng: Random, thing: Any, other: Any) -> bytes:
    """The bytes of `thing` with one to three items replaced, dropped, doubled, swapped, or put under another key."""
    changed = [deepcopy(thing)]  # so that the whole is an item, too
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        places = _places(changed)
        if not places:
            break
        container, key = rng.choice(places)
        kind = rng.randrange(6)
        if kind == 0:
            container[key] = _anything(rng)
        elif kind == 1 and type(container[key]) is int:
            container[key] += rng.choice((-1, 1, 2**31, -(2**32), 2**32))
        elif kind == 2:
            container.pop(key)
        elif kind == 3 and isinstance(container, list):
            container.insert(rng.randrange(len(container) + 1), deepcopy(container[key]))
        elif kind == 4:
            from_, at = rng.choice(places + _places(other))
            container[key] = deepcopy(from_[at])
        elif isinstance(container, dict):
            container[rng.choice((0, 1, 2, 3, 4, 5, 6, 7, 8, 9, -1, 2**32))] = container.pop(key)
    return b"".join(cbor2.dumps(item, canonical=rng.random() < 0.9) for item in changed)


BOUNDS = (-1, 0, 256, 65536, 2**31 - 1, 2**31, -(2**31), -1 - 2**31, 2**32 - 1, 2**32, None, True, 1.0)


def at_the_bounds(thing: Any) -> Iterator[bytes]:
    """`thing` with each of its numbers in turn one lower, one higher, and at every bound of the wire."""
    changed = [deepcopy(thing)]
    for container, key in _places(changed):
        was = container[key]
        if type(was) is int:
            for other in (was - 1, was + 1, *BOUNDS):
                container[key] = other
                yield cbor2.dumps(changed[0], canonical=True)
            container[key] = was
