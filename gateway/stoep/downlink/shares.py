"""What a lamp is told of its group: the lamps around it, and the key of the day.

A day's secret and its label, the generation, are derived from the group's master secret and from what the day is: its
name, the town's date (from noon to noon, so that keys do not change while light follows somebody), and the kids of the
members. So a restart needs no memory: the same day has the same secret, whoever derives it, and no other day has. A
retired lamp knows the secrets of its own days; from the moment it is out of the registry the others have another.
"""

from datetime import date

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from stoep.registry.groups import Group
from stoep.wire.light import FARTHEST, MOST_LAMPS, SECRET, Lamp, Share

_LABEL = 2  # bytes


def of_day(group: Group, day: date) -> tuple[int, bytes]:
    """Generation and secret: HKDF-SHA-256(master, "group" ‖ length and name ‖ date ‖ kids)."""
    name = group.name.encode()
    kids = b"".join(lamp.kid for lamp in group.lamps)
    info = b"group" + bytes((len(name),)) + name + day.isoformat().encode() + kids
    okm = HKDF(SHA256(), SECRET + _LABEL, salt=None, info=info).derive(group.secret)
    return int.from_bytes(okm[SECRET:], "big"), okm[:SECRET]


def share(group: Group, kid: bytes, day: date) -> Share:
    """For the lamp `kid` of the group: at most twelve lamps, the nearest ones, within a kilometre."""
    own = next(at for at, lamp in enumerate(group.lamps) if lamp.kid == kid)
    first, last = own, own
    while last - first < MOST_LAMPS - 1:
        wider = [(group.lamps[own].position - group.lamps[first - 1].position, first - 1, last)] if first else []
        if last + 1 < len(group.lamps):
            wider.append((group.lamps[last + 1].position - group.lamps[own].position, first, last + 1))
        fitting = [one for one in wider if group.lamps[one[2]].position - group.lamps[one[1]].position <= FARTHEST]
        if not fitting:
            break
        _, first, last = min(fitting)
    begin = group.lamps[first].position
    lamps = tuple(Lamp(lamp.kid, lamp.position - begin) for lamp in group.lamps[first : last + 1])
    return Share(*of_day(group, day), own - first, lamps)
