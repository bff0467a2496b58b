import json
from binascii import hexlify, unhexlify

from node import cbor, frame, reply


def vectors():
    with open("frames.json") as file:  # the runner makes wire/vectors the working directory
        return json.load(file)


def test_uplinks_are_sealed_as_the_vectors_say():
    known = vectors()
    keys = frame.Keys(unhexlify(known["secret"]), b"up")
    kid = unhexlify(known["kid"])
    seen = 0
    for vector in known["frames"]:
        if vector["direction"] == "up":
            sealed = frame.seal_uplink(keys, kid, vector["counter"], unhexlify(vector["plain"]))
            assert hexlify(sealed).decode() == vector["frame"], vector["name"]
            assert frame.uplink_kid(sealed) == kid
            seen += 1
    assert seen >= 6


def test_replies_are_opened_as_the_vectors_say():
    known = vectors()
    secret, kid = unhexlify(known["secret"]), unhexlify(known["kid"])
    seen = 0
    for vector in known["frames"]:
        if vector["direction"] == "down":
            sealed = unhexlify(vector["frame"])
            instance, plain = frame.open_reply(secret, kid, vector["answers"], sealed)
            assert hexlify(instance).decode() == known["instance"]
            assert hexlify(plain).decode() == vector["plain"], vector["name"]
            reply.decode(plain)
            assert frame.open_reply(secret, kid, vector["answers"] - 1, sealed) is None
            assert frame.open_reply(secret, b"\x00\x00\x00\x01", vector["answers"], sealed) is None
            for at in range(len(sealed)):
                broken = bytearray(sealed)
                broken[at] ^= 0x40
                assert frame.open_reply(secret, kid, vector["answers"], broken) is None
            seen += 1
    assert seen >= 4


def test_plaintexts_are_spelled_in_their_only_way():
    for vector in vectors()["frames"]:
        plain = unhexlify(vector["plain"])
        assert cbor.encode(cbor.decode(plain)) == plain, vector["name"]
