"""`espnow` as on the board: peers, a receive buffer that overflows unseen by the sender, `send` that says little."""

import io
import struct

import network
import utime
from host import board as _board

MAX_DATA_LEN = 1470
ADDR_LEN = 6
KEY_LEN = 16
MAX_TOTAL_PEER_NUM = 20
MAX_ENCRYPT_PEER_NUM = 6

_FRAME_LIMIT = 250  # what version 1 of the protocol, which every ESP32 speaks, can carry
_NOT_INITIALISED = 12389
_NO_MEMORY_FOR_PEER = 12391
_NOT_FOUND = 12393
_WRONG_INTERFACE = 12396
_EXISTS = 12395
_WRONG_CHANNEL = 12398
_PACKET_HEAD = 8  # what the port's ring spends on each packet beside its address and data
_POLL = 3
_POLLIN = 1


class ESPNow(io.IOBase):
    _only = None

    def __new__(cls):
        if ESPNow._only is None:
            ESPNow._only = super().__new__(cls)
            ESPNow._only._start()
        return ESPNow._only

    def _start(self):
        self.peers_table = {}
        self._peers = {}
        self._ring = []
        self._ring_used = 0
        self._rxbuf = 528
        self._timeout = 300000
        self._message = bytearray(_FRAME_LIMIT)
        self._sent = self._answered = self._failed = self._received = self._dropped = 0

    def active(self, flag=None):
        if flag is None:
            return network.Radio.espnow
        network.Radio.espnow = bool(flag)
        if not flag:
            self._peers.clear()
            self._ring.clear()
            self._ring_used = 0
            _board.arrived.clear()
        network.announce()
        return network.Radio.espnow

    def config(self, param=None, *, rxbuf=None, timeout_ms=None, rate=None):
        if param == "rxbuf":
            return self._rxbuf
        if param == "timeout_ms":
            return self._timeout
        if param is not None:
            raise ValueError("unknown config param")
        if rxbuf is not None:
            if network.Radio.espnow:
                raise OSError(-1, "rxbuf can only be set while inactive")
            self._rxbuf = rxbuf
        if timeout_ms is not None:
            self._timeout = timeout_ms
        return None

    def _ready(self):
        if not network.Radio.espnow:
            raise OSError(_NOT_INITIALISED, "ESP_ERR_ESPNOW_NOT_INIT")

    # -- peers -----------------------------------------------------------------------------------------------------

    def add_peer(self, mac, lmk=None, channel=None, ifidx=None, encrypt=None):
        self._ready()
        mac = bytes(mac)
        if len(mac) != ADDR_LEN:
            raise ValueError("ESPNow: bytes or bytearray wrong length")
        if mac in self._peers:
            raise OSError(_EXISTS, "ESP_ERR_ESPNOW_EXIST")
        if len(self._peers) >= MAX_TOTAL_PEER_NUM:
            raise OSError(_NO_MEMORY_FOR_PEER, "ESP_ERR_ESPNOW_FULL")
        if channel and channel != network.Radio.channel:
            raise OSError(_WRONG_CHANNEL, "ESP_ERR_ESPNOW_CHAN")
        self._peers[mac] = (mac, lmk or b"", channel or 0, ifidx or 0, bool(lmk))

    def del_peer(self, mac):
        self._ready()
        if bytes(mac) not in self._peers:
            raise OSError(_NOT_FOUND, "ESP_ERR_ESPNOW_NOT_FOUND")
        del self._peers[bytes(mac)]

    def get_peers(self):
        return tuple(self._peers.values())

    def get_peer(self, mac):
        if bytes(mac) not in self._peers:
            raise OSError(_NOT_FOUND, "ESP_ERR_ESPNOW_NOT_FOUND")
        return self._peers[bytes(mac)]

    def peer_count(self):
        return (len(self._peers), 0)

    # -- sending ---------------------------------------------------------------------------------------------------

    def send(self, mac, msg=None, sync=True):
        self._ready()
        if msg is None or mac is None:
            raise ValueError("the twin sends to one peer at a time")
        mac = bytes(mac)
        if not network.Radio.station:
            raise OSError(_WRONG_INTERFACE, "ESP_ERR_ESPNOW_IF")
        if mac not in self._peers:
            raise OSError(_NOT_FOUND, "ESP_ERR_ESPNOW_NOT_FOUND")
        if not 1 <= len(msg) <= _FRAME_LIMIT:
            raise ValueError("ESPNow: msg too long")
        self._sent += 1
        if not sync:
            _board.tell(b"s", b"\x00" + mac + bytes(msg))
            return True
        heard = _board.ask(b"s", b"\x01" + mac + bytes(msg))[0] == 1
        if heard:
            self._answered += 1
        else:
            self._failed += 1
        return heard

    # -- receiving -------------------------------------------------------------------------------------------------

    def _fill(self, timeout_ms):
        if self._ring:
            timeout_ms = 0
        if not _board.arrived and not _board.listen(timeout_ms):
            return
        now = utime.ticks_ms()
        for body in _board.arrived:
            size = len(body) + _PACKET_HEAD - 2
            if self._ring_used + size > self._rxbuf:
                self._dropped += 1
                continue
            self._received += 1
            self._ring_used += size
            self._ring.append((body, now))
        _board.arrived.clear()

    def any(self):
        self._ready()
        self._fill(0)
        return bool(self._ring)

    def ioctl(self, op, arg):
        if op != _POLL:
            return -1
        self._fill(0)
        return arg & _POLLIN if self._ring else 0

    def _next(self, timeout_ms):
        self._ready()
        if timeout_ms is None:
            timeout_ms = self._timeout
        self._fill(timeout_ms)
        if not self._ring:
            return None
        body, when = self._ring.pop(0)
        self._ring_used -= len(body) + _PACKET_HEAD - 2
        mac = body[1:7]
        rssi = struct.unpack_from("b", body, 7)[0]
        self.peers_table[mac] = [rssi, when]
        return mac, body[8:]

    def recv(self, timeout_ms=None):
        return self._next(timeout_ms) or (None, None)

    def irecv(self, timeout_ms=None):
        taken = self._next(timeout_ms)
        if taken is None:
            return (None, None)
        mac, data = taken
        # As on the board: one bytearray, resized and used again for each message.
        self._message[:] = data
        return (mac, self._message)

    def stats(self):
        return (self._sent, self._answered, self._failed, self._received, self._dropped)
