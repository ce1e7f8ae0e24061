"""Current against voltage: ohmic filament at high conductance, sinh-like gap at low conductance.

    I(V) = G V_ref sinh(V / V_0) / sinh(V_ref / V_0),
    1 / V_0**2 = (1 / V_gap**2) / (1 + (G / G_closed)**p)

G is the conductance at the reference read voltage V_ref, the only state. A cell with an open gap
conducts by tunnelling, whose voltage scale is V_gap; as the gap closes near G_closed the curvature
goes, and the low-resistance state is ohmic. The sinh form is that of the SKY130 ReRAM model, which
has one fixed scale for all states.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tantala.base.binding import quantity


@dataclass(frozen=True)
class Conduction:
    """Conduction of a cell (`conduction` in a file)."""

    reference_voltage: float = quantity("V", "voltage at which G is defined", minimum=1e-3)
    gap_voltage: float = quantity("V", "voltage scale of a cell with an open gap", minimum=1e-3)
    closed_conductance: float = quantity("S", "conductance at which the gap closes", minimum=1e-12)
    closing_exponent: float = quantity("1", "how sharply it closes", minimum=0)

    def curvature(self, conductance: ArrayLike) -> NDArray[np.float64]:
        """1 / V_0 [1/V] at each conductance [S]."""
        ratio = np.maximum(np.asarray(conductance, dtype=np.float64), 0.0) / self.closed_conductance
        return 1.0 / (self.gap_voltage * np.sqrt(1.0 + ratio**self.closing_exponent))

    def current(self, conductance: ArrayLike, voltage: ArrayLike) -> NDArray[np.float64]:
        """Current [A] at `voltage` [V], broadcast over `conductance` [S at V_ref]."""
        g, volts = np.asarray(conductance, np.float64), np.asarray(voltage, np.float64)
        if volts.ndim == 0 and volts == self.reference_voltage:
            return g * volts  # by the definition of G; most reads are made there
        x = self.curvature(g)
        return g * self.reference_voltage * np.sinh(volts * x) / np.sinh(self.reference_voltage * x)

    def chord(self, conductance: ArrayLike, voltage: ArrayLike) -> NDArray[np.float64]:
        """I(V) / V [S]; the small-signal limit at V = 0."""
        x = self.curvature(conductance)
        scale = np.asarray(conductance, dtype=np.float64) * self.reference_voltage
        volts = np.asarray(voltage, dtype=np.float64)
        nonzero = np.where(volts == 0.0, 1.0, volts)
        slope = np.where(volts == 0.0, x, np.sinh(volts * x) / nonzero)
        return scale * slope / np.sinh(self.reference_voltage * x)
