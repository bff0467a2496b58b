"""Quality of a reading by itself: QARTOD's gross range test against the catalogue."""

from stoep.store.windows import Flag
from stoep.wire.channels import Channel


def flag(channel: Channel, counts: int) -> Flag:
    return Flag.GOOD if channel.lowest <= counts <= channel.highest else Flag.FAIL
