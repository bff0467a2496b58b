"""`stoep calibrate`: a sensor against a reference that stood beside it; what follows is shown, written on demand."""

from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.console import Console
from rich.progress import Progress

from stoep import settings
from stoep.clock import timestamp
from stoep.errors import CalibrationError, PermanentError
from stoep.ledger import books
from stoep.refine.calibration import file as written
from stoep.refine.calibration.book import Book, quarter
from stoep.refine.calibration.colocation import picture, report
from stoep.refine.calibration.colocation.fit import Fit, fit
from stoep.refine.calibration.colocation.pairing import Pair, pair
from stoep.refine.calibration.colocation.proposal import proposal
from stoep.refine.calibration.colocation.reference import Reference, read
from stoep.refine.calibration.draft import editing
from stoep.registry import enrol, registry
from stoep.registry.registry import Entry as Node
from stoep.store import window_rows
from stoep.store.series import Taken
from stoep.store.windows import SECONDS
from stoep.wire.channels import Channel, catalogue

_HELP = """Compare a sensor with a reference that stood beside it, and correct it from then on.

Put a reference instrument beside the node, or the node beside a station, for two weeks or more. Then:

stoep calibrate lamp-1 --channel pm2_5 --against station.csv -c gateway.toml

The file is CSV with a header: a column `time` (2026-10-12T08:00:00Z, the begin of what a row is the mean of) and one of
values with its unit: `pm2_5 (µg/m³)`. The command pairs it with what the store holds (36 days), fits gain and offset,
for particles also how they grow with humidity, says how wrong the sensor was and would be, and draws both. Nothing is
written without --apply. The gateway may run meanwhile.

What is written is one more [[calibration]] in calibration.toml, valid --from a time on. `systemctl reload
stoep-gateway` puts it in force; the windows since that time come again with a higher revision. Raw readings are never
changed.

--show lists a node's versions. --end ends one at --until, --remove takes one out: then as if it had never been.
"""
_IN_FORCE = "`systemctl reload stoep-gateway` puts it in force; windows it concerns are published again."


class Wish(NamedTuple):
    """What the command line says of a comparison."""

    against: Path
    column: str | None
    unit: str | None
    period: int | None
    begins: int | None
    ends: int | None
    name: str | None
    image: Path | None
    apply: bool


class Site(NamedTuple):
    chosen: settings.Settings
    node: Node
    file: Path
    book: Book


def _site(config: Path, name: str) -> Site:
    chosen = settings.load(config)
    files = chosen.path(chosen.registry.nodes), chosen.secret(chosen.registry.secrets)
    node = enrol.find(registry.load(*files, placed=chosen.site.placed), name)
    file = chosen.path(chosen.calibration.file)
    return Site(chosen, node, file, written.load(file, chosen.calibration))


def _channel(name: str | None) -> Channel:
    known = {channel.name: channel for channel in catalogue().channels.values() if channel.leaves == "reading"}
    if name not in known:
        raise CalibrationError(f"which sensor? say --channel and one of {', '.join(known)}")
    return known[name]


def _moment(text: str | None, option: str) -> int | None:
    """The quarter of an hour in which it lies, Unix seconds."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise typer.BadParameter(f"{text} is no time; write it as 2026-06-01T10:15:00Z", param_hint=option)
    return quarter(moment.timestamp())


def _taken(site: Site, channel: Channel, reference: Reference, step: Callable[[float], None]) -> list[Taken]:
    """What the store holds of the node in the reference's time, but for readings that cannot be true."""
    since, until = quarter(reference.rows[0].at), int(reference.rows[-1].at + max(reference.seconds, SECONDS))
    found, summed = [], 0
    with closing(books.connect(site.chosen.path(site.chosen.store.path))) as sql:
        sql.execute("BEGIN")
        for window in window_rows.between(sql, site.node.kid, since, until):
            summed += channel.id in window.before
            found += [one for one in window.samples if _possible(channel, one.counts.get(channel.id))]
            step((window.start - since) / max(1, until - since))
    if not found:
        old = f"; {summed} windows of it are sums of an older release" if summed else ""
        raise CalibrationError(
            f"the store holds no {channel.name} of {site.node.name} from {timestamp(since)} "
            f"to {timestamp(until)}{old}: the file's times must lie in the last 36 days"
        )
    return found


def _possible(channel: Channel, counts: int | None) -> bool:
    return counts is not None and channel.lowest <= counts <= channel.highest


def _damp(site: Site) -> Callable[[Taken], int | None]:
    """The humidity beside a reading, as calibrated."""
    number = site.book.humidity

    def humidity(taken: Taken) -> int | None:
        counts = taken.counts.get(number)
        correction = site.book.holding(site.node.kid, taken.at // 1_000_000).get(number)
        return counts if counts is None or correction is None else round(correction.exactly(counts))

    return humidity


def _fitted(site: Site, channel: Channel, wish: Wish) -> Fit:
    reference = read(wish.against, channel.unit, column=wish.column, told_unit=wish.unit)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        reading = progress.add_task("reading the store", total=1.0)
        taken = _taken(site, channel, reference, lambda share: progress.update(reading, completed=share))
        progress.update(reading, completed=1.0)
        pairs: list[Pair] = pair(reference, taken, channel.id, _damp(site), wish.period)
        fitting = progress.add_task("fitting", total=1.0)
        return fit(pairs, channel, told=lambda share: progress.update(fitting, completed=share))


def _draw(site: Site, channel: Channel, found: Fit, image: Path | None) -> None:
    file = image or Path(f"{site.node.name}-{channel.name}.png")
    try:
        picture.drawn(file, found, channel, f"{site.node.name} {channel.name} against its reference")
    except ImportError:
        typer.echo(picture.letters(found, channel))
        typer.echo("For a picture instead of letters: pip install 'stoep[plot]'")
    else:
        typer.echo(f"The fit as a picture: {file}")


def _compare(site: Site, channel: Channel, wish: Wish) -> None:
    found = _fitted(site, channel, wish)
    typer.echo(f"{site.node.name} {channel.name} against {wish.against.name}")
    for line in report.lines(found, channel):
        typer.echo(line)
    _draw(site, channel, found, wish.image)
    with editing(site.file) as draft:
        version = draft.next_version(site.node.kid, channel.id)
        name = wish.name or f"beside {wish.against.stem}"
        entry = proposal(found, site.node.kid, channel, version, name, wish.begins, wish.ends)
        said = draft.add(entry, channel.id)
        typer.echo(f"\n{site.file}:\n{draft.added}")
        for one in said:
            typer.echo(one)
        if not wish.apply:
            typer.echo("Nothing was written. To write it, say it again with --apply.")
            return
        draft.write()
    typer.echo(f"Written as version {version}. {_IN_FORCE}")


def _show(site: Site) -> None:
    known = catalogue().channels
    own = [one for one in site.book.calibrations if one.kid == site.node.kid]
    for one in sorted(own, key=lambda one: (one.channel, one.begins)):
        channel, told = known[one.channel], one.correction
        until = "further notice" if one.ends is None else timestamp(one.ends)
        typer.echo(f"{channel.name} version {told.version}, from {timestamp(one.begins)} until {until}: {told.name}")
        growth = "" if told.growth is None else f", growth with humidity {float(told.growth.factor):g}"
        offset = float(told.offset) / 10**channel.decimals
        typer.echo(f"    gain {float(told.gain):g}, offset {offset:g} {channel.unit}{growth}")
    general = site.chosen.calibration.particles
    typer.echo(f"{site.node.name} has {len(own)} in {site.file}. For particles where none holds: {general}.")


def _remove(site: Site, channel: Channel, version: int) -> None:
    with editing(site.file) as draft:
        draft.remove(site.node.kid, channel.id, version)
        draft.write()
    typer.echo(f"Version {version} of {site.node.name} {channel.name} is gone. {_IN_FORCE}")


def _end(site: Site, channel: Channel, version: int, at: int) -> None:
    with editing(site.file) as draft:
        draft.end(site.node.kid, channel.id, version, at)
        draft.write()
    typer.echo(f"Version {version} of {site.node.name} {channel.name} ends at {timestamp(at)}. {_IN_FORCE}")


_Config = Annotated[Path, typer.Option("--config", "-c", help="The gateway's settings, a TOML file.")]
_Against = Annotated[Path | None, typer.Option(help="The reference's CSV file.")]
_ChannelName = Annotated[str | None, typer.Option("--channel", help="Which sensor: pm2_5, temperature, co2 and so on.")]


def register(app: typer.Typer) -> None:
    @app.command("calibrate", help=_HELP)
    def command(
        name: Annotated[str, typer.Argument(metavar="NODE", help="A node's name or kid.")],
        config: _Config,
        channel: _ChannelName = None,
        against: _Against = None,
        column: Annotated[str | None, typer.Option(help="The file's column, if it has several.")] = None,
        unit: Annotated[str | None, typer.Option(help="The file's unit, if its header does not say it.")] = None,
        period: Annotated[
            int | None, typer.Option(min=1, help="Seconds a row is the mean of; else the usual step between rows.")
        ] = None,
        begins: Annotated[str | None, typer.Option("--from", help="Valid from; else the comparison's begin.")] = None,
        ends: Annotated[str | None, typer.Option("--until", help="Valid until; else until further notice.")] = None,
        named: Annotated[str | None, typer.Option("--name", help="In words, for those who read the messages.")] = None,
        image: Annotated[Path | None, typer.Option("--picture", help="Where to draw it: .png, .svg, .pdf.")] = None,
        end: Annotated[int | None, typer.Option(help="End this version at --until.")] = None,
        remove: Annotated[int | None, typer.Option(help="Take this version out.")] = None,
        *,
        apply: Annotated[bool, typer.Option("--apply", help="Write it into calibration.toml.")] = False,
        show: Annotated[bool, typer.Option("--show", help="List the node's versions.")] = False,
    ) -> None:
        since, until = _moment(begins, "--from"), _moment(ends, "--until")
        try:
            site = _site(config, name)
            if show:
                _show(site)
            elif remove is not None:
                _remove(site, _channel(channel), remove)
            elif end is not None:
                if until is None:
                    raise CalibrationError("from when on does it not hold? say --until 2026-06-01T10:15:00Z")
                _end(site, _channel(channel), end, until)
            elif against is not None:
                _compare(
                    site, _channel(channel), Wish(against, column, unit, period, since, until, named, image, apply)
                )
            else:
                raise CalibrationError("what with? say --against FILE.csv, or --show, --end or --remove; see --help")
        except PermanentError as error:
            typer.echo(f"stoep calibrate: {error}", err=True)
            raise typer.Exit(error.exit_code) from None
