"""When a reading becomes an alarm: raised at one bound, cleared at another, so that none flutters.

rule    (code, channel, raised at, cleared at)     counts; cleared below the bound it is raised above
"""

from micropython import const

from node.generated import catalogue as its

_LEANS = const(45)  # °
_STANDS = const(30)

# Fire, in 0.01 °C: no sun heats a bin like this.
_HOT = const(7000)
_COOL = const(5500)
_RISE = const(1500)  # from one sample to the next,
_SOON = const(1200)  # when that came within so many seconds


def changed(raised, counts, rules):
    """[(code, on, channel, counts)] of the alarms that this sample changes; `raised` has a bit for each that is on."""
    found = []
    for code, channel, bound, clear in rules:
        value = counts.get(channel)
        on = raised >> code & 1
        if value is not None and (value <= clear if on else value >= bound):
            found.append((code, 1 - on, channel, value))
    return found


def tilted(memory, counts):
    """The same for what leans: in two samples running, for one may see a lid that is open."""
    now = counts.get(its.TILT)
    if now is None:
        return []
    leant, memory.leant = memory.leant, 1 if now >= _LEANS else 0
    on = memory.raised >> its.ALARM_TILTED & 1
    if (now > _STANDS) if on else not (leant and memory.leant):
        return []
    return [(its.ALARM_TILTED, 1 - on, its.TILT, now)]


def fire(memory, counts, tick):
    """The same for a fire: too hot, or hotter than a while ago by more than the weather can do."""
    now = counts.get(its.TEMPERATURE)
    if now is None:
        return []
    before, memory.warmth, then, memory.warmth_tick = memory.warmth, now, memory.warmth_tick, tick
    rising = before is not None and now - before >= _RISE and tick - then <= _SOON
    on = memory.raised >> its.ALARM_FIRE & 1
    if (now > _COOL or rising) if on else (now < _HOT and not rising):
        return []
    return [(its.ALARM_FIRE, 1 - on, its.TEMPERATURE, now)]
