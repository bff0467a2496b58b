from nor import SECTOR, Nor, PowerCut

from node.held import ALARM, SAMPLE
from node.ring import Ring

PAYLOAD = b"\x01\x19\x07\x3d\x19\x15\x88\x18\x64\x19\x01\x90\x18\x2a\x18\x64"


def never(epoch, first, last):
    raise AssertionError("nothing should be given up")


def nothing():
    return 0, 0


def fill(ring, epoch, first, last):
    for seq in range(first, last + 1):
        ring.append(SAMPLE, epoch, seq, seq * 900, PAYLOAD)


def held(ring, epoch=0, seq=0):
    """The samples beyond a position in their order, as runs (epoch, first, last): they run on a board's heap."""
    runs = []
    for record in ring.samples(epoch, seq):
        join(runs, record.epoch, record.number, record.number)
    return runs


def join(runs, epoch, first, last):
    if runs and runs[-1][0] == epoch and runs[-1][2] == first - 1:
        runs[-1] = (epoch, runs[-1][1], last)
    else:
        runs.append((epoch, first, last))


def test_what_append_returned_for_is_there_after_a_restart():
    device = Nor(8)
    fill(Ring(device, 0, nothing, never), 1, 1, 250)
    ring = Ring(device, 0, nothing, never)
    assert held(ring) == [(1, 1, 250)]
    assert ring.last() == (1, 250)
    first = next(ring.samples(1, 99))
    assert (first.number, first.tick, first.payload) == (100, 90000, PAYLOAD)


def test_samples_beyond_a_position_span_epochs():
    device = Nor(8)
    ring = Ring(device, 0, nothing, never)
    fill(ring, 1, 1, 150)
    fill(ring, 2, 1, 150)
    assert held(ring, 1, 148) == [(1, 149, 150), (2, 1, 150)]
    assert held(ring, 2, 150) == []
    assert held(ring, 1, 150) == [(2, 1, 150)]


def test_a_full_ring_names_what_it_gives_up_before_it_is_gone():
    device = Nor(4)
    given = []
    ring = Ring(device, 0, nothing, lambda *run: join(given, *run))
    fill(ring, 1, 1, 500)
    ((_, oldest, newest),) = held(ring)
    assert given == [(1, 1, oldest - 1)]
    assert newest == 500


def test_a_ring_that_nobody_empties_keeps_its_newer_half_and_thins_what_is_older():
    device = Nor(26)
    given = []
    ring = Ring(device, 0, nothing, lambda *run: given.append(run))
    a_sector = 90  # samples, about
    fill(ring, 1, 1, 100 * a_sector)
    runs = held(ring)
    assert held(Ring(device, 0, nothing, never)) == runs
    _, first, last = runs[-1]
    assert last == 100 * a_sector and last - first >= 11 * a_sector  # the newer half is whole
    assert runs[0][1] < 25 * a_sector  # and something of long ago is there, too
    gaps = [runs[at + 1][1] - runs[at][2] for at in range(len(runs) - 1)]
    assert len(gaps) >= 6 and max(gaps) < 40 * a_sector
    known = sorted([(first, last) for _, first, last in runs + given])
    assert known[0][0] == 1 and known[-1][1] == last
    for at in range(len(known) - 1):
        assert known[at][1] + 1 == known[at + 1][0], known[at]


def test_what_the_gateway_has_goes_first_and_is_no_loss():
    device = Nor(8)
    done = [(0, 0)]
    ring = Ring(device, 0, lambda: done[0], never)
    for seq in range(1, 3000):
        fill(ring, 1, seq, seq)
        done[0] = (1, max(0, seq - 300))
    ((_, first, last),) = held(ring, *done[0])
    assert (first, last) == (2700, 2999)
    assert ring.use(1, 2999) <= 100 // 8 < ring.use(1, 2700) <= 50


def test_an_alarm_survives_the_giving_up_of_its_sector_until_it_is_closed():
    device = Nor(4)
    ring = Ring(device, 0, nothing, lambda *run: None)
    ring.append(ALARM, 1, 1, 5, b"\x01\x01\x18\x5b")
    ring.append(ALARM, 1, 2, 5, b"\x01\x00\x18\x4b")
    fill(ring, 1, 1, 700)
    alarms = list(Ring(device, 0, nothing, lambda *run: None).alarms())
    assert [(alarm.number, alarm.payload) for alarm in alarms] == [(1, b"\x01\x01\x18\x5b"), (2, b"\x01\x00\x18\x4b")]
    ring.close_alarm(alarms[0])
    assert [alarm.number for alarm in Ring(device, 0, nothing, never).alarms()] == [2]
    assert ring.alarm(alarms[0].sector, alarms[0].at) is None
    assert ring.alarm(alarms[1].sector, alarms[1].at).number == 2


def test_a_damaged_record_is_passed_over_and_counted():
    device = Nor(4)
    ring = Ring(device, 0, nothing, never)
    fill(ring, 1, 1, 1)
    sector, at = ring.append(SAMPLE, 1, 2, 1800, PAYLOAD)
    fill(ring, 1, 3, 3)
    device.data[sector * SECTOR + at + 14] ^= 0x08
    again = Ring(device, 0, nothing, never)
    assert held(again) == [(1, 1, 1), (1, 3, 3)] and again.damaged
    fill(again, 1, 4, 4)
    assert held(Ring(device, 0, nothing, never)) == [(1, 1, 1), (1, 3, 4)]


def test_a_torn_last_record_costs_nothing_that_was_promised():
    device = Nor(4)
    ring = Ring(device, 0, nothing, never)
    fill(ring, 1, 1, 5)
    sector, at = ring.append(SAMPLE, 1, 6, 0, PAYLOAD)
    start = sector * SECTOR + at
    device.data[start] = 0xFF  # the first byte did not take, later ones did
    again = Ring(device, 0, nothing, never)
    assert held(again) == [(1, 1, 5)]
    fill(again, 1, 6, 8)
    assert held(Ring(device, 0, nothing, never)) == [(1, 1, 8)]


def test_a_power_cut_at_every_step_keeps_what_was_promised():
    for budget in range(330):
        device = Nor(4)
        device.budget = budget
        given = []
        promised = alarms = 0
        ring = None
        try:
            ring = Ring(device, 0, nothing, lambda *run: join(given, *run))
            ring.append(ALARM, 1, 1, 0, PAYLOAD)
            alarms = 1
            for seq in range(1, 331):
                ring.append(SAMPLE, 1, seq, seq, PAYLOAD)
                promised = seq
        except PowerCut:
            pass
        device.budget = None
        again = Ring(device, 0, nothing, lambda *run: join(given, *run))
        known = held(again) + given
        assert len(list(again.alarms())) >= alarms
        for seq in range(1, promised + 1):
            assert any(first <= seq <= last for _, first, last in known), (budget, seq)
        again.append(SAMPLE, 1, promised + 2, 0, PAYLOAD)
        assert again.last() == (1, promised + 2)
