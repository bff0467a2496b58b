"""How high the sun stands over the street, which lies in Flanders."""

from __future__ import annotations

import math

from stoep_twin.world.hours import DAY

_NORTH = math.radians(51.05)  # Ghent
_EAST_S = 3.72 / 360 * DAY  # its noon comes so much before Greenwich's
_YEAR = 365.25 * DAY  # the Unix epoch is a first of January


def day_of_year(at: float) -> float:
    """1 at the beginning of the first of January, give or take a day."""
    return 1 + at % _YEAR / DAY


def height(at: float) -> float:
    """The sine of the sun's elevation, -1 to 1, at `at` (Unix s).

    The declination is P. I. Cooper's (Solar Energy 12, 1969, page 333). Clock time is taken for the sun's, which wrongs
    noon by a quarter of an hour at the most; refraction is left out.
    """
    declination = math.radians(23.45) * math.sin(2 * math.pi * (284 + day_of_year(at)) / 365)
    turned = 2 * math.pi * ((at + _EAST_S) % DAY / DAY - 0.5)  # since noon
    up = math.sin(_NORTH) * math.sin(declination)
    return up + math.cos(_NORTH) * math.cos(declination) * math.cos(turned)
