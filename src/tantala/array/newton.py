"""The nodal equations of an array whose cells are not ohmic, by damped Newton iteration.

With u on the word plane and v on the bit plane, W and B the wires and f the cells' currents,

    W u + f(u - v) = b_w,   B v - f(u - v) = b_b.

Their solution is the minimum of the array's co-content (Millar, Phil. Mag. 42 (1951) 1150,
doi:10.1080/14786445108561361), the integral of currents over voltages, which is convex because no
current falls with its voltage. A Newton step solves the linear array whose cells carry
f + f' (change of voltage), and goes down the co-content; a search along it, on the derivative of
the co-content, makes the iteration converge from any start.

Beside the voltages, an iterate carries the cell currents c_w, c_b (N, M) with which they satisfy
the wires' equations, W u = b_w - c_w and B v = b_b + c_b. They come from the elimination of the
lines and are averaged as the voltages are, so that the residual f - c is never a difference of
large wire currents and ideal wires are no special case. A dead short has no current of its own but
what it is left with, c, plus what its voltage is off by, as a current (see `shorts`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from tantala.array import newton_kernels as sums
from tantala.array.conjugate_gradient import LineSolver
from tantala.array.device import Device, Response, Switches
from tantala.array.line_search import search
from tantala.array.shorts import ROUNDINGS, Shorts, stand_in
from tantala.base.errors import ConvergenceError, Problem

Vector = NDArray[np.float64]
Ends = tuple[float, Vector, Vector]
MOST_STEPS = 200
# A linear solution is wanted to this part of the residual, and no nearer than rounding lets it be.
INNER = 1e-3
LEAST_INNER = 1e-13
LARGEST_INNER = 0.1
NOTHING = np.zeros(0)


@dataclass(frozen=True)
class Point:
    """An iterate: voltages (V) of both planes and the currents (A) they leave to the cells.

    `missed` (n,) A is what the voltages of the device's n shorts are off by, as currents; `driven`
    (n,) S what a volt drives through them.
    """

    words: Vector
    bits: Vector
    from_words: Vector
    into_bits: Vector
    missed: Vector = field(default_factory=lambda: NOTHING)
    driven: Vector = field(default_factory=lambda: NOTHING)

    @property
    def volts(self) -> Vector:
        """Voltage of each cell, V."""
        return self.words - self.bits

    def towards(self, other: Point, part: float) -> Point:
        """The point at `part` of the way to `other`."""
        if part == 1.0:
            return other
        mixed = (
            here + part * (there - here)
            for here, there in zip(self._parts(), other._parts(), strict=True)
        )
        return Point(*mixed, driven=other.driven)

    def scaled(self, factor: float) -> Point:
        """The point under sources that are `factor` times as high."""
        return Point(*(factor * part for part in self._parts()), driven=self.driven)

    def _parts(self) -> tuple[Vector, Vector, Vector, Vector, Vector]:
        return self.words, self.bits, self.from_words, self.into_bits, self.missed

    def misfit(self, answer: Response, tolerance: float, rounding: float = ROUNDINGS) -> Misfit:
        """How far the devices' `answer` is from the currents that the wires leave them.

        `rounding` is that of the voltages, relative to their size.
        """
        n, m = self.words.shape
        along, down = np.empty((3, n)), np.empty((3, m))
        sums.squares(
            answer.current,
            answer.slope,
            self.words,
            self.bits,
            self.from_words,
            self.into_bits,
            along,
            down,
        )
        both = np.sqrt([along[0].sum() + down[0].sum(), *along[1:].sum(axis=1)])
        rounding = rounding / tolerance
        whole = float(_relative(both, rounding))
        if self.missed.size:
            return Misfit(whole, np.zeros(n), np.zeros(m))
        return Misfit(
            whole, _relative(np.sqrt(along), rounding), _relative(np.sqrt(down), rounding)
        )


@dataclass(frozen=True)
class Misfit:
    """Relative residuals of the nodal equations: of the whole array, of rows (N), of columns (M).

    Each is ||f - c|| over ||f||, or, where nearly no current flows, over what the rounding of the
    voltages lets flow, such that rounding reaches the tolerance. Lines are judged by themselves for
    the sake of selectors that are off; with shorts, which only arrays without selectors have, they
    are not: a line may carry nothing but the rounding of a short's current.
    """

    whole: float
    rows: Vector
    columns: Vector

    @property
    def worst(self) -> float:
        """That of the array or of the line that is farthest off."""
        return max(self.whole, float(self.rows.max()), float(self.columns.max()))


def _relative(norms: Vector, rounding: float) -> Vector:
    """Missed over carried currents, from norms (3, ...) of missed, carried and rounded ones."""
    scale = np.maximum(norms[1], rounding * norms[2])
    return np.where(scale > 0.0, norms[0] / np.where(scale > 0.0, scale, 1.0), norms[0] > 0.0)


@dataclass(frozen=True)
class OperatingPoint:
    """A solution: its point, the devices' answer there, the residual and the work."""

    point: Point
    answer: Response
    residual: float
    steps: int
    iterations: int


@dataclass(frozen=True)
class NewtonSolver:
    """`device` between the wires `words` and `bits`, each (wire, near, far) as of LineSolver."""

    device: Device
    words: Ends
    bits: Ends

    def solve(
        self,
        rows: Vector,
        columns: Vector,
        tolerance: float,
        on: Switches | None = None,
        start: Point | None = None,
    ) -> OperatingPoint:
        """The state under the sources of the rows (N) and columns (M), V.

        `on` (N, M) says which threshold selectors are on; `start` is an iterate under the same
        sources, by default the linear array of the slopes at 0 V.

        Raises ConvergenceError if the relative residual does not reach `tolerance`.
        """
        iterations = 0
        if start is None:
            start, iterations = self._cold(rows, columns, on)
        point, answer = start, self.answer(start, on)
        misfit = point.misfit(answer, tolerance)
        whole, lines = misfit.whole, np.inf
        steps = 0
        while steps < MOST_STEPS:
            if misfit.worst <= tolerance:
                return OperatingPoint(point, answer, misfit.worst, steps, iterations)
            target, spent = self._linear(rows, columns, point, answer, misfit.whole, tolerance)
            iterations += spent
            if misfit.whole > tolerance:
                moved = self._down(point, target, answer, whole, tolerance, on)
            else:
                lines = min(lines, misfit.worst)
                moved = self._line_by_line(point, target, answer, misfit, lines, tolerance, on)
            if moved is None:
                break
            steps += 1
            point, answer = moved
            misfit = point.misfit(answer, tolerance)
            whole = min(whole, misfit.whole)
        # Where nothing flows, voltages that shorts decide are as near as the linear solver is.
        if point.missed.size and point.misfit(answer, tolerance, LEAST_INNER).whole <= tolerance:
            return OperatingPoint(point, answer, tolerance, steps, iterations)
        raise self._failure(misfit.worst, tolerance, steps, iterations)

    def _cold(self, rows: Vector, columns: Vector, on: Switches | None) -> tuple[Point, int]:
        """The linear array of the slopes at 0 V, and its iterations."""
        nothing = np.zeros_like(self.device.conductance)
        solver = self._lines(self.device.evaluate(nothing, on).slope)
        return self._solved(solver, rows, columns, LARGEST_INNER, nothing)

    def answer(self, point: Point, on: Switches | None, near: Response | None = None) -> Response:
        """What the devices answer at `point`; an answer `near` by saves work."""
        found = self.device.evaluate(point.volts, on, near)
        if len(self.device.shorts):
            at = tuple(self.device.shorts.T)
            found.current[at] = point.from_words[at] + point.missed
            found.slope[at] = point.driven
        return found

    def _solved(
        self,
        solver: LineSolver,
        rows: Vector,
        columns: Vector,
        tolerance: float,
        offset: Vector,
        start: Vector | None = None,
    ) -> tuple[Point, int]:
        """The linear array of `solver`, its shorts carrying what they must, and its iterations."""
        if len(self.device.shorts):
            shorts = Shorts.of(solver, self.device.shorts, self.device.conductance)
            carried = shorts.solve(rows, columns, tolerance, offset, start)
            offset = offset + shorts.spread(carried.through)
            swept = _swept(solver, rows, columns, offset, carried.lines.bits)
            swept = replace(swept, missed=carried.missed, driven=carried.driven)
            return swept, carried.lines.iterations
        found = solver.solve(rows, columns, tolerance, offset, start)
        return _swept(solver, rows, columns, offset, found.bits), found.iterations

    def _lines(self, conductance: Vector) -> LineSolver:
        """The lines with cells of `conductance` (N, M), shorts by their stand-in."""
        if len(self.device.shorts):
            conductance = conductance.copy()
            conductance[tuple(self.device.shorts.T)] = stand_in(self.device.conductance)
        return LineSolver.of(conductance, self.words, self.bits)

    def _linear(
        self,
        rows: Vector,
        columns: Vector,
        point: Point,
        answer: Response,
        residual: float,
        tolerance: float,
    ) -> tuple[Point, int]:
        """The solution of the array linearised at `point`, and its iterations."""
        solver = self._lines(answer.slope)
        shorts = tuple(self.device.shorts.T)
        offset = answer.current - answer.slope * point.volts
        offset[shorts] = answer.current[shorts]
        # The linear solver's residual is relative to this norm, the outer one to the currents.
        scale = solver.grounded(rows, columns, offset)[2] or 1.0
        wanted = INNER * max(residual, tolerance) * np.linalg.norm(answer.current) / scale
        wanted = float(min(max(wanted, LEAST_INNER), LARGEST_INNER))
        offset[shorts] = 0.0  # what they carry is solved for
        return self._solved(solver, rows, columns, wanted, offset, point.bits.copy())

    def _down(
        self,
        point: Point,
        target: Point,
        answer: Response,
        best: float,
        tolerance: float,
        on: Switches | None,
    ) -> tuple[Point, Response] | None:
        """The next iterate on the way to `target`, with its answer; None if there is none.

        A part of the way is also taken if it halves the smallest residual `best` so far. That can
        only happen a limited number of times, and leaves the end of the iteration to Newton's own
        quadratic convergence, where rounding would hide the derivative.
        """
        way = _Way(self, point, target, answer, on)

        def slope(part: float) -> float | None:
            found = way.slope(part)
            return None if way.at.misfit(way.there, tolerance).whole <= 0.5 * best else found

        if not way.first < 0.0:
            return (way.at, way.there) if slope(1.0) is None else None
        return None if search(way.first, slope) is None else (way.at, way.there)

    def _line_by_line(
        self,
        point: Point,
        target: Point,
        answer: Response,
        misfit: Misfit,
        best: float,
        tolerance: float,
        on: Switches | None,
    ) -> tuple[Point, Response]:
        """The next iterate once the array as a whole is solved and some lines are not.

        Such are floating lines among selectors that are off: a billionth of the others' currents
        decides their voltage, and the co-content does not show it. It is followed over their nodes
        alone; where rounding hides even that, the whole step is taken.
        """
        way = _Way(
            self,
            point,
            target,
            answer,
            on,
            misfit.rows > tolerance,
            misfit.columns > tolerance,
        )

        def slope(part: float) -> float | None:
            found = way.slope(part)
            return None if way.at.misfit(way.there, tolerance).worst <= 0.5 * best else found

        if not way.first < 0.0 or search(way.first, slope) is None:
            way.slope(1.0)
        return way.at, way.there

    def _failure(
        self, residual: float, tolerance: float, steps: int, iterations: int
    ) -> ConvergenceError:
        return ConvergenceError(
            Problem(
                "the voltages of the array of nonlinear cells did not reach the tolerance",
                got=f"relative residual {residual:.2e} after {steps} Newton steps and "
                f"{iterations} linear iterations",
                allowed=f"{tolerance:.2e}",
                hint="a larger tolerance",
            )
        )


class _Way:
    """The way from an iterate to the solution of its linearised array, and the iterate on it.

    `rows`, `columns` say over whose nodes the derivative of the co-content is taken: all of them by
    default.
    """

    def __init__(
        self,
        solver: NewtonSolver,
        point: Point,
        target: Point,
        answer: Response,
        on: Switches | None,
        rows: Switches | None = None,
        columns: Switches | None = None,
    ) -> None:
        self.solver, self.point, self.target, self.on = solver, point, target, on
        self.at, self.there = point, answer
        words, bits = target.words - point.words, target.bits - point.bits
        if rows is not None and columns is not None:
            words, bits = words * rows[:, None], bits * columns
        self._seen = words - bits
        self._held = sums.product(point.from_words, words) - sums.product(point.into_bits, bits)
        self._grown = sums.product(target.from_words - point.from_words, words) - sums.product(
            target.into_bits - point.into_bits, bits
        )
        self.first = sums.product(answer.current, self._seen) - self._held

    def slope(self, part: float) -> float:
        """Move to `part` of the way; the derivative of the co-content along it there, W."""
        self.at = self.point.towards(self.target, part)
        self.there = self.solver.answer(self.at, self.on, self.there)
        return sums.product(self.there.current, self._seen) - self._held - part * self._grown


def _swept(
    solver: LineSolver, rows: Vector, columns: Vector, offset: Vector, bits: Vector
) -> Point:
    """A point of the linear array from its bit plane, by one relaxation of both planes.

    Each plane then satisfies its wires' equations with the currents of the plane it was solved for.
    """
    before = solver.word_voltages(rows, bits, offset)
    bits = solver.bit_voltages(columns, before, offset)
    words = solver.word_voltages(rows, bits, offset)
    g = solver.conductance
    return Point(words, bits, g * (words - bits) + offset, g * (before - bits) + offset)
