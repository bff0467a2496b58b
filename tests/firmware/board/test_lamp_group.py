"""Group frames: as the vectors say, from members alone, of this generation alone, each once, of no other's shape."""

import json
from binascii import hexlify, unhexlify

from openings import openings

from bridge.header import uplink_kid
from node import frame
from node.lamp import groupframe
from node.lamp.groupframe import Group

with open("group.json") as _file:
    KNOWN = json.load(_file)
SECRET = unhexlify(KNOWN["secret"])
KIDS = [unhexlify(kid) for kid in KNOWN["kids"]]


def say(lamp, counter, event=7, age=40, generation=1, secret=SECRET):
    own = groupframe.keys(secret, generation, KIDS[lamp])
    return groupframe.seal(own, KIDS[lamp], generation, counter, event, age)


def test_frames_are_sealed_and_opened_as_the_vectors_say():
    for vector in KNOWN["frames"]:
        lamp, generation = vector["lamp"], vector["generation"]
        sealed = say(lamp, vector["counter"], vector["event"], vector["age"], generation)
        assert hexlify(sealed).decode() == vector["frame"], vector["name"]
        assert len(sealed) <= 43
        group = Group(SECRET, generation, KIDS, (lamp + 1) % 3)
        assert group.open(bytes(sealed)) == (lamp, vector["event"], vector["age"])
        assert group.open(memoryview(sealed)) is None  # once


def test_what_no_lamp_says_is_dropped_however_well_it_is_sealed():
    for vector in KNOWN["refused"]:
        assert Group(SECRET, 1, KIDS, 2).open(unhexlify(vector["frame"])) is None, vector["name"]


def test_a_copy_costs_no_cryptography_and_a_higher_counter_is_news():
    group = Group(SECRET, 1, KIDS, 2)
    assert group.open(say(0, 5)) == (0, 7, 40)
    for counter in (5, 4, 1):
        assert openings(lambda: group.open(say(0, counter))) == (None, 0)
    assert group.open(say(1, 1)) == (1, 7, 40)  # each sender counts for itself
    assert group.open(say(0, 6)) == (0, 7, 40)


def test_strangers_other_nights_and_other_groups_have_no_effect():
    group = Group(SECRET, 2, KIDS[:2], 1)
    assert openings(lambda: group.open(say(2, 1, generation=2))) == (None, 0)
    assert openings(lambda: group.open(say(0, 1, generation=1))) == (None, 0)
    assert group.open(say(0, 9, generation=2, secret=bytes(32))) is None
    relabelled = say(0, 9)
    relabelled[16:18] = b"\x00\x02"  # another night's frame under tonight's label
    assert bytes(relabelled[:2]) == b"\x83\x43" and group.open(relabelled) is None
    assert group.open(say(0, 1, generation=2)) == (0, 7, 40)  # and the forged ones have used no counter up


def test_a_lamps_own_frames_come_back_to_it_as_copies():
    assert openings(lambda: Group(SECRET, 1, KIDS, 0).open(say(0, 1))) == (None, 0)


def test_a_changed_byte_opens_nothing_and_garbage_of_any_length_is_dropped():
    sealed = say(0, 300)
    for at in range(len(sealed)):
        for bit in (1, 0x40, 0x80):
            broken = bytearray(sealed)
            broken[at] ^= bit
            assert Group(SECRET, 1, KIDS, 2).open(broken) is None, at
        assert Group(SECRET, 1, KIDS, 2).open(sealed[:at]) is None
    assert Group(SECRET, 1, KIDS, 2).open(sealed + b"\x00") is None
    assert Group(SECRET, 1, KIDS, 2).open(bytes(250)) is None


def test_nobody_takes_a_group_frame_for_an_uplink_or_a_reply_nor_the_other_way_round():
    sealed = say(0, 3)
    assert uplink_kid(sealed) is None
    assert frame.open_reply(SECRET, KIDS[0], 3, sealed) is None
    uplink = frame.seal_uplink(frame.Keys(SECRET, b"up"), KIDS[0], 3, b"\x82\x07\x18\x28")
    assert openings(lambda: Group(SECRET, 1, KIDS, 2).open(uplink)) == (None, 0)
    with open("frames.json") as file:
        for vector in json.load(file)["frames"]:
            assert openings(lambda: Group(SECRET, 1, KIDS, 2).open(unhexlify(vector["frame"]))) == (None, 0)


def test_ages_beyond_a_minute_stay_within_the_contract():
    assert Group(SECRET, 1, KIDS, 2).open(say(0, 1, 65536 + 3, 90000)) == (0, 3, 65535)
