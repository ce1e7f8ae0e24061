"""A 1T1R array whose source lines run along its bit lines: each column is a two-rail ladder."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tantala.array.access import (
    Gates,
    access_resistance,
    gate_patterns,
    gated,
    in_series,
    off_conductance,
)
from tantala.array.gated_solution import GatedSolution
from tantala.array.two_rail import bottom_currents, solve_rails
from tantala.array.wiring import Vector, conductances, ends, resistances
from tantala.base.errors import ConvergenceError, InputError, Problem, raise_if
from tantala.base.quantity_table import to_si_table

# The elimination is direct and exact to rounding; a larger residual would be a defect.
LARGEST_RESIDUAL = 1e-10
_NO_NODES = np.zeros((0, 0))


@dataclass(frozen=True, eq=False)
class GatedArray:
    """Cells with access transistors between a source rail and a bit rail in every column.

    The word line of row i is the gate of its transistors and carries no current. Row 0 is at the
    top; a rail has a segment between neighbouring rows and one beyond each end row.

    conductance   (N, M) S, one a cell without its transistor; 0 is open, inf a dead short
    source_wire, bit_wire      ohm a segment, 0 for an ideal rail
    access        ohm of a transistor that is on, in series with the cell: one number or (N, M)
    off           S of a transistor that is off, in series with the cell
    source_top, source_bottom, bit_top, bit_bottom
                  ohm behind each end of the rails: one number, or one a column; inf is an open
                  end. By default the source is driven at the top and the bit line sensed at the
                  bottom; source_top=inf, source_bottom=0 drives it at the end of the sense. A rail
                  driven at both ends has one voltage.

    Numbers or texts with units, one or a table of them. Raises InputError with every problem found.
    """

    conductance: Vector
    source_wire: float
    bit_wire: float
    access: Any = 0.0
    off: float = 0.0
    source_top: Any = 0.0
    source_bottom: Any = np.inf
    bit_top: Any = np.inf
    bit_bottom: Any = 0.0

    def __post_init__(self) -> None:
        problems: list[Problem] = []
        conductance = conductances(self.conductance, problems)
        raise_if(problems)
        settled: dict[str, Any] = {"conductance": conductance}
        for name in ("source_wire", "bit_wire"):
            settled[name] = float(resistances(getattr(self, name), 1, name, "", problems, False)[0])
        shape = conductance.shape
        settled["access"] = access_resistance(self.access, shape, problems)
        settled["off"] = off_conductance(self.off, problems)
        for name in ("source_top", "source_bottom", "bit_top", "bit_bottom"):
            settled[name] = resistances(
                getattr(self, name), shape[1], name, "column", problems, True
            )
        raise_if(problems)
        for name, value in settled.items():
            object.__setattr__(self, name, value)
        raise_if(_undriven(self))

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        rows, columns = self.conductance.shape
        return rows, columns

    def rail_ends(self) -> tuple[tuple[Vector, Vector], tuple[Vector, Vector]]:
        """((ohm from row N-1, S from row 0) of the source rails, the same of the bit rails)."""
        return ends(self.source_wire, self.source_bottom, self.source_top), ends(
            self.bit_wire, self.bit_bottom, self.bit_top
        )

    def branch_conductances(self) -> tuple[Vector, Vector]:
        """(N, M) S of a cell with its transistor: on, and off."""
        return self._branches

    @functools.cached_property
    def _branches(self) -> tuple[Vector, Vector]:
        on = in_series(self.conductance, self.access)
        if self.off == 0.0:
            return on, np.zeros_like(on)
        return on, in_series(self.conductance, 1.0 / self.off)

    def solve(
        self,
        gates: ArrayLike,
        sources: ArrayLike | str,
        bits: ArrayLike | str = 0.0,
        *,
        nodes: bool | None = None,
    ) -> GatedSolution:
        """Currents and voltages under one or many gate patterns.

        gates    which transistors are on: (N,) one pattern of rows, (N, K) K of them, or (N, M, K)
                 one value a cell and pattern
        sources  V behind the source rails: one number, (M,) or (M, K)
        bits     V behind the bit rails, likewise
        nodes    keep node voltages; by default for one pattern only

        O(N M) a pattern, without iteration. Raises InputError for wrong shapes and for a pattern
        that leaves a floating rail without any conducting cell.
        """
        patterns, high, low, single = self.checked_conditions(gates, sources, bits)
        keep = single if nodes is None else nodes
        transfer, residual, kept = self._unit_answers(patterns, keep)
        drive = high - low
        if kept is not None:
            source, bit, current = kept
            kept = (low + drive * source, low + drive * bit, drive * current)
        if single:
            patterns = patterns[..., 0]
            high, low, transfer, residual = (
                value[..., 0] for value in (high, low, transfer, residual)
            )
            if kept is not None:
                source, bit, current = kept
                kept = source[..., 0], bit[..., 0], current[..., 0]
        return GatedSolution(self, patterns, high, low, transfer, residual, kept)

    def bottom_currents(self, gates: ArrayLike) -> Vector:
        """Current a volt (M, K) [S] into the bottom end of each bit rail, of K patterns of rows.

        gates    which rows are on: (N,) one pattern, or (N, K)

        1 V on the source rails, 0 V on the bit rails' drives. For many patterns of an array whose
        bit rails are driven at the bottom alone this is what `solve` answers for the currents,
        several times as fast: nothing else is kept and no residual is computed; the elimination is
        exact to rounding. A pattern without any row gives the leakage.

        Raises InputError for a wrong shape, gates that are not on or off, rails that are driven
        otherwise, and a dead short between ideal drives.
        """
        patterns, _ = gate_patterns(gates, self.shape)
        if patterns.ndim != 2:
            raise InputError(
                Problem("one gate a cell", got=str(np.shape(gates)), allowed="one a row: use solve")
            )
        if np.isfinite(self.bit_top).any() or not np.isfinite(self.bit_bottom).all():
            raise InputError(
                Problem(
                    "bit rails are not driven at the bottom alone",
                    allowed="bit_top = inf and a finite bit_bottom",
                    hint="solve() takes any ends",
                )
            )
        if (np.isinf(self.source_top) & np.isinf(self.source_bottom)).any():
            raise InputError(
                Problem("a source rail floats", allowed="a finite resistance behind one end of it")
            )
        on, off = self._branches
        self._check_shorts(on)
        (near_s, far_s), (near_t, far_t) = self.rail_ends()
        current = np.empty((patterns.shape[1], self.shape[1]))
        bottom_currents(
            on, off, np.ascontiguousarray(patterns.T), self.source_wire, self.bit_wire, near_s,
            near_t, far_s, far_t, current,
        )  # fmt: skip
        return current.T

    def checked_conditions(
        self, gates: ArrayLike, sources: Any, bits: Any
    ) -> tuple[Gates, Vector, Vector, bool]:
        """Gates (N[, M], K), rails' voltages (M, K) twice, and whether one row pattern was given.

        Raises InputError with every problem.
        """
        patterns, single = gate_patterns(gates, self.shape)
        count = patterns.shape[-1]
        problems: list[Problem] = []
        high = _rail_voltages(sources, "sources", self.shape[1], count, problems)
        low = _rail_voltages(bits, "bits", self.shape[1], count, problems)
        raise_if(problems)
        return patterns, high, low, single

    def to_spice(
        self, gates: ArrayLike, sources: ArrayLike | str, bits: ArrayLike | str = 0.0
    ) -> str:
        """An ngspice netlist of the array under one gate pattern, as `solve` takes it."""
        from tantala.array.spice import Netlist, add_gated

        net = Netlist(f"tantala: gated array of {self.shape[0]} x {self.shape[1]} cells")
        add_gated(net, self, gates, sources, bits)
        return net.text()

    def _unit_answers(
        self, patterns: Gates, keep: bool
    ) -> tuple[Vector, Vector, tuple[Vector, Vector, Vector] | None]:
        """Column conductances and residuals (M, K), and nodes (N, M, K), at 1 V on the sources."""
        rows, columns = self.shape
        count = patterns.shape[-1]
        on, off = self.branch_conductances()
        (near_s, far_s), (near_t, far_t) = self.rail_ends()
        transfer, residual = np.empty((count, columns)), np.empty((count, columns))
        kept = np.empty((3, count, rows, columns)) if keep else None
        for k in range(count):
            cells = gated(on, off, patterns[..., k])
            self._check_pattern(cells, k)
            fields = (_NO_NODES,) * 3 if kept is None else kept[:, k]
            solve_rails(
                cells, self.source_wire, self.bit_wire, near_s, near_t, far_s, far_t,
                transfer[k], residual[k], *fields,
            )  # fmt: skip
        worst = float(np.max(residual))
        if not worst <= LARGEST_RESIDUAL:
            raise ConvergenceError(
                Problem(
                    "the rails' voltages miss Ohm's law",
                    got=f"{worst:.2e} of the drive",
                    allowed=f"{LARGEST_RESIDUAL:.0e}",
                    because="resistances span too many decades",
                )
            )
        if kept is None:
            return transfer.T, residual.T, None
        # Patterns are the last axis, as vectors are elsewhere.
        source, bit, current = np.moveaxis(kept, 1, -1)
        return transfer.T, residual.T, (source, bit, current)

    def _check_pattern(self, cells: Vector, pattern: int) -> None:
        """Raise InputError if `pattern` leaves a rail without a voltage, or shorts two drives."""
        floating = ~np.isfinite(self.source_top) & ~np.isfinite(self.source_bottom)
        floating |= ~np.isfinite(self.bit_top) & ~np.isfinite(self.bit_bottom)
        lost = floating & ~(cells > 0.0).any(axis=0)
        if lost.any():
            column = int(np.flatnonzero(lost)[0])
            raise InputError(
                Problem(
                    f"gate pattern {pattern} leaves a floating rail of column {column} "
                    "without any conducting cell",
                    because="nothing decides its voltage",
                    hint="an off conductance above 0, or a driver at one of its ends",
                )
            )
        self._check_shorts(cells)

    def _check_shorts(self, cells: Vector) -> None:
        """Raise InputError if a cell of `cells` shorts two ideal drives."""
        (near_s, _), (near_t, _) = self.rail_ends()
        shorted = (near_s == 0.0) & (near_t == 0.0) & np.isinf(cells).any(axis=0)
        if shorted.any():
            column = int(np.flatnonzero(shorted)[0])
            raise InputError(
                Problem(
                    f"a dead short in column {column} joins two ideal drives",
                    because="its current would be infinite",
                    hint="a wire, driver or access resistance above 0",
                )
            )


def _undriven(array: GatedArray) -> list[Problem]:
    """A problem where both rails of a column float."""
    lost = np.isinf(array.source_top) & np.isinf(array.source_bottom)
    lost &= np.isinf(array.bit_top) & np.isinf(array.bit_bottom)
    if not lost.any():
        return []
    return [
        Problem(
            "both rails of a column float",
            got=f"column {int(np.flatnonzero(lost)[0])}",
            because="nothing decides their voltage",
            hint="a finite resistance behind one end of one rail",
        )
    ]


def _rail_voltages(
    given: Any, name: str, columns: int, count: int, problems: list[Problem]
) -> Vector:
    """`given` as V of shape (columns, count); its problems are added."""
    try:
        values = to_si_table(given, "V", name=name)
    except InputError as error:
        problems.extend(error.problems)
        return np.zeros((columns, count))
    shaped = values[:, None] if values.ndim == 1 else values
    if values.ndim and shaped.shape not in ((columns, 1), (columns, count)):
        problems.append(
            Problem(
                f"{name} has a wrong shape",
                got=str(values.shape),
                allowed=f"one number, ({columns},) or ({columns}, {count}), in V",
            )
        )
        return np.zeros((columns, count))
    if not np.isfinite(values).all():
        problems.append(
            Problem(
                f"{name} has a value that is not finite",
                got=str(values[~np.isfinite(values)][0]),
                allowed="a voltage in V",
                hint="for a floating rail give both its end resistances as inf",
            )
        )
    return np.broadcast_to(shaped, (columns, count))
