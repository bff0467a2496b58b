"""A finding on the terminal: how it is, and under it what to do."""

from rich.console import Console
from rich.markup import escape

from stoep.doctor.finding import Finding, Level

_STYLES = {Level.GOOD: "green", Level.UNKNOWN: "dim", Level.WARNING: "yellow", Level.TROUBLE: "bold red"}


def show(console: Console, finding: Finding) -> None:
    style = _STYLES[finding.level]
    mark = f"[{style}]{finding.level.value:>2}[/]"
    console.print(f"{mark} {finding.about:<10} {escape(finding.words)}", soft_wrap=True)
    if finding.remedy is not None:
        console.print(f"   {'':<10} → {escape(finding.remedy)}", soft_wrap=True)
