"""The listener that remembers: two frames under one key and nonce are found, a copy is none."""

from stoep_twin.nonces import Header, NonceBook, header

_KID = b"\xc0\xff\xee\x01"


def _uplink(counter: bytes, body: bytes) -> bytes:
    return b"\x83\x43\xa1\x01\x0a\xa2\x04\x44" + _KID + b"\x06" + bytes((0x40 + len(counter),)) + counter + body


def _reply(counter: bytes, instance: bytes, body: bytes) -> bytes:
    head = b"\x83\x43\xa1\x01\x0a\xa3\x04\x44" + _KID + b"\x06" + bytes((0x40 + len(counter),))
    return head + counter + b"\x0a\x44" + instance + body


def test_headers_are_read() -> None:
    assert header(_uplink(b"\x01\x00", b"..")) == Header(_KID, 256, None)
    assert header(_reply(b"\x07", b"inst", b"..")) == Header(_KID, 7, b"inst")
    assert header(b"\x83\x43") is None
    assert header(b"anything else") is None


def test_reuse_is_found_and_copies_are_not() -> None:
    book = NonceBook()
    for frame in (
        _uplink(b"\x01", b"first"),
        _uplink(b"\x01", b"first"),
        _uplink(b"\x02", b"second"),
        _reply(b"\x01", b"aaaa", b"x"),
        _reply(b"\x01", b"bbbb", b"y"),
    ):
        book.note(frame)
    assert book.reused == []
    book.note(_uplink(b"\x02", b"other"))
    book.note(_reply(b"\x01", b"aaaa", b"z"))
    assert book.reused == [Header(_KID, 2, None), Header(_KID, 1, b"aaaa")]


def test_a_lamps_frames_to_its_group_are_minded_too() -> None:
    def group(counter: bytes, generation: bytes, body: bytes) -> bytes:
        return _reply(counter, b"", b"")[:-2] + b"\x0a\x42" + generation + body

    assert header(group(b"\x07", b"\x00\x09", b"..")) == Header(_KID, 7, None, b"\x00\x09")
    book = NonceBook()
    for frame in (
        group(b"\x01", b"\x00\x09", b"x"),
        group(b"\x01", b"\x00\x09", b"x"),
        group(b"\x01", b"\x00\x0a", b"y"),
        group(b"\x02", b"\x00\x09", b"x"),
        _uplink(b"\x01", b"first"),
        group(b"\x02", b"\x00\x09", b"y"),
    ):
        book.note(frame)
    assert book.reused == [Header(_KID, 2, None, b"\x00\x09")]
    assert (book.uplinks, book.replies, book.group_frames) == (1, 0, 4)
