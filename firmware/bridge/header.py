"""What a bridge reads of a frame: its sender. It has no keys for more."""

from node import cbor
from node.frame import LONGEST, UPLINK


def uplink_kid(frame):
    """The kid in the header of an uplink, or None when these bytes cannot be one."""
    if not 24 <= len(frame) <= LONGEST or bytes(frame[:8]) != UPLINK or frame[12] != 0x06:
        return None
    size = frame[13] - 0x40
    if not 1 <= size <= 5 or frame[14] == 0:
        return None
    try:
        _sealed, end = cbor.read(frame, 14 + size)
    except cbor.Malformed:
        return None
    if end != len(frame) or frame[14 + size] >> 5 != 2 or len(_sealed) < 9:
        return None
    return bytes(frame[8:12])
