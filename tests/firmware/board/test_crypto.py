from binascii import unhexlify

from bridge.header import uplink_kid
from node import ccm, frame
from node.kdf import hkdf, hmac


def test_rfc_3610_packet_vector_1():
    key = unhexlify("c0c1c2c3c4c5c6c7c8c9cacbcccdcecf")
    nonce = unhexlify("00000003020100a0a1a2a3a4a5")
    aad = unhexlify("0001020304050607")
    plain = bytes(range(8, 31))
    sealed = unhexlify("588c979a61c663d2f066d0c2c0f989806d5f6b61dac38417e8d12cfdf926e0")
    assert ccm.seal(key, nonce, aad, plain) == sealed
    assert ccm.unseal(key, nonce, aad, sealed) == plain


def test_a_changed_byte_opens_nothing():
    key, nonce = bytes(16), bytes(13)
    sealed = ccm.seal(key, nonce, b"header", b"the street")
    assert ccm.unseal(key, nonce, b"header", sealed) == b"the street"
    for at in range(len(sealed)):
        broken = bytearray(sealed)
        broken[at] ^= 1
        assert ccm.unseal(key, nonce, b"header", broken) is None
    assert ccm.unseal(key, nonce, b"headed", sealed) is None
    assert ccm.unseal(key, nonce, b"header", sealed[:7]) is None


def test_rfc_4231_hmac_case_2():
    expected = unhexlify("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    assert hmac(b"Jefe", b"what do ya want for nothing?") == expected


def test_rfc_5869_case_1():
    okm = hkdf(b"\x0b" * 22, bytes(range(0xF0, 0xFA)), 42, salt=bytes(range(13)))
    expected = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    assert okm == unhexlify(expected)


def test_the_header_is_byte_exact_and_short():
    keys = frame.Keys(bytes(32), b"up")
    sealed = frame.seal_uplink(keys, b"\xc0\xff\xee\x01", 0x1234, bytes(20))
    assert sealed[:17] == unhexlify("8343a1010aa20444c0ffee01064212") + b"\x34\x58"
    assert len(sealed) == 26 + 20
    assert uplink_kid(sealed) == b"\xc0\xff\xee\x01"
    for at in range(14):
        broken = bytearray(sealed)
        broken[at] ^= 0x80
        assert uplink_kid(broken) is None or 8 <= at < 12
    assert uplink_kid(sealed[:-1]) is None and uplink_kid(sealed + b"\x00") is None


def test_nonces_differ_by_counter_alone():
    keys = frame.Keys(bytes(32), b"up")
    assert keys.nonce(1) != keys.nonce(256) and len(keys.nonce(0xFFFFFFFFFF)) == 13
