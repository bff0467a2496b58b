"""What a window comes to: a function of its samples and their marks, whatever the order in which they arrived.

A reading that failed is in no mean, minimum, maximum, sum or last, but counted as rejected. The window's flag is that
of the number the city gets: FAIL where all readings failed and there is none, SUSPECT where some did or any is suspect,
MISSING where the sensor gave none, else GOOD; its reason is that of the worst reading, of several the lower number.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace

from stoep.refine.calibration import apply
from stoep.refine.calibration.book import Book
from stoep.refine.quality.judged import Judged
from stoep.store.series import Series
from stoep.store.verdict import Flag, Reason, flag_of, reason_of
from stoep.store.windows import Summary, Total, Window
from stoep.wire.channels import Catalogue


def summarise(judged: Judged, catalogue: Catalogue, book: Book) -> Summary:
    """Samples of channels that the catalogue does not know are left out."""
    window = judged.window
    corrected = apply.window(_kept(judged), book, catalogue)
    summed = totals(judged, catalogue)
    return Summary(window.kid, window.start, window.revision, window.partial, summed, corrected=corrected)


def _kept(judged: Judged) -> Window:
    """The window without the readings that failed."""
    rejected = any(flag_of(marked) is Flag.FAIL for _, marks_ in judged.samples for marked in marks_.values())
    if not rejected:
        return judged.window
    kept = (
        taken._replace(counts={n: c for n, c in taken.counts.items() if flag_of(marks_[n]) is not Flag.FAIL})
        for taken, marks_ in judged.samples
    )
    return replace(judged.window, samples=Series(kept))


def totals(judged: Judged, catalogue: Catalogue) -> dict[int, Total]:
    """By number of the channel, in counts."""
    found = {number: replace(total) for number, total in judged.window.before.items()}
    worst: dict[int, Reason] = {}  # of the rejected
    for taken, marked in judged.samples:
        at = taken[:3]  # one for all of its channels: their last reading is as a rule the same sample's
        for number, counts in taken.counts.items():
            if number not in catalogue.channels:
                continue
            total = found.setdefault(number, Total())
            flag, reason = flag_of(marked[number]), reason_of(marked[number])
            if flag is Flag.FAIL:
                total.reject(at, taken.time)
                worst[number] = min(worst.get(number, reason), reason)
            else:
                total.add(counts, at, flag, taken.time, reason)
    for number, reason in worst.items():
        found[number].flag = Flag.SUSPECT if found[number].count else Flag.FAIL
        found[number].reason = reason
    return found | _missing(judged, catalogue, found)


def _missing(judged: Judged, catalogue: Catalogue, found: Collection[int]) -> dict[int, Total]:
    time = max((taken.time for taken, _ in judged.samples), default=0)
    expected = (catalogue.channels.get(number) for number in judged.expected if number not in found)
    return {
        channel.id: Total(flag=Flag.MISSING, reason=Reason.ABSENT, time=time)
        for channel in expected
        if channel is not None and channel.leaves == "reading"
    }


def marks(totals_: Mapping[int, Total]) -> dict[int, int]:
    """What a window says of each channel: flag and reason."""
    return {number: total.mark for number, total in totals_.items()}
