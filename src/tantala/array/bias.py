"""How the lines of an array are biased while one cell is selected.

The selected row is at the full voltage V, the selected column at 0 and sensed. A scheme says where
the unselected lines are, as shares of V, or that they float:

    grounded           rows 0, columns 0       read; every column is sensed in the same read
    floating_rows      rows float, columns 0   read
    floating_columns   rows 0, columns float   read
    floating           all float               read or write: the sneak path of three cells
    V/2                rows V/2, columns V/2   write: half-selected cells see V/2, others 0
    V/3                rows V/3, columns 2V/3  write: every other cell sees V/3 in size

The schemes are the common ones of cross-point memories, as in Chen, IEEE Trans. Electron Devices 60
(2013) 1318, doi:10.1109/TED.2013.2246791.

In a gated array the word line of the selected row is on and all others are off, whatever the
voltages, so there is no half select to share a voltage for. The selected column has V between its
source and bit rails; a scheme says where the rails of the other columns are:

    single           sources 0, bits 0         one cell; the rest of its row sees nothing
    word             sources V, bits 0         the whole row in the same access

Voltages are those of ideal wires; what each cell sees on real ones is what the array is solved for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tantala.array.compiled import CompiledArray
from tantala.array.crosspoint import Array
from tantala.array.gated import GatedArray
from tantala.array.gated_solution import GatedSolution
from tantala.array.solution import Solution
from tantala.base.errors import InputError, Problem, raise_if, unknown
from tantala.base.quantity import to_si

Vector = NDArray[np.float64]
Position = tuple[int, int]
Positions = str | Sequence[Position]
Solving = Mapping[str, Any] | None
AnyArray = Array | GatedArray


@dataclass(frozen=True)
class Bias:
    """Where the unselected `rows` and `columns` are, in shares of the full voltage; None floats."""

    name: str
    rows: float | None
    columns: float | None

    def applied(self, array: Array, row: int, column: int) -> tuple[Array, Vector, Vector]:
        """The array with its floating lines cut, and the shares of V of rows (N,), columns (M,)."""
        cut = {}
        for share, near, far, selected in (
            (self.rows, "row_driver", "row_far", row),
            (self.columns, "column_sense", "column_far", column),
        ):
            if share is None:
                for end in (near, far):
                    cut[end] = np.full_like(getattr(array, end), np.inf)
                    cut[end][selected] = getattr(array, end)[selected]
        rows = np.full(array.shape[0], self.rows or 0.0)
        columns = np.full(array.shape[1], self.columns or 0.0)
        rows[row], columns[column] = 1.0, 0.0
        return replace(array, **cut) if cut else array, rows, columns

    def solve(
        self, array: Array, row: int, column: int, voltage: float, solving: Solving = None
    ) -> Solution:
        """The array's state with the cell at (row, column) selected and `voltage` [V] across.

        `solving`: options of `CompiledArray.solve`.
        """
        ready, rows, columns = self.applied(array, row, column)
        return ready.compile().solve(voltage * rows, voltage * columns, **(solving or {}))


SCHEMES = {
    bias.name: bias
    for bias in (
        Bias("grounded", 0.0, 0.0),
        Bias("floating_rows", None, 0.0),
        Bias("floating_columns", 0.0, None),
        Bias("floating", None, None),
        Bias("V/2", 0.5, 0.5),
        Bias("V/3", 1.0 / 3.0, 2.0 / 3.0),
    )
}


@dataclass(frozen=True)
class GatedBias:
    """Where the rails of a gated array's unselected columns are, in shares of the full voltage."""

    name: str
    sources: float
    bits: float

    def solve(
        self, array: GatedArray, row: int, column: int, voltage: float, solving: Solving = None
    ) -> GatedSolution:
        """The array's state with row `row` on and `voltage` [V] over the rails of `column`.

        Raises InputError for options in `solving`: the solution is direct and has none.
        """
        if solving:
            raise InputError(
                Problem(
                    "a gated array takes no options of its solution",
                    got=", ".join(map(str, solving)),
                    because="it is solved directly, to rounding",
                )
            )
        sources, bits = np.full((2, array.shape[1]), [[self.sources], [self.bits]])
        sources[column], bits[column] = 1.0, 0.0
        gates = np.arange(array.shape[0]) == row
        return array.solve(gates, voltage * sources, voltage * bits)


GATED_SCHEMES = {
    bias.name: bias for bias in (GatedBias("single", 0.0, 0.0), GatedBias("word", 1.0, 0.0))
}
AnyBias = Bias | GatedBias
Scheme = str | Bias | GatedBias | None


@dataclass(frozen=True)
class Access:
    """One accessed cell of an array, at (`row`, `column`), whose other cells may hold any data.

    states    S of the low- and the high-resistance state
    voltage   V across the accessed cell on ideal wires
    solving   options of `CompiledArray.solve`
    """

    array: AnyArray
    states: tuple[float, float]
    bias: AnyBias
    voltage: float
    row: int
    column: int
    solving: Solving = None

    def filled(self, data: NDArray[np.bool_]) -> AnyArray:
        """The array with the cells of `data` (N, M) in their low-resistance state."""
        return replace(self.array, conductance=np.where(data, *self.states))

    def solve(self, data: NDArray[np.bool_]) -> Solution | GatedSolution:
        """The array's state during the access."""
        bias: Any = self.bias  # of the array's kind: `bias_of` refuses another
        return bias.solve(self.filled(data), self.row, self.column, self.voltage, self.solving)


def require_array(array: Any) -> None:
    """Raise InputError unless `array` is an Array or a GatedArray."""
    if not isinstance(array, Array | GatedArray):
        compiled = isinstance(array, CompiledArray)
        raise InputError(
            Problem(
                "no array is given",
                got=type(array).__name__,
                allowed="an Array or a GatedArray",
                because="biases and data change what was compiled" if compiled else "",
                hint="the array that compile() was called on (.array)" if compiled else "",
            )
        )


def solving_of(array: AnyArray, solving: Solving, extrapolate: bool) -> Solving:
    """`solving` that goes on outside the range of the cells' law too, if `extrapolate`.

    Cells of gated arrays are ohmic: they have no range.
    """
    if not extrapolate or isinstance(array, GatedArray):
        return solving
    return {**(solving or {}), "extrapolate": True}


def extrapolated_by(answer: Solution | GatedSolution) -> tuple[str, ...]:
    """Ranges of the cells' law that an answer leaves."""
    return answer.extrapolated if isinstance(answer, Solution) else ()


def bias_of(scheme: Scheme, array: AnyArray, default: str) -> Any:
    """A scheme for `array`: by name, as given, or for None the `default` of cross-points.

    That of gated arrays is "single". Raises InputError for an unknown name, for a scheme of the
    other kind of array, and for what is no array.
    """
    require_array(array)
    gated = isinstance(array, GatedArray)
    known: Mapping[str, AnyBias] = GATED_SCHEMES if gated else SCHEMES
    others: Mapping[str, AnyBias] = SCHEMES if gated else GATED_SCHEMES
    if scheme is None:
        return known["single" if gated else default]
    if isinstance(scheme, str) and scheme in known:
        return known[scheme]
    if isinstance(scheme, Bias if gated else GatedBias) or scheme in others:
        raise InputError(
            Problem(
                f"bias scheme {getattr(scheme, 'name', scheme)} is not one of "
                + ("gated arrays" if gated else "cross-point arrays"),
                because="word lines are gates: cells of unselected rows are cut off, not biased"
                if gated
                else "there are no gates that cut unselected rows off",
                allowed=", ".join(known),
            )
        )
    if isinstance(scheme, Bias | GatedBias):
        return scheme
    raise InputError(unknown("bias scheme", str(scheme), known))


def full_voltage(voltage: float | str) -> float:
    """The voltage across the selected cell, V. Raises InputError for none."""
    volts = to_si(voltage, "V", name="voltage")
    if volts == 0.0:
        raise InputError(Problem("no voltage is applied", got=repr(voltage), allowed="not 0 V"))
    return volts


def levels_of(low: float | str, high: float | str) -> tuple[float, float]:
    """Conductances [S] of the low- and the high-resistance state.

    Raises InputError unless low > high >= 0.
    """
    problems: list[Problem] = []
    values = []
    for name, given in (("low", low), ("high", high)):
        try:
            values.append(to_si(given, "S", name=name))
        except InputError as error:
            problems.extend(error.problems)
    raise_if(problems)
    if not values[0] > values[1] >= 0.0:
        raise InputError(
            Problem(
                "the two states are in the wrong order",
                got=f"low = {values[0]:g} S, high = {values[1]:g} S",
                allowed="low > high >= 0",
                because="they are the conductances of the low- and the high-resistance state",
                hint="conductances, one over the resistances",
            )
        )
    return values[0], values[1]


def positions_of(positions: Positions | Any, shape: tuple[int, int]) -> list[Position]:
    """Selected cells: "corners", "all", or pairs (row, column) as given.

    Raises InputError for another word or a cell outside the array.
    """
    rows, columns = shape
    if isinstance(positions, str):
        if positions == "corners":
            return [(i, j) for i in sorted({0, rows - 1}) for j in sorted({0, columns - 1})]
        if positions == "all":
            return [(i, j) for i in range(rows) for j in range(columns)]
        raise InputError(unknown("choice of positions", positions, ("all", "corners")))
    cells = np.asarray(positions)
    inside = cells.ndim == 2 and cells.shape[1:] == (2,) and cells.dtype.kind in "iu" and cells.size
    if not inside or (cells < 0).any() or (cells >= np.array(shape)).any():
        raise InputError(
            Problem(
                "positions are no cells of the array",
                got=repr(positions),
                allowed=f"pairs (row, column) below ({rows}, {columns}), 'corners' or 'all'",
            )
        )
    return [(int(i), int(j)) for i, j in cells]
