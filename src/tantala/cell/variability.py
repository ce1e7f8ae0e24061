"""Spread from cell to cell and from cycle to cycle, with its slow correlation.

Each standard normal that shapes a write is a sum of three independent, addressed parts,

    xi = sqrt(a) xi_cell + sqrt(d) xi_drift(cycle) + sqrt(1 - a - d) xi_event,

a trait of the cell, a slow drift over the cycle number and a white part, with `a` the cell share
and `d` the drift share of the variance. Measured autocorrelations fall from 0.27 at lag 1 to only
0.21 at lag 10: a slow common drift and a white part, not a first-order autoregression. The drift is
a sum of three telegraph-like steps: step k holds a value for period * 8**k cycles, with a random
phase for each cell, so that its autocorrelation is 1 - lag / (period * 8**k) and the drift of any
cycle is a pure function of (seed, address, cycle).

A share of the cells is weak: their RESET barrier is higher (`ResetLaw.weak_barrier`), so that RESET
often fails on them.

Skewness uses Tukey's g transform, (exp(g xi) - 1) / g, which keeps the median and tends to xi as g
tends to 0 (Tukey, "Exploratory Data Analysis", 1977).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from tantala.base.binding import quantity
from tantala.base.random import TWO_TO_MINUS_32, philox4x32, purpose, words
from tantala.cell.elementary import FAST, F, exp32

# Traits of a cell. The four words of its block make normals; the low 16 bits of three of them,
# which hardly touch the normal, say whether it is weak and where its low and high drift start.
TRAITS = purpose("cell.traits")
BARRIER, THRESHOLD, LOW, HIGH = 0, 1, 2, 3
WEAK, PHASES = THRESHOLD, (HIGH, LOW)
LOW_BITS = 0xFFFF
# Uniform traits that are needed now and then.
CONDITION = purpose("cell.condition")
LIFE, FORMING = 2, 3
# Draws of one pulse, addressed by the event number of the write.
SET_EVENT = purpose("cell.set")
RESET_EVENT = purpose("cell.reset")
# Drift steps, addressed by (cycle + phase) // length: word 0 for the low, 1 for the high state.
STEPS = 3
DRIFT = tuple(purpose(f"cell.drift.{step}") for step in range(STEPS))
STEP_RATIO = 3  # each step is 2**3 times as long as the one before
_UNIFORM_TO_UNIT = math.sqrt(12.0 / STEPS)  # sum of STEPS centred uniforms to unit variance
_DRIFT0, _DRIFT1, _DRIFT2 = (np.uint32(word) for word in DRIFT)
_ZERO = np.uint32(0)


@dataclass(frozen=True)
class VariabilityLaw:
    """Spreads and their split. Shares are fractions of a variance (`variability` in a file)."""

    barrier_spread: float = quantity("eV", "sigma of the switching barrier", minimum=0)
    barrier_cell_share: float = quantity("1", "cell share of the barrier", minimum=0, maximum=1)
    threshold_spread: float = quantity(
        "V", "sigma of the select transistor's threshold, cell to cell", minimum=0
    )
    weak_fraction: float = quantity("1", "share of weak cells", minimum=0, maximum=1)
    low_spread: float = quantity("1", "sigma of ln R after SET at given compliance", minimum=0)
    low_skewness: float = quantity("1", "Tukey g of ln R after SET", minimum=0, maximum=2)
    low_cell_share: float = quantity("1", "cell share of ln R after SET", minimum=0, maximum=1)
    low_drift_share: float = quantity("1", "drift share of ln R after SET", minimum=0, maximum=1)
    high_spread: float = quantity("1", "sigma of the relative growth in RESET", minimum=0)
    high_skewness: float = quantity("1", "Tukey g of the growth in RESET", minimum=0, maximum=2)
    high_cell_share: float = quantity("1", "cell share of the growth", minimum=0, maximum=1)
    high_drift_share: float = quantity("1", "drift share of the growth", minimum=0, maximum=1)
    drift_period: float = quantity("1", "cycles in the shortest step of the drift", minimum=1)

    @property
    def drift_shift(self) -> int:
        """log2 of the shortest step's length in cycles."""
        return max(0, round(math.log2(self.drift_period)))

    def shares(self, state: str) -> tuple[float, float, float]:
        """sqrt of the cell, drift and event shares of 'low' or 'high'."""
        cell = getattr(self, f"{state}_cell_share")
        drift = getattr(self, f"{state}_drift_share")
        return math.sqrt(cell), math.sqrt(drift), math.sqrt(max(0.0, 1.0 - cell - drift))

    @property
    def of_cells(self) -> VariabilityLaw:
        """The law of a SET in which drift and the draws of each pulse stand at their median."""
        barrier, low = math.sqrt(self.barrier_cell_share), math.sqrt(self.low_cell_share)
        return replace(
            self,
            barrier_spread=self.barrier_spread * barrier,
            barrier_cell_share=1.0,
            # (exp(g c x) - 1) / g = c (exp(g' x) - 1) / g' with g' = g c
            low_spread=self.low_spread * low,
            low_skewness=self.low_skewness * low,
            low_cell_share=1.0,
            low_drift_share=0.0,
        )


def skewed(xi: NDArray[Any], g: float) -> NDArray[Any]:
    """Tukey's g transform of standard normals (reference)."""
    return xi if g == 0.0 else np.expm1(g * xi) / g


def drift(
    seed: int,
    address: NDArray[Any],
    cycle: NDArray[Any],
    shift: int,
    word: int,
    traits: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Unit-variance drift per (address, cycle), float64; word 0 low, 1 high state (reference).

    `traits`: the words of TRAITS at these addresses, where the caller has drawn them already.
    """
    if traits is None:
        traits = words(seed, TRAITS, address)
    phase = traits[PHASES[word]] & np.uint32(LOW_BITS)
    total = np.zeros(np.broadcast(address, cycle).shape)
    for step in range(STEPS):
        index = (np.asarray(cycle, np.uint32) + phase) >> np.uint32(shift + STEP_RATIO * step)
        drawn = words(seed, DRIFT[step], address, index)[word]
        total += (drawn + 0.5) * TWO_TO_MINUS_32 - 0.5
    return total * _UNIFORM_TO_UNIT


def drift_autocorrelation(lag: ArrayLike, period: float) -> NDArray[np.float64]:
    """Autocorrelation of the drift at a lag in cycles; `period` is that of the shortest step."""
    lags = np.asarray(lag, np.float64)
    lengths = [period * 2.0 ** (STEP_RATIO * step) for step in range(STEPS)]
    return np.mean([np.clip(1.0 - lags / length, 0.0, 1.0) for length in lengths], axis=0)


@njit(forceinline=True, fastmath=FAST, error_model="numpy")
def skewed32(xi, g):
    """Tukey's g transform of one standard normal, float32; g must be positive."""
    return F((exp32(g * xi) - F(1.0)) / g)


@njit(forceinline=True, fastmath=FAST, error_model="numpy")
def drift32(address, high_word, cycle, phase, shift, k0, k1, word):
    """Unit-variance drift of one cell, float32; arguments uint32, `word` 0 low or 1 high."""
    clock = np.uint32(cycle + phase)
    a = philox4x32(address, np.uint32(clock >> shift), _DRIFT0, high_word, k0, k1)
    b = philox4x32(address, np.uint32(clock >> (shift + np.uint32(3))), _DRIFT1, high_word, k0, k1)
    c = philox4x32(address, np.uint32(clock >> (shift + np.uint32(6))), _DRIFT2, high_word, k0, k1)
    of_low = F(a[0]) + F(b[0]) + F(c[0])
    of_high = F(a[1]) + F(b[1]) + F(c[1])
    total = of_low if word == 0 else of_high
    return F((total * F(TWO_TO_MINUS_32) - F(0.5 * STEPS)) * F(_UNIFORM_TO_UNIT))
