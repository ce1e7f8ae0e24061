"""A cross-point array: cells at the crossings of resistive row and column wires."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tantala.array.access import gated_conductance
from tantala.array.cell_laws import CellLaw
from tantala.array.device import Device
from tantala.array.selectors import SelectorLaw
from tantala.array.wiring import Vector, conductances, ends, resistances
from tantala.base.errors import InputError, Problem, raise_if
from tantala.cell.cell import Cell

if TYPE_CHECKING:
    from tantala.array.compiled import CompiledArray

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
    Numbers or texts with units, one or a table of them. Raises InputError with every problem found.
    """

    conductance: Vector
    row_wire: float
    column_wire: float
    row_driver: Any = 0.0
    row_far: Any = np.inf
    column_sense: Any = 0.0
    column_far: Any = np.inf
    cell: Cell | CellLaw | None = field(default=None, kw_only=True)
    selector: SelectorLaw | None = field(default=None, kw_only=True)
    device: Device | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        problems: list[Problem] = []
        conductance = conductances(self.conductance, problems)
        raise_if(problems)
        rows, columns = conductance.shape
        settled: dict[str, Any] = {"conductance": conductance}
        for name in ("row_wire", "column_wire"):
            settled[name] = float(resistances(getattr(self, name), 1, name, "", problems, False)[0])
        for name, count, line in (
            ("row_driver", rows, "row"),
            ("row_far", rows, "row"),
            ("column_sense", columns, "column"),
            ("column_far", columns, "column"),
        ):
            settled[name] = resistances(getattr(self, name), count, name, line, problems, True)
        raise_if(problems)
        for name, value in settled.items():
            object.__setattr__(self, name, value)
        raise_if(_floating(self))
        if self.cell is not None or self.selector is not None:
            device = Device.of(conductance, self.cell, self.selector)
            object.__setattr__(self, "device", device)

    @classmethod
    def gated(
        cls,
        conductance: ArrayLike,
        gates: ArrayLike,
        row_wire: Any,
        column_wire: Any,
        *,
        access: Any = 0.0,
        off: Any = 0.0,
        **options: Any,
    ) -> Array:
        """A 1T1R array whose source lines run along the word lines: the rows are source lines.

        Under one gate pattern it is a cross-point of the cells in series with their transistors.
        For source lines along the bit lines see GatedArray.

        gates        which transistors are on: (N,) one a row, or (N, M) one a cell
        access, off  ohm of a transistor that is on (one number or (N, M)), S of one that is off
        options      ends of the lines, as above; a source line that is not driven has inf

        Raises InputError for cells with a law or a selector, whose state a series is not.
        """
        if options.keys() & {"cell", "selector"}:
            raise InputError(
                Problem(
                    "a gated array has no nonlinear cells",
                    because="a cell in series with its transistor is taken as one resistance",
                    hint="an Array with `cell`, where the transistors' resistance may be neglected",
                )
            )
        return cls(
            gated_conductance(conductance, gates, access, off), row_wire, column_wire, **options
        )

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        rows, columns = self.conductance.shape
        return rows, columns

    def far_conductances(self) -> tuple[Vector, Vector]:
        """Conductance from the last cell's node to the far end's source: rows, columns; S."""
        return ends(self.row_wire, self.row_driver, self.row_far)[1], ends(
            self.column_wire, self.column_sense, self.column_far
        )[1]

    def near_resistances(self) -> tuple[Vector, Vector]:
        """Resistance from the first cell's node to the near end's source: rows, columns; ohm."""
        return ends(self.row_wire, self.row_driver, self.row_far)[0], ends(
            self.column_wire, self.column_sense, self.column_far
        )[0]

    def to_spice(
        self,
        voltages: ArrayLike,
        columns: ArrayLike | str = 0.0,
        selectors_on: NDArray[np.bool_] | None = None,
    ) -> str:
        """An ngspice netlist of the array under one vector, as `CompiledArray.solve` takes it.

        selectors_on   which threshold selectors conduct, (N, M), as the solution has it
        """
        from tantala.array.spice import Netlist, add_crosspoint

        net = Netlist(f"tantala: cross-point array of {self.shape[0]} x {self.shape[1]} cells")
        add_crosspoint(net, self, voltages, columns, selectors_on)
        return net.text()

    def compile(self) -> CompiledArray:
        """The array made ready for solving: its ladders eliminated once."""
        from tantala.array.compiled import CompiledArray

        return CompiledArray(self)


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
        # Loaded where it is used: it takes more memory than a small array's solution.
        import scipy.sparse
        import scipy.sparse.csgraph

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
