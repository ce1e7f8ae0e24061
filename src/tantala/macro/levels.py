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
    below: Callable[[Floats], Floats],
    above: Callable[[Floats], Floats],
    mean: float,
    g_min: float,
    g_max: float,
    points: int = 1200,
) -> Level:
    """A table of a distribution given by its two tail probabilities over conductance (S)."""
    log_g = np.linspace(np.log(g_min), np.log(g_max), points)
    g = np.exp(log_g)
    low = np.maximum.accumulate(_log(below(g)))
    high = np.minimum.accumulate(_log(above(g)))
    return Level(log_g, low, high, mean)


def _log(p: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(np.clip(p, 0.0, 1.0)), LOWEST)


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


@dataclass(frozen=True, slots=True)
class Window:
    """Low- and high-resistance level, and the reference between them.

    Attributes:
        low, high: levels of the low- and the high-resistance state.
        reference: reference conductance, S.
    """

    low: Level
    high: Level
    reference: float

    def error_parts(self, spread: float, margin: float) -> tuple[float, float]:
        """Probabilities of reading a low-resistance cell and a high-resistance cell wrongly.

        Args:
            spread: standard deviation of the sense amplifier's decision, as a conductance, S.
            margin: difference from the reference that the sense time needs to see, S.
        """
        shift = spread * _Z
        low = np.exp(self.low.below(np.maximum(self.reference + margin + shift, 1e-30)))
        high = np.exp(self.high.above(np.maximum(self.reference - margin + shift, 1e-30)))
        return float(_W @ low), float(_W @ high)

    def error(self, spread: float, margin: float) -> float:
        """Raw bit error rate for data of as many zeros as ones."""
        low, high = self.error_parts(spread, margin)
        return 0.5 * (low + high)


def best_reference(low: Level, high: Level, spread: float, margin: float) -> float:
    """The reference conductance (S) of least raw error, found on a grid and refined twice."""
    bottom, top = np.log(high.low_tail(0.5)), np.log(low.low_tail(0.5))
    for _ in range(3):
        grid = np.linspace(bottom, top, 61)
        errors = [Window(low, high, float(np.exp(x))).error(spread, margin) for x in grid]
        # Where several references are faultless to the last digit, take their middle.
        least = np.flatnonzero(np.asarray(errors) <= min(errors) * (1 + 1e-9))
        middle, step = grid[least[len(least) // 2]], grid[1] - grid[0]
        bottom, top = middle - 2 * step, middle + 2 * step
    return float(np.exp(middle))
