import json
from binascii import hexlify, unhexlify

from bridge.header import uplink_kid
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
            assert uplink_kid(sealed) == kid
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


def test_what_no_gateway_answers_is_refused():
    with open("refused_replies.json") as file:
        known = json.load(file)
    for vector in known:
        try:
            reply.decode(unhexlify(vector["plain"]))
        except ValueError:
            continue
        raise AssertionError("taken: " + vector["name"])


def test_tonight_and_the_lamps_around_are_read_as_the_vectors_say():
    plains = {vector["name"]: unhexlify(vector["plain"]) for vector in vectors()["frames"]}
    version, plan, group = reply.decode(plains["the night that is, to one of three lamps"]).light
    assert (version, plan) == (0x11E4711E, (-8100, 19900, 800, 0, -900, 27900, -2100, 26700))
    generation, secret, own, lamps = group
    assert (generation, secret, own) == (1, bytes(range(64, 80)), 1)
    assert lamps == tuple([(b"\x1a\x3b\x00" + bytes((n,)), n * 909 + 1) for n in range(3)])
    assert reply.decode(plains["tonight, to a lamp that stands alone"]).light[2] is None
    assert reply.decode(plains["settings"]).light is None


def test_plaintexts_are_spelled_in_their_only_way():
    for vector in vectors()["frames"]:
        plain = unhexlify(vector["plain"])
        assert cbor.encode(cbor.decode(plain)) == plain, vector["name"]
