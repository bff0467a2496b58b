"""What a light-scattering sensor sees of dust: each particle with the water that it has taken up.

A particle of hygroscopicity κ at water activity a grows in volume by 1 + κ a / (1 - a) (Petters and Kreidenweis, ACP
7, 1961, 2007). Of the fine dust a part is soot, which takes up next to none; the rest has κ from 0.15 to 0.29, coarse
dust 0.05 to 0.13 (Huang et al., AMT 17, 6073, 2024: Plantower's and filters side by side). The light that a fine
particle scatters rises with a power of its diameter near its volume's (est.), which brings the whole to 1.6 to 2.2
times at 85 %; nephelometers measured 1.2 to 3.6 at Melpitz (Zieger et al., Tellus B 66, 22716, 2014). Fan, laser and
electronics warm what is drawn in, so that fog never reaches the beam as fog. A filter is weighed at about 50 % (EN
12341): there, what is seen is what is weighed.
"""

from __future__ import annotations

import math
import random

from stoep_twin.chips.pms5003 import Dust
from stoep_twin.world.hours import DAY
from stoep_twin.world.waves import Wander

_SOOT, _SOOT_KAPPA = 0.2, 0.01  # its share of the light (est.)
_FINE_KAPPA, _FINE_WANDERS = 0.22, 0.035
_COARSE_KAPPA = 0.09
_POWER = 2.8  # of the diameter (est.)
_WARMER = 2.0  # °C inside the sensor (est.)
_WEIGHED_AT = 0.5


class Haze:
    """Over the whole street: what the air carries changes with its origin, over days."""

    def __init__(self, seed: int) -> None:
        self._kappa = Wander(random.Random(f"{seed}/kappa"), _FINE_WANDERS, 1.9 * DAY)

    def seen(self, at: float, dust: Dust, celsius: float, percent: float) -> Dust:
        """Of what would be weighed as `dust`, in air of this temperature and humidity around the sensor."""
        activity = min(0.99, percent / 100 * _vapour(celsius) / _vapour(celsius + _WARMER))
        kappa = _FINE_KAPPA + self._kappa.at(at)
        fine = _light(kappa, activity) / _light(kappa, _WEIGHED_AT)
        coarse = _scattered(_COARSE_KAPPA, activity) / _scattered(_COARSE_KAPPA, _WEIGHED_AT)
        return Dust(dust.pm1_0 * fine, dust.pm2_5 * fine, dust.pm2_5 * fine + max(0.0, dust.pm10 - dust.pm2_5) * coarse)


def _light(kappa: float, activity: float) -> float:
    return (1 - _SOOT) * _scattered(kappa, activity) + _SOOT * _scattered(_SOOT_KAPPA, activity)


def _scattered(kappa: float, activity: float) -> float:
    # Against the dry particle.
    return math.pow(1 + kappa * activity / (1 - activity), _POWER / 3)


def _vapour(celsius: float) -> float:
    # Saturation, hPa: Magnus' equation as the WMO has it (No. 8, annex 4.B).
    return 6.112 * math.exp(17.62 * celsius / (243.12 + celsius))
