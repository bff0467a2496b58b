"""The light that each lamppost is to live by now: tonight's plan and its share of the lamp group."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple
from zlib import crc32
from zoneinfo import ZoneInfo

import cbor2

from stoep.downlink.lighting import day_of, tonight
from stoep.downlink.shares import share
from stoep.registry.groups import Group
from stoep.settings import Lighting, Site
from stoep.wire.light import SECONDS, Light, Plan, Share

_MINUTE = 60  # seconds for which what was worked out holds


class _Now(NamedTuple):
    minute: int
    plan: Plan | None
    day: date


class Lights:
    """Asked by the links' threads; `set_lamps` puts new groups in whole."""

    def __init__(self, site: Site, lighting: Lighting) -> None:
        self._lampposts: Mapping[bytes, Group | None] = {}
        self.live_by(site, lighting)

    def live_by(self, site: Site, lighting: Lighting) -> None:
        """From now on, within a minute."""
        self._site = site
        self._lighting = lighting
        self._zone = ZoneInfo(site.timezone or "UTC")
        self._now = _Now(-1, None, date.min)

    def set_lamps(self, lampposts: Iterable[bytes], groups: Iterable[Group]) -> None:
        """From now on these are the site's lampposts (kids), and these its groups."""
        grouped = {lamp.kid: group for group in groups for lamp in group.lamps}
        self._lampposts = {kid: grouped.get(kid) for kid in lampposts}

    def light(self, kid: bytes, utc: float) -> Light | None:
        """What the node `kid` is to live by at `utc` (Unix seconds), from which its times count; None: as it does."""
        lampposts = self._lampposts
        if kid not in lampposts:
            return None
        now = self._now
        if now.minute != utc // _MINUTE:
            now = self._now = self._work_out(int(utc // _MINUTE))
        if now.plan is None:
            return None
        group = lampposts[kid]
        part = None if group is None else share(group, kid, now.day)
        plan = now.plan.since(round(utc))
        if not all(-SECONDS <= number <= SECONDS for number in plan):
            return None
        return Light(version(now.plan, part), plan, part)

    def _work_out(self, minute: int) -> _Now:
        utc = minute * _MINUTE
        return _Now(minute, tonight(utc, self._site, self._lighting), day_of(utc, self._zone))


def version(plan: Plan, part: Share | None) -> int:
    """By which both sides know this light: of the night in Unix seconds and of the share; never 0, which is none."""
    return crc32(cbor2.dumps([list(plan), part and part.content()])) or 1
