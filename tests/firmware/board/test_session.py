from reports import INSTANCE, VALUES, answer, say
from street import Board

from node import cbor, reply
from node.frame import PLAIN_LONGEST
from node.held import ALARM
from node.payload import pack_alarm, pack_values


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


def test_alarms_are_acknowledged_one_by_one():
    board = Board()
    places = [board.ring.append(ALARM, 1, number, 7, pack_alarm(1, 1, 5, 91)) for number in (1, 2)]
    board.memory.alarms = places
    session, counter, plain = say(board, 9)
    assert plain[4][5] == [[1, 1, 1, 7, 1, 91], [1, 2, 1, 7, 1, 91]]
    session.answered(INSTANCE, counter, reply.decode(cbor.encode({1: [0, 0], 3: [[1, 1]]})))
    assert [alarm.number for alarm in board.ring.alarms()] == [2] and not session.is_settled()


def all_told(board):
    """The numbers of the alarms told until nothing is left, and what is left."""
    session = board.session()
    told = []
    while not session.is_settled():
        counter = session.next_counter()
        plain = cbor.decode(session.report(100000, counter))
        keys = [alarm[:2] for alarm in plain[4][5]]
        told += [number for _, number in keys]
        session.answered(INSTANCE, counter, reply.decode(cbor.encode({1: board.memory.durable, 3: keys})))
    return told, list(board.ring.alarms())


def test_alarms_that_are_not_remembered_by_place_are_told_in_the_same_wake():
    board = Board()
    for number in range(1, 24):
        place = board.ring.append(ALARM, 1, number, 7, pack_alarm(1, 1, 5, 91))
        board.memory.alarms = (board.memory.alarms + [place])[-8:]
    assert all_told(board) == (list(range(16, 24)) + list(range(1, 16)), [])


def test_an_alarm_that_the_ring_carried_over_is_told_without_a_cold_boot():
    board = Board(8)
    board.memory.alarms = [board.ring.append(ALARM, 1, 7, 1, pack_alarm(1, 1, 5, 91))]
    board.memory.more = 0
    old = board.memory.alarms[0]
    for tick in range(1000):
        board.sample(tick)
    board.memory.durable = (1, 1000)
    assert board.ring.alarm(*old) is None
    assert all_told(board) == ([7], [])


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
