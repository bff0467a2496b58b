"""`stoep twin`: the virtual street from the command line."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from stoep_twin.chips.lamp import Failing
    from stoep_twin.faults import Kind


_LIGHT = "lamp-light:"
_USUAL_LOSS, _LAMPS_LOSS = 0.05, 0.1


def register(app: typer.Typer) -> None:
    """Add the command to `stoep`."""
    app.command("twin")(twin)


def _faults(given: list[str]) -> Iterator[tuple[str, Kind]]:
    from stoep.resources import hardware_dir
    from stoep_twin.faults import Kind
    from stoep_twin.wiring import can_befall, known_parts

    known = known_parts(hardware_dir()) if given else set()
    for one in given:
        part, _, kind = one.partition(":")
        if part.lower() not in known:
            raise typer.BadParameter(f"{one!r}: no drawing has a part {part!r}; there are {', '.join(sorted(known))}")
        try:
            chosen = Kind(kind)
        except ValueError:
            raise typer.BadParameter(f"{one!r}: write PART:KIND, with {', '.join(Kind)} for KIND") from None
        if not can_befall(hardware_dir(), part.lower(), chosen):
            raise typer.BadParameter(f"{one!r}: no such part can be {kind}")
        yield part.lower(), chosen


def _failing(given: list[str]) -> Failing | None:
    from stoep_twin.chips.lamp import Failing

    try:
        return Failing(given[-1].removeprefix(_LIGHT)) if given else None
    except ValueError:
        raise typer.BadParameter(f"{given[-1]!r}: write {_LIGHT}KIND, with {', '.join(Failing)} for KIND") from None


def twin(
    bins: Annotated[int, typer.Option(min=0, max=200, help="How many bins stand in the street.")] = 3,
    benches: Annotated[int, typer.Option(min=0, max=50, help="How many benches.")] = 0,
    lampposts: Annotated[int, typer.Option(min=0, max=50, help="How many lampposts.")] = 0,
    speed: Annotated[
        float, typer.Option(min=1, max=3600, help="Virtual seconds in a real one; replies stay as quick as they are.")
    ] = 240.0,
    seconds: Annotated[
        float | None,
        typer.Option("--for", min=1, metavar="SECONDS", help="Real seconds from the first boot; else until Ctrl-C."),
    ] = None,
    loss: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=0.95,
            help="Share of the frames that the air loses: 0.05; 0.1 in scenarios of lamps.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same world, losses and boards.")] = 1,
    directory: Annotated[
        Path, typer.Option("--dir", metavar="DIR", help="Where the run's files go; emptied at the start.")
    ] = Path("build/twin"),
    broker: Annotated[
        str, typer.Option(metavar="URL|mosquitto|embedded", help="The city's broker; a URL is like mqtt://host:1883.")
    ] = "embedded",
    kill_gateway: Annotated[
        int, typer.Option(min=0, metavar="N", help="Kill the gateway (SIGKILL) so many times, spread over the run.")
    ] = 0,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PART:KIND",
            help="Break a part of every board that has it, by its name in the drawing (climate, particles…) or its "
            "maker's (bme280, pms5003…): absent, silent, garbled or stuck; drifting, spiking, blocked, web or wet "
            "where such a part can be. Several may be given; readings are then not held against the world. "
            "lamp-light:KIND is the lamps' own light: stuck-on, stuck-off, flickering or half.",
        ),
    ] = None,
    scenario: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="rough-day: 24 hours in three minutes, with brown-outs, dead sensors, and the gateway away for six. "
            "budget: a bin and a bench for a minute, and how long their batteries last. "
            "follow-me: six lampposts in the dark at speed 1, twenty passages and more, then a dead lamp, no gateway, "
            "no bridge, a cold boot; about half an hour, judged by the light ahead of people. "
            "lamp-trouble: only what goes wrong. "
            "night: a windy night of branches and one cat, in a quarter of an hour; who is lit for nobody is counted.",
        ),
    ] = "",
    passages: Annotated[
        int, typer.Option(min=0, metavar="N", help="Of follow-me: end after so many passages, and nothing goes wrong.")
    ] = 0,
    summary: Annotated[Path | None, typer.Option(metavar="FILE", help="Write what was counted there, as JSON.")] = None,
    heap: Annotated[str, typer.Option(help="Heap of a board's interpreter, as MicroPython's -X heapsize.")] = "4M",
) -> None:
    """Run a virtual street: real firmware on virtual boards, the real gateway, a city that listens.

    Each node is a process of a real MicroPython that runs the files of firmware/ unchanged, wakes every 15 minutes of
    virtual time, measures a simulated world and reports over a lossy radio to a bridge; the gateway service makes
    windows of 15 minutes and sends them to the city's broker. At the end (--for, or Ctrl-C) the boards stop sampling
    and report until everything is acknowledged; then what the city received is counted against what the boards took.

    Exit status 0 only if no reading was lost, none counted twice, and every window is right.

    \b
    In the run's directory: boards/<name>/console.log   what each board said, with the virtual time
                            gateway.toml, gateway.log   the service's settings and log
                            bridge                      the serial port the gateway has open
                            stoep.db                    the gateway's store

    \b
    stoep twin --for 30                      half a minute, which is two hours in the street
    stoep twin --loss 0.2 --kill-gateway 2   bad radio, and a gateway that dies twice
    stoep twin --scenario follow-me --passages 5   light that follows five people, in six minutes
    """
    from stoep_twin import scenarios
    from stoep_twin.broker import BrokerError
    from stoep_twin.interpreter import NoInterpreterError
    from stoep_twin.run import Run
    from stoep_twin.rundir import DirectoryError
    from stoep_twin.street import Options

    if bins + benches + lampposts == 0:
        raise typer.BadParameter("an empty street measures nothing: give --bins, --benches or --lampposts")
    options = Options(
        bins=bins,
        benches=benches,
        lampposts=lampposts,
        speed=speed,
        seconds=seconds,
        loss=loss if loss is not None else _LAMPS_LOSS if scenario in scenarios.LOSSY else _USUAL_LOSS,
        seed=seed,
        directory=directory,
        broker=broker,
        kills=kill_gateway,
        heap=heap,
        faults=tuple(_faults([one for one in fault or [] if not one.startswith(_LIGHT)])),
        failing=_failing([one for one in fault or [] if one.startswith(_LIGHT)]),
        passages=passages,
    )
    if scenario:
        try:
            options = scenarios.options(scenario, options)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None

    async def go() -> int:
        counted = await Run(options).through()
        if summary is not None:
            counted.write(summary)
        for line in counted.lines():
            typer.echo(line)
        return 0 if counted.good else 1

    try:
        status = asyncio.run(go())
    except (BrokerError, DirectoryError, NoInterpreterError) as error:
        typer.echo(f"stoep twin: {error}", err=True)
        status = 2
    except RuntimeError as error:
        typer.echo(f"stoep twin: {error}; the run's files are in {directory}", err=True)
        status = 1
    raise typer.Exit(status)
