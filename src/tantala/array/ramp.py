"""Which threshold selectors of an array are on: what a slow rise of all voltages from 0 V gives.

All sources rise together. With the selectors' states held, the network has one solution; the first
selector to reach its threshold on the way up switches on, which changes the voltages of the others
on its lines, and the rise goes on from there. One that falls to its hold voltage is off again,
without a jump, for the two branches meet there.
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
        start = None if self.here is None else self.here.point.scaled(level / self.level)
        found = self.solver.solve(
            level * self.rows, level * self.columns, self.tolerance, self.on, start
        )
        self.steps += found.steps
        self.iterations += found.iterations
        return found

    def nearness(self, found: OperatingPoint) -> Vector:
        """Voltage of each selector that is off, over its threshold (N, M)."""
        return np.where(self.on, 0.0, np.abs(found.answer.across) / self.selector.threshold)

    def first_event(self, top: float) -> tuple[float, OperatingPoint]:
        """The level at which the next selector has just passed its threshold.

        `top` > 1 is the largest nearness at full voltage.
        """
        low = self.level
        at_low = 0.0 if self.here is None else float(self.nearness(self.here).max())
        high, at_high = 1.0, top
        for trial in range(_MOST_TRIALS):
            share = (1.0 + 0.5 * self.selector.together - at_low) / (at_high - at_low)
            if trial % 3 == 2:
                share = 0.5
            level = low + share * (high - low)
            found = self.at(level)
            most = float(self.nearness(found).max())
            if 1.0 < most <= 1.0 + self.selector.together or level in (low, high):
                return level, found
            if most <= 1.0:
                low, at_low = level, most
            else:
                high, at_high = level, most
        raise self.failure()

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
    for _ in range(MOST_EVENTS):
        end = way.at(1.0)
        top = float(way.nearness(end).max())
        if top <= 1.0:
            way.on = way.on & (np.abs(end.answer.across) > selector.hold)
            return replace(end, steps=way.steps, iterations=way.iterations), way.on
        if way.here is None or float(way.nearness(way.here).max()) <= 1.0:
            way.level, way.here = way.first_event(top)
        near = way.nearness(way.here)
        fallen = way.on & (np.abs(way.here.answer.across) <= selector.hold)
        way.on = (way.on & ~fallen) | (near >= max(1.0, near.max() / (1.0 + selector.together)))
        way.here = way.at(way.level)
    raise way.failure()
