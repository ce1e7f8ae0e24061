"""The search along a direction for the minimum of a convex function, from its derivative alone."""

from __future__ import annotations

import math
from collections.abc import Callable

MOST_TRIALS = 60
# The derivative has to fall to this part; halfway between it and 0 is aimed at.
FLATTER = 0.5


def search(first: float, slope: Callable[[float], float | None]) -> float | None:
    """A part t > 0 of a step at which a convex function has fallen far enough.

    `first` is its derivative at 0, below 0; `slope` gives that at t, or None if t is to be taken
    anyway. Taken is t with FLATTER first <= slope(t) <= 0: the function has fallen all the way, and
    by a share of what it could, so steps taken so lead to its minimum (Zoutendijk's condition).

    Returns None if no such t is found, which is so where rounding hides the derivative.
    """
    low, at_low = 0.0, _scaled(first, first)
    high, at_high = math.inf, math.inf
    t = 1.0
    for trial in range(MOST_TRIALS):
        found = slope(t)
        if found is None or FLATTER * first <= found <= 0.0:
            return t
        value = _scaled(found, first)
        if value < 0.0:
            low, at_low = t, value
        else:
            high, at_high = t, value
        if math.isinf(high):
            t = 4.0 * low
            continue
        # Currents grow exponentially, so the secant is taken in a logarithm; every third trial
        # halves the bracket.
        share = 0.5 if trial % 3 == 2 else at_low / (at_low - at_high)
        t = low + min(max(share, 0.05), 0.95) * (high - low)
        if t in (low, high):
            return None
    return None


def _scaled(slope: float, first: float) -> float:
    """A slope relative to the point aimed at, in a logarithm that keeps its sign."""
    relative = slope / abs(first) + 0.5 * FLATTER
    return math.copysign(math.log1p(abs(relative)), relative)
