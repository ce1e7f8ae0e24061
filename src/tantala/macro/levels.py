"""The two levels of a bit as the sense amplifier meets them, and the error rate between them.

Distributions are tabulated once, as logarithms of both tails over the logarithm of conductance, so
that rates of 1e-18 cost one interpolation and lose no digits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from tantala.macro.read_path import ReadPath

Floats = NDArray[np.float64]
LOWEST = -600.0  # ln of the smallest probability kept; beyond it tails are continued as a constant


@dataclass(frozen=True, slots=True)
class Level:
    """Distribution of a cell's conductance in one state, as a table.

    Attributes:
        log_g: ln of conductance in S, ascending. Shape (n,).
        log_below, log_above: ln of P(G < g) and of P(G >= g). Shape (n,).
        mean: mean conductance, S.
    """

    log_g: Floats
    log_below: Floats
    log_above: Floats
    mean: float

    def below(self, g: Floats) -> Floats:
        """ln P(G < g)."""
        return np.interp(np.log(np.maximum(g, 1e-30)), self.log_g, self.log_below)

    def above(self, g: Floats) -> Floats:
        """ln P(G >= g)."""
        return np.interp(np.log(np.maximum(g, 1e-30)), self.log_g, self.log_above)

    def low_tail(self, p: float) -> float:
        """The conductance that a share `p` of the cells undercuts, S."""
        return float(np.exp(np.interp(np.log(p), self.log_below, self.log_g)))

    def high_tail(self, p: float) -> float:
        """The conductance that a share `p` of the cells exceeds, S."""
        return float(np.exp(np.interp(-np.log(p), -self.log_above, self.log_g)))


def tabulate(
    log_below: Callable[[Floats], Floats],
    log_above: Callable[[Floats], Floats],
    mean: float,
    g_min: float,
    g_max: float,
    points: int = 1200,
) -> Level:
    """A table of a distribution given by the logarithms of its two tails over conductance (S)."""
    log_g = np.linspace(np.log(g_min), np.log(g_max), points)
    g = np.exp(log_g)
    low = np.maximum.accumulate(np.clip(log_below(g), LOWEST, 0.0))
    high = np.minimum.accumulate(np.clip(log_above(g), LOWEST, 0.0))
    return Level(log_g, low, high, mean)


def lognormal(median: float, sigma: float, points: int = 1200) -> Level:
    """A level of lognormal conductance; `sigma` is the standard deviation of ln G."""
    z = np.linspace(-34.0, 34.0, points)
    log_g = np.log(median) + sigma * z
    low = np.maximum(log_ndtr(z), LOWEST)
    high = np.maximum(log_ndtr(-z), LOWEST)
    return Level(log_g, low, high, median * float(np.exp(0.5 * sigma**2)))


def scaled(level: Level, factor: float) -> Level:
    """The level with every conductance multiplied by `factor`."""
    shifted = level.log_g + np.log(factor)
    return Level(shifted, level.log_below, level.log_above, level.mean * factor)


# Nodes over a standard normal offset; the trapezium rule converges exponentially for it.
_Z = np.linspace(-8.0, 8.0, 129)
_W = np.exp(-0.5 * _Z**2)
_W /= _W.sum()
DIRECT = ReadPath(0.0, 1.0, 0.0)  # a cell without wires or neighbours


def misread(
    low: Level,
    high: Level,
    voltage: float,
    reference: float,
    usable: float,
    offset: float,
    paths: tuple[ReadPath, ReadPath] = (DIRECT, DIRECT),
    series: float = 0.0,
) -> tuple[float, float]:
    """Probabilities of misreading a low-resistance and a high-resistance cell.

    A decision fails when the cell's current comes closer than `usable` to the reference, which has
    a normal error of its own.

    Args:
        low, high: the levels of the two states.
        voltage: read voltage, V.
        reference: reference current, A.
        usable: current difference which the sense time needs, A.
        offset: standard deviation of the amplifier's comparison, A.
        paths: the column around a low- and around a high-resistance cell.
        series: resistance between the column and the amplifier, ohm.
    """
    needed = np.maximum(reference + usable + offset * _Z, 1e-15)
    allowed = np.maximum(reference - usable + offset * _Z, 1e-15)
    # What the column must conduct at least or may at most, and the cell in it.
    g_low = paths[0].cell(1.0 / np.maximum(voltage / needed - series, 1e-3))
    g_high = paths[1].cell(1.0 / np.maximum(voltage / allowed - series, 1e-3))
    return float(_W @ np.exp(low.below(g_low))), float(_W @ np.exp(high.above(g_high)))
