"""A node to talk to, in MicroPython: each line read is a request in JSON, each line said is its answer.

    ["seal", secret, kid, counter, plain]      the sealed uplink
    ["report", secret, kid, counter, state]    [plain, frame] of the report that a node in that state makes
    ["kid", [frame…]]                          for each: the kid in the header of an uplink, or null
    ["open", secret, kid, counter, [frame…]]   for each: [instance, plain, answer] of a reply, or null: refused
    ["read", [plain…]]                         for each: an answer, 0 for a challenge, null: refused
    ["decode", [bytes…]], ["encode", [thing…]] for each: the thing, or "malformed"; its bytes

Bytes travel as hexadecimal digits; inside a thing a byte string is {"bytes": digits}, a map {"map": [[key, value]…]}.
Only the errors that the firmware's callers catch count as a refusal: any other ends this process.
"""

import json
import sys
from binascii import hexlify, unhexlify

from street import Board

from bridge.header import uplink_kid
from node import cbor, frame, reply
from node.generated.channels import LAYOUTS
from node.held import ALARM, SAMPLE
from node.memory import HEALTH, TRACE
from node.payload import pack_alarm, pack_values

_FOR_EVER = 1 << 50  # no reservation of counters is what is asked here


def _digits(data):
    return hexlify(data).decode()


def _seal(secret, kid, counter, plain):
    return _digits(frame.seal_uplink(frame.Keys(unhexlify(secret), b"up"), unhexlify(kid), counter, unhexlify(plain)))


def _board(state):
    # A board whose flash and memory hold what `state` says, everything put there by the firmware's own words.
    board = Board()
    memory = board.memory
    for epoch, seq, tick, layout, counts in state["samples"]:
        known = {LAYOUTS[layout][at]: value for at, value in enumerate(counts) if value is not None}
        board.ring.append(SAMPLE, epoch, seq, tick, pack_values(layout, known))
    for epoch, number, code, tick, raised, channel, value in state["alarms"]:
        place = board.ring.append(ALARM, epoch, number, tick, pack_alarm(code, raised, channel, value))
        memory.alarms.append(place)
    for lost in state["lost"]:
        board.life.declare(*lost)
    memory.epoch, memory.seq = state["last"]
    memory.durable = tuple(state["durable"])
    memory.received = [tuple(run) for run in state["received"]]
    memory.instance = unhexlify(state["instance"])
    memory.heard, memory.heard_tick = state["heard"]
    memory.reserved = _FOR_EVER
    memory.untold = 0
    if state["health"] is not None:
        memory.untold |= HEALTH
        memory.wholes, memory.watchdogs, memory.crashes = state["health"][:3]
        memory.frames, memory.unheard, memory.heap = state["health"][3:6]
        memory.light = state["health"][7]
        memory.refused, memory.flaw = state["health"][9:11]
        memory.failures = state["health"][11:]
    if state["trace"] is not None:
        memory.untold |= TRACE
        board.life.keep_crash(unhexlify(state["trace"]))
    return board


def _report(secret, kid, counter, state):
    board = _board(state)
    board.memory.counter = counter - 1
    session = board.session()
    plain = session.report(state["tick"], session.next_counter())
    return [_digits(plain), _seal(secret, kid, board.memory.counter, _digits(plain))]


def _kid(frames):
    found = [uplink_kid(unhexlify(one)) for one in frames]
    return [None if kid is None else _digits(kid) for kid in found]


def _light(light):
    version, plan, group = light
    if group:
        generation, key, own, lamps = group
        group = [generation, _digits(key), own, [[_digits(kid), position] for kid, position in lamps]]
    return [version, plan, group]


def _judged(plain):
    try:
        answer = reply.decode(plain)
    except ValueError:
        return None
    if answer is None:
        return 0
    settings = answer.settings and [[key, answer.settings[key]] for key in sorted(answer.settings)]
    return [answer.durable, answer.received, answer.alarms, answer.utc, settings, answer.light and _light(answer.light)]


def _read(plains):
    return [_judged(unhexlify(plain)) for plain in plains]


def _open(secret, kid, counter, frames):
    verdicts = []
    for one in frames:
        opened = frame.open_reply(unhexlify(secret), unhexlify(kid), counter, unhexlify(one))
        verdicts.append(opened and [_digits(opened[0]), _digits(opened[1]), _judged(opened[1])])
    return verdicts


def _shown(thing):
    if isinstance(thing, bytes):
        return {"bytes": _digits(thing)}
    if isinstance(thing, dict):
        return {"map": [[key, _shown(thing[key])] for key in sorted(thing)]}
    return [_shown(item) for item in thing] if isinstance(thing, list) else thing


def _meant(shown):
    if isinstance(shown, dict):
        if "bytes" in shown:
            return unhexlify(shown["bytes"])
        return {key: _meant(value) for key, value in shown["map"]}
    return [_meant(item) for item in shown] if isinstance(shown, list) else shown


def _decode(spelled):
    things = []
    for one in spelled:
        try:
            things.append(_shown(cbor.decode(unhexlify(one))))
        except cbor.Malformed:
            things.append("malformed")
    return things


def _encode(things):
    return [_digits(cbor.encode(_meant(thing))) for thing in things]


_ANSWERS = {
    "seal": _seal, "report": _report, "kid": _kid, "open": _open, "read": _read, "decode": _decode, "encode": _encode,
}  # fmt: skip

while True:
    _line = sys.stdin.readline()
    if not _line:
        break
    _request = json.loads(_line)
    print(json.dumps(_ANSWERS[_request[0]](*_request[1:])))
