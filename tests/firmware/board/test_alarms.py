from node import alarms, health
from node.generated import catalogue as its
from node.memory import Memory

RULES = ((its.ALARM_FULL, its.FILL_LEVEL, 90, 80), (its.ALARM_OVERFLOWING, its.FILL_LEVEL, 95, 90))


def told(values, rules=RULES):
    """(code, raised, value) of every change over these levels."""
    raised, found = 0, []
    for value in values:
        for code, on, channel, counts in alarms.changed(raised, {its.FILL_LEVEL: value}, rules):
            assert channel == its.FILL_LEVEL
            raised ^= 1 << code
            found.append((code, on, counts))
    return found


def test_an_alarm_is_raised_once_and_cleared_once():
    full, overflowing = its.ALARM_FULL, its.ALARM_OVERFLOWING
    assert told([89, 90, 90, 89, 81, 91, 80, 79, 90]) == [(full, 1, 90), (full, 0, 80), (full, 1, 90)]
    assert told([97, 94, 90, 80]) == [(full, 1, 97), (overflowing, 1, 97), (overflowing, 0, 90), (full, 0, 80)]


def test_what_was_not_read_changes_nothing():
    assert alarms.changed(1 << its.ALARM_FULL, {}, RULES) == []
    memory = Memory()
    memory.warmth, memory.warmth_tick = 2000, 900
    assert alarms.fire(memory, {}, 1800) == []
    assert (memory.warmth, memory.warmth_tick) == (2000, 900)


def fires(*readings):
    """Which of these (tick, 0.01 °C) raised a fire (1), cleared it (0), or said nothing (None)."""
    memory, found = Memory(), []
    for tick, warmth in readings:
        change = alarms.fire(memory, {its.TEMPERATURE: warmth}, tick)
        for code, _, _, _ in change:
            memory.raised ^= 1 << code
        found.append(change[0][1] if change else None)
    return found


def test_a_fire_is_too_hot():
    assert fires((0, 6999), (900, 7000), (1800, 6000), (2700, 5500)) == [None, 1, None, 0]


def test_a_fire_is_too_fast_for_any_sun():
    assert fires((0, 2000), (900, 3499), (1800, 4999), (2700, 5000)) == [None, None, 1, 0]


def test_a_day_between_two_samples_is_no_rise():
    assert fires((0, -500), (86400, 3500)) == [None, None]


def test_the_first_reading_is_no_rise():
    assert fires((0, 4000)) == [None]


def failing(outcomes):
    """(sensor's code, on, failures) of every change over these readings: 1 fails, 0 does not."""
    memory, found = Memory(), []

    def broken():
        raise OSError(19)

    for fails in outcomes:
        health.reading(memory, health.RANGE, broken if fails else lambda: 800)
        for code, on, channel, counts in health.alarms(memory):
            assert channel == its.FAILURES
            memory.raised ^= 1 << code
            found.append((code, on, counts))
    return found


def test_a_sensor_that_fails_now_and_then_is_no_alarm():
    assert failing([1, 0, 1, 1, 0, 0, 1, 0, 1, 1, 0]) == []


def test_a_sensor_that_stays_away_is_one_alarm_until_it_is_well_again():
    code = its.ALARM_RANGE_FAILING
    assert failing([1, 1, 1, 1, 1, 0, 0, 1, 0, 0, 0]) == [(code, 1, 3), (code, 0, 6)]


def test_what_leans_in_two_samples_running_is_an_alarm_an_open_lid_is_none():
    memory = Memory()
    for degrees in (2, 60, 3, 62, 2):
        assert alarms.tilted(memory, {its.TILT: degrees}) == []
    assert alarms.tilted(memory, {its.TILT: 88}) == []
    assert alarms.tilted(memory, {}) == []
    assert alarms.tilted(memory, {its.TILT: 87}) == [(its.ALARM_TILTED, 1, its.TILT, 87)]
    memory.raised |= 1 << its.ALARM_TILTED
    assert alarms.tilted(memory, {its.TILT: 87}) == []
    assert alarms.tilted(memory, {its.TILT: 44}) == []
    assert alarms.tilted(memory, {its.TILT: 30}) == [(its.ALARM_TILTED, 0, its.TILT, 30)]
