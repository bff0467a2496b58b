"""What the gateway is told of the street's lamps in the files that it reads; their form is known here alone."""

from __future__ import annotations

from collections.abc import Sequence

from stoep.settings import Settings
from stoep_twin.judge import Levels

KNOWN = "lighting" in Settings.__struct_fields__  # to this gateway

_GHENT = {"latitude": "51.05", "longitude": "3.72", "timezone": '"Europe/Brussels"'}
_BASE, _DIM = 100, 30  # percent of full light
_FROM, _TO = 20, 7  # o'clock: between them few pass, and for those who do there is light
_LIGHTING = {"base": str(_BASE), "dim": str(_DIM), "dim_from": f'"{_FROM:02}:00"', "dim_to": f'"{_TO:02}:00"'}

LEVELS = Levels(_DIM / 100, _BASE / 100, (_FROM, _TO))


def of_site() -> list[str]:
    """Lines of gateway.toml's `[site]`."""
    return [f"{name} = {value}" for name, value in _GHENT.items()]


def of_gateway() -> list[str]:
    """Another table of gateway.toml."""
    return ["", "[lighting]", *(f"{name} = {value}" for name, value in _LIGHTING.items())]


def of_registry(name: str, lamps: Sequence[tuple[str, float]]) -> str:
    """The group in nodes.toml; its secret is in secrets.toml under `[groups]`."""
    said = ",\n".join(f'    {{ node = "{node}", metres = {metres} }}' for node, metres in lamps)
    return f'[[group]]\nname = "{name}"\nlamps = [\n{said},\n]\n'
