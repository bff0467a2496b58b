"""What a report says of what was given up, and how long a report may be."""

from reports import answer, say
from street import Board

from node import cbor
from node.frame import PLAIN_LONGEST
from node.held import ALARM
from node.payload import pack_alarm


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


def test_what_a_thinned_ring_still_holds_and_what_it_lost_are_told_in_their_order():
    board = Board(16)
    for tick in range(4000):
        board.sample(tick)
    assert len(board.life.lost()) == 1  # one range over all of it
    told = []
    received = 0
    session = board.session()
    while not session.is_settled():
        counter = session.next_counter()
        plain = session.report(5000, counter)
        assert len(plain) <= PLAIN_LONGEST
        blocks = cbor.decode(plain)[4]
        floor = cbor.decode(plain)[3]
        for _, first, last, cause in blocks.get(4, []):
            assert cause == 1
            told.append((first, last))
        for taken in blocks.get(2, []):
            seq = floor + taken[0] if taken[0] >= 0 else told[-1][1] + 1
            told.append((seq, seq))
        told.sort()
        while told and told[0][0] == received + 1:
            received = told.pop(0)[1]
        assert told == [], told[:3]  # nothing beyond a hole that was not named
        answer(session, counter, (0, 0), [(1, 1, received)])
    assert received == 4000


def test_damage_and_want_of_room_are_told_apart():
    board = Board(16)
    for tick in range(4000):
        board.sample(tick)
        if tick == 3900:
            board.memory.seq += 2  # two that cannot be read
    causes = [piece[3] for piece in board.session().pieces() if isinstance(piece, list)]
    assert causes.count(2) == 1 and causes.count(1) > 1
    assert [3902, 3903, 2] in [piece[1:] for piece in board.session().pieces() if isinstance(piece, list)]


def test_losses_are_told_oldest_first_in_whatever_order_they_were_found():
    board = Board()
    for epoch in (3, 1, 2):
        board.life.declare(epoch, 1, 4, 1)
    board.memory.epoch = 4
    assert [piece[0] for piece in board.session().pieces()] == [1, 2, 3]
