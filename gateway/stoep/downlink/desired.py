"""What a node is to live by: the registry's settings, over them the city's, over these the command under way.

Settings travel as one map, so a node takes all of it or nothing. While the registry says nothing of a node and the city
never has, it stays as it was commissioned, and nobody here knows how that is: then a command can only go to a node
that says it lives by the defaults, or it would take away what the technician measured.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from stoep.registry.registry import Entry
from stoep.store.command import Command, Result
from stoep.wire.channels import catalogue
from stoep.wire.messages import Health
from stoep.wire.replies import version_of

Settings = Mapping[int, int]
DEFAULTS = version_of({})


def over(settings: Settings, changes: Mapping[int, int | None]) -> dict[int, int]:
    """`settings` with the changes; None takes a key away."""
    merged = {**settings, **changes}
    return {key: value for key, value in sorted(merged.items()) if value is not None}


def spelled(settings: Settings) -> Settings:
    """As they can travel: a reply has no room for an empty map, so no setting at all is the first one's default."""
    first = min(catalogue().settings.values(), key=lambda setting: setting.id)
    return settings or {first.id: first.default}


@dataclass(frozen=True)
class UnderWay:
    """A command that is accepted; times are the gateway's monotonic ones.

    `sent_at` is None while it was in no reply; until `unsure` the node may still say what it was before it did the
    command whose place this one took.
    """

    command: Command
    expires: int
    changes: Mapping[int, int | None]
    sent_at: float | None = None
    unsure: float = -math.inf

    @property
    def sent(self) -> bool:
        return self.command.result is Result.SENT


@dataclass(frozen=True)
class Desired:
    """Of one node; `city` None: the city never gave it any."""

    entry: Entry
    city: Settings | None = None
    under_way: UnderWay | None = None

    @property
    def is_known(self) -> bool:
        """Whether the gateway knows what the node lives by."""
        return bool(self.entry.settings) or self.city is not None

    def settled(self) -> Settings:
        """Without the command under way; empty: as the node is."""
        whole = over(self.entry.settings, self.city or {})
        return spelled(whole) if self.is_known else whole

    def changed(self) -> Settings:
        """With the command under way: the city's settings as it would make them, over the registry's."""
        return spelled(over(self.entry.settings, self.of_city()))

    def of_city(self) -> dict[int, int]:
        """The city's own settings, with the command under way."""
        return over(self.city or {}, {} if self.under_way is None else self.under_way.changes)

    def versions(self) -> set[int]:
        """By which a node says that it has done the command under way: as it would be sent, and as it was."""
        whole = self.changed()
        versions = {version_of(whole)}
        if whole == spelled({}):
            versions.add(DEFAULTS)
        if self.under_way is not None and self.under_way.sent and self.under_way.command.version is not None:
            versions.add(self.under_way.command.version)
        return versions

    def is_strange(self, said: Health) -> bool:
        """Whether the node lives by settings that nobody here knows."""
        return not self.is_known and said.version != DEFAULTS and said.version not in self.versions()
