"""Whether the clock is set by somebody who knows: without that nothing is published."""

from stoep.clock import Clock
from stoep.doctor.finding import Finding, good, trouble


def look(clock: Clock) -> Finding:
    if clock.trusted():
        return good("clock", "set by NTP")
    remedy = "connect it to a time server: timedatectl set-ntp true; then timedatectl timesync-status tells which"
    return trouble("clock", "not synchronised: readings are kept, nothing is published", remedy)
