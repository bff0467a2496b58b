"""A fit in words and figures: what it would change, and how far that can be believed."""

from collections.abc import Iterator

from stoep.clock import timestamp
from stoep.refine.calibration.colocation.fit import Fit
from stoep.wire.channels import Channel


def lines(fit: Fit, channel: Channel) -> Iterator[str]:
    unit = channel.unit
    left = f", {fit.left_out} of them left out as far off" if fit.left_out else ""
    first, last = timestamp(fit.pairs[0].at), timestamp(fit.pairs[-1].at)
    yield f"{len(fit.pairs)} pairs on {fit.days} days, {first} to {last}{left}"
    yield f"error, root mean square    raw {fit.before:.2f} {unit}, corrected {fit.after:.2f} {unit}"
    yield f"                           at days the fit did not know {fit.unseen:.2f} {unit}; R² {fit.r_squared:.3f}"
    gain, offset = fit.gain_interval, fit.offset_interval
    yield f"gain                       {fit.gain}   95 %: {gain.low:.4f} to {gain.high:.4f}"
    yield f"offset                     {fit.offset} {unit}   95 %: {offset.low:.3f} to {offset.high:.3f}"
    if fit.growth is not None:
        factor, dry, wet = float(fit.growth.factor), fit.growth.dry / 100, fit.growth.wet / 100
        yield f"growth with humidity       {factor:.2f}, humidity held between {dry:.0f} and {wet:.0f} %"
    for remark in fit.remarks:
        yield f"note: {remark}"


def note(fit: Fit, channel: Channel) -> str:
    """For the file, one line."""
    errors = f"RMS error {fit.before:.2f} to {fit.after:.2f} {channel.unit}, unseen days {fit.unseen:.2f}"
    return f"{len(fit.pairs) - fit.left_out} pairs on {fit.days} days; {errors}"
