"""The `[[calibration]]` that follows from a fit."""

from datetime import UTC, datetime
from decimal import Decimal

from stoep.refine.calibration.book import quarter
from stoep.refine.calibration.colocation import report
from stoep.refine.calibration.colocation.fit import Fit
from stoep.refine.calibration.file import Entry
from stoep.wire.channels import Channel

_LONGEST = 120  # characters of a name
_PERCENT = 100  # counts of humidity


def proposal(
    fit: Fit, kid: bytes, channel: Channel, version: int, name: str, begins: int | None, ends: int | None
) -> Entry:
    """Valid from `begins` (Unix seconds), or from the quarter of an hour in which the comparison began."""
    said: dict[str, object] = {}
    if fit.growth is not None:
        factor = Decimal(fit.growth.factor.numerator) / fit.growth.factor.denominator
        dry, wet = (Decimal(counts // _PERCENT) for counts in (fit.growth.dry, fit.growth.wet))
        said = {"growth": factor, "humidity": (dry, wet)}
    return Entry(
        kid=kid.hex(),
        channel=channel.name,
        version=version,
        name=" ".join(name.split())[:_LONGEST],
        valid_from=_utc(quarter(fit.pairs[0].at) if begins is None else begins),
        valid_until=None if ends is None else _utc(ends),
        gain=fit.gain,
        offset=fit.offset,
        note=report.note(fit, channel)[:_LONGEST],
        **said,  # type: ignore[arg-type]
    )


def _utc(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
