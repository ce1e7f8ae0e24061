"""Forming: the pulse that makes the first filament of a pristine cell.

A cell forms in a pulse of width t when the bit line reaches its forming voltage

    V_f = V_50 - s log10(t / t_0) + sigma xi ,    xi a trait of the cell,

normal over cells. The filament that forms grows to what the select transistor allows at the word
line, by the law of SET.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tantala.base.binding import quantity
from tantala.base.random import TWO_TO_MINUS_32, words
from tantala.cell.variability import CONDITION, FORMING


@dataclass(frozen=True)
class FormingLaw:
    """Forming of a cell (`forming` in a file)."""

    pristine_conductance: float = quantity("S", "conductance before forming", minimum=0)
    voltage: float = quantity("V", "V_50, median forming voltage", minimum=0)
    voltage_spread: float = quantity("V", "sigma over cells", minimum=0)
    width: float = quantity("s", "t_0, pulse width at which V_50 is stated", minimum=0)
    voltage_per_decade: float = quantity("V", "s, fall of V_50 a decade of width", minimum=0)

    def median(self, width: ArrayLike) -> NDArray[np.float64]:
        """Median forming voltage [V] in pulses of `width` [s]."""
        decades = np.log10(np.asarray(width, np.float64) / self.width)
        return self.voltage - self.voltage_per_decade * decades

    def probability(self, bitline: ArrayLike, width: ArrayLike) -> NDArray[np.float64]:
        """Fraction of cells that form at `bitline` [V] in one pulse of `width` [s]."""
        excess = np.asarray(bitline) - self.median(width)
        if self.voltage_spread == 0.0:
            return np.heaviside(excess, 0.5)
        from scipy.special import ndtr

        return ndtr(excess / self.voltage_spread)

    def voltages(self, seed: int, address: ArrayLike, width: float) -> NDArray[np.float64]:
        """The forming voltage [V] of each cell in pulses of `width` [s]."""
        from scipy.special import ndtri

        drawn = words(seed, CONDITION, address)[FORMING]
        xi = ndtri((drawn + 0.5) * TWO_TO_MINUS_32)
        return float(self.median(width)) + self.voltage_spread * xi
