"""Data patterns of an array, and the search for the worst of them.

A pattern is a table of booleans (N, M), true where a cell is in its low-resistance state. In an
ohmic array a voltage or current x depends on one conductance G_p as

    x(G_p + d) = x(G_p) + d x'(G_p) / (1 + d r_p),      1 + d r_p > 0,

with r_p the resistance that the cell sees: it is monotone, so its extremes over the states of all
cells lie where every cell is in one of its two states, and flipping one cell moves x in the
direction of its derivative. The search flips all cells whose derivative promises gain, fewer of
them while the exact solution does not confirm it, at last the best one, which cannot fail. It
ends where no single flip gains: a local extreme, proved so by the derivatives of all cells at
once. That it is the global one is not proved; tests compare with every pattern of small arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tantala.base.errors import InputError, Problem, raise_if, unknown
from tantala.base.random import purpose, words

Vector = NDArray[np.float64]
Mask = NDArray[np.bool_]
DATA = purpose("array.data")
# Gains below this part of the value are rounding of the solver.
LEAST_GAIN = 1e-9


def _all_low(shape: tuple[int, int], row: int, column: int, seed: int) -> Mask:
    return np.ones(shape, bool)


def _all_high(shape: tuple[int, int], row: int, column: int, seed: int) -> Mask:
    return np.zeros(shape, bool)


def _checkerboard(shape: tuple[int, int], row: int, column: int, seed: int) -> Mask:
    return np.indices(shape).sum(axis=0) % 2 == 0


def _inverse_checkerboard(shape: tuple[int, int], row: int, column: int, seed: int) -> Mask:
    return ~_checkerboard(shape, row, column, seed)


def _low_row(shape: tuple[int, int], row: int, column: int, seed: int) -> Mask:
    mask = np.zeros(shape, bool)
    mask[row] = True
    return mask


def _low_column(shape: tuple[int, int], row: int, column: int, seed: int) -> Mask:
    mask = np.zeros(shape, bool)
    mask[:, column] = True
    return mask


def _high_lines(shape: tuple[int, int], row: int, column: int, seed: int) -> Mask:
    return ~(_low_row(shape, row, column, seed) | _low_column(shape, row, column, seed))


def _random(shape: tuple[int, int], row: int, column: int, seed: int) -> Mask:
    return random_data(shape, seed)


# Name -> pattern. "low_row" and the like are about the selected cell's lines.
PATTERNS: dict[str, Callable[[tuple[int, int], int, int, int], Mask]] = {
    "all_low": _all_low,
    "all_high": _all_high,
    "checkerboard": _checkerboard,
    "inverse_checkerboard": _inverse_checkerboard,
    "low_row": _low_row,
    "low_column": _low_column,
    "high_lines": _high_lines,
    "random": _random,
}


def random_data(shape: tuple[int, int], seed: int, array: int = 0) -> Mask:
    """Independent bits, half of them low-resistance; `array` numbers the arrays of one seed."""
    rows, columns = shape
    word = words(seed, DATA, np.arange(rows * columns), array)[0]
    return (word & np.uint32(1)).astype(bool).reshape(shape)


def pattern_names(patterns: Sequence[str] | str) -> tuple[str, ...]:
    """Names of patterns to try. Raises InputError for unknown ones or none."""
    names = (patterns,) if isinstance(patterns, str) else tuple(patterns)
    problems = [unknown("data pattern", str(n), PATTERNS) for n in names if n not in PATTERNS]
    if not names:
        problems.append(Problem("no data pattern is given", allowed=", ".join(PATTERNS)))
    raise_if(problems, InputError)
    return names


def pattern(name: str, shape: tuple[int, int], row: int, column: int, low: bool, seed: int) -> Mask:
    """The pattern `name` with the selected cell in the low- (`low`) or high-resistance state."""
    mask = PATTERNS[name](shape, row, column, seed)
    mask[row, column] = low
    return mask


@dataclass(frozen=True)
class Extreme:
    """What the search found.

    `proved`: the derivatives of all cells say that no single flip gains (see `sensitivity` for
    cells that are not ohmic). `solved` counts patterns.
    """

    pattern: Mask
    value: float
    proved: bool
    solved: int


def search(
    start: Mask,
    selected: tuple[int, int],
    evaluate: Callable[[Mask], tuple[float, Vector]],
    largest: bool,
    step: float,
) -> Extreme:
    """The pattern with the largest or smallest value, from `start`, the selected cell kept.

    `evaluate` gives the value of a pattern and its derivative by each cell's conductance (N, M);
    `step` [S] is what a cell gains in conductance from high to low resistance.
    """
    sign = 1.0 if largest else -1.0
    mask, solved = start.copy(), 1
    value, slope = evaluate(mask)
    while True:
        gain = sign * step * slope * np.where(mask, -1.0, 1.0)
        gain[selected] = 0.0
        order = np.argsort(gain, axis=None)[::-1]
        count = int(np.count_nonzero(gain > LEAST_GAIN * abs(value)))
        if count == 0:
            return Extreme(mask, value, True, solved)
        while count:
            trial = mask.copy()
            trial.flat[order[:count]] ^= True
            found, found_slope = evaluate(trial)
            solved += 1
            if sign * (found - value) > 0.0:
                mask, value, slope = trial, found, found_slope
                break
            count //= 2
        else:
            return Extreme(mask, value, False, solved)
