"""An array made ready: solve it for voltages, or take its exact linear map."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tantala.array.conjugate_gradient import NONE, Iteration, LineSolver
from tantala.array.crosspoint import Array
from tantala.array.direct import solve_direct
from tantala.array.dissection import Dissection, Wires
from tantala.array.nonlinear import refuse_map, solve_nonlinear
from tantala.array.shorts import FINE, STIFF, Probe, Shorts, refuse_loops, stand_in
from tantala.array.solution import Answers, Solution
from tantala.array.sources import checked_cells, checked_sources
from tantala.array.threads import one_blas_thread, side_by_side
from tantala.base.errors import ConvergenceError, InputError, Problem, unknown

Vector = NDArray[np.float64]
TOLERANCE = 1e-10
METHODS = ("auto", "direct", "lines")
# Measured from 256 to 1024 lines: about as many single solutions cost as much as one dissection.
FEWEST_DIRECT = 24
MOST_DIRECT_CELLS = 1_800_000  # building a kept dissection takes about 500 bytes a cell
# Longer over shorter side: beyond, a dissection's blocks are as large as the square of the longer.
SLENDER = 16
CANCELLED = 1e-3  # share of its largest entry that an updated map must keep, or it is made anew


class CompiledArray:
    """`array` with its ladders eliminated; made by `Array.compile`."""

    def __init__(self, array: Array) -> None:
        self.array = array
        stiff = array.conductance > STIFF
        self.shorts = np.argwhere(stiff)
        self.conductance = array.conductance
        if len(self.shorts):
            self.conductance = np.where(stiff, stand_in(array.conductance), array.conductance)

    @functools.cached_property
    def lines(self) -> LineSolver:
        """The iterative solver of `conjugate_gradient`."""
        array = self.array
        near, far = array.near_resistances(), array.far_conductances()
        with one_blas_thread():
            return LineSolver.of(
                self.conductance,
                (array.row_wire, near[0], far[0]),
                (array.column_wire, near[1], far[1]),
            )

    def solve(
        self,
        voltages: Any,
        columns: Any = 0.0,
        *,
        tolerance: float = TOLERANCE,
        nodes: bool | None = None,
        method: str = "auto",
        extrapolate: bool = False,
    ) -> Solution:
        """Currents and voltages with the rows at `voltages`.

        voltages   V: one number for all rows, one a row (N,), or (N, K) for K vectors
        columns    V behind the columns' sense ends: one number, (M,) or (M, K)
        tolerance  wanted relative residual of the nodal equations
        nodes      keep node voltages; by default for one vector only
        method     "lines" (iteration, best for a few vectors), "direct" (nested dissection, best
                   for many) or "auto"; the residual is measured in the same way. Cells with a law
                   or a selector are solved by Newton's iteration, whatever the method, and there
                   the tolerance holds for every line by itself.
        extrapolate  go on outside the range of the cells' law; the solution then says so

        Threshold selectors are as a slow rise of all voltages from 0 V leaves them.

        Both take texts with units, one or a list. Raises InputError for wrong shapes or values, of
        which complex ones are some, ConvergenceError where `tolerance` is not
        reached, RangeViolation for voltages outside the cells' law.
        """
        rows, ends, single = checked_sources(self.array.shape, voltages, columns, tolerance)
        if method not in METHODS:
            raise InputError(unknown("method", method, METHODS))
        keep = single if nodes is None else nodes
        if self.array.device is None:
            solution = self._solve_linear((rows, ends), tolerance, keep, method)
        else:
            solution = solve_nonlinear(self.array, (rows, ends), tolerance, keep, extrapolate)
        return solution.only() if single else solution

    def _solve_linear(
        self, sources: tuple[Vector, Vector], tolerance: float, keep: bool, method: str
    ) -> Solution:
        """The solution of ohmic cells under rows (N, K) and columns (M, K), V."""
        rows, ends = sources
        count = rows.shape[1]
        direct = self._tree(count, method)
        answers = Answers.to(self.array.shape, count, keep)

        def one(k: int) -> None:
            answer, carried = self._vector(rows[:, k].copy(), ends[:, k].copy(), tolerance)
            answers.put(k, self.conductance, answer)
            if len(self.shorts):
                answers.currents[:, k] += carried.sum(axis=0)
                answers.row_currents[:, k] += carried.sum(axis=1)
                if answers.kept is not None:
                    answers.kept[2][:, :, k] += carried

        with one_blas_thread():
            lines = self.lines
            if direct is None:
                side_by_side(one, range(count))
            else:
                solve_direct(direct, lines, sources, tolerance, answers)
        return Solution(
            self.array,
            rows,
            ends,
            answers.currents,
            answers.row_currents,
            answers.residuals,
            answers.iterations,
            "lines" if direct is None else "direct",
            answers.nodes,
        )

    def effective_conductance(self) -> Vector:
        """The exact linear map (N, M), S: column currents = voltages @ map, columns at 0 V.

        Floating rows have a row of zeros. By nested dissection; with an ideal wire by one solution
        a line. A different pattern of driven lines is a different map.
        """
        refuse_map(self.array.device)
        return self._map.copy()

    @functools.cached_property
    def _map(self) -> Vector:
        with one_blas_thread():
            if self._dissectable and _aspect(self.array.shape) <= SLENDER:
                try:
                    found = self._dissect(keep=False).effective_conductance()
                except ConvergenceError:
                    found = self._map_by_lines()
            else:
                found = self._map_by_lines()
            if len(self.shorts):
                probe = self._stiff.probe
                found = found - probe.voltages @ np.linalg.solve(self._stiff.met, probe.currents.T)
        return found

    def changed(self, rows: ArrayLike, columns: ArrayLike, conductance: ArrayLike) -> CompiledArray:
        """The array with the cells at (`rows`, `columns`) at `conductance` [S], made ready.

        Where the map of this array is known and the cells are few, the new map comes from it by a
        low-rank update: K' = K - A (diag(1/d) + R)^-1 B^T, with one solution a cell for its voltage
        per volt on each row (A), the current that it sends to each column (B) and the resistance
        that it sees (R). Otherwise the new map is made anew, at the first use.

        Raises InputError for cells outside the array or a bad conductance.
        """
        i, j, values = checked_cells(self.array.shape, rows, columns, conductance)
        cells = self.array.conductance.copy()
        change = values - cells[i, j]
        cells[i, j] = values
        new = CompiledArray(replace(self.array, conductance=cells))
        moved = change != 0.0
        few = np.count_nonzero(moved) <= max(1, min(self.array.shape) // 16)
        finite = not len(self.shorts) and (values <= STIFF).all()
        if "_map" in self.__dict__ and few and finite:
            i, j, change = i[moved], j[moved], change[moved]
            with one_blas_thread():
                probe = Probe.of(self.lines, np.stack([i, j], axis=1))
            inner = np.diag(1.0 / change) + probe.felt
            found = self._map - probe.voltages @ np.linalg.solve(inner, probe.currents.T)
            # Digits that cancel are lost: where little is left, the map is made anew.
            if found.max() >= CANCELLED * self._map.max():
                new._map = np.maximum(found, 0.0)
        return new

    def _tree(self, count: int, method: str) -> Dissection | None:
        """The kept dissection where it pays for `count` vectors or is asked for."""
        possible = self._dissectable and not len(self.shorts)
        if method == "direct" and not possible:
            raise InputError(
                Problem(
                    "this array has no direct solution",
                    because="a wire of 0 ohm, or a dead short, has no conductance",
                    hint="method='lines'",
                )
            )
        aspect = _aspect(self.array.shape)
        fewest = FEWEST_DIRECT * max(1.0, 0.5 * aspect)
        pays = count >= fewest and aspect <= SLENDER and self.conductance.size <= MOST_DIRECT_CELLS
        if method == "lines" or not possible or (method == "auto" and not pays):
            return None
        try:
            with one_blas_thread():
                return self._kept
        except ConvergenceError:
            if method == "direct":
                raise
            return None

    @property
    def _dissectable(self) -> bool:
        return min(self.array.row_wire, self.array.column_wire) > 0.0

    @functools.cached_property
    def _kept(self) -> Dissection:
        return self._dissect(keep=True)

    def _dissect(self, keep: bool) -> Dissection:
        array = self.array
        near, far = array.near_resistances(), array.far_conductances()
        wires = Wires(
            1.0 / array.row_wire, 1.0 / array.column_wire, 1.0 / near[0], 1.0 / near[1], *far
        )
        return Dissection(self.conductance, wires, keep)

    def _vector(self, rows: Vector, ends: Vector, tolerance: float) -> tuple[Iteration, Vector]:
        """Node voltages under one vector of sources, and the currents of shorts."""
        if not len(self.shorts):
            return self.lines.solve(rows, ends, tolerance), NONE
        found = self._stiff.solve(rows, ends, tolerance)
        return found.lines, self._stiff.spread(found.through)

    @functools.cached_property
    def _stiff(self) -> Shorts:
        """The shorts. Raises InputError where nothing limits or decides their currents."""
        array = self.array
        near = array.near_resistances()
        refuse_loops(array.conductance, (array.row_wire, array.column_wire), near)
        return Shorts.of(self.lines, self.shorts, array.conductance)

    def _map_by_lines(self) -> Vector:
        """The map by one solution a line of the shorter side."""
        n, m = self.array.shape
        found = np.empty((n, m))

        def row(k: int) -> None:
            answer = self.lines.solve(np.eye(1, n, k)[0], np.zeros(m), FINE)
            found[k] = (self.conductance * (answer.words - answer.bits)).sum(axis=0)

        def column(k: int) -> None:
            answer = self.lines.solve(np.zeros(n), np.eye(1, m, k)[0], FINE)
            found[:, k] = -(self.conductance * (answer.words - answer.bits)).sum(axis=1)

        _ = self.lines
        side_by_side(row if n <= m else column, range(min(n, m)))
        return found


def _aspect(shape: tuple[int, int]) -> float:
    return max(shape) / min(shape)
