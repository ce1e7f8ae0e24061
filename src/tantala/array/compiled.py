"""An array made ready: solve it for voltages, or take its exact linear map."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tantala.array.conjugate_gradient import NONE, LineSolver
from tantala.array.crosspoint import Array
from tantala.array.newton import Ends, NewtonSolver
from tantala.array.ramp import rise
from tantala.array.solution import Solution
from tantala.base.errors import Problem, raise_if
from tantala.base.quantity import to_si

Vector = NDArray[np.float64]
TOLERANCE = 1e-10


@dataclass(frozen=True)
class _Answer:
    """What one vector gives; see Solution."""

    words: Vector
    bits: Vector
    cells: Vector
    residual: float
    iterations: int
    steps: int = 0
    on: NDArray[np.bool_] | None = None
    extrapolated: tuple[str, ...] = ()


class CompiledArray:
    """`array` with its ladders eliminated; made by `Array.compile`."""

    def __init__(self, array: Array) -> None:
        self.array = array
        self.shorts = np.argwhere(np.isinf(array.conductance))
        self.conductance = array.conductance
        if len(self.shorts):
            self.conductance = np.where(np.isinf(array.conductance), 0.0, array.conductance)

    @functools.cached_property
    def lines(self) -> LineSolver:
        """The line-preconditioned solver."""
        return LineSolver.of(self.conductance, *self._ends())

    @functools.cached_property
    def newton(self) -> NewtonSolver:
        """The solver of an array whose cells have a law or a selector."""
        assert self.array.device is not None
        return NewtonSolver(self.array.device, *self._ends())

    def _ends(self) -> tuple[Ends, Ends]:
        """(wire, near resistances, far conductances) of the rows and the columns."""
        array = self.array
        near, far = array.near_resistances(), array.far_conductances()
        return (array.row_wire, near[0], far[0]), (array.column_wire, near[1], far[1])

    def solve(
        self,
        voltages: ArrayLike,
        columns: ArrayLike | str = 0.0,
        *,
        tolerance: float = TOLERANCE,
        nodes: bool | None = None,
        extrapolate: bool = False,
    ) -> Solution:
        """Currents and voltages with the rows at `voltages`.

        voltages   V, one a row (N,), or (N, K) for K vectors
        columns    V behind the columns' sense ends: one number, (M,) or (M, K)
        tolerance  wanted relative residual of the nodal equations
        nodes      keep node voltages; by default for one vector only
        extrapolate  go on outside the range of the cells' law; the solution then says so

        Threshold selectors are as a slow rise of all voltages from 0 V leaves them.

        Raises InputError for wrong shapes or values, ConvergenceError where `tolerance` is not
        reached, RangeViolation outside the range of the cells' law.
        """
        rows, ends, single = self._sources(voltages, columns, tolerance)
        keep = single if nodes is None else nodes
        n, m = self.array.shape
        count = rows.shape[1]
        currents, row_currents = np.empty((m, count)), np.empty((n, count))
        residuals = np.empty(count)
        iterations, steps = np.zeros(count, np.int64), np.zeros(count, np.int64)
        kept = _planes(n, m, count) if keep else None
        device = self.array.device
        on = np.empty((n, m, count), np.bool_) if device is not None and device.switches else None
        beyond: dict[str, None] = {}
        for k in range(count):
            answer = self._one(rows[:, k].copy(), ends[:, k].copy(), tolerance, extrapolate)
            currents[:, k], row_currents[:, k] = answer.cells.sum(axis=0), answer.cells.sum(axis=1)
            residuals[k], iterations[k], steps[k] = answer.residual, answer.iterations, answer.steps
            beyond.update(dict.fromkeys(answer.extrapolated))
            if on is not None:
                on[:, :, k] = answer.on
            if kept is not None:
                for field, value in zip(
                    kept, (answer.words, answer.bits, answer.cells), strict=True
                ):
                    field[:, :, k] = value
        method = "lines" if device is None else "newton"
        if single:
            return Solution(
                self.array,
                rows[:, 0],
                ends[:, 0],
                currents[:, 0],
                row_currents[:, 0],
                float(residuals[0]),
                int(iterations[0]),
                method,
                None if kept is None else (kept[0][:, :, 0], kept[1][:, :, 0], kept[2][:, :, 0]),
                int(steps[0]),
                None if on is None else on[:, :, 0],
                tuple(beyond),
            )
        return Solution(
            self.array,
            rows,
            ends,
            currents,
            row_currents,
            residuals,
            iterations,
            method,
            kept,
            steps,
            on,
            tuple(beyond),
        )

    def _one(self, rows: Vector, ends: Vector, tolerance: float, extrapolate: bool) -> _Answer:
        """The answer to one vector."""
        device = self.array.device
        if device is None:
            found = self.lines.solve(rows, ends, tolerance, NONE)
            cells = self.conductance * (found.words - found.bits)
            return _Answer(found.words, found.bits, cells, found.residual, found.iterations)
        on = None
        if device.switches:
            state, on = rise(self.newton, rows, ends, tolerance)
        else:
            state = self.newton.solve(rows, ends, tolerance)
        point, answer = state.point, state.answer
        beyond = device.check(point.volts, answer.across, extrapolate)
        return _Answer(
            point.words,
            point.bits,
            answer.current,
            state.residual,
            state.iterations,
            state.steps,
            on,
            beyond,
        )

    def _sources(
        self, voltages: ArrayLike, columns: Any, tolerance: float
    ) -> tuple[Vector, Vector, bool]:
        """Row and column sources as (N, K) and (M, K), and whether one vector was given."""
        n, m = self.array.shape
        problems: list[Problem] = []
        rows = _field(voltages, "voltages", n, "row", problems)
        single = rows.ndim == 1
        if isinstance(columns, str):
            columns = to_si(columns, "V", name="columns")
        ends = np.asarray(columns, np.float64)
        ends = (
            np.full(m, ends) if ends.ndim == 0 else _field(ends, "columns", m, "column", problems)
        )
        raise_if(problems)
        rows, ends = rows.reshape(n, -1), ends.reshape(m, -1)
        if ends.shape[1] not in (1, rows.shape[1]):
            problems.append(
                Problem(
                    "columns has another number of vectors than voltages",
                    got=str(ends.shape[1]),
                    allowed=f"1 or {rows.shape[1]}",
                )
            )
        if not 0.0 < tolerance < 1.0:
            problems.append(
                Problem("tolerance is no relative residual", got=repr(tolerance), allowed="0 to 1")
            )
        raise_if(problems)
        return rows, np.broadcast_to(ends, (m, rows.shape[1])), single


def _planes(rows: int, columns: int, count: int) -> tuple[Vector, Vector, Vector]:
    """Room for row voltages, column voltages and cell currents of `count` vectors."""
    shape = (rows, columns, count)
    return np.empty(shape), np.empty(shape), np.empty(shape)


def _field(given: ArrayLike, name: str, lines: int, line: str, problems: list[Problem]) -> Vector:
    """`given` as finite floats of shape (lines,) or (lines, K); problems are added."""
    try:
        values = np.asarray(given, np.float64)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.ndim not in (1, 2) or values.shape[0] != lines or not values.size:
        problems.append(
            Problem(
                f"{name} has a wrong shape",
                got=str(np.shape(given)),
                allowed=f"({lines},) or ({lines}, K): one value a {line}",
            )
        )
        return np.zeros(lines)
    bad = ~np.isfinite(values)
    if bad.any():
        place = int(np.argwhere(bad)[0][0])
        problems.append(
            Problem(
                f"{name} of {line} {place} is not finite",
                got=str(values[bad][0]),
                allowed="a voltage in V",
                hint=f"for a floating {line} give its end resistance as inf",
            )
        )
    return values
