from bridge import cobs
from bridge.sieve import Sieve
from node.frame import Keys, seal_uplink


def test_every_payload_survives_the_line():
    for size in (1, 2, 5, 200, 249, 250, 251, 253, 254, 255, 300):
        for fill in (0, 1, 255):
            payload = bytes([(fill * index) & 0xFF for index in range(size)])
            line = cobs.pack(payload)
            assert line[-1] == 0 and bytes(line).find(b"\x00") == len(line) - 1
            assert cobs.unpack(line[:-1]) == payload


def test_no_single_bit_flip_is_believed():
    line = cobs.pack(bytes(range(40)))[:-1]
    for at in range(len(line)):
        for bit in range(8):
            broken = bytearray(line)
            broken[at] ^= 1 << bit
            assert cobs.unpack(broken) is None


def test_rubbish_is_refused():
    for line in (b"", b"\x01", b"\x05ab", b"\x02a\x00", b"ets Jul 29 2019 12:21:46"):
        assert cobs.unpack(line) is None


def frame(kid):
    return seal_uplink(Keys(bytes(32), b"up"), kid, 1, b"\x80")


def test_the_sieve_is_open_until_told_then_knows_kids_and_rates():
    sieve = Sieve()
    one, other = frame(b"\x00\x00\x00\x01"), frame(b"\x00\x00\x00\x02")
    assert sieve.passes(one) and sieve.passes(other) and not sieve.passes(b"hello")
    sieve.push(0, 2, 1, 3, b"\x00\x00\x00\x07")
    assert sieve.passes(other)  # a list counts when its last part is there
    sieve.push(1, 2, 1, 3, b"\x00\x00\x00\x01")
    assert not sieve.passes(other)
    assert [sieve.passes(one) for _ in range(4)] == [True, True, True, False]


def test_a_list_of_kids_whose_part_was_lost_is_not_taken():
    sieve = Sieve()
    one, other = frame(b"\x00\x00\x00\x01"), frame(b"\x00\x00\x00\x02")
    assert sieve.push(0, 1, 50, 100, b"\x00\x00\x00\x01")
    assert sieve.push(0, 3, 50, 100, b"\x00\x00\x00\x01")
    assert not sieve.push(2, 3, 50, 100, b"\x00\x00\x00\x02")  # without part 1 it would shut somebody out
    assert sieve.passes(one) and not sieve.passes(other)
    assert sieve.push(0, 2, 50, 100, b"\x00\x00\x00\x01") and sieve.push(1, 2, 50, 100, b"\x00\x00\x00\x02")
    assert sieve.passes(one) and sieve.passes(other)
