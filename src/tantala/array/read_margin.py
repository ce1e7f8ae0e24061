"""Read margin of an array: the worst cell, the worst data, and the current that sneaks past.

A read senses the selected column (see `bias` for the schemes). The cell's own current is what flows
through the selected cell; the rest of the column's current is sneak current, negative where
grounded rows take current out of the column. With one reference for all cells,

    margin = lowest current of a low-resistance cell - highest current of a high-resistance cell

over the positions and data patterns searched; below 0 no reference separates the states. Currents
count in the direction of the read voltage. Grounded columns are all sensed in the same read, so a
parallel read of a whole row has the margins of scheme "grounded".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tantala.array.access import in_series
from tantala.array.bias import (
    Access,
    AnyArray,
    AnyBias,
    Positions,
    Scheme,
    Solving,
    bias_of,
    extrapolated_by,
    full_voltage,
    levels_of,
    positions_of,
    solving_of,
)
from tantala.array.gated import GatedArray
from tantala.array.gated_solution import GatedSolution
from tantala.array.pattern import (
    PATTERNS,
    SEARCHED,
    Extreme,
    Mask,
    Search,
    pattern,
    pattern_names,
    search_of,
)
from tantala.array.sensitivity import sensed_adjoint
from tantala.array.solution import Solution
from tantala.base.quantity import format_si

if TYPE_CHECKING:
    import polars as pl

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class WorstRead:
    """One read: where, under which data, the sensed current and the sneak current in it, A.

    data      (N, M)  which cells are in their low-resistance state
    """

    row: int
    column: int
    pattern: str
    current: float
    sneak: float
    data: Mask
    access: Access

    def __repr__(self) -> str:
        return (
            f"WorstRead(row {self.row}, column {self.column}, data {self.pattern}, "
            f"current {format_si(self.current, 'A')}, sneak {format_si(self.sneak, 'A')})"
        )

    @property
    def position(self) -> tuple[int, int]:
        """(row, column) of the selected cell."""
        return self.row, self.column

    def solution(self) -> Solution | GatedSolution:
        """The whole array during this read, solved again: every node voltage and cell current."""
        return self.access.solve(self.data)


@dataclass(frozen=True)
class ReadMargin:
    """Reads of P positions under K data patterns; made by `read_margin`.

    positions     (P, 2)     row and column
    patterns      (K,)       names; "search" is the worst that the search found
    low_current   (P, K) A   sensed with the selected cell in its low-resistance state
    high_current  (P, K) A   sensed with it in its high-resistance state
    low_sneak, high_sneak    (P, K) A, sensed current less the selected cell's own
    ideal         A          margin of the same two cells without wires and sneak; of gated arrays,
                             with their transistors
    proved        whether each search ended where no move makes it worse; None without a search
    residual      largest relative residual of the solutions
    extrapolated  ranges of the cells' law that the reads leave, by consent
    """

    scheme: AnyBias
    voltage: float
    positions: NDArray[np.int64]
    patterns: tuple[str, ...]
    low_current: Vector
    high_current: Vector
    low_sneak: Vector
    high_sneak: Vector
    worst_low: WorstRead
    worst_high: WorstRead
    ideal: float
    proved: bool | None
    residual: float
    extrapolated: tuple[str, ...] = ()

    def __repr__(self) -> str:
        low, high = self.worst_low, self.worst_high
        parts = [
            f"margin {format_si(self.margin, 'A')}, {self.kept:.1%} of that without wires",
            f"lowest low {format_si(low.current, 'A')} at {low.position} under {low.pattern}",
            f"highest high {format_si(high.current, 'A')} at {high.position} under {high.pattern}",
            f"{self.scheme.name} at {format_si(self.voltage, 'V')}",
            f"{len(self.positions)} positions x {len(self.patterns)} patterns",
            f"residual {self.residual:.1e}",
        ]
        if self.proved is not None:
            parts.append(f"proved {self.proved}")
        if self.extrapolated:
            parts.append(f"extrapolated: {'; '.join(self.extrapolated)}")
        return f"ReadMargin({', '.join(parts)})"

    @property
    def margin(self) -> float:
        """Lowest low-resistance less highest high-resistance current, A: one reference for all."""
        return self.worst_low.current - self.worst_high.current

    @property
    def relative(self) -> float:
        """The margin over the lowest low-resistance current."""
        return self.margin / self.worst_low.current

    @property
    def kept(self) -> float:
        """The margin over that of the same cells without wires and sneak currents."""
        return self.margin / self.ideal

    @property
    def same_data_margin(self) -> float:
        """Smallest low- less high-resistance current of one cell under the same other data, A."""
        named = len(self.patterns) - (SEARCHED in self.patterns)
        return float((self.low_current - self.high_current)[:, :named].min())

    @property
    def position_margin(self) -> Vector:
        """Margin of each position with a reference of its own, (P,) A."""
        return self.low_current.min(axis=1) - self.high_current.max(axis=1)

    def table(self) -> pl.DataFrame:
        """One row a position and pattern."""
        import polars as pl

        count, each = self.low_current.shape
        return pl.DataFrame(
            {
                "row": np.repeat(self.positions[:, 0], each),
                "column": np.repeat(self.positions[:, 1], each),
                "pattern": list(self.patterns) * count,
                "low_current_A": self.low_current.ravel(),
                "high_current_A": self.high_current.ravel(),
                "low_sneak_current_A": self.low_sneak.ravel(),
                "high_sneak_current_A": self.high_sneak.ravel(),
            }
        )


def read_margin(
    array: AnyArray,
    low: float | str,
    high: float | str,
    voltage: float | str,
    scheme: Scheme = None,
    positions: Positions = "corners",
    patterns: Sequence[str] = tuple(PATTERNS),
    search: str = "none",
    seed: int = 0,
    extrapolate: bool = False,
    solving: Solving = None,
) -> ReadMargin:
    """The read margin of cells of `low` and `high` conductance (S or text) on the wires of `array`.

    The array gives wires, ends and size; its own conductances are not used.

    voltage    V or text, across the selected cell on ideal wires; in a gated array, across the cell
               and its transistor, source over bit rail
    scheme     of `bias`; "grounded" by default, of gated arrays "single"
    positions  "corners", "all", or pairs (row, column)
    patterns   names of `pattern.PATTERNS`, data of the other cells
    search     "flips" or "lines": also search the worst data of each position, from all of
               `patterns`, by flipping cells, or by setting lines too (4 (N + M) more solutions
               each time)
    seed       of the pattern "random"
    extrapolate  go on outside the range of the cells' law; the result then says so
    solving    options of `CompiledArray.solve`

    Raises InputError for bad input, RangeViolation outside the range of the cells' law unless
    `extrapolate`.
    """
    bias, volts = bias_of(scheme, array, "grounded"), full_voltage(voltage)
    solving = solving_of(array, solving, extrapolate)
    states = levels_of(low, high)
    cells = positions_of(positions, array.shape)
    names = pattern_names(patterns)
    columns = names if search_of(search) == "none" else (*names, SEARCHED)
    shape = (2, len(cells), len(columns))
    current, sneak = np.empty(shape), np.empty(shape)
    worst: dict[bool, WorstRead] = {}
    proved, residual = True, 0.0
    extrapolated: dict[str, None] = {}
    for p, (row, column) in enumerate(cells):
        # Small currents are bad of a cell in low resistance, large ones of one in high resistance.
        for side, is_low in enumerate((True, False)):
            reader = _Reader(Access(array, states, bias, volts, row, column, solving))
            reads = [
                reader.read(n, pattern(n, array.shape, row, column, is_low, seed)) for n in names
            ]
            if search != "none":
                starts = [read.data for read in reads]
                extreme = reader.search(starts, not is_low, search == "lines")
                proved &= extreme.proved
                reads.append(reader.read(SEARCHED, extreme.pattern))
            current[side, p] = [read.current for read in reads]
            sneak[side, p] = [read.sneak for read in reads]
            residual = max(residual, reader.residual)
            extrapolated.update(reader.extrapolated)
            known = [worst[is_low]] if is_low in worst else []
            worst[is_low] = _worst([*known, *reads], is_low)
    return ReadMargin(
        bias,
        volts,
        np.array(cells),
        columns,
        current[0],
        current[1],
        sneak[0],
        sneak[1],
        worst[True],
        worst[False],
        _alone(array, worst[True], states[0], volts, solving)
        - _alone(array, worst[False], states[1], volts, solving),
        None if search == "none" else proved,
        residual,
        tuple(extrapolated),
    )


def _alone(
    array: AnyArray, read: WorstRead, conductance: float, voltage: float, solving: Solving
) -> float:
    """Current of one cell without any wire or end resistance, A in the direction of `voltage`."""
    if isinstance(array, GatedArray):
        access = float(np.broadcast_to(array.access, array.shape)[read.row, read.column])
        return abs(voltage) * float(in_series(np.array(conductance), access))
    cell = replace(
        array,
        conductance=np.array([[conductance]]),
        row_wire=0.0,
        column_wire=0.0,
        row_driver=0.0,
        row_far=np.inf,
        column_sense=0.0,
        column_far=np.inf,
    )
    current = cell.compile().solve([voltage], **(solving or {})).currents[0]
    return float(np.sign(voltage) * current)


def _worst(reads: list[WorstRead], is_low: bool) -> WorstRead:
    return (min if is_low else max)(reads, key=lambda read: read.current)


class _Reader:
    """Reads of one selected cell under any data; keeps what their solutions say of themselves."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self.sign = float(np.sign(access.voltage))
        self.residual = 0.0
        self.extrapolated: dict[str, None] = {}

    def read(self, name: str, data: Mask) -> WorstRead:
        """The read under `data`, currents in the direction of the read voltage."""
        answer = self._solve(data)
        row, column = self.access.row, self.access.column
        own = float(answer.cell_currents[row, column])
        sensed = float(answer.currents[column])
        return WorstRead(
            row, column, name, self.sign * sensed, self.sign * (sensed - own), data, self.access
        )

    def search(self, starts: list[Mask], largest: bool, lines: bool) -> Extreme:
        """The data with the largest or smallest sensed current."""
        access = self.access
        selected, step = (access.row, access.column), access.states[0] - access.states[1]
        return Search(selected, self._sensed, self._with_slope, largest, step, lines).best(starts)

    def _sensed(self, data: Mask) -> float:
        return self.read(SEARCHED, data).current

    def _with_slope(self, data: Mask) -> tuple[float, Vector]:
        """Sensed current and its derivative by each conductance, (N, M) V.

        By reciprocity, dI/dG_p is minus the cell's voltage times its voltage with one volt behind
        the sensed column and every other source at 0.
        """
        answer, column = self._solve(data), self.access.column
        slope = -self.sign * answer.cell_voltages * sensed_adjoint(answer, column)
        return self.sign * float(answer.currents[column]), slope

    def _solve(self, data: Mask) -> Solution | GatedSolution:
        answer = self.access.solve(data)
        self.residual = max(self.residual, float(np.max(answer.residual)))
        self.extrapolated.update(dict.fromkeys(extrapolated_by(answer)))
        return answer
