"""A lamp's share of its group: the lamps around it, and a secret that is of one day and of these members."""

from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import cbor2
from hypothesis import given
from hypothesis import strategies as st

from stoep.downlink.lights import Lights
from stoep.downlink.shares import of_day, share
from stoep.registry.groups import Group
from stoep.settings import Lighting, Site
from stoep.wire import frame
from stoep.wire.light import FARTHEST, MOST_LAMPS, Lamp, Light, Plan, Share
from stoep.wire.messages import Place
from stoep.wire.replies import Answer, read_reply

HERE = Site("grote-markt", 50.85, 4.35, "Europe/Brussels")
DAY = date(2026, 3, 10)
PLAN = Plan(-9_000, 30_000, 1000, 300, 0, 20_000, 0, 20_000)


def street(*decimetres: int, name: str = "street", secret: bytes = bytes(32)) -> Group:
    return Group(name, secret, tuple(Lamp(n.to_bytes(4, "big"), at) for n, at in enumerate(decimetres, 1)))


def around(group: Group, number: int) -> Share:
    return share(group, group.lamps[number].kid, DAY)


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Brussels")).timestamp()


def at(group: Group, when: str, number: int = 0) -> Light:
    lights = Lights(HERE, Lighting())  # each time anew: a gateway that was just started
    lights.set_lamps([lamp.kid for lamp in group.lamps], [group])
    light = lights.light(group.lamps[number].kid, seconds(when))
    assert light is not None
    assert light.group is not None
    return light


def test_in_a_short_street_everybody_knows_everybody() -> None:
    group = street(100, 350, 600)
    for number in range(3):
        mine = around(group, number)
        assert mine.own == number
        assert [lamp.position for lamp in mine.lamps] == [0, 250, 500]
        assert [lamp.kid for lamp in mine.lamps] == [lamp.kid for lamp in group.lamps]


def test_in_a_long_street_a_lamp_knows_the_twelve_nearest() -> None:
    group = street(*range(0, 32 * 250, 250))
    assert around(group, 0).own == 0
    middle = around(group, 16)
    assert len(middle.lamps) == 12
    assert middle.lamps[middle.own].kid == group.lamps[16].kid
    assert middle.own in (5, 6)
    assert (around(group, 31).own, around(group, 31).lamps[-1].kid) == (11, group.lamps[31].kid)


def test_lamps_on_the_near_side_come_first() -> None:
    group = street(*range(0, 120, 10), 5000, *range(9000, 9120, 10))
    assert around(group, 11).own == 11
    assert around(group, 13).own == 0


@given(st.sets(st.integers(0, 50_000), min_size=2, max_size=32), st.data())
def test_a_share_is_what_the_wire_can_say_and_nobody_is_left_out_without_need(
    positions: set[int], data: st.DataObject
) -> None:
    group = street(*sorted(positions))
    here = group.lamps[data.draw(st.integers(0, len(positions) - 1))]
    mine = share(group, here.kid, DAY)
    said = Answer(Place(1, 1), alarms=[], light=Light(7, PLAN, mine))
    assert read_reply(said.to_bytes()) == said
    kids = {lamp.kid for lamp in mine.lamps}
    known, left = ([lamp.position for lamp in group.lamps if (lamp.kid in kids) is inside] for inside in (True, False))
    assert mine.lamps[mine.own].kid == here.kid
    if len(known) < MOST_LAMPS:
        assert all(max(*known, other) - min(*known, other) > FARTHEST for other in left)
    elif max(positions) - min(positions) <= FARTHEST:
        farthest = max(abs(position - here.position) for position in known)
        assert all(abs(other - here.position) >= farthest for other in left)


def test_a_day_has_one_secret_whoever_derives_it_and_the_next_has_another() -> None:
    group = street(0, 250)
    assert of_day(group, DAY) == of_day(street(0, 250), DAY)
    label, secret = of_day(group, DAY)
    assert len(secret) == 16
    assert 0 <= label <= 65535
    seen = {of_day(group, date.fromordinal(DAY.toordinal() + day)) for day in range(400)}
    assert len({secret for _, secret in seen}) == 400
    assert len({label for label, _ in seen}) > 390


def test_other_members_another_name_and_another_master_have_other_secrets() -> None:
    groups = [
        street(0, 250, 500),
        street(0, 250),
        street(0, 250, 500, name="streets"),
        street(0, 250, 500, secret=bytes(31) + b"\x01"),
    ]
    assert len({of_day(group, DAY) for group in groups}) == 4
    assert of_day(street(0, 300, 500), DAY) == of_day(groups[0], DAY)  # a lamp that was measured anew is no other


def test_all_lamps_of_a_group_have_one_key_and_it_changes_at_noon_only() -> None:
    group = street(0, 250, 500)
    keys = [
        {(mine.generation, mine.secret) for number in range(3) if (mine := at(group, when, number).group)}
        for when in ("2026-03-10T12:00", "2026-03-10T23:59", "2026-03-11T00:01", "2026-03-11T11:59", "2026-03-11T12:00")
    ]
    assert keys[0] == keys[1] == keys[2] == keys[3] != keys[4]
    assert all(len(key) == 1 for key in keys)


def test_noon_is_the_towns_also_when_its_clock_changes() -> None:
    group = street(0, 250)
    for before, after in (("2026-03-29T11:59", "2026-03-29T12:00"), ("2026-10-25T11:59", "2026-10-25T12:00")):
        assert at(group, before).group != at(group, after).group


def test_when_a_lamp_is_retired_the_others_have_another_version_and_a_key_it_never_knew() -> None:
    group = street(0, 250, 500)
    left = replace(group, lamps=group.lamps[:2])
    before, after = at(group, "2026-03-10T22:00"), at(left, "2026-03-10T22:00")
    assert before.version != after.version
    assert before.group
    assert after.group
    assert before.group.secret != after.group.secret
    assert len(after.group.lamps) == 2


def test_a_lamp_that_stands_elsewhere_changes_the_version() -> None:
    assert at(street(0, 250), "2026-03-10T22:00").version != at(street(0, 260), "2026-03-10T22:00").version


def test_secrets_do_not_show() -> None:
    group = street(0, 250, secret=bytes(range(32)))
    mine = around(group, 0)
    for thing, secret in ((group, group.secret), (mine, mine.secret)):
        assert repr(secret) not in repr(thing)
        assert secret.hex() not in repr(thing)


def test_the_widest_light_has_room_beside_what_a_usual_reply_says() -> None:
    group = street(*range(0, 12 * 900, 900), secret=bytes(32))
    light = at(group, "2026-03-10T12:00")
    usual = Answer(Place(65535, 2**32 - 2), [(65535, 2**32 - 1, 2**32 - 1)], [], 2**32 - 1, None, light)
    plain = usual.to_bytes()
    assert read_reply(plain) == usual
    keys = frame.reply_keys(bytes(32), bytes(4))
    assert len(frame.seal_reply(keys, bytes(4), bytes(4), 2**40 - 1, 1, plain)) <= frame.LONGEST


def test_what_has_no_room_waits_and_settings_go_first() -> None:
    light = at(street(*range(0, 12 * 900, 900)), "2026-03-10T12:00")
    many = {256 + number: 2**32 - 1 for number in range(12)}
    both = read_reply(Answer(Place(1, 1), settings=many, light=light).to_bytes())
    assert both == Answer(Place(1, 1), alarms=[], settings=many)
    few = Answer(Place(1, 1), alarms=[], settings={1: 600}, light=light)
    assert read_reply(few.to_bytes()) == few
    crowded = Answer(Place(1, 1), [(65535, 2**32 - 1, 2**32 - 1)] * 4, settings={1: 600}, light=light).to_bytes()
    assert read_reply(crowded) == Answer(Place(1, 1), [(65535, 2**32 - 1, 2**32 - 1)] * 4, [], settings={1: 600})
    assert cbor2.loads(crowded).keys() == {1, 2, 5}
