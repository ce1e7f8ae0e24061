"""Wear: cells that end stuck in the low-resistance state, and a high state that sinks and widens.

Each SET pulse uses up 1 / eta of a cell's life, with

    eta(V_WL) = eta_0 10**(-(V_WL - V_0) / s)

the characteristic number of SET pulses at the compliance of word line V_WL; a cell is stuck low
once the damage D has used up its own life L, which is Weibull, P(L <= D) = 1 - exp(-D**beta). So
the cycles to failure at constant V_WL are Weibull with scale eta(V_WL) and shape beta.

Cycling also moves the high-resistance state: after N cycles ln R after RESET is lower by
m log10(1 + N / N_0), and the relative spread of the growth is wider by 1 + w log10(1 + N / N_0).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from tantala.base.binding import quantity
from tantala.base.random import philox4x32, purpose, uniform_from_word
from tantala.cell.variability import CONDITION
from tantala.cell.variability import LIFE as _LIFE

_CONDITION, _WEAR = np.uint32(CONDITION), np.uint32(purpose("cell.wear"))
_STUCK_LOW = np.uint8(2)  # flag of a population
_SMALLEST = 2.0**-33  # -ln of the largest uniform number
_FINE = 4096.0  # pulses of damage after which float32 no longer adds one to a thousandth
_DIGITS = 24  # binary digits of a float32
_FEW = 64  # cells that are looked at together
_LOW_BITS = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_ZERO = np.uint32(0)
Array = NDArray[np.float64]
# Without counts of references, as in `pulse_kernels`.
_OPTIONS: dict[str, Any] = {"error_model": "numpy", "cache": True, "nogil": True, "_nrt": False}


@dataclass(frozen=True)
class EnduranceLaw:
    """Wear of a cell (`endurance` in a file)."""

    life: float = quantity("1", "eta_0, characteristic SET pulses at the life voltage", minimum=1)
    life_voltage: float = quantity("V", "V_0, word line at which the life is stated")
    life_voltage_scale: float = quantity("V", "s, word-line voltage for a tenth of the life")
    life_shape: float = quantity("1", "beta, Weibull shape of the life", minimum=0.05)
    high_fall: float = quantity("1", "m, fall of ln R after RESET a decade of cycles")
    high_widening: float = quantity("1", "w, relative widening of the growth a decade", minimum=0)
    wear_onset: float = quantity("1", "N_0, cycles at which the wear sets in", minimum=1)

    def characteristic_life(self, wordline: ArrayLike) -> Array:
        """eta: SET pulses at word line [V] after which 63 % of the cells are stuck."""
        decades = -(np.asarray(wordline, np.float64) - self.life_voltage) / self.life_voltage_scale
        return self.life * 10.0**decades

    def stuck_fraction(self, pulses: ArrayLike, wordline: ArrayLike) -> Array:
        """Fraction of cells stuck low after a number of SET pulses at word line [V]."""
        damage = np.asarray(pulses, np.float64) / self.characteristic_life(wordline)
        return -np.expm1(-(damage**self.life_shape))

    def wear(self, cycles: ArrayLike) -> tuple[Array, Array]:
        """(fall of ln R after RESET, factor on the relative spread of the growth)."""
        decades = np.log10(1.0 + np.asarray(cycles, np.float64) / self.wear_onset)
        return self.high_fall * decades, 1.0 + self.high_widening * decades


@njit(**_OPTIONS)
def use_up(damage, flags, address, writes, used, shape, k0, k1):
    """Add `used` [lives] to the damage of the cells, one number each, and mark those stuck.

    Damage is kept in float32. Once a pulse is lost in its last digits it is rounded up or down by
    an addressed draw, so that the sum stays right on average.
    """
    surely_lives = np.float32(_SMALLEST ** (1.0 / shape))
    for start in range(0, len(damage), _FEW):
        few = slice(start, min(start + _FEW, len(damage)))
        worn = _add_up(damage[few], address[few], writes[few], used[few], surely_lives, k0, k1)
        if worn and _may_end(damage[few], address[few], shape, k0, k1):
            _mark_ended(damage[few], flags[few], address[few], shape, k0, k1)


@njit(**_OPTIONS)
def _add_up(damage, address, writes, used, surely_lives, k0, k1):
    """Add to the damage; how many cells have more than `surely_lives` then."""
    worn, rounded = 0, 0
    for i in range(len(damage)):
        exact = np.float64(damage[i]) + used[i]
        rounded += exact > _FINE * used[i]
        worn += np.float32(exact) > surely_lives
    if rounded == 0:  # told in a loop of its own, so that both are vector code
        for i in range(len(damage)):
            damage[i] = np.float32(np.float64(damage[i]) + used[i])
        return worn
    worn = 0
    for i in range(len(damage)):
        exact = np.float64(damage[i]) + used[i]
        kept = np.float32(exact)
        if exact > _FINE * used[i]:
            low, high = np.uint32(address[i] & _LOW_BITS), np.uint32(address[i] >> _HALF)
            step = math.ldexp(1.0, math.frexp(exact)[1] - _DIGITS)
            draw = uniform_from_word(philox4x32(low, writes[i], _WEAR, high, k0, k1)[0])
            whole = math.floor(exact / step)
            kept = np.float32((whole + (draw < exact / step - whole)) * step)
        damage[i] = kept
        worn += kept > surely_lives
    return worn


@njit(**_OPTIONS)
def _may_end(damage, address, shape, k0, k1):
    """Whether any of these cells has a life of at most the largest of their damages.

    Few have, and none of most groups: their draws are compared with one bound, by vector code.
    """
    largest = np.float32(0.0)
    for value in damage:
        largest = max(largest, value)
    bound = np.uint32(max(math.floor(math.exp(-(largest**shape)) * 2.0**32) - 2.0, 0.0))
    short = 0
    for i in range(len(address)):
        low, high = np.uint32(address[i] & _LOW_BITS), np.uint32(address[i] >> _HALF)
        short += philox4x32(low, _ZERO, _CONDITION, high, k0, k1)[_LIFE] >= bound
    return short > 0


@njit(**_OPTIONS)
def _mark_ended(damage, flags, address, shape, k0, k1):
    for i in range(len(damage)):
        low, high = np.uint32(address[i] & _LOW_BITS), np.uint32(address[i] >> _HALF)
        block = philox4x32(low, _ZERO, _CONDITION, high, k0, k1)
        if damage[i] > (-math.log(uniform_from_word(block[_LIFE]))) ** (1.0 / shape):
            flags[i] |= _STUCK_LOW
