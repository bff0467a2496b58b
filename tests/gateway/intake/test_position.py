"""Where the gateway stands with a node: durable never runs ahead of the disk, nothing is lost quietly."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_rig import NO_INSTANCE, sample
from stoep.store.position import KEPT_EPOCHS, MOST_RANGES, Position, Taken
from stoep.wire.messages import Lost, Place, Sample, Uplink


def uplink(*samples: Sample, epoch: int = 1, floor: Place | None = None, lost: tuple[Lost, ...] = ()) -> Uplink:
    return Uplink(NO_INSTANCE, epoch, 10_000, floor or Place(epoch, 1), None, samples, lost)


def take(position: Position, said: Uplink, *, commit: bool = True) -> Taken:
    taken = position.receive(said)
    if commit:
        position.commit(said.floor, taken.samples, taken.lost)
    return taken


def seqs(*numbers: int, epoch: int = 1) -> list[Sample]:
    return [sample(number, number, epoch) for number in numbers]


def test_what_is_not_on_disk_is_received_but_not_durable() -> None:
    position = Position()
    said = uplink(*seqs(1, 2))
    taken = take(position, said, commit=False)
    assert position.durable() == Place(1, 0)
    assert position.beyond() == [(1, 1, 2)]
    position.commit(said.floor, taken.samples, taken.lost)
    assert position.durable() == Place(1, 2)
    assert position.beyond() == []


def test_durable_stops_at_a_gap_until_it_is_filled() -> None:
    position = Position()
    take(position, uplink(*seqs(1, 3)))
    assert position.durable() == Place(1, 1)
    assert position.beyond() == [(1, 3, 3)]
    take(position, uplink(*seqs(2)))
    assert position.durable() == Place(1, 3)


def test_at_the_first_contact_nothing_below_the_floor_is_owed() -> None:
    position = Position()
    taken = take(position, uplink(*seqs(7), floor=Place(1, 7)))
    assert taken.lost == ()
    assert position.durable() == Place(1, 7)


def test_a_floor_that_passes_over_unknown_positions_leaves_a_hole() -> None:
    position = Position()
    take(position, uplink(*seqs(1, 3)))
    taken = take(position, uplink(*seqs(6), floor=Place(1, 6)), commit=False)
    assert taken.lost == (Lost(1, 2, 2, 0), Lost(1, 4, 5, 0))
    assert position.durable() == Place(1, 1), "the hole itself must be on disk first"
    position.commit(Place(1, 6), taken.samples, taken.lost)
    assert position.durable() == Place(1, 6)


def test_a_declared_loss_counts_as_received_once_it_is_on_disk() -> None:
    position = Position()
    said = uplink(floor=Place(1, 5), lost=(Lost(1, 1, 4, 2),))
    position.receive(uplink())
    taken = take(position, said, commit=False)
    assert taken.lost == (Lost(1, 1, 4, 2),)
    assert position.durable() == Place(1, 0)
    position.commit(said.floor, taken.samples, taken.lost)
    assert position.durable() == Place(1, 4)


def test_declaring_lost_what_is_held_or_declared_before_is_no_loss() -> None:
    position = Position()
    take(position, uplink(*seqs(1, 2, 4)))
    assert take(position, uplink(lost=(Lost(1, 1, 6, 1),))).lost == (Lost(1, 3, 3, 1), Lost(1, 5, 6, 1))
    assert take(position, uplink(lost=(Lost(1, 1, 6, 1),))).lost == ()


def test_a_hole_that_is_declared_later_gets_its_cause() -> None:
    position = Position()
    take(position, uplink(*seqs(1)))
    assert take(position, uplink(floor=Place(1, 4))).lost == (Lost(1, 2, 3, 0),)
    assert take(position, uplink(floor=Place(1, 4), lost=(Lost(1, 2, 3, 2),))).lost == (Lost(1, 2, 3, 2),)


def test_what_was_given_up_and_comes_after_all_is_a_reading_once() -> None:
    position = Position()
    take(position, uplink(*seqs(1)))
    take(position, uplink(floor=Place(1, 4)))
    taken = take(position, uplink(*seqs(2)))
    assert (taken.samples, taken.found) == (tuple(seqs(2)), (Place(1, 2),))
    again = take(position, uplink(*seqs(2)))
    assert (again.samples, again.duplicates) == ((), 1)


def test_durable_steps_into_a_later_epoch_only_when_the_floor_does() -> None:
    position = Position()
    take(position, uplink(*seqs(1, 2)))
    take(position, uplink(*seqs(3), *seqs(1, epoch=2), epoch=2, floor=Place(1, 3)))
    assert position.durable() == Place(1, 3)
    assert position.beyond() == [(2, 1, 1)]
    take(position, uplink(epoch=2, floor=Place(2, 1)))
    assert position.durable() == Place(2, 1)


def test_durable_waits_in_the_old_epoch_until_all_of_it_is_on_disk() -> None:
    position = Position()
    take(position, uplink(*seqs(1)))
    said = uplink(*seqs(2), *seqs(1, epoch=2), epoch=2, floor=Place(2, 1))
    taken = take(position, said, commit=False)
    assert position.durable() == Place(1, 1)
    position.commit(said.floor, taken.samples, taken.lost)
    assert position.durable() == Place(2, 1)


def test_a_reordered_older_floor_does_not_lower_anything() -> None:
    position = Position()
    take(position, uplink(*seqs(1, 2, 3)))
    take(position, uplink(floor=Place(1, 4)))
    take(position, uplink(floor=Place(1, 2)))
    assert position.floor == Place(1, 4)
    assert position.durable() == Place(1, 3)


def test_long_past_epochs_are_forgotten_and_their_samples_count_as_received() -> None:
    position = Position()
    take(position, uplink(*seqs(1)))
    new = KEPT_EPOCHS + 2
    take(position, uplink(epoch=new, floor=Place(new, 1)))
    taken = take(position, uplink(*seqs(2), epoch=new, floor=Place(new, 1)))
    assert (taken.samples, taken.duplicates) == ((), 1)
    assert 1 not in position._known


def test_a_node_that_leaves_countless_gaps_cannot_fill_the_memory() -> None:
    position = Position()
    for start in range(1, 6 * MOST_RANGES, 60):
        take(position, uplink(*seqs(*range(start, start + 60, 2))))
    assert len(position._known[1]) <= MOST_RANGES
    assert take(position, uplink(*seqs(2))).samples, "what fills a gap is still taken"


STEP = st.one_of(
    st.tuples(st.just("samples"), st.lists(st.tuples(st.integers(1, 3), st.integers(1, 12)), max_size=4)),
    st.tuples(st.just("lost"), st.tuples(st.integers(1, 3), st.integers(1, 12), st.integers(0, 4))),
    st.tuples(st.just("floor"), st.tuples(st.integers(1, 3), st.integers(1, 12))),
    st.tuples(st.just("commit"), st.none()),
)


@given(st.lists(STEP, max_size=25))
@settings(max_examples=300)
def test_durable_only_ever_names_what_is_on_disk_and_never_goes_back(steps: list[tuple[str, object]]) -> None:
    position, floor = Position(), Place(1, 1)
    on_disk: set[tuple[int, int]] = set()
    log: list[tuple[Place, Taken]] = []
    waiting = [(floor, position.receive(uplink(epoch=3, floor=floor)))]
    before = None
    for what, content in steps:
        samples: list[Sample] = []
        lost: tuple[Lost, ...] = ()
        if what == "samples":
            samples = [sample(seq, seq, epoch) for epoch, seq in content]  # type: ignore[attr-defined]
        elif what == "lost":
            epoch, first, more = content  # type: ignore[misc]
            lost = (Lost(epoch, first, first + more, 1),)
        elif what == "floor":
            floor = max(floor, Place(*content))  # type: ignore[misc]
        else:
            for where, taken in waiting:
                position.commit(where, taken.samples, taken.lost)
                on_disk |= {(s.epoch, s.seq) for s in taken.samples}
                on_disk |= {(g.epoch, n) for g in taken.lost for n in range(g.first, g.last + 1)}
            log += waiting
            waiting.clear()
            continue
        waiting.append((floor, position.receive(uplink(*samples, epoch=3, floor=floor, lost=lost))))
        durable = position.durable()
        assert all((durable.epoch, seq) in on_disk for seq in range(1, durable.seq + 1))
        assert before is None or durable >= before
        before = durable
    for where, taken in waiting:
        position.commit(where, taken.samples, taken.lost)
    rebuilt = Position()
    for where, taken in [*log, *waiting, *log]:  # twice the same changes nothing
        rebuilt.commit(where, taken.samples, taken.lost)
    assert rebuilt.durable() == position.durable()
    assert rebuilt.beyond() == position.beyond()
    assert Position.unpack(rebuilt.pack()).durable() == position.durable()


def test_a_gap_that_a_damaged_store_left_below_the_floor_becomes_holes_at_the_next_report() -> None:
    """The floor the log names is the node's own, which does not rise while it waits: it would wait for ever."""
    position = Position()
    position.commit(Place(1, 1), [sample(2, 20)], ())
    position.commit(Place(1, 9), [sample(9, 90)], ())
    assert position.durable() == Place(1, 0)
    taken = position.receive(uplink(floor=Place(1, 9)))
    assert [(lost.first, lost.last, lost.cause) for lost in taken.lost] == [(1, 1, 0), (3, 8, 0)]
    position.commit(Place(1, 9), (), taken.lost)
    assert position.durable() == Place(1, 9)
    assert position.receive(uplink(floor=Place(1, 9))).lost == ()
