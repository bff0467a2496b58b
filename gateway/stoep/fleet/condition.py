"""What is known of one node's health, and in which words a technician is told."""

from dataclasses import dataclass
from enum import Enum

from stoep.fleet.battery import Remaining

USABLE = 0.8  # of the windows of the last 24 hours that must have come, complete and in range
DRIFTING = 50_000  # ppm: more than a node's oscillator should be off, whatever the weather
SILENT = 3  # intervals without a word after which a node is silent
_SOON = 30.0  # days before its end at which a battery becomes a problem
_MARGIN = 60.0  # seconds more, for the way and the tick
_PERCENT = 100


class Use(Enum):
    """Whether the city can work with what a node sends."""

    USABLE = "usable"
    POOR = "poor"
    NEW = "new"  # too young to say


@dataclass(frozen=True)
class Condition:
    """As of the last survey. `pace`: seconds between two samples, as they come; `volts` of the last window."""

    kid: bytes
    name: str
    kind: str
    pace: float
    heard: float | None = None  # Unix seconds of its newest dated sample
    volts: float | None = None
    battery: Remaining | None = None
    ppm: int | None = None  # of its clock; above 0: fast
    alarms: tuple[str, ...] = ()  # raised in its present life and not withdrawn
    good: int = 0  # windows of the last 24 hours that are complete and in range
    windows: int = 0  # windows that were expected of them
    here: int = 0  # samples that are here and that the city has not confirmed
    there: int = 0  # samples that are known to be with the node still

    @property
    def failing(self) -> tuple[str, ...]:
        """The sensors that cannot be read."""
        return tuple(alarm.removesuffix("_failing") for alarm in self.alarms if alarm.endswith("_failing"))

    @property
    def use(self) -> Use:
        if self.heard is None:
            return Use.POOR  # never heard: it belongs to the site and yields nothing
        if self.windows < 2:  # noqa: PLR2004 -- one window may be late, and says nothing
            return Use.NEW
        return Use.USABLE if self.good >= USABLE * self.windows and not self.failing else Use.POOR

    @property
    def drifting(self) -> bool:
        return self.ppm is not None and abs(self.ppm) > DRIFTING

    def silent(self, heard: float | None, now: float, started: float) -> bool:
        """Whether it should have been heard by now; `heard`, `now`, and the service's start in Unix seconds."""
        limit = SILENT * self.pace + _MARGIN
        last = max(started, heard or started, self.heard or started)
        return now - last > limit


def problems(condition: Condition, heard: float | None, now: float, started: float) -> list[str]:
    """In words, the gravest first."""
    said = []
    if condition.silent(heard, now, started):
        known = max((at for at in (heard, condition.heard) if at is not None), default=None)
        said.append("never heard: is it commissioned for this site, and powered?" if known is None else "silent")
    if "battery_empty" in condition.alarms:
        said.append("battery empty")
    elif "battery_low" in condition.alarms:
        said.append("battery low")
    elif condition.battery is not None and condition.battery.days is not None and condition.battery.days < _SOON:
        said.append(f"battery empty in about {condition.battery.days:.0f} days")
    if "safe_mode" in condition.alarms:
        said.append("in safe mode")
    said += [f"{sensor} cannot be read" for sensor in condition.failing]
    said += [alarm.replace("_", " ") for alarm in condition.alarms if alarm.startswith("lamp_stuck")]
    if condition.drifting:
        assert condition.ppm is not None
        said.append(f"its clock is {abs(condition.ppm) / 10_000:.0f} % too {'fast' if condition.ppm > 0 else 'slow'}")
    if condition.use is Use.POOR and condition.heard is not None:
        percent = _PERCENT * condition.good // max(1, condition.windows)
        said.append(f"only {percent} % of the last day's windows are usable")
    return said
