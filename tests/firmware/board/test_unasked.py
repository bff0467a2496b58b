"""A lamp takes what its gateway says unasked: to its last report, each once, and never at the price of a flood."""

import time

from openings import openings
from street import Board

from node import cbor, ccm, frame, reply
from node.lamp.unasked import Unasked

SECRET, KID, INSTANCE = bytes(range(32)), b"\xc0\xff\xee\x01", b"\x01\x02\x03\x04"
PAUSE_MS = 250
WISH = cbor.encode({1: (1, 1), 5: {1: 60}})


class Identity:
    kid, secret = KID, SECRET


def say(counter, answered, instance=INSTANCE, secret=SECRET, kid=KID, plain=WISH):
    keys = frame.Keys(secret, b"down" + instance)
    out = bytearray(b"\x83\x43\xa1\x01\x0a\xa3\x04\x44" + kid + b"\x06")
    cbor.write(out, frame.shortest(counter))
    out.extend(b"\x0a\x44" + instance)
    aad = b"\x83\x68Encrypt0\x43\xa1\x01\x0a\x49" + kid + answered.to_bytes(5, "big")
    cbor.write(out, ccm.seal(keys.key, keys.nonce(counter), aad, plain))
    return out


def lamp(report=300, heard=7):
    """(what listens, its memory) of a lamp whose report was answered under the counter `heard`."""
    recalled = Board().memory
    recalled.instance, recalled.counter, recalled.heard = INSTANCE, report, report
    listening = Unasked(Identity, recalled)
    if heard:
        listening.answered(say(heard, report))
    return listening, recalled


def test_what_the_gateway_says_later_is_opened_and_each_once():
    listening, _ = lamp()
    for counter in (8, 9, 4000):
        said = say(counter, 300)
        instance, plain = listening.open(memoryview(said))
        assert instance == INSTANCE and reply.decode(plain).settings == {1: 60}
        listening.answered(said)
        assert openings(lambda: listening.open(said)) == (None, 0)
    assert openings(lambda: listening.open(say(8, 300))) == (None, 0)


def test_the_reply_itself_said_again_is_no_news():
    listening, _ = lamp(heard=7)
    assert openings(lambda: listening.open(say(7, 300))) == (None, 0)


def test_it_is_bound_to_the_last_report():
    listening, recalled = lamp()
    assert listening.open(say(8, 299)) is None
    recalled.counter = 301  # under way, or unanswered
    for answered in (300, 301):
        assert openings(lambda: lamp_of(recalled).open(say(8, answered))) == (None, 0)


def lamp_of(recalled):
    listening = Unasked(Identity, recalled)
    listening.answered(say(7, recalled.heard))
    return listening


def test_other_instances_nodes_and_secrets_are_not_believed():
    listening, _ = lamp()
    assert openings(lambda: listening.open(say(8, 300, instance=b"\x09\x09\x09\x09"))) == (None, 0)
    assert openings(lambda: listening.open(say(8, 300, kid=b"\xc0\xff\xee\x02"))) == (None, 0)
    assert listening.open(say(8, 300, secret=bytes(32))) is None


def test_a_lamp_that_has_heard_no_reply_since_it_started_takes_nothing():
    listening, _ = lamp(heard=0)
    assert openings(lambda: listening.open(say(8, 300))) == (None, 0)


def test_a_flood_is_opened_four_times_a_second_at_most_and_ends_with_it():
    listening, _ = lamp()
    forged = bytes(say(8, 300, secret=bytes(32)))
    began, opened, frames = time.ticks_ms(), 0, 0
    while time.ticks_diff(time.ticks_ms(), began) < 2 * PAUSE_MS + PAUSE_MS // 2:
        opened += openings(lambda: listening.open(forged))[1]
        frames += 1
    assert frames > 100 and 2 <= opened <= 3, (frames, opened)
    time.sleep_ms(PAUSE_MS + 1)
    assert listening.open(say(8, 300)) is not None


def test_garbage_of_any_length_is_dropped():
    said = say(8, 300)
    for at in range(len(said)):
        assert lamp()[0].open(said[:at]) is None
    assert lamp()[0].open(bytes(250)) is None
