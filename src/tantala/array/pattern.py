"""Data patterns of an array, and the search for the worst of them.

A pattern is a table of booleans (N, M), true where a cell is in its low-resistance state. In an
ohmic array a voltage or current x depends on one conductance G_p as

    x(G_p + d) = x(G_p) + d x'(G_p) / (1 + d r_p),      1 + d r_p > 0,

with r_p the resistance that the cell sees: it is monotone, so its extremes over the states of all
cells lie where every cell is in one of its two states, and flipping one cell moves x in the
direction of its derivative. The search climbs from each named pattern: it flips all cells whose
derivative promises gain, fewer of them while the exact solution does not confirm it, at last the
best one, which cannot fail. It ends where no single flip gains, a local extreme proved by the
derivatives of all cells at once.

What single flips miss are cells that only sneak in company. So the thorough search ("lines") then
sets whole unselected lines, with the cell they share with the selected line apart, and climbs on
until neither gains. That this is the global extreme is not proved. Of every pattern of arrays up to
4 x 3, cells of 10 kohm and 500 kohm, it missed 6e-5 of the current at most with segments of 100 ohm
and 3 % with 5 kohm; "flips" missed 0.8 % and 11 %. Tests repeat this.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tantala.base.errors import InputError, Problem, raise_if, unknown
from tantala.base.random import purpose, words

Vector = NDArray[np.float64]
Mask = NDArray[np.bool_]
Pattern = Callable[[tuple[int, int], int, int, int], Mask]
DATA = purpose("array.data")
SEARCHES = ("none", "flips", "lines")
SEARCHED = "search"  # the name of what was found, where patterns have names
# Gains below this part of the value are rounding of the solver.
LEAST_GAIN = 1e-9


def _by_lines(in_row: bool, in_column: bool, elsewhere: bool) -> Pattern:
    """The selected cell's row, its column and all other cells in one state each, low if true."""

    def mask(shape: tuple[int, int], row: int, column: int, seed: int) -> Mask:
        data = np.full(shape, elsewhere)
        data[row] = in_row
        data[:, column] = in_column
        return data

    return mask


def _checkerboard(shape: tuple[int, int], row: int, column: int, seed: int) -> Mask:
    return np.indices(shape).sum(axis=0) % 2 == 0


def _inverse_checkerboard(shape: tuple[int, int], row: int, column: int, seed: int) -> Mask:
    return ~_checkerboard(shape, row, column, seed)


def _random(shape: tuple[int, int], row: int, column: int, seed: int) -> Mask:
    return random_data(shape, seed)


# Name -> pattern; "low_row" is low resistance in the selected cell's row and high elsewhere.
PATTERNS: dict[str, Pattern] = {
    "all_low": _by_lines(True, True, True),
    "high_row": _by_lines(False, True, True),
    "high_column": _by_lines(True, False, True),
    "high_lines": _by_lines(False, False, True),
    "all_high": _by_lines(False, False, False),
    "low_row": _by_lines(True, False, False),
    "low_column": _by_lines(False, True, False),
    "low_lines": _by_lines(True, True, False),
    "checkerboard": _checkerboard,
    "inverse_checkerboard": _inverse_checkerboard,
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

    `proved`: no single flip gains by the derivatives of all cells (see `sensitivity` for cells that
    are not ohmic), nor any line where lines were tried. `solved` counts patterns.
    """

    pattern: Mask
    value: float
    proved: bool
    solved: int


@dataclass(frozen=True)
class Search:
    """The search for the data with the `largest` or smallest value, the `selected` cell kept.

    value     of a pattern
    evaluate  value of a pattern and its derivative by each cell's conductance, (N, M)
    step      S, from a cell's high- to its low-resistance state
    lines     also set whole lines
    """

    selected: tuple[int, int]
    value: Callable[[Mask], float]
    evaluate: Callable[[Mask], tuple[float, Vector]]
    largest: bool
    step: float
    lines: bool

    def best(self, starts: Sequence[Mask]) -> Extreme:
        """The best of the climbs from `starts`, then with whole lines set as long as that gains."""
        climbs = [self.climb(start) for start in starts]
        solved = sum(climb.solved for climb in climbs)
        best = max(climbs, key=lambda climb: self._sign * climb.value)
        while self.lines:
            trials = line_moves(best.pattern, self.selected)
            values = [self._sign * self.value(trial) for trial in trials]
            solved += len(trials)
            if not values or not self._gains(max(values), self._sign * best.value):
                break
            best = self.climb(trials[int(np.argmax(values))])
            solved += best.solved
        return replace(best, solved=solved)

    def climb(self, start: Mask) -> Extreme:
        """From `start` to where no single flip gains."""
        mask, solved = start.copy(), 1
        value, slope = self.evaluate(mask)
        while True:
            gain = self._sign * self.step * slope * np.where(mask, -1.0, 1.0)
            gain[self.selected] = 0.0
            order = np.argsort(gain, axis=None)[::-1]
            count = int(np.count_nonzero(gain > LEAST_GAIN * abs(value)))
            if count == 0:
                return Extreme(mask, value, True, solved)
            while count:
                trial = mask.copy()
                trial.flat[order[:count]] ^= True
                found, found_slope = self.evaluate(trial)
                solved += 1
                if self._sign * (found - value) > 0.0:
                    mask, value, slope = trial, found, found_slope
                    break
                count //= 2
            else:
                return Extreme(mask, value, False, solved)

    @property
    def _sign(self) -> float:
        return 1.0 if self.largest else -1.0

    @staticmethod
    def _gains(found: float, known: float) -> bool:
        return found - known > LEAST_GAIN * abs(known)


def line_moves(data: Mask, selected: tuple[int, int]) -> list[Mask]:
    """`data` with one unselected line set: its cell on the selected line, and its other cells."""
    row, column = selected
    moves = []
    for axis, kept, cross in ((0, row, column), (1, column, row)):
        for line in range(data.shape[axis]):
            if line == kept:
                continue
            for crossing in (False, True):
                for others in (False, True):
                    move = data.copy()
                    view = move if axis == 0 else move.T
                    view[line] = others
                    view[line, cross] = crossing
                    if not np.array_equal(move, data):
                        moves.append(move)
    return moves


def search_of(search: str) -> str:
    """A way to search, checked."""
    if search not in SEARCHES:
        raise InputError(unknown("search", str(search), SEARCHES))
    return search
