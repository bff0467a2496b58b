"""A bin's windows as they stand in the store: it fills by day, and is emptied each morning at six."""

from datetime import UTC, datetime

from stoep.store.series import Series, Taken
from stoep.store.windows import SECONDS, Window
from stoep.wire.channels import catalogue

KID = b"\xc0\xff\xee\x01"
MIDNIGHT = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp())
LEVEL, DISTANCE = (
    next(channel.id for channel in catalogue().channels.values() if channel.name == name)
    for name in ("fill_level", "fill_distance")
)


def window(index: int, level: float, samples: int = 1) -> Window:
    """The quarter of an hour with this number since midnight, published."""
    start = MIDNIGHT + index * SECONDS
    counts = {LEVEL: round(level), DISTANCE: round(1200 - level * 10) + index % 3 - 1}
    times = [(start + 7 + 890 * each // samples) * 1_000_000 for each in range(samples)]
    taken = [Taken(at, 1, index * samples + each, 0, counts) for each, at in enumerate(times)]
    return Window(KID, start, 1, samples=Series(taken))


def level_at(index: int) -> float:
    """Two points an hour by day, emptied each morning at six."""
    hour = (index / 4 - 6) % 24
    return 2 + 2 * min(hour, 14)
