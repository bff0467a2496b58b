"""The line to the bridge finds itself again after anything, and never sends more than was granted."""

import zlib

from cobs import cobs
from hypothesis import given
from hypothesis import strategies as st

from stoep.wire import serial as line

MAC = st.binary(min_size=6, max_size=6)
U32 = st.integers(0, 2**32 - 1)
FRAMES = st.binary(min_size=1, max_size=250)
MESSAGES = st.one_of(
    st.builds(line.Send, MAC, FRAMES),
    st.builds(line.HeardFrame, U32, MAC, st.integers(-128, 127), FRAMES),
    st.builds(
        line.Hello,
        U32,
        U32,
        st.integers(0, 65535),
        MAC,
        st.integers(0, 255),
        st.tuples(U32, U32, U32, U32, U32, U32),
        st.text(max_size=20),
    ),
    st.builds(
        line.Filter,
        st.integers(0, 255),
        st.integers(0, 255),
        st.integers(0, 255),
        st.integers(0, 255),
        st.lists(st.binary(min_size=4, max_size=4), max_size=line.FILTER_KIDS).map(tuple),
    ),
)


def read(data: bytes, piece: int = 7) -> list[line.Message | None]:
    deframer = line.Deframer()
    return [m for at in range(0, len(data), piece) for m in deframer.feed(data[at : at + piece])]


@given(st.binary(max_size=700))
def test_cobs_is_what_others_do(data: bytes) -> None:
    assert line.cobs_encode(data) == cobs.encode(data)
    assert line.cobs_decode(cobs.encode(data)) == data


@given(st.lists(MESSAGES, max_size=5), st.integers(1, 64))
def test_messages_come_through_in_any_pieces(messages: list[line.Message], piece: int) -> None:
    data = b"".join(line.frame(message.to_bytes()) for message in messages)
    assert read(data, piece) == messages


@given(st.binary(max_size=1500), MESSAGES)
def test_after_any_garbage_and_a_zero_the_next_message_is_found(garbage: bytes, message: line.Message) -> None:
    assert read(garbage + b"\x00" + line.frame(message.to_bytes()))[-1] == message


@given(MESSAGES, st.data())
def test_a_flipped_bit_never_makes_another_message(message: line.Message, data: st.DataObject) -> None:
    framed = bytearray(line.frame(message.to_bytes()))
    bit = data.draw(st.integers(0, 8 * len(framed) - 1))
    framed[bit // 8] ^= 1 << bit % 8
    assert message not in read(bytes(framed))
    assert all(found is None for found in read(bytes(framed)))


def test_the_crc_is_zlibs_little_endian() -> None:
    payload = line.Send(b"abcdef", b"frame").to_bytes()
    assert cobs.decode(line.frame(payload)[:-1]) == payload + zlib.crc32(payload).to_bytes(4, "little")


def test_a_stream_without_a_zero_is_not_kept() -> None:
    deframer = line.Deframer()
    for _ in range(1000):
        assert list(deframer.feed(b"\xff" * 1000)) == []
    assert len(deframer._buffer) <= line.LONGEST
    assert list(deframer.feed(b"\x00")) == [None]


def test_nothing_may_be_sent_before_a_hello() -> None:
    assert line.Credit().room() == 0


def test_credit_shrinks_with_what_is_sent_and_grows_with_what_is_consumed() -> None:
    credit = line.Credit()
    assert credit.hello(7, 1000, 240, idle=False)
    credit.spend(200)
    assert credit.room() == 40
    credit.consumed(1150)
    assert credit.room() == 190


def test_credit_survives_the_counter_wrapping() -> None:
    credit = line.Credit()
    credit.hello(7, 2**32 - 10, 240, idle=False)
    credit.spend(30)
    assert credit.room() == 210
    credit.consumed(20)
    assert credit.room() == 240


def test_garbage_revokes_credit_until_the_next_hello_which_remembers_what_is_on_its_way() -> None:
    credit = line.Credit()
    credit.hello(7, 0, 240, idle=False)
    credit.spend(100)
    credit.revoke()
    assert credit.room() == 0
    assert not credit.hello(7, 0, 240, idle=False)
    assert credit.room() == 140


def test_a_rebooted_bridge_starts_with_an_empty_ring() -> None:
    credit = line.Credit()
    credit.hello(7, 5000, 240, idle=False)
    credit.spend(200)
    assert credit.hello(8, 3, 240, idle=False)
    assert credit.room() == 240


def test_bytes_lost_on_the_line_do_not_eat_credit_for_ever() -> None:
    credit = line.Credit()
    credit.hello(7, 0, 240, idle=False)
    credit.spend(240)
    credit.hello(7, 100, 240, idle=True)
    assert credit.room() == 240


def test_bytes_that_nobody_sent_do_not_eat_credit_either() -> None:
    credit = line.Credit()
    credit.hello(7, 0, 240, idle=False)
    credit.spend(100)
    credit.consumed(103)  # three came in on the line
    assert credit.room() == 240
    credit.hello(7, 103, 240, idle=False)
    assert credit.astray
    credit.hello(7, 103, 240, idle=False)
    assert not credit.astray


def test_bytes_lost_under_steady_traffic_are_given_back_at_the_next_hello() -> None:
    credit = line.Credit()
    credit.hello(7, 0, 240, idle=False)
    consumed = 0
    for number in range(20):
        credit.spend(50)
        consumed += 20 if number == 3 else 50
        credit.consumed(consumed)
    assert credit.room() == 210
    credit.hello(7, consumed, 240, idle=False)
    assert not credit.astray, "before the loss all had been consumed"
    for _ in range(20):
        credit.spend(50)
        consumed += 50
        credit.consumed(consumed)
    credit.hello(7, consumed, 240, idle=False)
    assert credit.astray
    assert credit.room() == 240


def test_what_is_only_under_way_is_not_taken_for_lost() -> None:
    credit = line.Credit()
    credit.hello(7, 0, 240, idle=False)
    for total in range(60, 6060, 60):
        credit.spend(60)
        credit.consumed(total)
    credit.spend(100)
    credit.hello(7, 6000, 240, idle=False)
    assert not credit.astray
    assert credit.room() == 140


def test_a_long_list_of_kids_is_cut_into_messages_that_fit_the_ring() -> None:
    parts = line.Filter.cut([number.to_bytes(4, "big") for number in range(100)], 50, 100)
    assert [(part.part, part.parts, len(part.kids)) for part in parts] == [(0, 3, 48), (1, 3, 48), (2, 3, 4)]
    assert all(len(line.frame(part.to_bytes())) <= 240 for part in parts)
    assert line.Filter.cut([], 50, 100) == [line.Filter(0, 1, 50, 100, ())]
