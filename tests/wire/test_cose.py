"""An unrelated COSE library opens what we seal, and seals what we open: node and gateway each in both roles.

pycose is told key and context IV and makes the nonce from the partial IV itself; HKDF is `cryptography`'s, called here.
It cuts a leading zero byte off a nonce, so the secrets here are some whose context IVs begin otherwise.
"""

from collections.abc import Callable
from hashlib import sha256

import cbor2
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pycose import headers
from pycose.algorithms import AESCCM1664128
from pycose.keys import SymmetricKey
from pycose.keys.keyparam import KpBaseIV
from pycose.messages import Enc0Message

from board_node import BoardNode
from stoep.errors import MalformedError
from stoep.wire import frame

KID = bytes.fromhex("c0ffee01")
INSTANCE = bytes.fromhex("a1b2c3d4")
COUNTERS = (1, 255, 256, 65535, 2**32, frame.COUNTER_HIGHEST)
UPLINK = bytes.fromhex("8444a1b2c3d4000109")
ANSWER = bytes.fromhex("a101820105")
UP, DOWN = b"up", b"down" + INSTANCE
_KEY = 16


def okm(secret: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 29, salt=None, info=info).derive(secret)


SECRETS = [
    secret
    for secret in (sha256(bytes([n])).digest() for n in range(12))
    if okm(secret, UP)[_KEY] and okm(secret, DOWN)[_KEY]
][:8]


def strangers_key(secret: bytes, info: bytes) -> SymmetricKey:
    made = okm(secret, info)
    return SymmetricKey(k=made[:_KEY], optional_params={KpBaseIV: made[_KEY:]})


def stranger_opens(secret: bytes, info: bytes, sealed: bytes, external: bytes = b"") -> tuple[Enc0Message, bytes]:
    """The message, for its headers, and its plaintext."""
    message = Enc0Message.from_cose_obj(cbor2.loads(sealed), allow_unknown_attributes=False)
    message.key = strangers_key(secret, info)
    message.external_aad = external
    return message, message.decrypt()


def stranger_seals(secret: bytes, counter: int, plain: bytes, answered: int | None = None) -> bytes:
    """An uplink, or a reply to the uplink `answered`."""
    outside = {headers.KID: KID, headers.PartialIV: counter.to_bytes((counter.bit_length() + 7) // 8, "big")}
    if answered is not None:
        outside[headers.KIDContext] = INSTANCE
    message = Enc0Message(
        phdr={headers.Algorithm: AESCCM1664128},
        uhdr=outside,
        payload=plain,
        external_aad=b"" if answered is None else external_aad(answered),
        key=strangers_key(secret, UP if answered is None else DOWN),
    )
    sealed: bytes = message.encode(tag=False)
    return sealed


def external_aad(answered: int) -> bytes:
    return KID + answered.to_bytes(5, "big")


Seal = Callable[[bytes, int, bytes], bytes]


@pytest.fixture(params=["node", "gateway"])
def seal_uplink(request: pytest.FixtureRequest, board_node: BoardNode) -> Seal:
    """(secret, counter, plain): an uplink as either side makes it."""
    if request.param == "node":
        return lambda secret, counter, plain: board_node.seal(secret, KID, counter, plain)
    return lambda secret, counter, plain: frame.seal_uplink(frame.uplink_keys(secret), KID, counter, plain)


@pytest.fixture(params=["node", "gateway"])
def open_reply(request: pytest.FixtureRequest, board_node: BoardNode) -> Callable[[bytes, int, bytes], bytes | None]:
    """(secret, answered, sealed): the plaintext of a reply as either side opens it, or None."""

    def by_the_node(secret: bytes, answered: int, sealed: bytes) -> bytes | None:
        (opened,) = board_node.open(secret, KID, answered, [sealed])
        assert opened is None or opened[0] == INSTANCE
        return opened and opened[1]

    def by_the_gateway(secret: bytes, answered: int, sealed: bytes) -> bytes | None:
        try:
            instance, plain = frame.open_reply(secret, KID, answered, sealed)
        except MalformedError:
            return None
        assert instance == INSTANCE
        return plain

    return by_the_node if request.param == "node" else by_the_gateway


@pytest.mark.parametrize("counter", COUNTERS)
def test_a_stranger_opens_our_uplinks(seal_uplink: Seal, counter: int) -> None:
    for secret in SECRETS:
        sealed = seal_uplink(secret, counter, UPLINK)
        message, plain = stranger_opens(secret, UP, sealed)
        assert plain == UPLINK
        assert message.get_attr(headers.Algorithm) is AESCCM1664128
        assert message.get_attr(headers.KID) == KID
        assert int.from_bytes(message.get_attr(headers.PartialIV), "big") == counter
        assert sealed == stranger_seals(secret, counter, UPLINK)


@pytest.mark.parametrize("counter", COUNTERS)
def test_the_gateway_opens_a_strangers_uplink(counter: int) -> None:
    for secret in SECRETS:
        header = frame.read_header(stranger_seals(secret, counter, UPLINK))
        assert (header.kid, header.counter) == (KID, counter)
        assert frame.open_uplink(frame.uplink_keys(secret), header) == UPLINK


@pytest.mark.parametrize("counter", COUNTERS)
def test_we_open_a_strangers_reply(open_reply: Callable[[bytes, int, bytes], bytes | None], counter: int) -> None:
    for secret in SECRETS:
        sealed = stranger_seals(secret, counter, ANSWER, answered=300)
        assert open_reply(secret, 300, sealed) == ANSWER
        assert open_reply(secret, 301, sealed) is None
        assert open_reply(bytes(32), 300, sealed) is None


@pytest.mark.parametrize("counter", COUNTERS)
def test_a_stranger_opens_the_gateways_reply(counter: int) -> None:
    for secret in SECRETS:
        sealed = frame.seal_reply(frame.reply_keys(secret, INSTANCE), KID, INSTANCE, counter, 300, ANSWER)
        message, plain = stranger_opens(secret, DOWN, sealed, external_aad(300))
        assert plain == ANSWER
        assert message.get_attr(headers.KIDContext) == INSTANCE
        assert sealed == stranger_seals(secret, counter, ANSWER, answered=300)


def test_a_stranger_notices_a_changed_frame(seal_uplink: Seal) -> None:
    sealed = bytearray(seal_uplink(SECRETS[0], 300, UPLINK))
    sealed[-1] ^= 1
    with pytest.raises(InvalidTag):
        stranger_opens(SECRETS[0], UP, bytes(sealed))


def test_there_are_enough_secrets_for_it() -> None:
    assert len(SECRETS) == 8
