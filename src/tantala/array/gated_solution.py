"""The electrical state of a gated array under its gate patterns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tantala.array.access import Gates
from tantala.array.solution import Balance, Nodes, format_cells, kept_nodes
from tantala.array.wiring import Vector
from tantala.base.errors import InputError, Problem
from tantala.base.quantity_table import format_span

if TYPE_CHECKING:
    from tantala.array.gated import GatedArray


@dataclass(frozen=True)
class GatedPowerBalance(Balance):
    """Where the power of one pattern goes, W; `cells` and `transistors` are in series."""

    delivered: float
    cells: float
    transistors: float
    source_wires: float
    bit_wires: float
    drivers: float

    @property
    def dissipated(self) -> float:
        """Sum of the parts, W."""
        return self.cells + self.transistors + self.source_wires + self.bit_wires + self.drivers


@dataclass(frozen=True)
class GatedSolution:
    """Answer of `GatedArray.solve`; K is absent from shapes where one row pattern was given.

    gates                (N[, K]) or (N, M[, K])  which transistors were on
    sources, bits        (M[, K])  V behind the rails
    column_conductance   (M[, K])  S, current through a column a volt between its rails' drives
    residual             (M[, K])  largest violation of Ohm's law in wires, ends and cells over the
                                   drive, measured; Kirchhoff's current law holds by construction
    """

    array: GatedArray = field(repr=False)
    gates: Gates = field(repr=False)
    sources: Vector
    bits: Vector
    column_conductance: Vector
    residual: Vector
    nodes: Nodes | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        return (
            f"GatedSolution({format_cells(self.array.shape, self.currents, 'patterns')}, "
            f"currents {format_span(self.currents, 'A')}, residual {np.max(self.residual):.1e})"
        )

    @property
    def currents(self) -> Vector:
        """Current out of each bit rail into its ends, A; (M[, K])."""
        return self.column_conductance * (self.sources - self.bits)

    @property
    def source_voltages(self) -> Vector:
        """Voltage of the source rail at each cell, V; (N, M[, K])."""
        return kept_nodes(self.nodes)[0]

    @property
    def bit_voltages(self) -> Vector:
        """Voltage of the bit rail at each cell, V; (N, M[, K])."""
        return kept_nodes(self.nodes)[1]

    @property
    def cell_currents(self) -> Vector:
        """Current from source to bit rail through each cell, A; (N, M[, K])."""
        return kept_nodes(self.nodes)[2]

    @property
    def cell_voltages(self) -> Vector:
        """Voltage across each cell without its transistor, V; (N, M[, K]).

        An open cell behind a conducting transistor sees all of it; a cell behind a transistor
        without off conductance sees none.
        """
        across, current = self.source_voltages - self.bit_voltages, self.cell_currents
        on = np.broadcast_to(self._on(), current.shape)
        cells = self._cells()
        with np.errstate(divide="ignore", invalid="ignore"):
            voltages = np.where(cells > 0.0, current / cells, across)
        return voltages if self.array.off > 0.0 else np.where(on, voltages, 0.0)

    @property
    def access_voltages(self) -> Vector:
        """Voltage across each transistor, V; (N, M[, K])."""
        return self.source_voltages - self.bit_voltages - self.cell_voltages

    @property
    def source_wire_currents(self) -> Vector:
        """Current down the source rail below each cell, A; (N, M[, K]).

        The last is what leaves the array at the bottom, negative where a driver feeds it there.
        """
        array = self.array
        near, far = array.rail_ends()[0]
        return self._far_current(array.source_wire, near, far) - np.cumsum(
            self.cell_currents, axis=0
        )

    @property
    def bit_wire_currents(self) -> Vector:
        """Current down the bit rail below each cell, A; (N, M[, K]); the last is sensed there."""
        array = self.array
        near, far = array.rail_ends()[1]
        return np.cumsum(self.cell_currents, axis=0) - self._far_current(array.bit_wire, near, far)

    def power(self) -> GatedPowerBalance:
        """Where the power goes, from the kept nodes of one pattern.

        Raises InputError for several patterns.
        """
        current = self.cell_currents
        if current[0].size != self.array.shape[1]:
            raise InputError(
                Problem("the power balance is of one pattern", hint="solve one pattern at a time")
            )
        across = self.source_voltages - self.bit_voltages
        cells = float(np.sum(self.cell_voltages * current))
        lost = []
        rails = zip(
            (self.source_wire_currents, self.bit_wire_currents),
            (self.array.source_wire, self.array.bit_wire),
            self.array.rail_ends(),
            strict=True,
        )
        for along, wire, (near, far) in rails:
            top = self._far_current(wire, near, far).ravel()
            bottom = along[-1].ravel()
            # An open end carries nothing, though its resistance is infinite.
            behind_bottom = np.where(np.isinf(near), 0.0, near)
            behind_top = np.divide(1.0, far, out=np.zeros_like(far), where=far > 0.0)
            in_wires = wire * (np.sum(along[:-1] ** 2) + np.sum(bottom**2) + np.sum(top**2))
            at_ends = np.sum(behind_bottom * bottom**2) + np.sum(behind_top * top**2)
            lost.append((float(in_wires), float(at_ends - wire * np.sum(bottom**2 + top**2))))
        return GatedPowerBalance(
            delivered=float(np.sum((self.sources - self.bits) * self.currents)),
            cells=cells,
            transistors=float(np.sum(across * current)) - cells,
            source_wires=lost[0][0],
            bit_wires=lost[1][0],
            drivers=lost[0][1] + lost[1][1],
        )

    def _far_current(self, wire: float, near: Vector, far: Vector) -> Vector:
        """Current between a rail's top end and row 0, A; (M[, K]).

        Both ends of a rail have one potential, so the cells' currents divide between them as the
        resistances do: nothing cancels.
        """
        current = self.cell_currents
        shape = (-1,) + (1,) * (current.ndim - 2)
        near, far = near.reshape(shape), far.reshape(shape)
        total = current.sum(axis=0)
        below = np.arange(len(current))[::-1]
        moment = np.tensordot(below, current, axes=(0, 0))
        open_bottom = np.isinf(near)
        near = np.where(open_bottom, 0.0, near)
        with np.errstate(divide="ignore"):
            share = (near * total + wire * moment) / (near + 1.0 / far + wire * below[0])
        return np.where(far > 0.0, np.where(open_bottom, total, share), 0.0)

    def _on(self) -> Gates:
        """Gates as (N, M[, K]), or what broadcasts to it."""
        return self.gates[:, None] if self.gates.ndim < self.cell_currents.ndim else self.gates

    def _cells(self) -> Vector:
        """Conductances as (N, M[, 1])."""
        cells = self.array.conductance
        return cells if self.cell_currents.ndim == 2 else cells[:, :, None]
