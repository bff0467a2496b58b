"""The sealed frame once more, from the RFCs and a general library alone: what the vectors are made with.

Neither the node's nor the gateway's code is used here, so that both can be held against it.

    python tests/wire/reference.py     writes firmware/wire/vectors/*.json anew
"""

import json
from pathlib import Path
from typing import Any

import cbor2
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VECTORS = Path(__file__).parents[2] / "firmware" / "wire" / "vectors"
PROTECTED = cbor2.dumps({1: 10})

KID = bytes.fromhex("c0ffee01")
SECRET = bytes(range(32))
INSTANCE = bytes.fromhex("a1b2c3d4")
NOBODY = bytes(4)
BEFORE = [1, 3]  # epoch and tick of the exchange that a usual report counts from


def seal(secret: bytes, kid: bytes, counter: int, plain: bytes, instance: bytes | None, answers: int | None) -> bytes:
    """An uplink (instance and answers None) or a reply to the uplink counter `answers`."""
    info = b"up" if instance is None else b"down" + instance
    okm = HKDF(SHA256(), 29, salt=None, info=info).derive(secret)
    piv = counter.to_bytes((counter.bit_length() + 7) // 8, "big")
    nonce = bytes(a ^ b for a, b in zip(okm[16:], piv.rjust(13, b"\0"), strict=True))
    external = b"" if answers is None else kid + answers.to_bytes(5, "big")
    aad = cbor2.dumps(["Encrypt0", PROTECTED, external])
    sealed = AESCCM(okm[:16], tag_length=8).encrypt(nonce, plain, aad)
    header: dict[int, bytes] = {4: kid, 6: piv}
    if instance is not None:
        header[10] = instance
    return cbor2.dumps([PROTECTED, header, sealed])


def seal_group(secret: bytes, kid: bytes, generation: int, counter: int, plain: bytes) -> bytes:
    """A lamp's frame to its group."""
    label = generation.to_bytes(2, "big")
    okm = HKDF(SHA256(), 29, salt=None, info=label + kid).derive(secret)
    piv = counter.to_bytes((counter.bit_length() + 7) // 8, "big")
    nonce = bytes(a ^ b for a, b in zip(okm[16:], piv.rjust(13, b"\0"), strict=True))
    sealed = AESCCM(okm[:16], tag_length=8).encrypt(nonce, plain, cbor2.dumps(["Encrypt0", PROTECTED, b""]))
    return cbor2.dumps([PROTECTED, {4: kid, 6: piv, 10: label}, sealed])


UPLINKS: list[tuple[str, int, list[Any]]] = [
    ("first report of a new board", 1, [NOBODY, 1, 3, 1, {2: [[0, 1, 1, 1853, 5512, -133, 812, 39, 12]]}]),
    ("usual report", 2, [INSTANCE, 900, 1, 1, 1, 1853, 5512, -133, 812, 39, 12]),
    ("a sensor is silent", 3, [INSTANCE, 0, 2, 1, 0, None, None, None, 812, 39, -255]),
    ("nothing but a sign of life", 300, [INSTANCE, 1, 70000, 9, {1: 1}]),
    (
        "after a cold boot, older epoch first",
        65536,
        [INSTANCE, 2, 40, 0, {2: [[1, 1, 10, -512, 10000, 8675, 30, 100, 400]],
                              3: [[1, [[8, 1, 6300, 0, 0, 0, 4500, 0, -3700], [-900, 1, 1, 1, 31, 1, 1]]]],
                              6: [1, 8]}],
    ),
    ("a backlog drains", 65537, [INSTANCE, 2, 90000, 3,
        {1: 2, 2: [[0, 1, 86400, -512, 10000, 8675, 30, 100, 400], [-900, *[1] * 6], [-1, *[None] * 6],
                   [7, 1, 0, *[2] * 6]]}]),
    ("a bench at night", 65538, [INSTANCE, 900, 1, 3, 1, 1853, 5512, -133, 0, 0, -255]),
    ("a lamppost, and a bin with other firmware from one sample on", 65539, [INSTANCE, 2, 90000, 3,
        {2: [[0, 4, 2700, 1853, 5512, -133, 3, 7, 12, 55, 9], [-900, *[1] * 8],
             [2, 1, 900, *[2] * 6], [3, 2, 0, *[3] * 8]]}]),
    ("a lamppost with a lamp", 65540, [INSTANCE, 900, 1, 5, 1, 1853, 5512, -133, 3, 7, 12, 55, 9, 4210, 11250]),
    ("a lamppost with a lamp drains", 65541, [INSTANCE, 3, 90000, 0,
        {2: [[1, 5, 2700, 1853, 5512, -133, 3, 7, 12, 55, 9, 0, 0], [-900, *[1] * 10]],
         3: [[2, [[8, 5, 6300, *[2] * 10], [9, 4, 7200, *[3] * 8]]]], 6: [2, 8]}]),
    ("a lamppost says what light it lives by", 65542, [INSTANCE, 3, 90001, 4,
        {1: 1, 7: [96, 0, 0, 300, 12, 4096, 7, 0x11E4711E, 0xDEADBEEF, 0, 0, *[0] * 8]}]),
    ("losses and alarms", 0xFFFFFFFFFF, [INSTANCE, 3, 4294967295, 4294967295,
        {1: 256, 4: [[3, 1, 4294967294, 1], [2, 7, 7, 2]], 5: [[3, 1, 1, 86400, 1, 91], [3, 2, 1, 90000, 0, None]]}]),
    ("health and a traceback", 70000, [INSTANCE, 3, 86400, 96,
        {1: 1, 5: [[3, 1, 7, 86390, 1, 1]],
         7: [96, 1, 2, 300, 12, 4096, 7, 0, 0xDEADBEEF, 0xC0FFEE, 1, 0, 3, 0, 0, 0, 0, 70000, 0],
         8: b"0.1.0 measuring: RuntimeError: a bad release"}]),
]  # fmt: skip

TONIGHT = [30000, 58000, 1000, 300, 36000, 64800, 36000, 64800]
LATE = [-8100, 19900, 800, 0, -900, 27900, -2100, 26700]
LAMPS = [[bytes.fromhex(f"1a3b00{n:02x}"), n * 909 + 1] for n in range(12)]

REPLIES: list[tuple[str, int, int, Any]] = [
    ("challenge", 1, 1, 0),
    ("nothing durable yet", 2, 2, {1: [0, 0], 2: [[1, 1, 1]]}),
    ("durable, received, time", 3, 300, {1: [1, 8], 2: [[1, 9, 9], [2, 1, 1]], 4: 849484800}),
    ("alarms on disk", 256, 0xFFFFFFFFFF, {1: [3, 4294967295], 3: [[3, 1], [3, 2]]}),
    ("settings", 257, 9, {1: [3, 9], 5: {1: 600, 3: 1400, 7: 11}}),
    ("tonight, to a lamp that stands alone", 258, 10, {1: [3, 9], 4: 849484800, 6: [1, TONIGHT]}),
    (
        "the night that is, to one of three lamps",
        259,
        11,
        {1: [3, 9], 4: 849484800, 6: [0x11E4711E, LATE, [1, bytes(range(64, 80)), 1, LAMPS[:3]]]},
    ),
    (
        "settings and twelve lamps, all numbers at their longest",
        260,
        12,
        {
            1: [65535, 4294967295],
            4: 4294967295,
            5: {1: 600},
            6: [
                4294967295,
                [-200000, 200000, 1000, 1000, -200000, 200000, -200000, 200000],
                [65535, bytes(range(64, 80)), 11, LAMPS],
            ],
        },
    ),
]

# Lamp (by its place in GROUP), generation, counter, event, age in ms.
GROUP = [bytes.fromhex(kid) for kid in ("1a3b0001", "1a3b0002", "1a3b0003")]
GROUP_SECRET = bytes(range(64, 80))
GROUP_FRAMES: list[tuple[str, int, int, int, int, int]] = [
    ("a motion just now", 0, 1, 1, 0, 0),
    ("the same told again", 0, 1, 2, 0, 60),
    ("another lamp", 2, 1, 256, 23, 180),
    ("the next night", 0, 2, 1, 24, 255),
    ("all numbers at their highest", 1, 65535, 0xFFFFFFFFFF, 65535, 65535),
]
# What no lamp says, well sealed.
GROUP_REFUSED: list[tuple[str, str]] = [
    ("empty", ""),
    ("no age", cbor2.dumps([1]).hex()),
    ("a number too many", cbor2.dumps([1, 2, 3]).hex()),
    ("an age below nothing", cbor2.dumps([1, -1]).hex()),
    ("an age of 17 bits", cbor2.dumps([1, 65536]).hex()),
    ("no event", cbor2.dumps([None, 1]).hex()),
    ("not in its shortest form", "82011801"),
    ("bytes left over", "82010100"),
    ("a map", cbor2.dumps({1: 1}).hex()),
]

# Plaintexts and frames that an authentic peer never sends, and both sides refuse.
BROKEN_UPLINKS: list[tuple[str, str]] = [
    ("empty", ""),
    ("not an array", "a0"),
    ("no blocks and no sample", "8444a1b2c3d4010301"),
    ("instance too short", "8543a1b2c3010301a0"),
    ("epoch above 65535", "8544a1b2c3d41a000100000301a0"),
    ("epoch not in its shortest form", "8544a1b2c3d418010301a0"),
    ("indefinite array", "9f44a1b2c3d4010301a0ff"),
    ("a float", "8544a1b2c3d4010301a101f93c00"),
    ("unknown block", "8544a1b2c3d4010301a10901"),
    ("health of eighteen numbers", cbor2.dumps([INSTANCE, 1, 3, 1, {7: [1] * 18}]).hex()),
    ("an empty traceback", cbor2.dumps([INSTANCE, 1, 3, 1, {5: [[1, 1, 7, 2, 1, 1]], 8: b""}]).hex()),
    ("a traceback of no alarm", cbor2.dumps([INSTANCE, 1, 3, 1, {8: b"0.1.0"}]).hex()),
    ("keys out of order", "8544a1b2c3d4010301a2048184010101010101".replace(" ", "")),
    ("back of zero", "8544a1b2c3d4010301a10100"),
    ("empty list of samples", "8544a1b2c3d4010301a10280"),
    ("layout zero", cbor2.dumps([INSTANCE, 900, 1, 0, 0, 1, 1, 1, 1, 1, 1]).hex()),
    ("unknown layout", cbor2.dumps([INSTANCE, 900, 1, 9, 0, 1, 1, 1, 1, 1, 1]).hex()),
    ("too few values for the layout", cbor2.dumps([INSTANCE, 900, 1, 1, 0, 1, 1, 1, 1, 1]).hex()),
    ("a sample that follows on nothing", cbor2.dumps([INSTANCE, 1, 3, 1, {2: [[-900, 1, 1, 1, 1, 1, 1]]}]).hex()),
    (
        "six values that follow on eight",
        cbor2.dumps([INSTANCE, 1, 3, 1, {2: [[0, 2, 2, *[1] * 8], [-1, *[1] * 6]]}]).hex(),
    ),
    ("a run that is flat", cbor2.dumps([INSTANCE, 2, 3, 0, {3: [[1, [1, 1, 5, *[0] * 6]]], 6: [1, 1]}]).hex()),
    ("bytes left over", "8544a1b2c3d4010301a000"),
    ("alarm raised twice over", "8544a1b2c3d4010301a1058186010101000201"),
]


# What no gateway answers.
_NIGHT = [0, 9, 1000, 300, 1, 2, 3, 4]
_ALONE = [[KID, 0]]


def _lit(*light: object) -> str:
    return cbor2.dumps({1: [1, 1], 6: list(light)}).hex()


def _grouped(generation: object, secret: object, own: object, lamps: object) -> str:
    return _lit(1, _NIGHT, [generation, secret, own, lamps])


BROKEN_REPLIES: list[tuple[str, str]] = [
    ("another challenge", "01"),
    ("no durable", cbor2.dumps({4: 1}).hex()),
    ("an unknown key", cbor2.dumps({1: [1, 1], 7: 1}).hex()),
    ("five ranges", cbor2.dumps({1: [1, 1], 2: [[1, 3, 3]] * 5}).hex()),
    ("no settings", cbor2.dumps({1: [1, 1], 5: {}}).hex()),
    ("a light without a plan", _lit(1)),
    ("a light with a number too many", _lit(1, _NIGHT, [1, bytes(16), 0, _ALONE], 1)),
    ("a version of 33 bits", _lit(2**32, _NIGHT)),
    ("a plan of seven numbers", _lit(1, _NIGHT[:7])),
    ("dawn at dusk", _lit(1, [9, *_NIGHT[1:]])),
    ("a dusk too long ago", _lit(1, [-200_001, *_NIGHT[1:]])),
    ("a moment too far off", _lit(1, [*_NIGHT[:7], 200_001])),
    ("more than all light", _lit(1, [0, 9, 1001, *_NIGHT[3:]])),
    ("less than none", _lit(1, [0, 9, 1000, -1, *_NIGHT[4:]])),
    ("a generation of 17 bits", _grouped(65536, bytes(16), 0, _ALONE)),
    ("a secret of 15 bytes", _grouped(1, bytes(15), 0, _ALONE)),
    ("a secret of 16 numbers", _grouped(1, [0] * 16, 0, _ALONE)),
    ("a lamp that is none of them", _grouped(1, bytes(16), 1, _ALONE)),
    ("no lamps", _grouped(1, bytes(16), 0, [])),
    ("thirteen lamps", _grouped(1, bytes(16), 0, [[KID, n] for n in range(13)])),
    ("two lamps in one place", _grouped(1, bytes(16), 0, [[KID, 5], [KID, 5]])),
    ("lamps in no order", _grouped(1, bytes(16), 0, [[KID, 5], [KID, 4]])),
    ("a lamp beyond a kilometre", _grouped(1, bytes(16), 0, [[KID, 10_001]])),
    ("a kid of three bytes", _grouped(1, bytes(16), 0, [[KID[:3], 0]])),
]


def main() -> None:
    frames = []
    for name, counter, message in UPLINKS:
        plain = cbor2.dumps(message, canonical=True)
        frame = seal(SECRET, KID, counter, plain, None, None)
        frames.append({"name": name, "direction": "up", "counter": counter, "before": BEFORE,
                       "plain": plain.hex(), "frame": frame.hex()})  # fmt: skip
    for name, counter, answers, message in REPLIES:
        plain = cbor2.dumps(message, canonical=True)
        frame = seal(SECRET, KID, counter, plain, INSTANCE, answers)
        frames.append({"name": name, "direction": "down", "counter": counter, "answers": answers,
                       "plain": plain.hex(), "frame": frame.hex()})  # fmt: skip
    whole = {"kid": KID.hex(), "secret": SECRET.hex(), "instance": INSTANCE.hex(), "frames": frames}
    VECTORS.mkdir(exist_ok=True)
    _write("frames.json", whole)
    _write("group.json", _group())
    _write("refused.json", [{"name": name, "plain": plain} for name, plain in BROKEN_UPLINKS])
    _write("refused_replies.json", [{"name": name, "plain": plain} for name, plain in BROKEN_REPLIES])


def _group() -> dict[str, Any]:
    frames, refused = [], []
    for name, lamp, generation, counter, event, age in GROUP_FRAMES:
        plain = cbor2.dumps([event, age])
        frame = seal_group(GROUP_SECRET, GROUP[lamp], generation, counter, plain)
        frames.append({"name": name, "lamp": lamp, "generation": generation, "counter": counter, "event": event,
                       "age": age, "plain": plain.hex(), "frame": frame.hex()})  # fmt: skip
    for name, text in GROUP_REFUSED:
        frame = seal_group(GROUP_SECRET, GROUP[0], 1, 1, bytes.fromhex(text))
        refused.append({"name": name, "plain": text, "frame": frame.hex()})
    return {"secret": GROUP_SECRET.hex(), "kids": [kid.hex() for kid in GROUP], "frames": frames, "refused": refused}


def _write(name: str, thing: Any) -> None:
    (VECTORS / name).write_text(json.dumps(thing, indent=1) + "\n")


if __name__ == "__main__":
    main()
