"""The channel catalogue as the nodes need it: ids, offsets and limits, no units and no prose."""

from pathlib import Path

from stoep_field.module import Module
from stoep_field.tables import Table

_I32 = 2**31
_BYTE = 255  # ids of layouts, alarms and causes travel as 1..255, see wire.cddl
_MOST_DECIMALS = 9
_FIRST_REFUSAL = 1001  # beyond any id of a setting


def render(file: Path, source: Path) -> str:
    """The text of catalogue.py; `source` is how the header names `file`. Raises SourceError."""
    root = Table.load(file)
    module = Module(source)
    ids = _channels(root.table("channels"), module)
    _layouts(root.table("layouts"), ids, module)
    _alarms(root.table("alarms"), ids, module)
    _lost(root.table("lost"), module)
    return module.text()


def render_channels(file: Path, source: Path) -> str:
    """The text of channels.py: what a sample is kept by, and nobody needs who measures. Raises SourceError."""
    root = Table.load(file)
    module = Module(source)
    ids = _ids(root)
    module.gap("by id: name and offset; what travels is counts less offset")
    channels = root.table("channels").tables()
    entries = {ids[name]: f'("{name}", {channel.integer("offset", -_I32, _I32 - 1)})' for name, channel in channels}
    module.dictionary("CHANNELS", entries)
    orders: dict[int, tuple[int, ...]] = {}
    for _, layout in root.table("layouts").tables():
        orders[layout.integer("id", 1, _BYTE)] = tuple(ids[name] for name in layout.texts("channels"))
    module.gap("id of a layout: the channels of a sample, in order")
    module.dictionary("LAYOUTS", {number: str(order) for number, order in orders.items()})
    return module.text()


def render_spelling(file: Path, source: Path) -> str:
    """The text of spelling.py: the little of it that a report is spelled with. Raises SourceError."""
    root = Table.load(file)
    module = Module(source)
    layouts = [layout for _, layout in root.table("layouts").tables()]
    lengths = {layout.integer("id", 1, _BYTE): len(layout.texts("channels")) for layout in layouts}
    _alarms(root.table("alarms"), _ids(root), module, only=("crashed",))
    _lost(root.table("lost"), module)
    module.gap("id of a layout: how many values a sample has")
    module.dictionary("LENGTHS", {number: str(length) for number, length in lengths.items()})
    return module.text()


def render_settings(file: Path, source: Path) -> str:
    """The text of options.py: what may be set on a node. Raises SourceError."""
    module = Module(source)
    taken: dict[int, str] = {}
    entries: dict[int, str] = {}
    for name, setting in Table.load(file).table("settings").tables():
        number = _unique(setting, "id", _BYTE, taken)
        lowest = setting.integer("lowest", 0, _I32 - 1)
        highest = setting.integer("highest", lowest, _I32 - 1)
        default = setting.integer("default", lowest, highest)
        entries[number] = f'("{name}", {default}, {lowest}, {highest}, {int(setting.boolean("probation"))})'
    module.gap("by id: name, default, lowest, highest, whether it is on probation")
    module.dictionary("KNOWN", entries)
    return module.text()


def render_refusals(file: Path, source: Path) -> str:
    """The text of refusals.py: why a node gives settings up. Raises SourceError."""
    module = Module(source)
    taken: dict[int, str] = {}
    refusals = Table.load(file).table("refusals")
    for name, refusal in refusals.tables():
        number = refusal.integer("id", _FIRST_REFUSAL, _I32 - 1)
        if number in taken:
            raise refusal.error("id", f"{number} is the id of {taken[number]} already", "give it another")
        taken[number] = name
        module.constant(name.upper(), number, refusals, name)
    return module.text()


def _unique(table: Table, key: str, highest: int, taken: dict[int, str]) -> int:
    number = table.integer(key, 1, highest)
    if number in taken:
        raise table.error(key, f"{number} is the id of {taken[number]} already", f"give it another, up to {highest}")
    taken[number] = table.key
    return number


def _channels(channels: Table, module: Module) -> dict[str, int]:
    taken: dict[int, str] = {}
    ids: dict[str, int] = {}
    for name, channel in channels.tables():
        number = ids[name] = _unique(channel, "id", _BYTE, taken)
        offset = channel.integer("offset", -_I32, _I32 - 1)
        lowest = channel.integer("lowest", -_I32, _I32 - 1)
        highest = channel.integer("highest", lowest, _I32 - 1)
        if lowest - offset < -_I32 or highest - offset >= _I32:
            raise channel.error("offset", f"{offset} takes values past 32 bits", "choose one nearer to them")
        unit, decimals = channel.text("unit"), channel.integer("decimals", 0, _MOST_DECIMALS)
        module.constant(name.upper(), number, channels, name, f"{unit}, {decimals} decimals")
    return ids


def _layouts(layouts: Table, ids: dict[str, int], module: Module) -> None:
    taken: dict[int, str] = {}
    module.gap()
    for name, layout in layouts.tables():
        number = _unique(layout, "id", _BYTE, taken)
        channels = layout.texts("channels")
        for channel in channels:
            if channel not in ids:
                raise layout.error("channels", f"{channel!r} is no channel", f"use some of {', '.join(ids)}")
            if channels.count(channel) > 1:
                raise layout.error("channels", f"{channel!r} is there twice", "name each channel once")
        module.constant(f"LAYOUT_{name.upper()}", number, layouts, name)


def _ids(root: Table) -> dict[str, int]:
    return _channels(root.table("channels"), Module(Path()))


def _alarms(alarms: Table, ids: dict[str, int], module: Module, only: tuple[str, ...] = ()) -> None:
    taken: dict[int, str] = {}
    module.gap()
    for name, alarm in alarms.tables():
        if only and name not in only:
            continue
        channel = alarm.text("channel")
        if channel not in ids:
            raise alarm.error("channel", f"{channel!r} is no channel", f"use one of {', '.join(ids)}")
        module.constant(f"ALARM_{name.upper()}", _unique(alarm, "id", _BYTE, taken), alarms, name)


def _lost(lost: Table, module: Module) -> None:
    causes: dict[int, str] = {}
    module.gap()
    for name in lost.content:
        cause = lost.integer(name, 0, _BYTE)
        if cause in causes:
            raise lost.error(name, f"{cause} means {causes[cause]} already", f"choose another number up to {_BYTE}")
        causes[cause] = name
        if cause:  # 0 is the gateway's word for a hole; a node never says it
            module.constant(f"LOST_{name.upper()}", cause, lost, name)
