"""Sealed frames: COSE_Encrypt0 (RFC 9052 section 5.2), byte-exact as the head of `wire.cddl` draws them.

Kid and counter are read from the fixed header before any cryptography; whatever is not exactly of that form is
nobody's frame.
"""

from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from stoep.errors import MalformedError

LONGEST = 250  # one ESP-NOW frame
KID = 4
INSTANCE = 4
COUNTER_HIGHEST = 2**40 - 1

_TAG = 8
_KEY = 16
_NONCE = 13
_OKM = _KEY + _NONCE
_BYTES = 0x40  # CBOR major type 2: a byte string, its length in the low five bits
_BYTES_LONG = 0x58  # the same, the length in the next byte
_SHORT = 24  # lengths from here on need that byte

_UP = bytes.fromhex("8343a1010aa20444")  # [h'A1010A', {4: h'kid'…
_DOWN = bytes.fromhex("8343a1010aa30444")
_PIV = 0x06
_PIV_LONGEST = 5
_INSTANCE_HEAD = bytes.fromhex("0a44")
_AAD = bytes.fromhex("8368") + b"Encrypt0" + bytes.fromhex("43a1010a")  # Enc_structure up to the external data
_NO_EXTERNAL = b"\x40"
_AT_KID = len(_UP)
_AT_PIV = _AT_KID + KID
_AT_COUNTER = _AT_PIV + 2


class ForgedError(MalformedError):
    """The tag does not fit: another key, another context, or changed on the way."""


@dataclass(frozen=True)
class Header:
    """What the outside of an uplink says, unproven."""

    kid: bytes
    counter: int
    sealed: bytes


class Keys:
    """Key and context IV of one direction: HKDF-SHA-256 (RFC 5869) of the node's secret for one purpose."""

    def __init__(self, secret: bytes, purpose: bytes) -> None:
        okm = HKDF(algorithm=SHA256(), length=_OKM, salt=None, info=purpose).derive(secret)
        self._aead = AESCCM(okm[:_KEY], tag_length=_TAG)
        self._iv = int.from_bytes(okm[_KEY:], "big")

    def _nonce(self, counter: int) -> bytes:
        return (self._iv ^ counter).to_bytes(_NONCE, "big")

    def seal(self, counter: int, plain: bytes, aad: bytes) -> bytes:
        if not 1 <= counter <= COUNTER_HIGHEST:
            raise ValueError(f"counter {counter} is not within 1..2^40-1")
        return self._aead.encrypt(self._nonce(counter), plain, aad)

    def open(self, counter: int, sealed: bytes, aad: bytes) -> bytes:
        try:
            return self._aead.decrypt(self._nonce(counter), sealed, aad)
        except InvalidTag as error:
            raise ForgedError("the tag does not fit") from error


def uplink_keys(secret: bytes) -> Keys:
    return Keys(secret, b"up")


def reply_keys(secret: bytes, instance: bytes) -> Keys:
    return Keys(secret, b"down" + instance)


def fingerprint(secret: bytes) -> bytes:
    """Tells one secret of a node from the next without telling it: a new one begins a new life of the kid."""
    return HKDF(algorithm=SHA256(), length=8, salt=None, info=b"fingerprint").derive(secret)


def _shortest(counter: int) -> bytes:
    return counter.to_bytes((counter.bit_length() + 7) // 8, "big")


def _byte_string(content: bytes) -> bytes:
    if len(content) < _SHORT:
        return bytes((_BYTES + len(content),)) + content
    return bytes((_BYTES_LONG, len(content))) + content


def _content(tail: bytes) -> bytes:
    """The byte string that `tail` is, whole and in its shortest form."""
    for head in (1, 2):
        content = tail[head:]
        if content and _byte_string(content) == tail and len(content) > _TAG:
            return content
    raise MalformedError("no ciphertext in the form agreed on")


def read_header(frame: bytes) -> Header:
    """Kid, counter and ciphertext of an uplink; `MalformedError` for anything else."""
    if len(frame) > LONGEST or len(frame) <= _AT_COUNTER or frame[:_AT_KID] != _UP or frame[_AT_PIV] != _PIV:
        raise MalformedError("not the header of an uplink")
    size = frame[_AT_PIV + 1] - _BYTES
    end = _AT_COUNTER + size
    if not 1 <= size <= _PIV_LONGEST or frame[_AT_COUNTER] == 0 or len(frame) <= end:
        raise MalformedError("not a partial IV in its shortest form")
    return Header(frame[_AT_KID:_AT_PIV], int.from_bytes(frame[_AT_COUNTER:end], "big"), _content(frame[end:]))


def open_uplink(keys: Keys, header: Header) -> bytes:
    """The plaintext; `ForgedError` when it was not sealed with this node's secret."""
    return keys.open(header.counter, header.sealed, _AAD + _NO_EXTERNAL)


def seal_uplink(keys: Keys, kid: bytes, counter: int, plain: bytes) -> bytes:
    """What a node does: for tests and for whoever plays a node."""
    sealed = keys.seal(counter, plain, _AAD + _NO_EXTERNAL)
    return _UP + kid + bytes((_PIV,)) + _byte_string(_shortest(counter)) + _byte_string(sealed)


def _reply_aad(kid: bytes, answered: int) -> bytes:
    return _AAD + _byte_string(kid + answered.to_bytes(_PIV_LONGEST, "big"))


def seal_reply(keys: Keys, kid: bytes, instance: bytes, counter: int, answered: int, plain: bytes) -> bytes:
    """The reply to uplink `answered`; `counter` must never be used twice with these keys."""
    sealed = keys.seal(counter, plain, _reply_aad(kid, answered))
    outside = _byte_string(_shortest(counter)) + _INSTANCE_HEAD + instance
    return _DOWN + kid + bytes((_PIV,)) + outside + _byte_string(sealed)


def open_reply(secret: bytes, kid: bytes, answered: int, frame: bytes) -> tuple[bytes, bytes]:
    """(instance, plaintext) as the node sees it; for tests and for whoever plays a node."""
    if len(frame) > LONGEST or len(frame) <= _AT_COUNTER or frame[:_AT_KID] != _DOWN or frame[_AT_PIV] != _PIV:
        raise MalformedError("not the header of a reply")
    size = frame[_AT_PIV + 1] - _BYTES
    end = _AT_COUNTER + size
    after = end + len(_INSTANCE_HEAD) + INSTANCE
    if (
        frame[_AT_KID:_AT_PIV] != kid
        or not 1 <= size <= _PIV_LONGEST
        or frame[_AT_COUNTER] == 0
        or frame[end : end + len(_INSTANCE_HEAD)] != _INSTANCE_HEAD
    ):
        raise MalformedError("not the header of a reply to this node")
    instance = frame[after - INSTANCE : after]
    keys = reply_keys(secret, instance)
    counter = int.from_bytes(frame[_AT_COUNTER:end], "big")
    return instance, keys.open(counter, _content(frame[after:]), _reply_aad(kid, answered))
