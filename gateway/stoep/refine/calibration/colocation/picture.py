"""The fit as a picture: matplotlib's where it is installed (`pip install stoep[plot]`), else one of letters."""

from pathlib import Path

from stoep.errors import CalibrationError
from stoep.refine.calibration.colocation.fit import Fit
from stoep.wire.channels import Channel

_COLUMNS, _ROWS = 60, 18
_KINDS = {".png", ".svg", ".pdf"}


def drawn(file: Path, fit: Fit, channel: Channel, title: str) -> None:
    """Raises ImportError without matplotlib, CalibrationError where the file cannot be written."""
    if file.suffix.lower() not in _KINDS:
        raise CalibrationError(f"{file} is no kind of picture; name it .png, .svg or .pdf")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5), layout="constrained")
    FigureCanvasAgg(figure)
    cloud, course = figure.subplots(1, 2)
    references = [pair.reference for pair in fit.pairs]
    inside = [at for at, keep in enumerate(fit.kept) if keep]
    outside = [at for at, keep in enumerate(fit.kept) if not keep]
    for said, colour, name in ((fit.raw, "tab:red", "raw"), (fit.corrected, "tab:blue", "corrected")):
        cloud.scatter([references[i] for i in inside], [said[i] for i in inside], s=8, c=colour, label=name, alpha=0.5)
    if outside:
        left = [fit.raw[i] for i in outside]
        cloud.scatter([references[i] for i in outside], left, marker="x", c="grey", label="left out")
    ends = [min(references), max(references)]
    cloud.plot(ends, ends, color="black", linewidth=1, label="as the reference")
    cloud.set(xlabel=f"reference, {channel.unit}", ylabel=f"{channel.name}, {channel.unit}")
    cloud.legend()
    days = [(fit.pairs[i].at - fit.pairs[0].at) / 86_400 for i in inside]
    for said, colour, name in (
        (fit.raw, "tab:red", "raw"),
        (references, "black", "reference"),
        (fit.corrected, "tab:blue", "corrected"),
    ):
        course.plot(days, [said[i] for i in inside], color=colour, linewidth=1, label=name)
    course.set(xlabel="days", ylabel=channel.unit)
    course.legend()
    figure.suptitle(title)
    try:
        figure.savefig(file)
    except OSError as error:
        raise CalibrationError(f"{file} cannot be written ({error.strerror}); name another place") from error


def letters(fit: Fit, channel: Channel) -> str:
    """Reference to the right, sensor upwards: `.` raw, `o` corrected, `/` both agree; without what was left out."""
    inside = [at for at, keep in enumerate(fit.kept) if keep]
    references = [fit.pairs[i].reference for i in inside]
    points = [
        (fit.pairs[i].reference, said[i], mark) for said, mark in ((fit.raw, "."), (fit.corrected, "o")) for i in inside
    ]
    low, high = min(0.0, *references), max(references)
    top = max(high, *(y for _, y, _ in points))
    bottom = min(low, *(y for _, y, _ in points))
    width, height = (high - low) or 1.0, (top - bottom) or 1.0
    grid = [[" "] * _COLUMNS for _ in range(_ROWS)]

    def put(x: float, y: float, mark: str) -> None:
        column = round((x - low) / width * (_COLUMNS - 1))
        row = round((y - bottom) / height * (_ROWS - 1))
        grid[_ROWS - 1 - row][column] = mark

    for step in range(_COLUMNS):
        value = low + width * step / (_COLUMNS - 1)
        put(value, value, "/")
    for x, y, mark in points:
        put(x, y, mark)
    lines = [f"{top:9.1f} ┤{''.join(grid[0])}", *(f"{'':9} │{''.join(row)}" for row in grid[1:-1])]
    lines += [f"{bottom:9.1f} ┤{''.join(grid[-1])}", f"{'':9} └{'─' * _COLUMNS}"]
    return "\n".join(
        [*lines, f"{'':10} {low:<.1f}{high:>{_COLUMNS - len(f'{low:.1f}')}.1f}  reference, {channel.unit}"]
    )
