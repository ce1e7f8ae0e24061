"""The electrical state of an array under given line voltages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tantala.array.line_kernels import line_currents
from tantala.base.errors import InputError, Problem
from tantala.base.quantity_table import format_span

if TYPE_CHECKING:
    from tantala.array.conjugate_gradient import Iteration
    from tantala.array.crosspoint import Array

Vector = NDArray[np.float64]


class Balance(ABC):
    """Power delivered against power dissipated, W."""

    delivered: float

    @property
    @abstractmethod
    def dissipated(self) -> float:
        """Sum of the parts, W."""

    @property
    def mismatch(self) -> float:
        """Relative difference of delivered and dissipated power: an independent check."""
        scale = max(abs(self.delivered), abs(self.dissipated))
        return abs(self.delivered - self.dissipated) / scale if scale else 0.0


@dataclass(frozen=True)
class PowerBalance(Balance):
    """Where the power goes, W. `mismatch` is what delivered and dissipated power differ by, over
    the larger of the two.

    `drivers` is lost in driver and sense resistances, `delivered` comes from all sources together.
    """

    delivered: float
    cells: float
    row_wires: float
    column_wires: float
    drivers: float

    @property
    def dissipated(self) -> float:
        """Sum of the parts, W."""
        return self.cells + self.row_wires + self.column_wires + self.drivers


Nodes = tuple[Vector, Vector, Vector]


def kept_nodes(nodes: Nodes | None) -> Nodes:
    """`nodes`. Raises InputError where none were kept."""
    if nodes is None:
        raise InputError(
            Problem(
                "node voltages of many vectors are kept only on request",
                because="they take 24 bytes a cell and vector",
                hint="solve(..., nodes=True)",
            )
        )
    return nodes


def format_cells(shape: tuple[int, int], currents: Vector, several: str) -> str:
    """The size of an array, and how many vectors or patterns it was solved for, (M, K)."""
    text = f"{shape[0]} x {shape[1]} cells"
    return text if currents.ndim == 1 else f"{text}, {currents.shape[1]} {several}"


@dataclass(frozen=True)
class Answers:
    """Room for the answers to K vectors, filled one or a few at a time; see `Solution`."""

    currents: Vector
    row_currents: Vector
    residuals: Vector
    iterations: NDArray[np.int64]
    kept: list[Vector] | None

    @classmethod
    def to(cls, shape: tuple[int, int], count: int, keep: bool) -> Answers:
        """For `count` vectors of an array of `shape` cells, with node voltages if `keep`."""
        kept = None
        if keep:
            kept = [np.empty((*shape, count)) for _ in range(3)]
        return cls(
            np.empty((shape[1], count)),
            np.empty((shape[0], count)),
            np.zeros(count),
            np.zeros(count, np.int64),
            kept,
        )

    @property
    def nodes(self) -> Nodes | None:
        """The kept planes, as `Solution` takes them."""
        return (self.kept[0], self.kept[1], self.kept[2]) if self.kept else None

    def put(self, k: int, conductance: Vector, found: Iteration) -> None:
        """Answer `k`, of cells of `conductance` without offset currents."""
        into, out = np.empty(conductance.shape[0]), np.empty(conductance.shape[1])
        line_currents(conductance, found.words, found.bits, into, out)
        self.row_currents[:, k], self.currents[:, k] = into, out
        self.residuals[k], self.iterations[k] = found.residual, found.iterations
        if self.kept:
            self.keep(k, found.words, found.bits, conductance)

    def keep(self, where: int | slice, words: Vector, bits: Vector, conductance: Vector) -> None:
        """Node voltages of the vectors at `where`, (N, M) or (N, M, count), V.

        Of a single vector the planes themselves are kept, for they are large.
        """
        assert self.kept is not None
        if words.ndim == 2 and len(self.residuals) == 1:
            self.kept[:2] = words[:, :, None], bits[:, :, None]
        else:
            self.kept[0][:, :, where], self.kept[1][:, :, where] = words, bits
        each = conductance.reshape(conductance.shape + (1,) * (words.ndim - 2))
        across = self.kept[2][:, :, where]
        np.subtract(words, bits, out=across)
        across *= each


@dataclass(frozen=True)
class Solution:
    """Answer of `CompiledArray.solve`; K is absent from shapes where one vector was given.

    currents         (M,) or (M, K)  A out of each column into its sense ends
    row_currents     (N,) or (N, K)  A from its drivers into each row
    residual         ()   or (K,)    relative residual of the nodal equations, measured
    iterations       ()   or (K,)    of the linear solver; 0 where the direct one was enough
    row_voltages     (N, M[, K])     V on the row's wire at each cell; None unless kept
    column_voltages  (N, M[, K])     V on the column's wire at each cell; None unless kept
    cell_currents    (N, M[, K])     A from row to column through each cell; None unless kept
    steps            ()   or (K,)    of Newton's iteration; 0 for an ohmic array
    selectors_on     (N, M[, K])     which threshold selectors are on; None without them
    extrapolated     ranges of the cells' law that the voltages or states leave, by consent
    """

    array: Array = field(repr=False)
    rows: Vector
    columns: Vector
    currents: Vector
    row_currents: Vector
    residual: Vector | float
    iterations: NDArray[np.int64] | int
    method: str
    nodes: Nodes | None = field(default=None, repr=False)
    steps: NDArray[np.int64] | int = 0
    selectors_on: NDArray[np.bool_] | None = field(default=None, repr=False)
    extrapolated: tuple[str, ...] = ()

    def __repr__(self) -> str:
        parts = [
            f"{format_cells(self.array.shape, self.currents, 'vectors')}, method {self.method}",
            f"currents {format_span(self.currents, 'A')}",
            f"residual {np.max(self.residual):.1e}",
            f"iterations {np.max(self.iterations)}",
        ]
        if np.any(self.steps):
            parts.append(f"Newton steps {np.max(self.steps)}")
        if self.extrapolated:
            parts.append(f"extrapolated: {'; '.join(self.extrapolated)}")
        return f"Solution({', '.join(parts)})"

    def only(self) -> Solution:
        """The answer without the axis of vectors, where there is one vector."""
        return replace(
            self,
            rows=self.rows[:, 0],
            columns=self.columns[:, 0],
            currents=self.currents[:, 0],
            row_currents=self.row_currents[:, 0],
            residual=float(np.asarray(self.residual)[0]),
            iterations=int(np.asarray(self.iterations)[0]),
            steps=int(np.ravel(self.steps)[0]),
            selectors_on=None if self.selectors_on is None else self.selectors_on[:, :, 0],
            nodes=None
            if self.nodes is None
            else (self.nodes[0][:, :, 0], self.nodes[1][:, :, 0], self.nodes[2][:, :, 0]),
        )

    @property
    def row_voltages(self) -> Vector:
        """Voltage of each row's wire at each cell, V; (N, M) or (N, M, K)."""
        return kept_nodes(self.nodes)[0]

    @property
    def column_voltages(self) -> Vector:
        """Voltage of each column's wire at each cell, V; (N, M) or (N, M, K)."""
        return kept_nodes(self.nodes)[1]

    @property
    def cell_currents(self) -> Vector:
        """Current from row to column through each cell, A; (N, M) or (N, M, K)."""
        return kept_nodes(self.nodes)[2]

    @property
    def cell_voltages(self) -> Vector:
        """Voltage across each cell, V; (N, M) or (N, M, K)."""
        return self.row_voltages - self.column_voltages

    @property
    def row_wire_currents(self) -> Vector:
        """Current through the wire segment before each cell of a row, away from the driver, A.

        (N, M) or (N, M, K); the first is what the driver delivers. Sums of cell currents, so that
        nothing cancels where the wires hardly drop any voltage.
        """
        far = self._far_currents()[0]
        behind = np.cumsum(self.cell_currents[:, ::-1], axis=1)[:, ::-1]
        return behind - far[:, None]

    @property
    def column_wire_currents(self) -> Vector:
        """Current through the wire segment after each cell of a column, towards the sense end, A.

        (N, M) or (N, M, K); the last is what the sense end takes.
        """
        return np.cumsum(self.cell_currents, axis=0) + self._far_currents()[1][None]

    def _far_currents(self) -> tuple[Vector, Vector]:
        """Currents into the far ends of rows (N,[K]) and columns (M,[K]), A."""
        rows, columns = self.array.far_conductances()
        shape = (-1,) + (1,) * (self.row_voltages.ndim - 2)
        return (
            rows.reshape(shape) * (self.rows - self.row_voltages[:, -1]),
            columns.reshape(shape) * (self.columns - self.column_voltages[0]),
        )

    def power(self) -> PowerBalance:
        """Where the power goes, from the kept node voltages of one vector.

        Raises InputError for many vectors.
        """
        if self.row_voltages.ndim != 2:
            raise InputError(
                Problem("the power balance is of one vector", hint="solve one vector at a time")
            )
        array = self.array
        far_rows, far_columns = self._far_currents()
        along, down = self.row_wire_currents, self.column_wire_currents
        # Segments between cells; an end segment belongs to the wire, its driver to the drivers.
        near_rows, near_columns = along[:, 0], down[-1]
        row_wires = array.row_wire * float(
            np.sum(along[:, 1:] ** 2) + np.sum(near_rows**2) + np.sum(far_rows**2)
        )
        column_wires = array.column_wire * float(
            np.sum(down[:-1] ** 2) + np.sum(near_columns**2) + np.sum(far_columns**2)
        )
        drivers = sum(
            float(np.sum(np.where(np.isinf(ohm), 0.0, ohm) * current**2))
            for ohm, current in (
                *zip(
                    _drivers(array.row_wire, array.row_driver, array.row_far),
                    (near_rows, far_rows),
                    strict=True,
                ),
                *zip(
                    _drivers(array.column_wire, array.column_sense, array.column_far),
                    (near_columns, far_columns),
                    strict=True,
                ),
            )
        )
        delivered = float(self.rows @ self.row_currents - self.columns @ self.currents)
        cells = float(np.sum(self.cell_voltages * self.cell_currents))
        return PowerBalance(delivered, cells, row_wires, column_wires, drivers)


def _drivers(wire: float, near: Vector, far: Vector) -> tuple[Vector, Vector]:
    """Resistance that the near and the far end's current meet outside the wire, ohm.

    Both ends of an ideal wire are one node, and its current is counted at the near end.
    """
    if wire > 0.0:
        return near, far
    with np.errstate(divide="ignore"):
        return 1.0 / (1.0 / near + 1.0 / far), np.zeros_like(far)
