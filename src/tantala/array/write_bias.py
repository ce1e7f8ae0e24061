"""What a write puts across every cell: the selected cell, the half-selected ones, the others.

The scheme (`bias`: V/2, V/3, floating) sets the lines' voltages; wires and sneak currents decide
what arrives. The worst write of an array is that of the cell that gets least, over positions and
the data of the other cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tantala.array.bias import (
    Access,
    AnyArray,
    AnyBias,
    Positions,
    Scheme,
    Solving,
    bias_of,
    full_voltage,
    levels_of,
    positions_of,
    solving_of,
)
from tantala.array.gated_solution import GatedPowerBalance, GatedSolution
from tantala.array.pattern import (
    PATTERNS,
    SEARCHED,
    Mask,
    Search,
    pattern,
    pattern_names,
    search_of,
)
from tantala.array.sensitivity import cell_adjoint
from tantala.array.solution import PowerBalance, Solution
from tantala.base.quantity import format_si

Vector = NDArray[np.float64]
GROUPS = ("row", "column", "unselected")


@dataclass(frozen=True)
class WriteBias:
    """An array under a write of the cell at (row, column) with `voltage` [V]."""

    scheme: AnyBias
    voltage: float
    row: int
    column: int
    solution: Solution | GatedSolution

    def __repr__(self) -> str:
        return (
            f"WriteBias(row {self.row}, column {self.column}, {self.scheme.name} at "
            f"{format_si(self.voltage, 'V')}, selected cell {format_si(self.selected, 'V')}, "
            f"worst stress {format_si(self.worst_stress, 'V')}, "
            f"residual {np.max(self.solution.residual):.1e})"
        )

    @property
    def cell_voltages(self) -> Vector:
        """Voltage across each cell, row less column or source less bit rail, (N, M) V.

        In a gated array without the transistor's share.
        """
        return self.solution.cell_voltages

    @property
    def selected(self) -> float:
        """Voltage across the selected cell, V."""
        return float(self.cell_voltages[self.row, self.column])

    @property
    def lost(self) -> float:
        """Part of the applied voltage that does not reach the selected cell."""
        return 1.0 - self.selected / self.voltage

    @property
    def current(self) -> float:
        """Current through the selected cell, A."""
        return float(self.solution.cell_currents[self.row, self.column])

    def group(self, name: str) -> Vector:
        """Voltages of the cells that share the selected "row" or "column", or of the "unselected".

        Shapes (M - 1,), (N - 1,) and ((N - 1) (M - 1),); V.
        """
        volts = self.cell_voltages
        if name == "row":
            return np.delete(volts[self.row], self.column)
        if name == "column":
            return np.delete(volts[:, self.column], self.row)
        return np.delete(np.delete(volts, self.row, 0), self.column, 1).ravel()

    @property
    def worst_stress(self) -> float:
        """The voltage that is largest in size across any cell but the selected one, V."""
        others = np.concatenate([self.group(name) for name in GROUPS])
        return float(others[np.argmax(np.abs(others))]) if others.size else 0.0

    def power(self) -> PowerBalance | GatedPowerBalance:
        """Where the power of the write goes, W."""
        return self.solution.power()

    @property
    def useful(self) -> float:
        """Part of the delivered power that heats the selected cell; the rest is sneak and wires."""
        return self.selected * self.current / self.power().delivered

    @property
    def sneak(self) -> float:
        """Part of the delivered power that heats the other cells."""
        power = self.power()
        return (power.cells - self.selected * self.current) / power.delivered


def write_bias(
    array: AnyArray,
    row: int,
    column: int,
    voltage: float | str,
    scheme: Scheme = None,
    extrapolate: bool = False,
    solving: Solving = None,
) -> WriteBias:
    """The array, with its own conductances, while the cell at (row, column) is written.

    `voltage` (V or text) is the selected row's over the selected column's, in a gated array the
    source rail's over the bit rail's; negative for the other polarity. `scheme` is one of `bias`,
    "V/2" by default, of gated arrays "single". `extrapolate`: go on outside the range of the cells'
    law; the solution then says so. `solving` holds options of `CompiledArray.solve`.

    Raises InputError for bad input, RangeViolation outside the range of the cells' law unless
    `extrapolate`.
    """
    bias, volts = bias_of(scheme, array, "V/2"), full_voltage(voltage)
    ((row, column),) = positions_of([(row, column)], array.shape)
    solving = solving_of(array, solving, extrapolate)
    return WriteBias(bias, volts, row, column, bias.solve(array, row, column, volts, solving))


@dataclass(frozen=True)
class WorstWrite:
    """The worst of all writes that were tried; made by `worst_write`.

    weakest    the write with the least voltage across its selected cell, under `weakest_data`
    stressed   the write with the largest voltage across a cell that is not selected
    costliest  the write that takes most power
    proved     whether the search for the weakest ended where no move makes it worse; None without
               a search
    """

    weakest: WriteBias
    stressed: WriteBias
    costliest: WriteBias
    weakest_data: str
    stressed_data: str
    costliest_data: str
    proved: bool | None


def worst_write(
    array: AnyArray,
    low: float | str,
    high: float | str,
    voltage: float | str,
    scheme: Scheme = None,
    positions: Positions = "corners",
    patterns: Sequence[str] = tuple(PATTERNS),
    selected_low: bool = True,
    search: str = "none",
    seed: int = 0,
    extrapolate: bool = False,
    solving: Solving = None,
) -> WorstWrite:
    """The worst writes of cells of `low` and `high` conductance (S or text) on the array's wires.

    The array gives wires, ends and size; its own conductances are not used. The selected cell is in
    its low-resistance state by default: it takes the largest current at the start of a RESET and at
    the end of a SET. `search`: "flips" or "lines" also search the data that weakens it most.
    `extrapolate` and `solving`: as of `write_bias`.

    Raises InputError for bad input, RangeViolation outside the range of the cells' law unless
    `extrapolate`.
    """
    bias, volts = bias_of(scheme, array, "V/2"), full_voltage(voltage)
    solving = solving_of(array, solving, extrapolate)
    states = levels_of(low, high)
    names = pattern_names(patterns)
    tried: list[tuple[str, WriteBias]] = []
    proved = True
    for row, column in positions_of(positions, array.shape):
        writer = _Writer(Access(array, states, bias, volts, row, column, solving))
        data = [pattern(n, array.shape, row, column, selected_low, seed) for n in names]
        writes = [writer.write(mask) for mask in data]
        tried.extend(zip(names, writes, strict=True))
        if search_of(search) != "none":
            step = states[0] - states[1]
            extreme = Search(
                (row, column), writer.selected, writer.with_slope, False, step, search == "lines"
            ).best(data)
            proved &= extreme.proved
            tried.append((SEARCHED, writer.write(extreme.pattern)))
    weakest = min(tried, key=lambda one: np.sign(volts) * one[1].selected)
    stressed = max(tried, key=lambda one: abs(one[1].worst_stress))
    costliest = max(tried, key=lambda one: one[1].power().delivered)
    return WorstWrite(
        weakest[1],
        stressed[1],
        costliest[1],
        weakest[0],
        stressed[0],
        costliest[0],
        None if search == "none" else proved,
    )


@dataclass(frozen=True)
class _Writer:
    """Writes of one selected cell under any data."""

    access: Access

    def write(self, data: Mask) -> WriteBias:
        access = self.access
        return WriteBias(access.bias, access.voltage, access.row, access.column, access.solve(data))

    def selected(self, data: Mask) -> float:
        """Selected cell's voltage in the applied direction, V."""
        return float(np.sign(self.access.voltage)) * self.write(data).selected

    def with_slope(self, data: Mask) -> tuple[float, Vector]:
        """Selected cell's voltage in the applied direction, and its derivative by conductances."""
        answer = self.write(data)
        sign = np.sign(self.access.voltage)
        adjoint = cell_adjoint(answer.solution, answer.row, answer.column)
        return sign * answer.selected, -sign * answer.cell_voltages * adjoint
