"""The bridge: frames from the radio to the serial line and back. It holds no keys and believes nobody.

The line is UART0, where the REPL lives: `sys.stdin` and `sys.stdout` carry it, their receive ring has 260 bytes,
and byte 0x03 must not interrupt. So the gateway may only have as many bytes under way as this bridge granted.

    bridge → gateway   0x01 hello   boot u32 · consumed u32 · window u16 · MAC · channel u8 · 6 counters u32 · release
                       0x02 heard   consumed u32 · MAC · rssi i8 · frame
    gateway → bridge   0x11 send    MAC · frame
                       0x12 filter  part u8 · parts u8 · rate u8 · burst u8 · kids
"""

import os
import select
import struct
import sys
import time

import espnow
import machine
import micropython
import network
from micropython import const

from bridge import cobs
from bridge.peers import Peers
from bridge.sieve import Sieve
from node import power
from node.frame import LONGEST
from node.generated.pins_bridge import BAUD

_HELLO = const(0x01)
_HEARD = const(0x02)
_SEND = const(0x11)
_FILTER = const(0x12)
_WINDOW = const(240)  # of the 260 bytes of the receive ring
_LINE_LONGEST = const(300)
_HELLO_MS = const(1000)
# in one turn: a flood on either side must not keep the hello and the watchdog waiting
_BYTES_A_TURN = const(260)
_FRAMES_A_TURN = const(16)
_RECEIVE_BUFFER = const(8192)
_SENDERS = const(256)  # the port remembers whoever was heard, some 100 bytes each, and forgets only in a reset
# the counters of a hello
_FRAMES = const(0)
_SIEVED = const(1)
_SENT = const(2)
_UNSENT = const(3)
_GARBLED = const(4)
_OVERFLOWS = const(5)


class Relay:
    """One radio, one serial line, on radio `channel`."""

    def __init__(self, channel, release):
        micropython.kbd_intr(-1)
        machine.UART(0, baudrate=BAUD)
        self._watchdog = power.watchdog()
        self._channel = channel
        self._release = release.encode()
        self._boot = os.urandom(4)
        self._wlan = network.WLAN(network.WLAN.IF_STA)
        self._wlan.active(True)
        self._wlan.config(channel=channel)
        self._radio = espnow.ESPNow()
        self._radio.config(rxbuf=_RECEIVE_BUFFER)
        self._radio.active(True)
        self._peers = Peers(self._radio)
        self._sieve = Sieve()
        self._in = sys.stdin.buffer
        self._out = sys.stdout.buffer
        self._line = bytearray()
        self._consumed = 0
        self._counts = [0, 0, 0, 0, 0, 0]

    def run(self):
        """Relay until something breaks or a crowd has filled the heap, then start afresh. Does not return."""
        try:
            self._relay()
        finally:
            machine.reset()

    def _relay(self):
        poller = select.poll()
        poller.register(self._in, select.POLLIN)
        poller.register(self._radio, select.POLLIN)
        waiting = select.poll()
        waiting.register(self._in, select.POLLIN)
        self._out.write(b"\x00")
        hello = time.ticks_add(time.ticks_ms(), -_HELLO_MS)
        while len(self._radio.peers_table) < _SENDERS:
            now = time.ticks_ms()
            if time.ticks_diff(now, hello) >= _HELLO_MS:
                hello = now
                self._say_hello()
            self._watchdog.feed()
            for _ in range(_FRAMES_A_TURN):
                if not self._hear():
                    break
                self._listen(waiting)
            self._listen(waiting)
            if not self._radio.any():
                poller.poll(100)

    def _listen(self, waiting):
        # What the line has brought, a ring full at most.
        for _ in range(_BYTES_A_TURN):
            if not waiting.poll(0):
                return
            self._take(self._in.read(1))

    def _say_hello(self):
        self._counts[_OVERFLOWS] = self._radio.stats()[4]
        head = struct.pack(">B4sIH6sB", _HELLO, self._boot, self._consumed, _WINDOW, self._mac(), self._channel)
        self._out.write(cobs.pack(head + struct.pack(">6I", *self._counts) + self._release))

    def _mac(self):
        return self._wlan.config("mac")

    def _hear(self):
        # One frame from the radio to the line, if there is one.
        mac, frame = self._radio.irecv(0)
        if mac is None or frame is None:
            return False
        self._counts[_FRAMES] += 1
        if not self._sieve.passes(frame):
            self._counts[_SIEVED] += 1
            return True
        mac = bytes(mac)
        self._peers.hear(mac)
        rssi = self._radio.peers_table[mac][0]
        self._out.write(cobs.pack(struct.pack(">BI6sb", _HEARD, self._consumed, mac, rssi) + bytes(frame)))
        return True

    def _take(self, byte):
        # One byte from the line.
        self._consumed = (self._consumed + 1) & 0xFFFFFFFF
        if byte != b"\x00":
            self._line.extend(byte)
            if len(self._line) > _LINE_LONGEST:
                self._line = bytearray()
                self._counts[_GARBLED] += 1
            return
        if self._line:
            message = cobs.unpack(self._line)
            self._line = bytearray()
            if message is None or not self._obey(message):
                self._counts[_GARBLED] += 1

    def _obey(self, message):
        if message[0] == _SEND and 7 < len(message) <= 7 + LONGEST:
            self._send(message[1:7], message[7:])
            return True
        if message[0] == _FILTER and len(message) >= 5 and (len(message) - 5) % 4 == 0 and message[1] < message[2]:
            return self._sieve.push(message[1], message[2], message[3], message[4], message[5:])
        return False

    def _send(self, mac, frame):
        sent = False
        if self._peers.knows(mac):
            try:
                sent = self._radio.send(mac, frame)
            except OSError:  # the radio's queue is full: the node will ask again
                sent = False
        self._counts[_SENT if sent else _UNSENT] += 1
