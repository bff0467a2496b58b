"""Sealed frames: byte-exact as the contract draws them, the same as independent implementations make."""

import json
from hashlib import sha256
from hmac import digest

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from hypothesis import given
from hypothesis import strategies as st

from stoep.errors import MalformedError
from stoep.resources import wire_dir
from stoep.wire import frame

SECRET = bytes(range(32))
KID = bytes.fromhex("c0ffee01")
KEYS = frame.uplink_keys(SECRET)
GOOD = frame.seal_uplink(KEYS, KID, 300, b"plaintext of a report")
VECTORS = json.loads((wire_dir() / "vectors" / "frames.json").read_text())


def okm(info: bytes) -> bytes:
    """HKDF by the letter of RFC 5869: one block is enough for 29 bytes."""
    return digest(digest(bytes(32), SECRET, sha256), info + b"\x01", sha256)[:29]


def test_an_uplink_is_what_rfc_9052_says() -> None:
    key, iv = okm(b"up")[:16], int.from_bytes(okm(b"up")[16:], "big")
    aad = bytes.fromhex("83") + b"\x68Encrypt0" + bytes.fromhex("43a1010a40")
    sealed = AESCCM(key, tag_length=8).encrypt((iv ^ 300).to_bytes(13, "big"), b"plaintext of a report", aad)
    assert bytes.fromhex("8343a1010aa20444c0ffee010642012c581d") + sealed == GOOD


def test_a_reply_is_bound_to_the_kid_and_the_counter_it_answers() -> None:
    instance = b"\xa1\xb2\xc3\xd4"
    info = b"down" + instance
    key, iv = okm(info)[:16], int.from_bytes(okm(info)[16:], "big")
    aad = bytes.fromhex("83") + b"\x68Encrypt0" + bytes.fromhex("43a1010a49") + KID + (7).to_bytes(5, "big")
    sealed = AESCCM(key, tag_length=8).encrypt((iv ^ 1).to_bytes(13, "big"), b"\x00", aad)
    reply = frame.seal_reply(frame.reply_keys(SECRET, instance), KID, instance, 1, 7, b"\x00")
    assert reply == bytes.fromhex("8343a1010aa30444c0ffee010641010a44a1b2c3d449") + sealed
    assert frame.open_reply(SECRET, KID, 7, reply) == (instance, b"\x00")
    with pytest.raises(frame.ForgedError):
        frame.open_reply(SECRET, KID, 8, reply)


@pytest.mark.parametrize("vector", VECTORS["frames"], ids=lambda vector: vector["name"])
def test_the_published_vectors(vector: dict[str, str]) -> None:
    secret, kid, raw = (bytes.fromhex(text) for text in (VECTORS["secret"], VECTORS["kid"], vector["frame"]))
    plain = bytes.fromhex(vector["plain"])
    if vector["direction"] == "up":
        header = frame.read_header(raw)
        assert (header.kid, header.counter) == (kid, vector["counter"])
        assert frame.open_uplink(frame.uplink_keys(secret), header) == plain
        assert frame.seal_uplink(frame.uplink_keys(secret), kid, header.counter, plain) == raw
    else:
        assert frame.open_reply(secret, kid, int(vector["answers"]), raw)[1] == plain


@given(st.integers(1, frame.COUNTER_HIGHEST), st.binary(min_size=1, max_size=221))
def test_what_is_sealed_opens_again(counter: int, plain: bytes) -> None:
    sealed = frame.seal_uplink(KEYS, KID, counter, plain)
    assert len(sealed) <= frame.LONGEST
    header = frame.read_header(sealed)
    assert (header.kid, header.counter) == (KID, counter)
    assert frame.open_uplink(KEYS, header) == plain


@given(st.integers(0, 8 * len(GOOD) - 1))
def test_no_flipped_bit_passes(bit: int) -> None:
    changed = bytearray(GOOD)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(MalformedError):  # ForgedError is one, too
        frame.open_uplink(frame.uplink_keys(SECRET), _same_kid(frame.read_header(bytes(changed))))


def _same_kid(header: frame.Header) -> frame.Header:
    if header.kid != KID:
        raise MalformedError("another node's")
    return header


@given(st.binary(max_size=300))
def test_a_strangers_bytes_are_malformed_and_nothing_else(data: bytes) -> None:
    for head in (b"", GOOD[:8], GOOD[:14]):
        with pytest.raises(MalformedError):
            frame.open_uplink(KEYS, frame.read_header(head + data))


@pytest.mark.parametrize(
    ("why", "raw"),
    [
        ("tagged", b"\xd0" + GOOD),
        ("a long head for the array", b"\x98\x03" + GOOD[1:]),
        ("another algorithm", GOOD.replace(bytes.fromhex("a1010a"), bytes.fromhex("a1010b"))),
        ("a leading zero in the partial IV", GOOD.replace(bytes.fromhex("0642012c"), bytes.fromhex("064300012c"))),
        ("a long head for the partial IV", GOOD.replace(bytes.fromhex("0642012c"), bytes.fromhex("065802012c"))),
        ("a partial IV of six bytes", GOOD.replace(bytes.fromhex("0642012c"), bytes.fromhex("0646010203040506"))),
        ("an empty partial IV", GOOD.replace(bytes.fromhex("0642012c"), bytes.fromhex("0640"))),
        ("a counter of zero", GOOD.replace(bytes.fromhex("0642012c"), bytes.fromhex("064100"))),
        ("headers the other way round", GOOD[:6] + bytes.fromhex("0642012c0444c0ffee01") + GOOD[16:]),
        ("a reply's header", GOOD.replace(bytes.fromhex("a20444"), bytes.fromhex("a30444"))),
        ("a long head for the ciphertext", GOOD.replace(bytes.fromhex("581d"), bytes.fromhex("59001d"))),
        ("a byte too many", GOOD + b"\x00"),
        ("a byte too few", GOOD[:-1]),
        ("only a tag", GOOD[:16] + b"\x48" + bytes(8)),
        ("longer than the air carries", frame.seal_uplink(KEYS, KID, 300, bytes(226))),
    ],
)  # fmt: skip
def test_every_other_spelling_is_refused(why: str, raw: bytes) -> None:
    assert raw != GOOD, why
    with pytest.raises(MalformedError) as caught:
        frame.read_header(raw)
    assert not isinstance(caught.value, frame.ForgedError)


@pytest.mark.parametrize("counter", [0, -1, 2**40])
def test_no_frame_is_made_with_a_counter_out_of_range(counter: int) -> None:
    with pytest.raises(ValueError, match="counter"):
        frame.seal_uplink(KEYS, KID, counter, b"x")


def test_another_secret_has_another_fingerprint_that_tells_nothing_of_it() -> None:
    assert frame.fingerprint(SECRET) != frame.fingerprint(bytes(32))
    assert frame.fingerprint(SECRET) not in SECRET
    assert len(frame.fingerprint(SECRET)) == 8
