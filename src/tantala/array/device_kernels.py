"""Compiled kernels of two-terminal devices: current and slope of every cell of an array at once.

A cell's curve is one of

    POLYNOMIAL   I = p V + q V**2 + r V**3
    SINH         I = p sinh(q V)

followed between the voltages low and high and beyond them by its tangents, so that an iterate of
the solver may stray there and comes back. Parameters (5, N, M): p, q, r, low, high. A selector in
series is one of

    NONE
    EXPONENTIAL  I = p sinh(q V)
    THRESHOLD    I = p V, and where it is on also q sign(V) max(|V| - r, 0)

with parameters (3, N, M): p, q, r.
"""

from __future__ import annotations

import numpy as np
from numba import njit

POLYNOMIAL, SINH = 0, 1
NONE, EXPONENTIAL, THRESHOLD = 0, 1, 2
# An argument of sinh beyond which the tangent is followed: far above any current a wire carries,
# and far enough below overflow at 710 that products stay finite.
STEEPEST = 300.0
# 1/V; a curvature that nothing shows, for the cells that have none.
SMALLEST_RATE = 1e-12
_MOST = 300
_EPSILON = 2.0**-52
OPTIONS = {"error_model": "numpy", "cache": True, "nogil": True}


def ohmic(kind, conductance):
    """Parameters (5, n) with which a cell of `kind` is one of `conductance` (n,) S at all volts."""
    parameters = np.zeros((5, len(conductance)))
    parameters[3:] = [[-np.inf], [np.inf]]
    parameters[0] = conductance
    if kind == SINH:
        parameters[:2] = [conductance / SMALLEST_RATE, np.full(len(conductance), SMALLEST_RATE)]
    return parameters


@njit(**OPTIONS)
def _sinh(scale, rate, volts):
    """scale sinh(rate volts) and its slope, by their tangent beyond STEEPEST."""
    x = rate * volts
    inside = min(max(x, -STEEPEST), STEEPEST)
    odd = np.sinh(inside)
    even = np.sqrt(1.0 + odd * odd)
    return scale * (odd + even * (x - inside)), scale * rate * even


@njit(**OPTIONS)
def _cell(kind, p, q, r, low, high, volts):
    """Current and slope of a cell."""
    inside = min(max(volts, low), high)
    if kind == SINH:
        current, slope = _sinh(p, q, inside)
    else:
        current = inside * (p + inside * (q + inside * r))
        slope = p + inside * (2.0 * q + 3.0 * inside * r)
    return current + slope * (volts - inside), slope


@njit(**OPTIONS)
def _selector(kind, p, q, r, on, volts):
    """Current and slope of a selector."""
    if kind == EXPONENTIAL:
        return _sinh(p, q, volts)
    current, slope = p * volts, p
    if on and abs(volts) > r:
        current += q * (volts - r if volts > 0.0 else volts + r)
        slope += q
    return current, slope


@njit(**OPTIONS)
def _largest(kind, p, q, current, volts):
    """A voltage over the selector, not below the true one in magnitude, to start from.

    `current` is what the cell would carry at all of `volts`: the selector carries no more.
    """
    if kind != EXPONENTIAL:
        return volts
    ratio = abs(current) / p
    needed = np.log(ratio) + np.log(1.0 + np.sqrt(1.0 + 1.0 / (ratio * ratio))) if ratio > 1 else 1
    return np.copysign(min(abs(volts), needed / q), volts)


@njit(**OPTIONS)
def _linear_share(siemens, p, q, r, on, volts):
    """`_share` of a cell of `siemens` and a threshold selector, which is piecewise linear."""
    x = volts * (siemens / (siemens + p))
    slope = p * (siemens / (siemens + p))
    if on and abs(x) > r:
        hold = r if volts > 0.0 else -r
        slope = (p + q) * (siemens / (siemens + p + q))
        # In parts of the voltage beyond hold, in which nothing cancels there.
        x = hold + (siemens * (volts - hold) - p * hold) / (siemens + p + q)
    current, _ = _selector(THRESHOLD, p, q, r, on, x)
    if p > siemens or (on and abs(x) > r and p + q > siemens):
        current = siemens * (volts - x)  # the flatter of the two, where the voltage is rounded
    return current, slope, x


@njit(**OPTIONS)
def _share(cell_kind, c, selector_kind, s, on, volts, guess):
    """(current, slope, voltage over the selector) of a cell and a selector in series.

    Newton's method on the selector's voltage x, with f(x) = I_selector(x) - I_cell(V - x), which
    rises; steps out of the bracket are replaced by halving it. It starts from `guess` where that
    lies between 0 V and the most there can be over the selector.
    """
    if c[0] == np.inf:  # a dead short leaves all of it to the selector
        current, slope = _selector(selector_kind, s[0], s[1], s[2], on, volts)
        return current, slope, volts
    if selector_kind == THRESHOLD and cell_kind == POLYNOMIAL and c[1] == 0.0 and c[2] == 0.0:
        return _linear_share(c[0], s[0], s[1], s[2], on, volts)
    whole, _ = _cell(cell_kind, c[0], c[1], c[2], c[3], c[4], volts)
    if whole == 0.0:
        # Either no voltage, or an open cell, which leaves all of it to itself.
        _, through = _selector(selector_kind, s[0], s[1], s[2], on, 0.0)
        _, behind = _cell(cell_kind, c[0], c[1], c[2], c[3], c[4], volts)
        return 0.0, through * (behind / (through + behind)), 0.0
    most = _largest(selector_kind, s[0], s[1], whole, volts)
    low, high = min(most, 0.0), max(most, 0.0)
    x = guess if low < guess < high else most
    current, slope = 0.0, 0.0
    for _ in range(_MOST):
        ahead, through = _selector(selector_kind, s[0], s[1], s[2], on, x)
        after, behind = _cell(cell_kind, c[0], c[1], c[2], c[3], c[4], volts - x)
        # The flatter of the two tells the current better where the voltage is rounded.
        current = ahead if through <= behind else after
        slope = through * (behind / (through + behind))
        error = ahead - after
        if error > 0.0:
            high = x
        elif error < 0.0:
            low = x
        else:
            break
        following = x - error / (through + behind)
        if abs(following - x) <= _EPSILON * abs(volts):
            break
        if not low < following < high:
            following = 0.5 * (low + high)
            if following in (low, high):
                break
        x = following
    return current, slope, x


@njit(**OPTIONS)
def evaluate(cell_kind, cell, selector_kind, selector, on, volts, current, slope, across):
    """`current` (A), `slope` (S) and the selectors' voltages `across` of every cell at `volts`.

    All (N, M); `cell` (5, N, M), `selector` (3, N, M). `across` holds guesses, 0 for none, and is
    left alone where there is no selector.
    """
    rows, columns = volts.shape
    for i in range(rows):
        for j in range(columns):
            if selector_kind == NONE:
                current[i, j], slope[i, j] = _cell(
                    cell_kind,
                    cell[0, i, j],
                    cell[1, i, j],
                    cell[2, i, j],
                    cell[3, i, j],
                    cell[4, i, j],
                    volts[i, j],
                )
            else:
                current[i, j], slope[i, j], across[i, j] = _share(
                    cell_kind,
                    (cell[0, i, j], cell[1, i, j], cell[2, i, j], cell[3, i, j], cell[4, i, j]),
                    selector_kind,
                    (selector[0, i, j], selector[1, i, j], selector[2, i, j]),
                    on[i, j],
                    volts[i, j],
                    across[i, j],
                )
