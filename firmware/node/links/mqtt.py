"""As much of MQTT 3.1.1 (OASIS) as a link needs: one topic told, one heard, QoS 1, a clean session.

Nothing here waits, because somebody walks past the lamp meanwhile: `turn` does what can be done now. Whatever is wrong,
an answer that does not come included, ends the connection with an OSError.
"""

import select
import socket
import struct
import time

from micropython import const

_CONNECT = const(0x10)
_CONNACK = const(0x20)
_PUBLISH = const(0x30)
_PUBACK = const(0x40)
_SUBSCRIBE = const(0x82)
_SUBACK = const(0x90)
_PINGREQ = const(0xC0)
_PINGRESP = const(0xD0)
_DISCONNECT = const(0xE0)
_QOS1 = const(0x02)
_DUP = const(0x08)
_SESSION = const(0xC2)  # user name, password, clean session
_ANSWER_MS = const(5000)  # the longest that the broker may owe an answer
_LONGEST = const(284)  # a packet: a frame of 250 bytes, its topic and its head
_DIALLING = const(0)
_ASKING = const(1)
_SUBSCRIBING = const(2)
_READY = const(3)
_BUSY = const((11, 115, 119))  # not an error yet: EAGAIN, EINPROGRESS on the desktop and on the ESP32
_MALFORMED = const("the broker says what nobody asked")
_REFUSALS = const(("", "protocol", "client id", "not now", "name or password", "not authorised"))


class RefusedError(OSError):
    """The broker does not want us: asking again soon is of no use."""


class Client:
    """A connection to the broker at (`host`, `port`), under way from now on; `name` is client id and user name.

    `ready`: frames can go and come. `unheard`: the id of the last message while it is not acknowledged, else 0.
    """

    def __init__(self, host, port, name, password, tells, hears, keepalive=30):
        self._name, self._password = name, password
        self._tells, self._hears = tells, hears
        self._keepalive = keepalive
        self._in = memoryview(bytearray(_LONGEST))
        self._have, self._need = 0, 2
        self._out = memoryview(bytearray(_LONGEST))
        self._waiting = 0  # bytes of it
        self._packet = 0  # the last packet id given
        self.unheard = 0
        self.ready = False
        self._state = _DIALLING
        self._spoke = time.ticks_ms()
        self._owes = True  # the broker, an answer,
        self._owed = self._spoke  # since when
        self._socket = socket.socket()
        self._poll = select.poll()
        try:
            self._socket.setblocking(False)
            self._poll.register(self._socket, select.POLLIN | select.POLLOUT)
            self._socket.connect(socket.getaddrinfo(host, port)[0][-1])
        except OSError as error:
            if error.errno not in _BUSY:
                self._socket.close()
                raise

    def close(self):
        """Hang up."""
        try:
            if self.ready:
                self._socket.write(bytes((_DISCONNECT, 0)))
        except OSError:
            pass  # it is gone already
        self._socket.close()

    def publish(self, message, again=False):
        """Say `message`, at most 250 bytes; `again`: a connection that broke may have carried it."""
        self._packet = self._packet % 65535 + 1
        self.unheard = self._packet
        head = _PUBLISH | _QOS1 | (_DUP if again else 0)
        self._say(head, self._tells, struct.pack(">H", self._packet), message)

    def turn(self):
        """Do what can be done now; the message that came, or None."""
        now = time.ticks_ms()
        can = 0
        for polled in self._poll.ipoll(0):
            can = polled[1]
        if can & select.POLLOUT and not can & (select.POLLERR | select.POLLHUP):
            if self._state == _DIALLING:
                self._introduce()
            self._flush()
        heard = None
        if can & select.POLLIN and self._state != _DIALLING:
            heard = self._read()
        elif can & (select.POLLERR | select.POLLHUP):
            raise OSError("the broker cannot be reached" if self._state == _DIALLING else "the broker hung up")
        if self._owes:
            if time.ticks_diff(now, self._owed) > _ANSWER_MS:
                raise OSError("the broker does not answer")
        elif time.ticks_diff(now, self._spoke) > self._keepalive * 500:
            self._say(_PINGREQ)
        return heard

    # -- saying --------------------------------------------------------------------------------------------------------

    def _introduce(self):
        self._state = _ASKING
        own = struct.pack(">H4sBBH", 4, b"MQTT", 4, _SESSION, self._keepalive)
        self._say(_CONNECT, None, own, _text(self._name), _text(self._name), _text(self._password))

    def _say(self, head, topic=None, *parts):
        # Into the buffer and from there as far as it goes. Only an acknowledgement asks for no answer.
        if topic is not None:
            parts = (_text(topic),) + parts
        size = sum([len(part) for part in parts])
        if self._waiting + size + 3 > _LONGEST:
            raise OSError("the broker takes nothing")
        out, at = self._out, self._waiting
        out[at] = head
        at += 1
        if size > 127:
            out[at] = size & 0x7F | 0x80
            size >>= 7
            at += 1
        out[at] = size
        at += 1
        for part in parts:
            out[at : at + len(part)] = part
            at += len(part)
        self._waiting = at
        self._spoke = time.ticks_ms()
        if not self._owes and head != _PUBACK:
            self._owes, self._owed = True, self._spoke
        self._flush()

    def _flush(self):
        if not self._waiting:
            return
        gone = self._socket.write(self._out[: self._waiting])
        if gone:
            left = self._waiting - gone
            self._out[:left] = bytes(self._out[gone : self._waiting])
            self._waiting = left

    # -- hearing -------------------------------------------------------------------------------------------------------

    def _read(self):
        # Exactly one packet, so that nothing is left to be moved: its head, its length, the rest.
        while True:
            got = self._socket.readinto(self._in[self._have : self._need])
            if got is None:
                return None
            if not got:
                raise OSError("the broker hung up")
            self._have += got
            if self._have < self._need:
                continue
            start = 2
            size = self._in[1]
            if size & 0x80:
                if self._have == 2:
                    self._need = 3
                    continue
                start = 3
                size = size & 0x7F | self._in[2] << 7
            if start + size > _LONGEST:
                raise OSError(_MALFORMED)
            if self._have < start + size:
                self._need = start + size
                continue
            self._have, self._need = 0, 2
            return self._take(self._in[0], self._in[start : start + size])

    def _take(self, head, body):
        kind = head & 0xF0
        if self._state == _ASKING and kind == _CONNACK and len(body) == 2:
            if body[1]:
                raise RefusedError("the broker refuses: %s" % _REFUSALS[min(body[1], 5)])
            self._state = _SUBSCRIBING
            self._owes = False
            self._packet += 1
            self._say(_SUBSCRIBE, None, struct.pack(">H", self._packet), _text(self._hears), b"\x01")
        elif self._state == _SUBSCRIBING and kind == _SUBACK and len(body) == 3:
            if body[2] > 1:
                raise RefusedError("the broker refuses: %s" % self._hears)
            self._state = _READY
            self.ready = True
            self._owes = False
        elif self._state != _READY:
            raise OSError(_MALFORMED)
        elif kind == _PUBACK and len(body) == 2:
            self._owes = False
            if body[0] << 8 | body[1] == self.unheard:
                self.unheard = 0
        elif kind == _PINGRESP and not body:
            self._owes = False
        elif kind == _PUBLISH:
            return self._message(head, body)
        else:
            raise OSError(_MALFORMED)
        return None

    def _message(self, head, body):
        topic = self._hears.encode()
        at = 2 + len(topic)
        if len(body) < at + 2 or body[0] << 8 | body[1] != len(topic) or bytes(body[2:at]) != topic:
            raise OSError(_MALFORMED)
        if head & 0x06:
            self._say(_PUBACK, None, bytes(body[at : at + 2]))
            at += 2
        return bytes(body[at:]) if not head & 0x01 else None  # what was retained is of an earlier talk


def _text(text):
    data = text if isinstance(text, bytes) else text.encode()
    return struct.pack(">H", len(data)) + data
