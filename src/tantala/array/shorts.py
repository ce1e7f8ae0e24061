"""Cells so conductive that next to no voltage is left across them: dead shorts, and stiff cells.

The difference of two node voltages cannot tell such a cell's current, so the current is solved for
instead. The cell stays in the array's lines with a stand-in conductance, as large as the largest of
the other cells, and a current source c beside it. With R the resistances that the cells see across
them (n, n), d what their conductances have beyond the stand-in, V_0 their voltages without c,

    V = V_0 - R c = c / d,    c = (R + diag(1/d))^-1 V_0

(Woodbury's identity), where 1/d is 0 for a dead short. The stand-in keeps a line decided that
nothing but a short ties to the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tantala.array.conjugate_gradient import NONE, Iteration, LineSolver
from tantala.base.errors import ConvergenceError, InputError, Problem

Vector = NDArray[np.float64]
# S; no memory cell comes near it, a dead short exceeds it.
STIFF = 10.0
FINE = 1e-12  # residual of the solutions that a map or a probe is made of
# S, where no other cell conducts.
LONE = 1e-3
MOST_PASSES = 12
# The nodes are solved to this part of what is wanted of the shorts, and no nearer than rounding.
NEARER = 0.1
LEAST = 1e-13
# Roundings of a node voltage that a short's current may carry.
ROUNDINGS = 8 * 2.0**-52


def stand_in(conductance: Vector) -> float:
    """The conductance (S) that shorts have in the lines of an array of `conductance` (N, M)."""
    return float(np.max(conductance, initial=0.0, where=conductance <= STIFF)) or LONE


def refuse_loops(conductance: Vector, wires: tuple[float, float], ends: Sequence[Vector]) -> None:
    """Raise InputError where dead shorts close a loop in which there is no resistance at all.

    Only between ideal wires can they: `wires` is ohm a segment of rows and columns, `ends` ohm
    from each row (N,) and each column (M,) to its source.
    """
    if max(wires) > 0.0:
        return
    rows = len(conductance)
    source = sum(conductance.shape)
    joined = [source if end == 0.0 else k for k, end in enumerate(np.concatenate(ends))]
    joined.append(source)

    def node(k: int) -> int:
        while joined[k] != k:
            k = joined[k]
        return k

    for row, column in np.argwhere(np.isinf(conductance)):
        one, other = node(int(row)), node(rows + int(column))
        if one == other:
            where = f"the short at cell (row {row}, column {column})"
            hint = "give the wires or drivers a resistance, or the short a conductance in S"
            if one == source:
                raise InputError(
                    Problem(
                        f"{where} joins two ideal sources",
                        because="no wire or driver resistance limits its current",
                        hint=hint,
                    )
                )
            raise InputError(
                Problem(
                    f"{where} closes a loop of shorts and ideal wires",
                    because="nothing decides how the current divides between them",
                    hint=hint,
                )
            )
        joined[min(one, other)] = max(one, other)  # the source is the largest


@dataclass(frozen=True)
class Probe:
    """What n cells feel and do, from one ampere through each in turn.

    voltages (N, n) of them per volt on each row; currents (M, n) into each column per ampere;
    felt (n, n) ohm, voltage per ampere through each.
    """

    voltages: Vector
    currents: Vector
    felt: Vector

    @classmethod
    def of(cls, lines: LineSolver, cells: NDArray[np.intp]) -> Probe:
        """The probe of `cells` (n, 2), in an array solved by `lines`."""
        n, m = lines.conductance.shape
        voltages, currents = np.empty((n, len(cells))), np.empty((m, len(cells)))
        felt = np.empty((len(cells), len(cells)))
        for k, (i, j) in enumerate(cells):
            offset = np.zeros((n, m))
            offset[i, j] = -1.0
            answer = lines.solve(np.zeros(n), np.zeros(m), FINE, offset)
            across = answer.words - answer.bits
            flow = lines.conductance * across + offset
            voltages[:, k], currents[:, k] = -flow.sum(axis=1), flow.sum(axis=0)
            felt[:, k] = across[cells[:, 0], cells[:, 1]]
        return cls(voltages, currents, 0.5 * (felt + felt.T))


@dataclass(frozen=True)
class Carried:
    """A solution with its shorts: `lines` as of LineSolver, `through` (n,) A beyond the stand-in.

    `missed` (n,) A is what their voltages are still off by, as currents, 0 where that is rounding
    of the voltages; the residual of `lines` includes it. `driven` (n,) S is what a volt at the
    nodes would drive through each at most.
    """

    lines: Iteration
    through: Vector
    missed: Vector
    driven: Vector


@dataclass(frozen=True)
class Shorts:
    """Shorts at `cells` (n, 2), with `resistance` (n,) ohm beside the stand-in of `lines`."""

    lines: LineSolver
    cells: NDArray[np.intp]
    probe: Probe
    resistance: Vector

    @classmethod
    def of(cls, lines: LineSolver, cells: NDArray[np.intp], conductance: Vector) -> Shorts:
        """Those of an array of `conductance` (N, M), which has stand-ins at `cells` in `lines`."""
        at = tuple(cells.T)
        beside = 1.0 / (conductance[at] - lines.conductance[at])
        return cls(lines, cells, Probe.of(lines, cells), beside)

    @property
    def met(self) -> Vector:
        """Ohm that a current meets, (n, n): what the cells see and their own."""
        return self.probe.felt + np.diag(self.resistance)

    def spread(self, through: Vector) -> Vector:
        """`through` (n,) as a table (N, M), 0 elsewhere."""
        table = np.zeros_like(self.lines.conductance)
        table[tuple(self.cells.T)] = through
        return table

    def solve(
        self,
        rows: Vector,
        columns: Vector,
        tolerance: float,
        offset: Vector = NONE,
        start: Vector | None = None,
    ) -> Carried:
        """Node voltages and the shorts' currents; arguments as of `LineSolver.solve`.

        Raises ConvergenceError if the relative residual does not reach `tolerance`.
        """
        met, at = self.met, tuple(self.cells.T)
        driven = np.linalg.inv(met)
        others = offset if offset.size else np.zeros_like(self.lines.conductance)
        wanted = min(tolerance, max(NEARER * tolerance, LEAST))
        through, iterations, before = np.zeros(len(self.cells)), 0, np.inf
        lacks, scale = np.inf, 0.0
        for _ in range(MOST_PASSES):
            given = others + self.spread(through)
            answer = self.lines.solve(rows, columns, wanted, given, start)
            start, iterations = answer.bits, iterations + answer.iterations
            across = answer.words - answer.bits
            missed = driven @ (across[at] - self.resistance * through)
            highest = max(np.abs(answer.words).max(), np.abs(answer.bits).max())
            rounding = ROUNDINGS * (highest + np.abs(met) @ np.abs(through))
            missed[np.abs(missed) <= np.abs(driven) @ rounding] = 0.0
            scale = self.lines.grounded(rows, columns, given)[2]
            lacks = float(np.linalg.norm(missed))
            if lacks <= tolerance * scale:
                residual = max(answer.residual, lacks / scale if scale else 0.0)
                found = Iteration(answer.words, answer.bits, residual, iterations)
                return Carried(found, through, missed, np.abs(driven).sum(axis=1))
            if lacks > 0.5 * before:
                break
            through, before = through + missed, lacks
        raise ConvergenceError(
            Problem(
                "the currents of dead shorts did not reach the tolerance",
                got=f"{lacks:.2e} A missed of {scale:.2e} A",
                allowed=f"{tolerance:.2e} of it",
                hint="a larger tolerance, or a conductance in S in place of inf",
            )
        )
