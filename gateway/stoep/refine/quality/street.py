"""What each node of a street measured in each quarter of an hour, and whether it agrees with the nodes around it.

A level is the median of a window's readings that are in range, corrected where the sensor is calibrated: a function of
that window and its calibration, so that what is said of a node follows from the windows of a day and not from the order
in which they came.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from statistics import median_low

from stoep.refine.calibration.book import Book
from stoep.refine.quality.limits import Limits, limits
from stoep.refine.quality.neighbours import FEWEST, HELD_HOURS, Agreement, compare, held
from stoep.refine.quality.quarters import Key, Quarters
from stoep.store.series import Taken
from stoep.store.windows import SECONDS
from stoep.wire.channels import Catalogue
from stoep.wire.checks import Checks

_HOUR = 4  # quarters of an hour
HELD = HELD_HOURS * _HOUR
_AGREEMENTS = list(Agreement)
_NUMBERS = {agreement: number for number, agreement in enumerate(_AGREEMENTS)}

Levels = Mapping[int, int]  # by channel, in counts
Verdicts = Mapping[int, Agreement]  # by channel, where anything is known
Load = Callable[[bytes, Collection[int]], Mapping[int, Iterable[Taken]]]  # the samples of a node's windows, by start


class Street:
    """`load` reads windows that are not in memory."""

    def __init__(self, catalogue: Catalogue, load: Load, book: Book) -> None:
        self._catalogue = catalogue
        self._load = load
        self._book = book
        self._newest = 0
        self._compared = {number for number, channel in catalogue.channels.items() if channel.checks.apart}
        self._kept = self._compared | {
            number for number, channel in catalogue.channels.items() if channel.name == "humidity"
        }
        self._levels = Quarters("i")
        self._verdicts = Quarters("b")
        self._around: Mapping[bytes, Collection[bytes]] = {}
        self._beside: dict[bytes, list[bytes]] = {}
        self._own: Mapping[bytes, Mapping[int, Checks]] = {}

    def know(self, around: Mapping[bytes, Collection[bytes]], own: Mapping[bytes, Mapping[int, Checks]]) -> None:
        """The neighbours of each node, and the checks that it has for itself."""
        self._around, self._own = around, own
        self._beside = {}
        for kid, others in around.items():
            for other in others:
                self._beside.setdefault(other, []).append(kid)
        self._verdicts.clear()
        self._levels.hold(len(around))
        self._verdicts.hold(len(around))

    def calibrate(self, book: Book) -> None:
        """By what sensors are corrected from now on."""
        self._book = book
        self._levels.clear()
        self._verdicts.clear()

    def update(self, windows: Mapping[Key, Iterable[Taken]], unheard: Collection[Key]) -> set[Key]:
        """These windows have these samples now; those of any node for which another verdict may hold since.

        `unheard` are those that nobody was told of yet. Of any other that is not in memory nobody knows what it said
        before: then all that it can matter to are named.
        """
        for key in unheard:
            if key not in self._levels:
                self._levels.put(key, {})
        found = {key: self._of(key, samples) for key, samples in windows.items()}
        changed = {key for key, levels in found.items() if levels != self._levels.get(key)}
        unknown = {near for key in changed if key not in self._levels for near in self._near(key)}
        self._newest = max([self._newest, *(start for _, start in windows)])
        looked_at = {near for key in changed for near in self._near(key)}
        before = {key: None if key in unknown else self._sure(key) for key in looked_at}
        for key, levels in found.items():
            self._levels.put(key, levels)
        for key in looked_at:
            self._verdicts.forget(key)
        return {one for key in looked_at for one in self._following(key, before[key])}

    def _near(self, key: Key) -> Iterator[Key]:
        """The windows that this one is compared with: its own, and for an hour those of the nodes around it."""
        kid, start = key
        for other in (kid, *self._beside.get(kid, ())):
            for later in range(_HOUR):
                if start + later * SECONDS <= self._newest:
                    yield other, start + later * SECONDS

    def _following(self, key: Key, before: Verdicts | None) -> Iterator[Key]:
        """This window, and those after it for which its verdict goes on, if it is another one."""
        kid, start = key
        now = self._sure(key)
        for channel in self._compared:
            if before is not None and before.get(channel) is now.get(channel):
                continue
            yield key
            steady = self._limits(kid, channel).apart_windows
            sure = int(now.get(channel, Agreement.ALONE).holds and steady > 1)
            for later in range(start + SECONDS, min(start + HELD * SECONDS, self._newest) + 1, SECONDS):
                then = self._sure((kid, later)).get(channel, Agreement.ALONE)
                if then.holds and not steady:
                    break
                if then is Agreement.UNSURE or then.holds:
                    yield kid, later
                sure += then.holds
                if sure > max(1, steady):
                    break

    def level(self, key: Key, channel: int) -> int | None:
        return self._level(key).get(channel)

    def verdict(self, key: Key) -> Verdicts:
        """By channel, where something is known: what holds of this window."""
        kid, start = key
        found: dict[int, Agreement] = {}
        for channel, now in self._sure(key).items():
            before = (self._sure((kid, start - ago * SECONDS)) for ago in range(1, HELD + 1))
            then = (sure.get(channel, Agreement.ALONE) for sure in before)
            found[channel] = held(now, then, self._limits(kid, channel).apart_windows)
        return found | self._shared(key, found)

    def _shared(self, key: Key, found: Verdicts) -> dict[int, Agreement]:
        """Other channels of a sensor of which one is apart."""
        kid, _ = key
        apart = (self._limits(kid, channel) for channel, said in found.items() if said.apart)
        ill = {own.sensor for own in apart if own.apart_sensor}
        others = self._level(key).keys() & self._compared if ill else ()
        return {
            channel: Agreement.SENSOR
            for channel in others
            if self._limits(kid, channel).sensor in ill and not found.get(channel, Agreement.ALONE).apart
        }

    def _sure(self, key: Key) -> Verdicts:
        known = self._verdicts.get(key)
        if known is not None:
            return {channel: _AGREEMENTS[number] for channel, number in known.items()}
        found = self._compare(key)
        self._verdicts.put(key, {channel: _NUMBERS[agreement] for channel, agreement in found.items()})
        return found

    def _compare(self, key: Key) -> Verdicts:
        kid, start = key
        mine, known = self._level(key), self._book.own(kid, start)
        others = [(self._latest(one, start), self._book.own(one, start)) for one in self._around.get(kid, ())]
        found = {}
        for channel in self._compared & mine.keys():
            own = self._limits(kid, channel)
            if own.apart is None:
                continue
            beside = [levels[channel] for levels, _ in others if channel in levels]
            calibrated = [levels[channel] for levels, its in others if channel in levels and channel in its]
            far = own.apart_works
            if far > 1 and channel in known and len(calibrated) >= FEWEST:
                beside, far = calibrated, 1.0
            found[channel] = compare(mine[channel], beside, far * own.apart, far * own.apart_share)
        return {channel: one for channel, one in found.items() if one is not Agreement.ALONE}

    def _limits(self, kid: bytes, channel: int) -> Limits:
        known = self._catalogue.channels[channel]
        return limits(known, self._own.get(kid, {}).get(channel, known.checks))

    def _latest(self, kid: bytes, start: int) -> Levels:
        """A node's levels of this window, or of the newest before it within the hour."""
        for ago in range(_HOUR):
            found = self._level((kid, start - ago * SECONDS))
            if found:
                return found
        return {}

    def _level(self, key: Key) -> Levels:
        known: Levels | None = self._levels.get(key)
        if known is None:
            kid, start = key
            block = start // SECONDS // _HOUR * _HOUR
            starts = [quarter * SECONDS for quarter in range(block, block + _HOUR)]
            missing = [one for one in starts if (kid, one) not in self._levels]
            loaded = self._load(kid, missing)
            found = {one: self._of((kid, one), loaded.get(one, ())) for one in missing}
            for one, levels in found.items():
                self._levels.put((kid, one), levels)
            known = found[start]
        return known

    def _of(self, key: Key, samples: Iterable[Taken]) -> Levels:
        values: dict[int, list[int]] = {}
        for sample in samples:
            for channel in self._kept & sample.counts.keys():
                known = self._catalogue.channels[channel]
                if known.lowest <= sample.counts[channel] <= known.highest:
                    values.setdefault(channel, []).append(sample.counts[channel])
        own = self._book.own(*key) if values else {}
        middle = {channel: median_low(sorted(found)) for channel, found in values.items()}
        return {channel: own[channel].level(m) if channel in own else m for channel, m in middle.items()}
