"""Signed weights: two cells a weight (2T2R, 2R), on two bit lines or interleaved on one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tantala.array.crosspoint import Array
from tantala.array.gated import GatedArray
from tantala.array.gated_solution import GatedSolution
from tantala.array.solution import Solution
from tantala.array.spice import Netlist, add_crosspoint, add_gated
from tantala.array.wiring import Vector, conductances
from tantala.base.errors import InputError, Problem, raise_if
from tantala.base.quantity_table import to_si_table


@dataclass(frozen=True)
class PairSolution:
    """Answer of `DifferentialPair.solve`: both arrays' solutions."""

    plus: Solution | GatedSolution
    minus: Solution | GatedSolution

    @property
    def currents(self) -> Vector:
        """Difference of the bit lines' currents, A; (M,) or (M, K)."""
        return self.plus.currents - self.minus.currents

    @property
    def common(self) -> Vector:
        """Mean of the bit lines' currents, A: what a differential amplifier has to bear."""
        return 0.5 * (self.plus.currents + self.minus.currents)


@dataclass(frozen=True, eq=False)
class DifferentialPair:
    """Weights as differences of two arrays of one kind and shape, read side by side.

    Cell (i, j) of `plus` and of `minus` make weight (i, j); column j of each is one bit line. Each
    array has word or source lines of its own, at the same voltages.

    Raises InputError for arrays that do not fit together.
    """

    plus: Array | GatedArray
    minus: Array | GatedArray

    def __post_init__(self) -> None:
        problems = [
            Problem(f"{name} is no array", got=type(array).__name__, allowed="Array or GatedArray")
            for name, array in (("plus", self.plus), ("minus", self.minus))
            if not isinstance(array, Array | GatedArray)
        ]
        raise_if(problems)
        if type(self.plus) is not type(self.minus) or self.plus.shape != self.minus.shape:
            raise InputError(
                Problem(
                    "the arrays of a pair differ in kind or shape",
                    got=f"{type(self.plus).__name__} {self.plus.shape} and "
                    f"{type(self.minus).__name__} {self.minus.shape}",
                    allowed="two arrays of one kind and shape",
                )
            )

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of weights."""
        return self.plus.shape

    def solve(self, *conditions: Any, **options: Any) -> PairSolution:
        """Both arrays under the same conditions, as their own `solve` takes them.

        (voltages, columns) of cross-points, (gates, sources, bits) of gated arrays.
        """
        plus, minus = (
            array.compile().solve(*conditions, **options)
            if isinstance(array, Array)
            else array.solve(*conditions, **options)
            for array in (self.plus, self.minus)
        )
        return PairSolution(plus, minus)

    def effective_conductance(self) -> Vector:
        """K+ - K- (N, M) S: currents(voltages) = K.T @ voltages with wires and all.

        Raises InputError for gated arrays, whose map depends on the pattern.
        """
        if isinstance(self.plus, GatedArray) or isinstance(self.minus, GatedArray):
            raise InputError(
                Problem(
                    "gated arrays have no single effective conductance",
                    because="it depends on which gates are on",
                    hint="solve(gates, 1.0).currents: the columns' conductances under a pattern",
                )
            )
        plus, minus = self.plus.compile(), self.minus.compile()
        return plus.effective_conductance() - minus.effective_conductance()

    def to_spice(self, *conditions: Any) -> str:
        """Both arrays in one ngspice netlist, names ending in p and n; conditions as of `solve`."""
        net = Netlist(f"tantala: differential pairs, {self.shape[0]} x {self.shape[1]}")
        for array, mark in ((self.plus, "p"), (self.minus, "n")):
            if isinstance(array, GatedArray):
                add_gated(net, array, *conditions, mark=mark)
            else:
                add_crosspoint(net, array, *conditions, mark=mark)
        return net.text()


@dataclass(frozen=True, eq=False)
class InterleavedPair:
    """Pairs of cells one above the other on one bit line, their word lines at opposite voltages.

    Weight (i, j) has its cells in rows 2i (plus) and 2i + 1 (minus) of `array`, a cross-point of 2N
    rows: each cell has its own contact, one segment of the bit line from the next. The bit line
    adds both currents, so that what they have in common stays within the pair. Two cells that share
    one contact are another circuit, which this does not solve.
    """

    array: Array

    def __post_init__(self) -> None:
        if self.array.shape[0] % 2:
            raise InputError(
                Problem(
                    "an interleaved pair needs two rows a weight", got=f"{self.array.shape[0]} rows"
                )
            )

    @classmethod
    def of(
        cls, plus: ArrayLike, minus: ArrayLike, row_wire: Any, column_wire: Any, **options: Any
    ) -> InterleavedPair:
        """Pairs of `plus` and `minus` (N, M) S; the rest as of Array, with 2N rows."""
        problems: list[Problem] = []
        tables = [conductances(table, problems) for table in (plus, minus)]
        raise_if(problems)
        if tables[0].shape != tables[1].shape:
            raise InputError(
                Problem(
                    "plus and minus differ in shape",
                    got=f"{tables[0].shape} and {tables[1].shape}",
                    allowed="one cell of each a weight",
                )
            )
        both = np.stack(tables, axis=1).reshape(-1, tables[0].shape[1])
        return cls(Array(both, row_wire, column_wire, **options))

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of weights."""
        return self.array.shape[0] // 2, self.array.shape[1]

    def rows(self, voltages: ArrayLike, opposite: ArrayLike | None = None) -> Vector:
        """Voltages of the 2N word lines, (2N,) or (2N, K).

        voltages   V of the plus cells' lines, one for all, (N,) or (N, K)
        opposite   V of the minus cells' lines; by default -voltages
        """
        high = to_si_table(voltages, "V", name="voltages")
        low = -high if opposite is None else to_si_table(opposite, "V", name="opposite")
        lines = self.shape[0]
        high, low = (np.full(lines, one) if one.ndim == 0 else one for one in (high, low))
        if high.shape != low.shape or high.ndim not in (1, 2) or len(high) != lines:
            raise InputError(
                Problem(
                    "voltages of an interleaved pair have a wrong shape",
                    got=str(high.shape) + ("" if opposite is None else f" and {low.shape}"),
                    allowed=f"one voltage, ({lines},) or ({lines}, K): one a weight row",
                )
            )
        return np.stack([high, low], axis=1).reshape(-1, *high.shape[1:])

    def solve(
        self, voltages: ArrayLike, opposite: ArrayLike | None = None, **options: Any
    ) -> Solution:
        """The cross-point's solution; `options` as of `CompiledArray.solve`."""
        return self.array.compile().solve(self.rows(voltages, opposite), **options)

    def effective_conductance(self) -> Vector:
        """K+ - K- (N, M) S: currents = K.T @ voltages, the minus lines at -voltages."""
        whole = self.array.compile().effective_conductance()
        return whole[0::2] - whole[1::2]

    def to_spice(self, voltages: ArrayLike, opposite: ArrayLike | None = None) -> str:
        """An ngspice netlist of the cross-point: rows 2i the plus cells, 2i + 1 the minus cells."""
        net = Netlist(f"tantala: interleaved pairs, {self.shape[0]} x {self.shape[1]}")
        add_crosspoint(net, self.array, self.rows(voltages, opposite))
        return net.text()
