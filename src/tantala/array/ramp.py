"""Which threshold selectors of an array are on: what a slow rise of all voltages from 0 V gives.

All sources rise together. With the selectors' states held, the network has one solution; the first
selector to reach its threshold on the way up switches on, which changes the voltages of the others
on its lines, and the rise goes on from there. One that falls to its hold voltage is off again,
without a jump, for the two branches meet there.

On the way a solution only has to say who is next, to well within `together` of the threshold; the
last one is solved to the tolerance asked for, and the states are judged by it once more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tantala.array.device import Switches
from tantala.array.newton import NewtonSolver, OperatingPoint
from tantala.array.selectors import ThresholdSelector
from tantala.base.errors import ConvergenceError, Problem

Vector = NDArray[np.float64]
MOST_EVENTS = 20_000
_MOST_TRIALS = 60
# Tolerance of a solution on the way, in parts of `together`.
ON_THE_WAY = 1e-3


@dataclass
class _Rise:
    """A rise under way: `level` is the part of the sources that is reached."""

    solver: NewtonSolver
    selector: ThresholdSelector
    rows: Vector
    columns: Vector
    tolerance: float
    on: Switches
    level: float = 0.0
    here: OperatingPoint | None = None
    steps: int = 0
    iterations: int = 0

    def at(self, level: float) -> OperatingPoint:
        """The solution at `level` with the states as they are."""
        tolerance = max(self.tolerance, ON_THE_WAY * self.selector.together)
        return self._solved(level, tolerance)

    def settle(self) -> OperatingPoint:
        """The solution at the level that is reached, to the tolerance asked for."""
        self.here = self._solved(self.level, self.tolerance)
        return self.here

    def _solved(self, level: float, tolerance: float) -> OperatingPoint:
        start = None if self.here is None else self.here.point.scaled(level / self.level)
        found = self.solver.solve(
            level * self.rows, level * self.columns, tolerance, self.on, start
        )
        self.steps += found.steps
        self.iterations += found.iterations
        return found

    def nearness(self, found: OperatingPoint) -> Vector:
        """Voltage of each selector that is off, over its threshold (N, M)."""
        return np.where(self.on, 0.0, np.abs(found.answer.across) / self.selector.threshold)

    def climb(self) -> bool:
        """Rise until the next selector has just passed its threshold, or to the full voltages.

        Returns whether one has.
        """
        low, at_low = self.level, 0.0
        if self.here is not None:
            at_low = float(self.nearness(self.here).max())
        high, at_high = np.inf, np.inf
        wanted = 1.0 + 0.5 * self.selector.together
        for trial in range(_MOST_TRIALS):
            if np.isinf(high):
                # Below every threshold, selectors' voltages are nearly in proportion to the level.
                level = 1.0 if low * wanted >= at_low else low * wanted / at_low
            else:
                share = 0.5 if trial % 3 == 2 else (wanted - at_low) / (at_high - at_low)
                level = low + share * (high - low)
            found = self.at(level)
            most = float(self.nearness(found).max())
            if most <= 1.0 and level < 1.0:
                low, at_low = level, most
            elif most > 1.0 + self.selector.together and level not in (low, high):
                high, at_high = level, most
            else:
                self.level, self.here = level, found
                return most > 1.0
        raise self.failure()

    def passing(self) -> bool:
        """Whether a selector that is off is above its threshold."""
        return self.here is not None and float(self.nearness(self.here).max()) > 1.0

    def switch(self) -> None:
        """Switch the selectors at their threshold on, those at their hold voltage off."""
        assert self.here is not None
        near = self.nearness(self.here)
        held = np.abs(self.here.answer.across) > self.selector.hold
        passed = near >= max(1.0, near.max() / (1.0 + self.selector.together))
        self.on = (self.on & held) | passed
        self.here = self.at(self.level)

    def failure(self) -> ConvergenceError:
        """The error of a rise that does not reach its end."""
        return ConvergenceError(
            Problem(
                "the array's threshold selectors did not settle",
                got=f"{self.on.sum()} on at {self.level:.4%} of the voltages after {self.steps} "
                "Newton steps",
                hint="a larger `together` of the selector",
            )
        )


def rise(
    solver: NewtonSolver, rows: Vector, columns: Vector, tolerance: float
) -> tuple[OperatingPoint, Switches]:
    """The solution under the sources (V) reached from 0 V, and which selectors are on (N, M).

    Raises ConvergenceError if a solution or the set of states is not found.
    """
    selector = solver.device.selector
    assert isinstance(selector, ThresholdSelector)
    way = _Rise(solver, selector, rows, columns, tolerance, solver.device.all_off())
    passing = way.climb()
    for _ in range(MOST_EVENTS):
        if passing:
            way.switch()
            passing = way.passing() or way.climb()
            continue
        found = way.settle()
        passing = way.passing()
        if not passing:
            on = way.on & (np.abs(found.answer.across) > selector.hold)
            return replace(found, steps=way.steps, iterations=way.iterations), on
    raise way.failure()
