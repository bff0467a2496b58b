"""What a window comes to: a function of its samples alone, whatever the order in which they arrived."""

from dataclasses import replace

from stoep.refine import quality
from stoep.refine.calibration import apply
from stoep.refine.calibration.book import Book
from stoep.store.windows import Summary, Total, Window
from stoep.wire.channels import Catalogue


def summarise(window: Window, catalogue: Catalogue, book: Book) -> Summary:
    """Samples of channels that the catalogue does not know are left out."""
    corrected = apply.window(window, book, catalogue)
    summed = totals(window, catalogue)
    return Summary(window.kid, window.start, window.revision, window.partial, summed, corrected=corrected)


def totals(window: Window, catalogue: Catalogue) -> dict[int, Total]:
    """By number of the channel, in counts."""
    found = {number: replace(total) for number, total in window.before.items()}
    for taken in window.samples:
        for number, counts in taken.counts.items():
            channel = catalogue.channels.get(number)
            if channel is not None:
                flag = quality.flag(channel, counts)
                found.setdefault(number, Total()).add(counts, taken[:3], flag, taken.time)
    return found
