"""What stands in a record of the ring, ready to travel: a sample's values and an alarm's, as CBOR."""

from node import cbor
from node.generated.channels import CHANNELS, LAYOUTS


def pack_values(layout, counts):
    """A sample's payload: the layout and its values as CBOR, absent ones null."""
    payload = bytearray((layout,))
    for channel in LAYOUTS[layout]:
        value = counts.get(channel)
        cbor.write(payload, None if value is None else value - CHANNELS[channel][1])
    return payload


def pack_alarm(code, raised, channel, value):
    """An alarm's payload: the code, then raised and value as CBOR."""
    payload = bytearray((code,))
    cbor.write(payload, raised)
    cbor.write(payload, None if value is None else value - CHANNELS[channel][1])
    return payload
