"""`network.WLAN` as on the board, as far as ESP-NOW needs it: a station that never joins anything."""

import utime
from host import board as _board

STA_IF = 0
AP_IF = 1


class Radio:
    """One radio a board, whoever asks for it; what it is set to decides what the air lets it hear."""

    station = False
    espnow = False
    since = 0  # ticks
    channel = 1
    txpower = 20


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
        Radio.station = bool(is_active)
        announce()
        return Radio.station

    def isconnected(self):
        return False

    def disconnect(self):
        pass

    def config(self, param=None, *, channel=None, txpower=None, pm=None):
        if param == "mac":
            return bytes(_board.facts["mac"])
        if param == "channel":
            return Radio.channel
        if param == "txpower":
            return Radio.txpower
        if param is not None:
            raise ValueError("unknown config param")
        if txpower is not None:
            Radio.txpower = txpower
        if channel is not None:
            if not 1 <= channel <= 14:
                raise OSError(-1)
            if not Radio.station:
                raise OSError(0x3002)  # ESP_ERR_WIFI_NOT_STARTED
            Radio.channel = channel
            announce()
        return None
