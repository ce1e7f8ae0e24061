"""Read disturb: an assumption, not a measurement.

No array data on read disturb are public for these cells. The accepted form for voltage-driven
switching far below threshold is a life that shrinks exponentially with voltage, with a Weibull
spread (SET voltages of HfOx are Weibull distributed: doi:10.1109/LED.2013.2266332):

    life(V) = life * exp(-(V - voltage) / voltage_scale)
    P(disturbed after stress time t) = 1 - exp(-(t / life(V))^shape)

Only reads of the SET polarity act, and only on the high-resistance state. Temperature and earlier
stress at another voltage act through nothing else: stress times add as t / life(V).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tantala.base.binding import quantity

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DisturbLaw:
    """Numbers of the assumption (`disturb` in a file, every one `kind = "assumed"`)."""

    life: float = quantity("s", "63 % life under read stress at `voltage`", minimum=0)
    voltage: float = quantity("V", "read voltage of the life", minimum=0)
    voltage_scale: float = quantity("V", "voltage for one e-fold of life", minimum=1e-4)
    shape: float = quantity("1", "Weibull shape of the life", minimum=0.1, maximum=20)

    def life_at(self, voltage: ArrayLike) -> Floats:
        """63 % life [s] under `voltage` [V]."""
        exponent = (self.voltage - np.asarray(voltage, np.float64)) / self.voltage_scale
        return self.life * np.exp(np.clip(exponent, -600.0, 600.0))

    def disturbed(self, voltage: ArrayLike, stress: ArrayLike) -> Floats:
        """Share of high-resistance cells disturbed after `stress` [s] of reads at `voltage` [V].

        `stress` is the sum of the reads' durations; broadcasts.
        """
        consumed = np.asarray(stress, np.float64) / self.life_at(voltage)
        return -np.expm1(-(consumed**self.shape))

    def longest_stress(self, voltage: ArrayLike, share: float) -> Floats:
        """The stress [s] at `voltage` [V] that disturbs a `share` of the cells."""
        return self.life_at(voltage) * (-np.log1p(-share)) ** (1.0 / self.shape)
