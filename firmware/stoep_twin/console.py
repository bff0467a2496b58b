"""What a board says on its console: one line each, `word key=value …`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One console line and the exact virtual time at which it was said."""

    virtual_us: int
    text: str

    @property
    def word(self) -> str:
        """The first word: what this line is about."""
        return self.text.split(" ", 1)[0]

    def fields(self) -> dict[str, str]:
        """The `key=value` parts; a value reaches up to the next blank."""
        return dict(part.split("=", 1) for part in self.text.split(" ")[1:] if "=" in part)
