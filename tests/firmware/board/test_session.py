from street import Board

from node import cbor, reply
from node.frame import PLAIN_LONGEST
from node.generated.catalogue import ALARM_CRASHED, ALARM_FULL, FAILURES
from node.memory import HEALTH, TRACE
from node.payload import pack_alarm, pack_values
from node.ring import ALARM

INSTANCE = b"\x01\x02\x03\x04"
NONE_KEPT = 0x04D44C65  # the CRC-32 of an empty map
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


def test_the_first_report_is_whole_and_names_no_instance():
    board = Board()
    board.sample(10)
    _, counter, plain = say(board, 12)
    assert counter == 1
    assert plain == [bytes(4), 1, 12, 1, {2: [[0, 1, 2] + VALUES]}]


def test_the_usual_report_is_short_and_follows_a_heard_reply():
    board = Board()
    board.sample(10)
    session, counter, _ = say(board, 12)
    answer(session, counter, (0, 0), [(1, 1, 1)])
    board.sample(910)
    _, _, plain = say(board, 911)
    assert plain == [INSTANCE, 899, 1, 1, 1] + VALUES


def test_what_is_received_is_not_sent_again_unless_omitted_or_the_instance_changes():
    board = Board()
    board.sample(10)
    session, counter, _ = say(board, 12)
    answer(session, counter, (0, 0), [(1, 1, 1)])
    session, counter, plain = say(board, 20)
    assert plain == [INSTANCE, 1, 20, 1, {1: 1}] and session.is_settled()
    answer(session, counter, (0, 0))
    session, counter, plain = say(board, 30)
    assert len(plain[4][2]) == 1 and not session.is_settled()
    answer(session, counter, (0, 0), [(1, 1, 1)])
    session.challenged(b"\x09\x09\x09\x09")
    _, _, plain = say(board, 40)
    assert plain[0] == b"\x09\x09\x09\x09" and len(plain[4][2]) == 1 and 1 not in plain[4]


def test_only_durable_lets_go():
    board = Board()
    for tick in range(3):
        board.sample(tick)
    session, counter, _ = say(board, 5)
    answer(session, counter, (1, 2), [(1, 3, 3)])
    assert session.held() == ((1, 3), (1, 3), 1)
    _, _, plain = say(board, 6)
    assert plain[3] == 3
    answer(session, counter, (1, 3))
    assert session.held() is None
    assert say(board, 7)[2][3] == 4  # the floor is the next to be given


def test_a_cold_boot_sends_the_older_epoch_by_absolute_numbers():
    board = Board()
    board.sample(10)
    board.sample(910)
    board.boot()
    board.sample(3)
    _, counter, plain = say(board, 4)
    assert counter == 257  # the reservation is skipped
    assert plain[1:4] == [2, 4, 0]
    assert plain[4] == {2: [[1, 1, 1] + VALUES], 3: [[1, [[1, 1, 10] + VALUES, [-900] + VALUES]]], 6: [1, 1]}


def test_what_a_node_says_of_itself_is_said_until_it_is_answered_and_to_each_instance():
    board = Board()
    board.sample(10)
    board.memory.untold, board.memory.wholes, board.memory.failures[2] = HEALTH, 1, 7
    _, _, plain = say(board, 11)
    assert 7 not in plain[4]  # whoever hears it first only challenges
    session, _, _ = say(board, 11)
    session.challenged(INSTANCE)
    for tick in (12, 13):
        session, counter, plain = say(board, tick)
        assert plain[4][7] == [1, 0, 0, 0, 0, 0, NONE_KEPT, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0]
        assert not session.is_settled()
    answer(session, counter, (0, 0), [(1, 1, 1)])
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


def test_a_backlog_fits_frame_by_frame():
    board = Board()
    for tick in range(60):
        board.sample(tick * 900)
    sent, frames = [], 0
    while True:
        session = board.session()
        counter = session.next_counter()
        raw = session.report(60000, counter)
        assert len(raw) <= PLAIN_LONGEST
        plain = cbor.decode(raw)
        numbers = []
        for sample in plain[4].get(2, []):
            numbers.append(plain[3] + sample[0] if sample[0] >= 0 else numbers[-1] + 1)
        if not numbers:
            break
        sent += numbers
        frames += 1
        answer(session, counter, (0, 0), [(1, 1, numbers[-1])])
    assert sent == list(range(1, 61)) and frames <= 6


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


def test_alarms_are_acknowledged_one_by_one():
    board = Board()
    places = [board.ring.append(ALARM, 1, number, 7, pack_alarm(1, 1, 5, 91)) for number in (1, 2)]
    board.memory.alarms = places
    session, counter, plain = say(board, 9)
    assert plain[4][5] == [[1, 1, 1, 7, 1, 91], [1, 2, 1, 7, 1, 91]]
    session.answered(INSTANCE, counter, reply.decode(cbor.encode({1: [0, 0], 3: [[1, 1]]})))
    assert [alarm.number for alarm in board.ring.alarms()] == [2] and not session.is_settled()


def test_replies_that_no_gateway_says_are_refused():
    ill = (1, [], {}, {1: [1]}, {1: [1, 2, 3]}, {1: [1, -1]}, {1: [70000, 0]}, {1: [1, 1], 9: 1}, {1: [1, 1], 2: []})
    for thing in ill:
        try:
            reply.decode(cbor.encode(thing))
        except ValueError:
            continue
        raise AssertionError("taken: %r" % (thing,))
    assert reply.decode(b"\x00") is None


def test_a_durable_from_the_future_changes_nothing():
    board = Board()
    board.sample(1)
    session, counter, _ = say(board, 2)
    try:
        answer(session, counter, (1, 2))
        raise AssertionError("taken")
    except ValueError:
        assert session.held() == ((1, 1), (1, 1), 1)


def test_absent_is_null_and_never_zero():
    assert pack_values(1, {1: 1853, 3: 101325}) == b"\x01\x19\x07\x3d\xf6\x00\xf6\xf6\xf6"
