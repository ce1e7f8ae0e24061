"""A cross-point array: cells at the crossings of resistive row and column wires."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse
import scipy.sparse.csgraph
from numpy.typing import ArrayLike, NDArray

from tantala.array.cell_laws import CellLaw
from tantala.array.device import Device
from tantala.array.selectors import SelectorLaw
from tantala.base.errors import InputError, Problem, raise_if
from tantala.base.quantity import to_si
from tantala.cell.cell import Cell

if TYPE_CHECKING:
    from tantala.array.compiled import CompiledArray

Vector = NDArray[np.float64]
Resistance = str | float | Sequence[str | float] | Vector
_MOST_NAMED = 5


@dataclass(frozen=True, eq=False)
class Array:
    """Cells between rows (word lines) and columns (bit lines) on real wires.

    Row i is fed at the left through `row_driver` and one wire segment; its cells are one segment
    apart. Column j is read at the bottom, below row N-1, through one segment and `column_sense`.

    conductance   (N, M) S, one a cell; 0 is an open cell, inf a dead short
    row_wire, column_wire      ohm a segment, 0 for an ideal wire
    row_driver, column_sense   ohm behind the left and the bottom ends; one number, or one a line;
                               inf is a floating line
    row_far, column_far        ohm behind the right and the top ends; inf (the default) is open.
                               A line driven at both ends has one source voltage.
    cell          what a cell carries at a voltage: a tt.Cell, or a law of `cell_laws`; ohmic by
                  default. The conductance is its state, for a tt.Cell that at its read voltage.
    selector      a law of `selectors` in series with every cell; none by default

    `device` (not given) holds the cells' laws bound to their states; None where all is ohmic.
    Numbers or text with units. Raises InputError with every problem found.
    """

    conductance: Vector
    row_wire: float
    column_wire: float
    row_driver: Vector = field(default=0.0)  # type: ignore[assignment]
    row_far: Vector = field(default=np.inf)  # type: ignore[assignment]
    column_sense: Vector = field(default=0.0)  # type: ignore[assignment]
    column_far: Vector = field(default=np.inf)  # type: ignore[assignment]
    cell: Cell | CellLaw | None = None
    selector: SelectorLaw | None = None
    device: Device | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        problems: list[Problem] = []
        conductance = _conductances(self.conductance, problems)
        raise_if(problems)
        rows, columns = conductance.shape
        settled: dict[str, Any] = {"conductance": conductance}
        for name in ("row_wire", "column_wire"):
            settled[name] = float(
                _resistances(getattr(self, name), 1, name, "", problems, False)[0]
            )
        for name, count, line in (
            ("row_driver", rows, "row"),
            ("row_far", rows, "row"),
            ("column_sense", columns, "column"),
            ("column_far", columns, "column"),
        ):
            settled[name] = _resistances(getattr(self, name), count, name, line, problems, True)
        raise_if(problems)
        for name, value in settled.items():
            object.__setattr__(self, name, value)
        raise_if(_floating(self))
        if self.cell is not None or self.selector is not None:
            device = Device.of(conductance, self.cell, self.selector)
            object.__setattr__(self, "device", device)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.conductance.shape  # type: ignore[return-value]

    def far_conductances(self) -> tuple[Vector, Vector]:
        """Conductance from the last cell's node to the far end's source: rows, columns; S."""
        return _ends(self.row_wire, self.row_driver, self.row_far)[1], _ends(
            self.column_wire, self.column_sense, self.column_far
        )[1]

    def near_resistances(self) -> tuple[Vector, Vector]:
        """Resistance from the first cell's node to the near end's source: rows, columns; ohm."""
        return _ends(self.row_wire, self.row_driver, self.row_far)[0], _ends(
            self.column_wire, self.column_sense, self.column_far
        )[0]

    def compile(self) -> CompiledArray:
        """The array made ready for solving: its ladders eliminated once."""
        from tantala.array.compiled import CompiledArray

        return CompiledArray(self)


def _ends(wire: float, near: Vector, far: Vector) -> tuple[Vector, Vector]:
    """(near resistance in ohm, far conductance in S) of lines, end segments included.

    Both ends of an ideal wire are one node, so its two drivers act in parallel at the near end.
    """
    if wire > 0.0:
        return near + wire, 1.0 / (far + wire)
    with np.errstate(divide="ignore"):
        return 1.0 / (1.0 / near + 1.0 / far), np.zeros_like(far)


def _conductances(given: ArrayLike, problems: list[Problem]) -> Vector:
    """`given` as a float (N, M) array; its problems are added to `problems`."""
    try:
        values = np.ascontiguousarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        problems.append(
            Problem("conductance is no table of numbers", allowed="an (N, M) array in S")
        )
        return np.zeros((1, 1))
    if values.ndim != 2 or not values.size:
        problems.append(
            Problem(
                "conductance has a wrong shape",
                got=str(values.shape),
                allowed="(rows, columns), at least one of each",
            )
        )
        return np.zeros((1, 1))
    for bad, what in ((np.isnan(values), "is not a number"), (values < 0.0, "is negative")):
        if bad.any():
            row, column = np.argwhere(bad)[0]
            others = int(bad.sum()) - 1
            problems.append(
                Problem(
                    f"the conductance of cell (row {row}, column {column}) {what}",
                    got=f"{values[row, column]:.6g} S" + (f", and {others} more" if others else ""),
                    allowed="0 (open) or more, in S; inf is a dead short",
                )
            )
    return values


def _resistances(
    given: Any, count: int, name: str, line: str, problems: list[Problem], infinite: bool
) -> Vector:
    """`given`, one number or one a line, as `count` ohm values; problems are added."""
    several = isinstance(given, Sequence | np.ndarray) and not isinstance(given, str)
    several = several and np.ndim(given) > 0  # type: ignore[arg-type]
    items = list(given) if several else [given]
    if several and len(items) != count:
        problems.append(
            Problem(
                f"{name} has a wrong length",
                got=str(len(items)),
                allowed=f"one number, or {count}, one a {line}" if line else "one number",
            )
        )
        return np.zeros(count)
    values = np.empty(len(items))
    for place, item in enumerate(items):
        where = f"{line} {place}" if several else ""
        values[place] = 0.0
        if isinstance(item, float | int | np.floating | np.integer) and np.isinf(item) and item > 0:
            if infinite:
                values[place] = np.inf
                continue
            problems.append(
                Problem(
                    f"{name} is infinite",
                    because="every segment of the line would be cut",
                    allowed="0 ohm or more",
                    hint=f"row_driver or column_sense = inf for a floating {line or 'line'}",
                )
            )
            continue
        try:
            values[place] = to_si(item, "ohm", name=name, where=where)
        except InputError as error:
            problems.extend(error.problems)
            continue
        if values[place] < 0.0:
            problems.append(
                Problem(f"{name} is negative", where, repr(item), allowed="0 ohm or more")
            )
    return values if several else np.full(count, values[0])


def _floating(array: Array) -> list[Problem]:
    """A problem for each set of lines whose voltage nothing decides."""
    rows_driven = np.isfinite(array.row_driver) | np.isfinite(array.row_far)
    columns_driven = np.isfinite(array.column_sense) | np.isfinite(array.column_far)
    if rows_driven.all() and columns_driven.all():
        return []
    conducting = array.conductance > 0.0
    rows, columns = array.shape
    if rows_driven.all():
        lost = [("column", j) for j in np.flatnonzero(~columns_driven & ~conducting.any(axis=0))]
    elif columns_driven.all():
        lost = [("row", i) for i in np.flatnonzero(~rows_driven & ~conducting.any(axis=1))]
    else:
        at_row, at_column = np.nonzero(conducting)
        graph = scipy.sparse.coo_array(
            (np.ones(at_row.size, np.int8), (at_row, at_column + rows)),
            shape=(rows + columns, rows + columns),
        )
        _, island = scipy.sparse.csgraph.connected_components(graph, directed=False)
        driven = np.zeros(island.max() + 1, bool)
        driven[island[:rows][rows_driven]] = True
        driven[island[rows:][columns_driven]] = True
        lines = np.flatnonzero(~driven[island])
        lost = [("row", k) if k < rows else ("column", k - rows) for k in lines]
    if not lost:
        return []
    named = ", ".join(f"{line} {place}" for line, place in lost[:_MOST_NAMED])
    if len(lost) > _MOST_NAMED:
        named += f" and {len(lost) - _MOST_NAMED} more"
    return [
        Problem(
            "floating lines have no path to any driver or sense end",
            got=named,
            because="nothing decides their voltage",
            hint="give such a line a driver resistance, or at least one cell that conducts",
        )
    ]
