"""What a node says of itself: how it fares, and what ended a wake."""

from street import Board

from node import cbor, reply
from node.frame import PLAIN_LONGEST
from node.generated.catalogue import ALARM_CRASHED, ALARM_FULL, FAILURES
from node.held import ALARM
from node.memory import HEALTH, TRACE
from node.payload import pack_alarm

INSTANCE = b"\x01\x02\x03\x04"
LIT_BY = 0xF1E4711E
NONE_KEPT = 0x04D44C65  # the CRC-32 of an empty map


def say(board, tick):
    session = board.session()
    counter = session.next_counter()
    return session, counter, cbor.decode(session.report(tick, counter))


def answer(session, counter, received=()):
    session.answered(INSTANCE, counter, reply.decode(cbor.encode({1: [0, 0], 2: [list(one) for one in received]})))


def test_what_a_node_says_of_itself_is_said_until_it_is_answered_and_to_each_instance():
    board = Board()
    board.sample(10)
    board.memory.untold, board.memory.wholes, board.memory.failures[2] = HEALTH, 1, 7
    board.memory.light = LIT_BY
    _, _, plain = say(board, 11)
    assert 7 not in plain[4]  # whoever hears it first only challenges
    session, _, _ = say(board, 11)
    session.challenged(INSTANCE)
    for tick in (12, 13):
        session, counter, plain = say(board, tick)
        assert plain[4][7] == [1, 0, 0, 0, 0, 0, 12, LIT_BY, NONE_KEPT, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0]
        assert not session.is_settled()
    answer(session, counter, [(1, 1, 1)])
    assert session.is_settled() and board.memory.told == 13
    session, _, plain = say(board, 14)
    assert 7 not in plain[4]
    session.challenged(b"\x09\x09\x09\x09")
    assert 7 in say(board, 15)[2][4]


def test_a_traceback_goes_with_its_alarm_and_that_one_alone():
    board = Board()
    board.memory.instance = INSTANCE
    board.memory.untold = TRACE | HEALTH
    board.life.keep_crash(b"x" * 150)
    for number, code in ((1, ALARM_FULL), (2, ALARM_CRASHED), (3, ALARM_FULL)):
        board.memory.alarms.append(board.ring.append(ALARM, 1, number, 9, pack_alarm(code, 1, FAILURES, 1)))
    session, counter, plain = say(board, 12)
    assert [alarm[1] for alarm in plain[4][5]] == [1, 2, 3] and 8 not in plain[4]
    session.answered(INSTANCE, counter, reply.decode(cbor.encode({1: [0, 0], 3: [[1, 1]]})))
    counter = session.next_counter()
    raw = session.report(13, counter)
    plain = cbor.decode(raw)
    assert [alarm[1] for alarm in plain[4][5]] == [2] and plain[4][8] == b"x" * 150 and len(raw) <= PLAIN_LONGEST
    session.answered(INSTANCE, counter, reply.decode(cbor.encode({1: [0, 0]})))
    assert 8 in cbor.decode(session.report(14, session.next_counter()))[4]  # not on the gateway's disk yet
    session.answered(INSTANCE, counter, reply.decode(cbor.encode({1: [0, 0], 3: [[1, 2]]})))
    assert board.memory.untold & TRACE == 0
