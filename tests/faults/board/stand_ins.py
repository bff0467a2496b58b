"""To be imported before the firmware: what `node.contact` imports and a desktop's MicroPython has not."""

import sys


class Rtc:
    """RTC memory."""

    kept = b""

    def memory(self, data=None):
        if data is not None:
            Rtc.kept = bytes(data)
        return Rtc.kept


class Machine:
    PWRON_RESET, DEEPSLEEP_RESET, WDT_RESET, HARD_RESET, SOFT_RESET = 1, 4, 3, 2, 5
    RTC = Rtc


class Nothing:
    """In the place of a radio's modules."""


sys.modules["machine"] = Machine
sys.modules["network"] = sys.modules["espnow"] = sys.modules["esp32"] = Nothing
