"""The nodal equations of a cross-point array by conjugate gradients on the bit plane.

With u on the word plane and v on the bit plane, D = diag(G) and W, B the wires of the planes,

    (W + D) u - D v = b_w,   (B + D) v - D u = b_b.

Eliminating u by exact line solves leaves S v = b, S = B + D - D (W + D)^-1 D, symmetric and
positive definite; the line solves (B + D)^-1 of the other plane precondition it. Between 4 and 45
iterations suffice for 64 to 1024 lines; with the coarse space of `coarse` 4 to 8.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tantala.array import line_kernels as kernels
from tantala.array.coarse import CoarseSpace, coarse_space
from tantala.base.errors import ConvergenceError, Problem

Vector = NDArray[np.float64]
# The iteration stops a little below the wanted residual, which is then measured anew.
SAFETY = 0.3
MOST_ITERATIONS = 5000
MOST_RESTARTS = 6
NONE = np.zeros((0, 0))


@dataclass(frozen=True)
class Lines:
    """The eliminated ladders of one plane; see `line_kernels`.

    `wire` ohm a segment; `near` ohm from a line's near node to its source; `far` S at its other
    end.
    """

    wire: float
    near: Vector
    far: Vector
    factor: Vector
    gain: Vector
    share: Vector

    @classmethod
    def of_words(cls, conductance: Vector, wire: float, near: Vector, far: Vector) -> Lines:
        """Word lines of `conductance` (N, M)."""
        rows, columns = conductance.shape
        blocks = -(-rows // kernels.LANES)
        lines = cls(
            wire,
            near,
            far,
            np.empty((blocks, columns, kernels.LANES)),
            np.empty(rows),
            np.empty(rows),
        )
        kernels.factor_words(conductance, wire, near, far, lines.factor, lines.gain, lines.share)
        return lines

    @classmethod
    def of_bits(cls, conductance: Vector, wire: float, near: Vector, far: Vector) -> Lines:
        """Bit lines of `conductance` (N, M)."""
        columns = conductance.shape[1]
        lines = cls(
            wire, near, far, np.empty_like(conductance), np.empty(columns), np.empty(columns)
        )
        kernels.factor_bits(conductance, wire, near, far, lines.factor, lines.gain, lines.share)
        return lines

    def kernel_arguments(self) -> tuple[Vector, float, Vector, Vector, Vector]:
        """`words` and `bits` of `sweep_kernels`."""
        return self.factor, self.wire, self.gain, self.share, self.far


@dataclass(frozen=True)
class Iteration:
    """Node voltages of both planes (V), the relative residual and the iterations spent."""

    words: Vector
    bits: Vector
    residual: float
    iterations: int


@dataclass(frozen=True)
class LineSolver:
    """Both planes' ladders and, where it pays, the coarse space."""

    conductance: Vector
    words: Lines
    bits: Lines
    coarse: CoarseSpace | None

    @classmethod
    def of(
        cls,
        conductance: Vector,
        words: tuple[float, Vector, Vector],
        bits: tuple[float, Vector, Vector],
        modes: int | None = None,
    ) -> LineSolver:
        """A solver for (wire, near, far) of each plane; `modes` an axis, 0 for none."""
        if modes is None:
            modes = _modes(conductance, words[0], bits[0])
        coarse = None
        if modes:
            coarse = coarse_space(
                conductance,
                1.0 / words[0],
                1.0 / bits[0],
                (1.0 / words[1], words[2]),
                (1.0 / bits[1], bits[2]),
                modes,
            )
        return cls(
            conductance,
            Lines.of_words(conductance, *words),
            Lines.of_bits(conductance, *bits),
            coarse,
        )

    def word_voltages(
        self, sources: Vector, bits: Vector, offset: Vector = NONE, out: Vector | None = None
    ) -> Vector:
        """Word plane (N, M) with the bit plane held at `bits`."""
        out = np.empty_like(self.conductance) if out is None else out
        w = self.words
        kernels.solve_words(
            self.conductance, offset, w.factor, w.wire, w.gain, w.share, w.far, sources, bits, out
        )
        return out

    def bit_voltages(
        self, sources: Vector, words: Vector, offset: Vector = NONE, out: Vector | None = None
    ) -> Vector:
        """Bit plane (N, M) with the word plane held at `words`."""
        out = np.empty_like(self.conductance) if out is None else out
        b = self.bits
        kernels.solve_bits(
            self.conductance, offset, b.factor, b.wire, b.gain, b.share, b.far, sources, words, out
        )
        return out

    def grounded(
        self, rows: Vector, columns: Vector, offset: Vector = NONE
    ) -> tuple[Vector, Vector, float]:
        """Both planes with the columns held near their sources, and the norm of the currents (A).

        That norm, or that of `offset` where it is larger, is what residuals are relative to.
        Arguments as of `solve`.
        """
        # Pages of zeros that are only read take no memory; `zeros_like` would write them.
        bits = grounds = np.zeros(self.conductance.shape)
        if columns.any() or offset.size:
            bits = self.bit_voltages(columns, grounds, offset)
        words = self.word_voltages(rows, bits, offset)
        norm = kernels.norm_of_change(self.conductance, words, grounds)
        return words, bits, max(norm, float(np.linalg.norm(offset)))

    def solve(
        self,
        rows: Vector,
        columns: Vector,
        tolerance: float,
        offset: Vector = NONE,
        start: Vector | None = None,
    ) -> Iteration:
        """Node voltages under the sources of the word lines (N) and bit lines (M), V.

        A cell carries G (u - v) + `offset` [A, (N, M)]; `start` is a guess of the bit plane. The
        residual is the norm of the currents that Kirchhoff's law lacks at the nodes of the answer,
        over that of `grounded`: of the cell currents into grounded columns.

        Raises ConvergenceError if `tolerance` is not reached.
        """
        g = self.conductance
        words, bits, scale = self.grounded(rows, columns, offset)
        if scale == 0.0:
            return Iteration(words, bits, 0.0, 0)
        iterations, residual = 0, 1.0
        if start is not None:
            residual, words, bits = self._sweep(rows, columns, offset, start, words)
            residual /= scale
            rest = None
        else:
            rest = np.multiply(g, words, out=words)  # `words` is but room from here on
        flat = not (columns.any() or offset.size or start is not None)  # v is still zero
        for _ in range(MOST_RESTARTS):
            if residual <= tolerance:
                return Iteration(words, bits, residual, iterations)
            if rest is None:
                # With u from the former v and v from that u, b - S v is exactly D (u' - u): no
                # difference of large wire currents is taken.
                rest = self.word_voltages(rows, bits, offset)
                rest -= words
                rest *= g
            answer = bits if flat else np.zeros(g.shape)
            iterations += self._iterate(rest, SAFETY * tolerance * scale, answer)
            if not flat:
                answer += bits
            flat = False
            residual, words, bits = self._sweep(rows, columns, offset, answer, words)
            residual /= scale
            rest = None
        if residual <= tolerance:
            return Iteration(words, bits, residual, iterations)
        raise ConvergenceError(
            Problem(
                "the array's voltages did not reach the tolerance",
                got=f"relative residual {residual:.2e} after {iterations} iterations",
                allowed=f"{tolerance:.2e}",
                hint="a larger tolerance",
            )
        )

    def _sweep(
        self, rows: Vector, columns: Vector, offset: Vector, bits: Vector, room: Vector
    ) -> tuple[float, Vector, Vector]:
        """Each plane relaxed once from `bits`: the residual [A], u in `room`, and v.

        After that the bit plane obeys Kirchhoff's law to rounding, and what the word plane lacks is
        exactly D (v' - v).
        """
        words = self.word_voltages(rows, bits, offset, out=room)
        after = self.bit_voltages(columns, words, offset)
        return kernels.norm_of_change(self.conductance, after, bits), words, after

    def _iterate(self, rest: Vector, wanted: float, answer: Vector) -> int:
        """Solve S v = `rest` (spent in place) until ||D (B + D)^-1 rest|| <= `wanted` A.

        `answer` is zero and becomes v. Returns the iterations.
        """
        g, w, b = self.conductance, self.words, self.bits
        coarse = self.coarse
        # In one piece, which goes back to the system as a whole: pieces leave holes in the heap.
        towards, image, preconditioned = np.zeros((3, *g.shape))
        step, before, power = 0.0, np.inf, np.inf
        tested = np.zeros((0, 0)) if coarse is None else np.zeros((coarse.lines.shape[1],) * 2)
        iteration = 0
        for iteration in range(MOST_ITERATIONS + 1):
            norm, product = kernels.advance(
                g, b.factor, b.wire, b.gain, step, towards, image, answer, rest, preconditioned
            )
            if norm <= wanted * wanted or iteration == MOST_ITERATIONS:
                break
            if coarse is None:
                mix, descent = product / before, product
                power = kernels.direct(
                    g, w.factor, w.wire, w.gain, mix, preconditioned, rest, towards, image
                )
            else:
                found, overlap = kernels.spread_back(
                    g,
                    w.factor,
                    w.wire,
                    w.gain,
                    preconditioned,
                    image,
                    coarse.lines,
                    coarse.cells,
                )
                amplitudes = coarse.correction(found)
                # The preconditioner is symmetric only in part, so the new direction is made
                # conjugate to the last one explicitly; the error's energy then never grows.
                mix = -(overlap + float(np.vdot(amplitudes, tested))) / power
                power, descent, tested = kernels.direct_two_level(
                    g,
                    w.factor,
                    w.wire,
                    w.gain,
                    coarse.lines,
                    coarse.curved,
                    coarse.cells,
                    coarse.ends,
                    amplitudes,
                    mix,
                    preconditioned,
                    rest,
                    towards,
                    image,
                )
            if not power > 0.0:
                break
            step, before = descent / power, product
        return iteration


def _modes(conductance: Vector, row_wire: float, column_wire: float) -> int:
    """How many coarse modes an axis pay for themselves; 0 for none."""
    if min(row_wire, column_wire) <= 0.0 or min(conductance.shape) < 64:
        return 0
    rows, columns = conductance.shape
    mean = float(conductance.mean())
    along = (np.pi / (2 * columns)) ** 2 / row_wire
    across = (np.pi / (2 * rows)) ** 2 / column_wire
    condition = 1.0 / (1.0 - mean / (mean + along) * mean / (mean + across))
    if condition < 12.0:
        return 0
    return 8 if conductance.size < 400_000 else 16
