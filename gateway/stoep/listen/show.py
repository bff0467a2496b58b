"""What a message and a whole run look like to people."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stoep.listen.account import Account, Heard

_STYLES = {1: "", 2: "dim", 3: "yellow", 4: "red", 9: "dim"}  # by QARTOD's flags
_COUNT = "1"  # the unit of what is only counted
_DAY = 86_400
_MOST = 20  # lines of a kind in the summary


def line(heard: Heard) -> Text:
    """One message; what is wrong with it comes first."""
    if heard.wrong or not isinstance(heard.document, dict):
        return Text(f"WRONG  {heard.message}: {'; '.join(heard.wrong)}", style="bold red")
    document = heard.document
    words = {"window": _window, "event": _event, "sample": _sample, "ledger": _ledger}.get(heard.message, _brief)
    return words(heard.message, document)


def _window(_message: str, document: Mapping[str, Any]) -> Text:
    start = document["start"][:16].replace("T", " ")
    said = Text(f"{start}  {document['node']}  ", style="bold")
    said.append_text(Text("  ").join([_channel(name, one) for name, one in document["channels"].items()]))
    if document["revision"] > 1:
        said.append(f"  revision {document['revision']}", style="cyan")
    said.append("".join(f"  {word}" for word in ("partial", "backlog") if document.get(word)), style="cyan")
    index = document.get("air_quality")
    if index is not None:
        known = f"{index['index']}, {index['band']} ({index['pollutant']})"
        told = index["reason"] if index["index"] is None else known
        said.append(f"  air quality {told}", style="magenta")
    return said


def _channel(name: str, one: Mapping[str, Any]) -> Text:
    value = one["sum"] if "sum" in one else one.get("mean")
    told = one.get("suppressed", "no value") if value is None else _value(value, one["unit"])
    flag, why = one["quality"]["flag"], one["quality"]["reason"]
    return Text(f"{name} {told}" + ("" if flag == 1 else f" [{flag}: {why}]"), style=_STYLES[flag])


def _value(value: float, unit: str) -> str:
    return f"{value:.10g}" if unit == _COUNT else f"{value:.10g} {unit}"


def _event(_message: str, document: Mapping[str, Any]) -> Text:
    value = "" if document["value"] is None else f", {_value(document['value'], document['unit'])}"
    style = "bold yellow" if document["raised"] else "green"
    word = "raised" if document["raised"] else "withdrawn"
    return Text(f"{document['time'] or 'undated'}  {document['node']}  {document['alarm']} {word}{value}", style=style)


def _sample(_message: str, document: Mapping[str, Any]) -> Text:
    values = "  ".join(f"{name} {_value(one['value'], one['unit'])}" for name, one in document["channels"].items())
    return Text(f"{document['time']}  {document['node']}  {values}")


def _ledger(_message: str, document: Mapping[str, Any]) -> Text:
    total = document["total"]
    lost = sum(total["lost"].values())
    words = f"{total['expected']} expected, {total['delivered']} delivered, {lost} lost, {total['owed']} owed"
    return Text(f"{document['day']}  ledger  {words}, revision {document['revision']}", style="blue")


def _brief(message: str, document: Mapping[str, Any]) -> Text:
    who = document.get("node", document["site"])
    what = document.get("status") or document.get("result") or ""
    problems = [str(value) for name, value in document.items() if name.endswith("_problem")]
    return Text(f"{message}  {who}  {'; '.join([what, *problems])}".rstrip(), style="dim")


def summary(account: Account) -> RenderableType:
    facts = Table.grid(padding=(0, 2))
    for what, words in _facts(account):
        facts.add_row(what, words)
    parts: list[RenderableType] = [facts]
    parts += _list("unknown here, from a newer gateway", account.unknown, "yellow")
    parts += _list("readings that are wrong, and say so", account.flagged, "yellow")
    parts += _list("WRONG", account.wrong, "bold red")
    return Group(*parts)


def _facts(account: Account) -> Iterator[tuple[str, str]]:
    windows = account.windows
    yield "messages", ", ".join(f"{count} {name}" for name, count in sorted(account.messages.items())) or "none"
    yield "nodes", f"{len(account.nodes)}"
    yield (
        "windows",
        f"{len(windows.highest)}, {windows.revised} revised, {windows.redelivered} came twice, {windows.backlog} late",
    )
    gaps = list(windows.gaps())
    if gaps:
        told = ", ".join(f"{node} {missing} from {_utc(start)}" for node, start, missing in gaps[:_MOST])
        yield "missing", f"{sum(missing for *_, missing in gaps)} windows: {told}"
    if (delays := account.delays()) is not None:
        yield "delay", _delay(*delays)
    yield "verdict", "all is as it must be" if not account.wrong else f"{account.wrong.total()} messages are wrong"


def _delay(middle: float, most: float) -> str:
    if not 0 <= middle < _DAY:
        return f"the gateway's clock and this one are {abs(middle) / _DAY:.1f} days apart"
    return f"{middle:.0f} s after a window's end half of them were here, {most:.0f} s the last"


def _utc(start: int) -> str:
    return datetime.fromtimestamp(start, UTC).strftime("%Y-%m-%d %H:%M")


def _list(title: str, counts: Counter[str], style: str) -> Iterator[Text]:
    if counts:
        yield Text(title, style=style)
        yield from (Text(f"  {count} × {words}") for words, count in counts.most_common(_MOST))
        if len(counts) > _MOST:
            yield Text(f"  and {len(counts) - _MOST} more")
