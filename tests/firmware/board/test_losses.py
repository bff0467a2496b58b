"""What a report says of what was given up, and how long a report may be."""

from street import Board

from node import cbor, reply
from node.frame import PLAIN_LONGEST
from node.payload import pack_alarm
from node.ring import ALARM

INSTANCE = b"\x01\x02\x03\x04"
VALUES = [1853, None, 100, None, None, 42]


def say(board, tick):
    session = board.session()
    counter = session.next_counter()
    return session, counter, cbor.decode(session.report(tick, counter))


def answer(session, counter, durable, received=()):
    thing = {1: list(durable)}
    if received:
        thing[2] = [list(one) for one in received]
    session.answered(INSTANCE, counter, reply.decode(cbor.encode(thing)))


def test_no_report_is_ever_too_long():
    board = Board(64)
    board.memory.epoch = 65000
    for _ in range(3):
        board.memory.seq = 4294960000
        for tick in range(40):
            board.sample(4294960000 + tick * 5, b"\x01" + b"\x3a\xff\xff\xff\xff" * 6)
        board.memory.epoch += 1
    for number in range(9):
        board.life.declare(64990, 4000000000 + number * 100, 4000000050 + number * 100, 1)
    board.memory.alarms = [
        board.ring.append(ALARM, 65000, 4294967290 + number, 4294967295, pack_alarm(1, 1, 5, -2000000000))
        for number in range(5)
    ]
    board.memory.heard, board.memory.counter, board.memory.reserved = 1, 0xFFFFFF00, 0xFFFFFFFF
    board.memory.seq = 4294960000
    for alarms in (board.memory.alarms, []):
        board.memory.alarms = alarms
        for received in ([], [(65000, 4294960001, 4294960040)], [(65000, 1, 4294967295), (65001, 1, 4294967295)]):
            board.memory.received = received
            session = board.session()
            raw = session.report(4294967295, session.next_counter())
            assert len(raw) <= PLAIN_LONGEST, (len(raw), received)


def test_a_hole_among_those_held_is_declared():
    board = Board()
    board.sample(1)
    board.memory.seq += 2
    board.sample(2)
    plain = say(board, 3)[2]
    assert plain[4][4] == [[1, 2, 3, 2]]


def test_what_a_full_ring_gave_up_is_declared_until_durable_passes_it():
    board = Board(8)
    for tick in range(600):
        board.sample(tick)
    lost = board.life.lost()
    assert len(lost) == 1 and lost[0][:2] == [1, 1] and lost[0][3] == 1
    session, counter, plain = say(board, 700)
    assert plain[4][4] == lost and plain[3] == lost[0][2] + 1
    answer(session, counter, (1, lost[0][2]))
    assert board.life.lost() == []
