"""The part of a wake that keeps: a sample to flash, and its alarms, before anybody hears of them."""

from node import memory
from node.generated.channels import CHANNELS
from node.held import ALARM, SAMPLE
from node.payload import pack_alarm, pack_values


def sample(recalled, ring, layout, counts, tick):
    """What was measured up to `tick`."""
    ring.append(SAMPLE, recalled.epoch, recalled.seq + 1, tick, pack_values(layout, counts))
    recalled.seq += 1
    recalled.moves = 0
    said = ["%s=%d" % (CHANNELS[channel][0], counts[channel]) for channel in sorted(counts)]
    print("sample epoch=%d seq=%d tick=%d %s" % (recalled.epoch, recalled.seq, tick, " ".join(said)))


def alarms(recalled, ring, tick, news):
    """What there is to be alarmed about; each of `news` is (code, raised, channel, counts)."""
    for code, raised, channel, value in news:
        recalled.number += 1
        memory.keep(recalled)  # a number is spent before it is on flash: a gap is harmless, a second use is not
        place = ring.append(ALARM, recalled.epoch, recalled.number, tick, pack_alarm(code, raised, channel, value))
        if len(recalled.alarms) == memory.MOST_ALARMS:
            recalled.alarms.pop(0)
            recalled.more = 1
        recalled.alarms.append(place)
        recalled.raised ^= 1 << code
        memory.keep(recalled)  # whatever becomes of this wake, it is raised
        said = (recalled.epoch, recalled.number, code, raised, value)
        print("alarm epoch=%d number=%d code=%d raised=%d value=%s" % said)
