"""Overflow-safe scalar functions and the bracketed root finder of the compact models."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from numba import njit
from scipy import constants

ELECTRON_CHARGE = constants.e  # C
ELECTRON_MASS = constants.m_e  # kg
PLANCK = constants.h  # J s
BOLTZMANN_EV = constants.k / constants.e  # eV/K

# A rate beyond exp(230) = 1e100 is reached by no physical pulse. The clamp keeps differences of two
# rates, and their finite differences, finite for any voltage and temperature.
LARGEST_EXPONENT = 230.0


@njit(cache=True)
def safe_exp(x: float) -> float:
    """exp(x), the exponent limited to +-230."""
    return math.exp(min(max(x, -LARGEST_EXPONENT), LARGEST_EXPONENT))


@njit(cache=True)
def safe_expm1(x: float) -> float:
    """exp(x) - 1, the exponent limited to 230."""
    return math.expm1(min(x, LARGEST_EXPONENT))


@njit(cache=True)
def safe_sinh(x: float) -> float:
    """sinh(x), the argument limited to +-230."""
    return math.sinh(min(max(x, -LARGEST_EXPONENT), LARGEST_EXPONENT))


def root_finder(residual: Callable[..., float]) -> Callable[..., float]:
    """A compiled bracketed solver of residual(problem, x) = 0 by Chandrupatla's method.

    ``residual`` is a compiled function of a parameter tuple and x. The solver
    ``find(problem, low, high)`` keeps the root inside [low, high] at every step, so it cannot
    diverge; without a change of sign it returns the end with the smaller residual. Method:
    source ``chandrupatla``: inverse quadratic interpolation where the
    three points allow it, else bisection.
    """

    @njit
    def find(problem: Any, low: float, high: float) -> float:
        newest, other = high, low
        at_newest, at_other = residual(problem, high), residual(problem, low)
        if at_newest == 0.0:
            return newest
        if (at_newest > 0.0) == (at_other > 0.0):
            return newest if abs(at_newest) < abs(at_other) else other
        fraction = 0.5
        best = newest
        for _ in range(200):
            trial = newest + fraction * (other - newest)
            at_trial = residual(problem, trial)
            if (at_trial > 0.0) == (at_newest > 0.0):
                previous, at_previous = newest, at_newest
            else:
                previous, at_previous = other, at_other
                other, at_other = newest, at_newest
            newest, at_newest = trial, at_trial
            best = newest if abs(at_newest) < abs(at_other) else other
            width = abs(other - newest)
            smallest = 1e-14 * abs(best) + 1e-300
            if min(abs(at_newest), abs(at_other)) == 0.0 or width <= 2.0 * smallest:
                break
            x = (newest - other) / (previous - other)
            y = (at_newest - at_other) / (at_previous - at_other)
            if y * y < x and (1.0 - y) * (1.0 - y) < 1.0 - x:
                fraction = at_newest / (at_other - at_newest) * at_previous / (
                    at_other - at_previous
                ) + (previous - newest) / (other - newest) * at_newest / (
                    at_previous - at_newest
                ) * at_other / (at_previous - at_other)
            else:
                fraction = 0.5
            margin = smallest / width
            fraction = min(max(fraction, margin), 1.0 - margin)
        return best

    return find
