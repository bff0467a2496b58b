"""What stands in a window's row: its samples, and the sums of a release that kept none."""

from typing import Any

import cbor2

from stoep.errors import CorruptError, StoreError
from stoep.store.series import Series
from stoep.store.squeeze import squeeze, whole
from stoep.store.windows import Total

_SUMS = 1  # the form of older releases: sums only
_FORM = 2
_WORTH_SQUEEZING = 100  # bytes


def pack(samples: Series, before: dict[int, Total]) -> bytes:
    content = cbor2.dumps([_FORM, _rows(before), samples.columns()])
    return squeeze(content) if len(content) > _WORTH_SQUEEZING else content


def unpack(content: bytes) -> tuple[Series, dict[int, Total]]:
    """Raises CorruptError, and StoreError for what a newer release wrote."""
    try:
        form, *found = cbor2.loads(whole(content))
        if form == _SUMS:
            return Series(), _totals(found[0])
        if form == _FORM:
            before, columns = found
            return Series.of_columns(columns), _totals(before)
    except (cbor2.CBORError, TypeError, ValueError) as error:
        raise CorruptError(f"a window is not as it was written ({error})") from error
    raise StoreError(f"a window has form {form}, known is {_FORM}; install the release that wrote it")


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
