"""What stands in a window's row: its flags as published, its samples, and the sums of a release that kept none."""

from typing import Any, NamedTuple

import cbor2

from stoep.errors import CorruptError, StoreError
from stoep.store.series import Series
from stoep.store.squeeze import squeeze, whole
from stoep.store.windows import Total

_SUMS = 1  # the form of older releases: sums only
_FORM = 2
_WORTH_SQUEEZING = 100  # bytes


class Content(NamedTuple):
    """`flags` by channel, of the last published revision."""

    flags: dict[int, int]
    samples: Series
    before: dict[int, Total]


def pack(content: Content) -> bytes:
    packed = cbor2.dumps([_FORM, content.flags, _rows(content.before), content.samples.columns()])
    return squeeze(packed) if len(packed) > _WORTH_SQUEEZING else packed


def unpack(packed: bytes) -> Content:
    """Raises CorruptError, and StoreError for what a newer release wrote."""
    form, found = _parts(packed)
    try:
        if form == _SUMS:
            before = _totals(found[0])
            return Content({number: total.flag for number, total in before.items()}, Series(), before)
        flags, rows, columns = found
        return Content(flags, Series.of_columns(columns), _totals(rows))
    except (TypeError, ValueError) as error:
        raise CorruptError(f"a window is not as it was written ({error})") from error


def flags(packed: bytes) -> dict[int, int]:
    """Those alone: to look at a fleet's day nobody unpacks every sample. Raises as `unpack`."""
    form, found = _parts(packed)
    return unpack(packed).flags if form == _SUMS else dict(found[0])


def _parts(packed: bytes) -> tuple[int, list[Any]]:
    try:
        form, *found = cbor2.loads(whole(packed))
    except (cbor2.CBORError, TypeError, ValueError) as error:
        raise CorruptError(f"a window is not as it was written ({error})") from error
    if form not in (_SUMS, _FORM):
        raise StoreError(f"a window has form {form}, known is {_FORM}; install the release that wrote it")
    return form, found


def _rows(totals: dict[int, Total]) -> list[list[Any]]:
    return [
        [number, t.count, t.total, t.lowest, t.highest, t.last, list(t.last_at), t.flag, t.time]
        for number, t in totals.items()
    ]


def _totals(rows: list[list[Any]]) -> dict[int, Total]:
    return {
        number: Total(count, total, lowest, highest, last, tuple(last_at), flag, time)
        for number, count, total, lowest, highest, last, last_at, flag, time in rows
    }
