"""`network.WLAN` as on the board: the channel that ESP-NOW is on, and a station that may join the access point.

Joined, the station is on the access point's channel, and cannot be tuned away. Sockets are the interpreter's own.
"""

import utime
from host import board as _board

STA_IF = 0
AP_IF = 1
STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010

_JOIN_MS = 150  # real; with a fixed address and no scan, at best
_CHANNELS = 14  # what the twin answers up to here is a channel, else why not
_NOT_STARTED = 0x3002
_STATE = 0x3006
_GONE = 200  # STAT_BEACON_TIMEOUT


class Radio:
    """One radio a board, whoever asks for it; what it is set to decides what the air lets it hear."""

    station = False
    espnow = False
    since = 0  # ticks
    channel = 1
    txpower = 20
    pm = 1
    status = STAT_IDLE
    joining = 0  # ticks
    network = ("", "")


def announce():
    _board.tell(b"w", bytes((1 if Radio.station and Radio.espnow else 0, Radio.channel)))


class WLAN:
    IF_STA = 0
    IF_AP = 1
    PM_NONE = 0
    PM_PERFORMANCE = 1
    PM_POWERSAVE = 2

    def __init__(self, interface_id=IF_STA):
        if interface_id != WLAN.IF_STA:
            raise ValueError("the twin has no access point interface")

    def active(self, is_active=None):
        if is_active is None:
            return Radio.station
        if is_active and not Radio.station:
            Radio.since = utime.ticks_ms()
        elif Radio.station and not is_active:
            _board.upkeep[1] += utime.ticks_diff(utime.ticks_ms(), Radio.since)
        if not is_active:
            self.disconnect()
        Radio.station = bool(is_active)
        announce()
        return Radio.station

    def connect(self, ssid=None, key=None):
        if not Radio.station:
            raise OSError(_NOT_STARTED)
        if Radio.status in (STAT_CONNECTING, STAT_GOT_IP):
            raise OSError(_STATE)  # the chip is at it already
        Radio.network = (ssid, key)
        Radio.status, Radio.joining = STAT_CONNECTING, utime.ticks_ms()

    def _look(self):
        if Radio.status == STAT_GOT_IP:
            _board.listen(0)
            if not _board.joined:
                Radio.status = _GONE
        elif Radio.status == STAT_CONNECTING and utime.ticks_diff(utime.ticks_ms(), Radio.joining) >= _JOIN_MS:
            found = _board.ask(b"W", "\0".join(Radio.network).encode())[0]
            if found > _CHANNELS:
                Radio.status = found
                return
            _board.joined = True
            Radio.status, Radio.channel = STAT_GOT_IP, found
            announce()

    def isconnected(self):
        self._look()
        return Radio.status == STAT_GOT_IP

    def status(self, param=None):
        if param is not None:
            raise ValueError("the twin knows no such status")
        self._look()
        return Radio.status

    def disconnect(self):
        if Radio.status == STAT_GOT_IP:
            _board.tell(b"W")
        _board.joined = False
        Radio.status = STAT_IDLE

    def config(self, param=None, *, channel=None, txpower=None, pm=None, reconnects=None):
        if param == "mac":
            return bytes(_board.facts["mac"])
        if param == "channel":
            return Radio.channel
        if param == "txpower":
            return Radio.txpower
        if param == "pm":
            return Radio.pm
        if param is not None:
            raise ValueError("unknown config param")
        if pm is not None:
            Radio.pm = pm
        if txpower is not None:
            Radio.txpower = txpower
        if channel is not None:
            if not 1 <= channel <= 14:
                raise OSError(-1)
            if not Radio.station:
                raise OSError(_NOT_STARTED)
            if Radio.status in (STAT_CONNECTING, STAT_GOT_IP):
                raise OSError(_STATE)
            Radio.channel = channel
            announce()
        return None
