"""The self-test: what the board measured, and whether that can be.

The board only says what it reads (`node/selftest.py`); what a reading must be is known here: the catalogue's limits,
narrower ones where a street has them, and from the drawing which part and which wires a reading hangs on.
"""

import re
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

from stoep.resources import hardware_dir
from stoep.wire.channels import Channel, catalogue
from stoep_field.image.micropython import OLDEST

SCRIPT = "from node import selftest\nselftest.run()\n"
_DONE = "selftest done"
_HANG_ON = {  # by the part's name in the drawing
    "climate": ("temperature", "humidity", "pressure"),
    "range": ("fill_distance", "fill_level"),
    "motion": ("tilt", "lid_count"),
    "passers": ("motion_count",),
    "particles": ("pm1_0", "pm2_5", "pm10"),
    "co2": ("co2",),
    "battery": ("battery_voltage",),
    "solar": ("solar_voltage",),
    "lamp": ("lamp_energy", "lamp_energy_fixed", "lamp_lit"),
}
_STREET = {  # counts: what a bench or a street can have, where the catalogue is wider
    "temperature": (-2500, 6000),
    "pressure": (87000, 108500),
    "battery_voltage": (3300, 4300),
    "co2": (300, 10000),
}


class Check(NamedTuple):
    """One thing looked at; `remedy` when it is not well."""

    about: str
    passed: bool
    words: str
    remedy: str | None = None


class Result(NamedTuple):
    at: str  # RFC 3339
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)

    def failed(self) -> list[Check]:
        return [check for check in self.checks if not check.passed]

    def note(self) -> str:
        """One line: what failed, or what was measured."""
        said = self.failed() or [check for check in self.checks if check.about not in {"identity", "micropython"}]
        return ", ".join(f"{check.about} {check.words}" for check in said)[:120]


@cache
def _layout(kind: str) -> tuple[str, ...]:
    """What a node of this kind measures now, by the names of its channels; a bridge measures nothing."""
    known = catalogue()
    newest = max((layout for layout, whose in known.kinds.items() if whose == kind), default=None)
    return () if newest is None else tuple(channel.name for channel in known.layouts[newest])


@cache
def _drawing(kind: str) -> dict[str, Any]:
    return tomllib.loads((hardware_dir() / f"{kind}.toml").read_text(encoding="utf-8"))


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def judge(kind: str, kid: str | None, mac: bytes, said: str, failure: str = "") -> Result:
    """What the words of `node/selftest.py` come to, for the board with this `mac` that shall be this node."""
    lines = [line.strip() for line in said.splitlines()]
    facts = {line.split(" ", 1)[0]: _fields(line) for line in lines if "=" in line and not line.startswith("channel")}
    checks = [_identity(facts.get("identity", {}), kind, kid), _interpreter(facts.get("micropython", {}))]
    if _layout(kind):
        counts = {
            fields["name"]: int(fields["counts"])
            for line in lines
            if line.startswith("channel ")
            for fields in [_fields(line)]
        }
        checks += _sensors(kind, counts, _failures(lines))
    checks.append(_radio(facts.get("radio", {}), mac))
    if _DONE not in lines:
        reason = failure.strip().splitlines()[-1:] or ["it fell silent"]
        checks.append(Check("self-test", False, f"did not come to its end: {reason[0]}", "say the command again"))
    return Result(now(), tuple(checks))


def _fields(line: str) -> dict[str, str]:
    return dict(re.findall(r"(\w+)=(\S+)", line))


def _failures(lines: list[str]) -> dict[str, str]:
    """What a driver said of the sensor that failed, by the sensor's name."""
    found = {}
    for line in lines:
        if line.startswith("sensor ") and " error=" in line:
            found[_fields(line)["name"]] = line.split(" error=", 1)[1]
    return found


def _identity(fields: Mapping[str, str], kind: str, kid: str | None) -> Check:
    is_it = fields.get("kind") == kind and fields.get("kid") == (kid or "-")
    words = f"{fields.get('kind', 'nothing')} {fields.get('kid', '')}".strip()
    return Check(
        "identity", is_it, words, None if is_it else "this is another board than was flashed: look at the cables"
    )


def _interpreter(fields: Mapping[str, str]) -> Check:
    version = fields.get("version", "0.0")
    is_new = tuple(map(int, version.split("."))) >= OLDEST
    return Check(
        "micropython", is_new, version, None if is_new else "flash MicroPython 1.28 or later: commission again"
    )


def _radio(fields: Mapping[str, str], mac: bytes) -> Check:
    if fields.get("mac") == mac.hex():
        return Check("radio", True, f"on, channel {fields.get('channel')}")
    words = fields.get("error") or f"says it is {fields.get('mac', 'nobody')}"
    return Check("radio", False, words, "press EN and say the command again; if it stays so, take another board")


def _sensors(kind: str, counts: Mapping[str, int], failures: Mapping[str, str]) -> list[Check]:
    by_name = {channel.name: channel for channel in catalogue().channels.values()}
    return [
        _sensor(kind, part, [by_name[name] for name in names if name in _layout(kind)], counts, failures)
        for part, names in _HANG_ON.items()
        if set(names) & set(_layout(kind))
    ]


def _sensor(
    kind: str, part: str, channels: list[Channel], counts: Mapping[str, int], failures: Mapping[str, str]
) -> Check:
    missing = [channel for channel in channels if channel.name not in counts]
    if missing or part in failures:
        return Check(part, False, f"does not answer ({failures.get(part, 'no reading')})", wires(kind, part))
    beyond = [channel for channel in channels if not _is_likely(channel, counts[channel.name])]
    words = ", ".join(_text(channel, counts[channel.name]) for channel in channels)
    if beyond:
        return Check(part, False, f"cannot be: {_text(beyond[0], counts[beyond[0].name])}", wires(kind, part))
    return Check(part, True, words)


def _is_likely(channel: Channel, counts: int) -> bool:
    lowest, highest = _STREET.get(channel.name, (channel.lowest, channel.highest))
    return lowest <= counts <= highest


def _text(channel: Channel, counts: int) -> str:
    value = f"{counts / 10**channel.decimals:.{channel.decimals}f}"
    name = channel.name.replace("_", "." if channel.name.startswith("pm") else " ")
    return f"{name} {value}{'' if channel.unit == '1' else ' ' + channel.unit}"


def wires(kind: str, part: str) -> str:
    """Where to look, out of the drawing."""
    drawing = _drawing(kind)
    pins = drawing["pins"]
    bus = drawing["parts"].get(part, {}).get("bus")
    own = [pin["gpio"] for pin in pins.values() if pin["part"] == part]
    if bus == "i2c":
        own = [pins["I2C_SDA"]["gpio"], pins["I2C_SCL"]["gpio"], *(gpio for gpio in own)]
    name = drawing["parts"].get(part, {}).get("part", part)
    where = " and ".join(f"GPIO {gpio}" for gpio in dict.fromkeys(own))
    return f"look at the {name}: its wires to {where}, its 3.3 V and ground; then say the same command again"
