"""A report as a node says it, read again, and the gateway's answer to it."""

from node import cbor, reply

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
