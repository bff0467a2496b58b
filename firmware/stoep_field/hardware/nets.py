"""What is one piece of copper: terminals that wires and parts join."""

from stoep_field.hardware.drawing import BOARD, GROUND, Drawing, End

# A part of this role passes its supply on between these terminals.
_THROUGH = {"fuse": ("IN", "OUT"), "polarity": ("D", "S"), "switch": ("D", "S")}


class Nets:
    """Which terminals are joined by wires, and also, when `through`, by fuses and the like."""

    def __init__(self, drawing: Drawing, *, through: bool = False) -> None:
        self._above: dict[End, End] = {}
        self._drawing = drawing
        for bundle in drawing.bundles.values():
            for run in bundle.runs:
                self._join(run.left, run.right)
        for part in drawing.parts.values():
            for group in (*part.joined, *([_THROUGH[part.role]] if through and part.role in _THROUGH else [])):
                for terminal in group[1:]:
                    self._join(End(part.name, group[0]), End(part.name, terminal))

    def _join(self, one: End, other: End) -> None:
        self._above[self.of(one)] = self.of(other)

    def of(self, end: End) -> End:
        """The terminal that stands for all those joined to this one."""
        while self._above.get(end, end) != end:
            end = self._above[end]
        return end

    def same(self, one: End, other: End) -> bool:
        return self.of(one) == self.of(other)

    def members(self, end: End) -> list[End]:
        """All terminals joined to this one, itself among them, in the drawing's order."""
        net = self.of(end)
        known = [End(part, terminal) for part in self._drawing.parts for terminal in self._drawing.terminals(part)]
        return [one for one in known if self.of(one) == net]

    def grounds(self) -> set[End]:
        """The nets that the board calls ground."""
        terminals = self._drawing.terminals(BOARD)
        return {self.of(End(BOARD, terminal)) for terminal in terminals if terminal.endswith(GROUND)}
