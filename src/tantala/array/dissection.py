"""The direct solution of a cross-point array: nested dissection into blocks known by their ports.

A block of n x m cells has at most 2 (n + m) ports. Neighbours are joined pairwise until one block
is left, whose ports are the sources and the outputs; its admittance then holds the effective
conductance of the whole array,

    I = K^T V,   K = -Y[left, bottom],

instead of N solutions. Going back down the tree gives every node's voltage for any number of source
vectors. The order of elimination is the nested dissection of George, SIAM J. Numer. Anal. 10 (1973)
345, doi:10.1137/0710032.

The blocks of a level form a grid and are joined all along the same axis. The lowest levels are one
compiled task a patch (`patch_kernels`); above, a level's joins are tasks side by side, or where
they are too few, the row panels of each.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from tantala.array import merge_kernels as kernels
from tantala.array.patch_kernels import leaf_ports, pair, recover_patch, reduce_patch
from tantala.array.sweep_kernels import VECTORS
from tantala.array.threads import side_by_side
from tantala.base.errors import ConvergenceError, Problem

Vector = NDArray[np.float64]
Index = NDArray[np.intp]
LEAF = 8  # lines a side of a leaf, at most
PATCH = 6  # levels of joins inside a patch


@dataclass(frozen=True)
class Wires:
    """Conductances of an array's wires and ends, S; every segment must have resistance.

    row, column   S a segment
    left, bottom  S from the first node of a row, of a column, to its source
    right, top    S from the last node to the source at the far end; all zero if open
    """

    row: float
    column: float
    left: Vector
    bottom: Vector
    right: Vector
    top: Vector

    def kernel_arguments(self) -> tuple[tuple[Any, ...], tuple[Vector, Vector]]:
        """`segments` and `far` of `leaf_kernels`."""
        return (self.row, self.column, self.left, self.bottom), (self.right, self.top)


@dataclass(frozen=True)
class Join:
    """Two blocks of a level that are joined: which, their common ports, and where the others go."""

    first: int
    second: int
    common: int
    places: Index


@dataclass(frozen=True)
class Level:
    """The blocks of a level of the tree above the patches, and how each is joined.

    `ports` (blocks, 4): left, right, top and bottom; `commons`, where node voltages are wanted, the
    matrix C (ports, common ports) of each.
    """

    ports: Index
    joins: list[Join]
    commons: list[Vector] = field(default_factory=list)

    @property
    def counts(self) -> Index:
        """Ports of each block."""
        return self.ports.sum(axis=1)

    def shapes(self) -> list[tuple[int, int]]:
        """Shape of each C."""
        return [(int(n), join.common) for n, join in zip(self.counts, self.joins, strict=True)]


class Dissection:
    """The tree of blocks of an array (conductance (N, M) S) on `wires`."""

    def __init__(self, conductance: Vector, wires: Wires, keep: bool) -> None:
        """Build the tree. With `keep`, it gives node voltages, from 10 to 22 doubles a cell for 256
        to 1024 lines that it keeps; building takes three times as many.

        Raises ConvergenceError where part of the array hangs on next to nothing.
        """
        self.conductance, self.wires, self.keep = conductance, wires, keep
        self.row_cuts, self.column_cuts = (_cuts(lines) for lines in conductance.shape)
        self.is_open = not wires.right.any(), not wires.top.any()
        grid = self.row_cuts.size - 1, self.column_cuts.size - 1
        self.beside = _levels(conductance.shape, grid)
        inside = self.beside[:PATCH]
        self.patch_grid = grid[0] >> (~inside).sum(), grid[1] >> inside.sum()
        self.levels = self._plan()
        try:
            self.root = self._climb()
        except np.linalg.LinAlgError:
            raise _hanging() from None

    def effective_conductance(self) -> Vector:
        """(N, M) S: current out of each column per volt on each row, all columns at 0 V.

        Raises ConvergenceError where part of the array hangs on next to nothing.
        """
        rows = self.conductance.shape[0]
        _, right, top, _ = np.cumsum(self.levels[-1].ports[0])
        # Only what lies below the diagonal is known; outputs come after sources.
        found = self.root[top:, :right]
        if not self.is_open[1]:
            found = found + self.root[right:top, :right]
        if not self.is_open[0]:
            found = found[:, :rows] + found[:, rows:]
        if not np.isfinite(found).all():
            raise _hanging()
        return -found.T

    def column_voltages(self, rows: Vector, columns: Vector, bits: Vector) -> None:
        """Fill `bits` with the voltages of columns' wires under sources (N, K), (M, K), V.

        bits  (groups, N, M, VECTORS), K vectors in groups of VECTORS of which the last ends with
              zeros
        """
        groups = len(bits)
        sources = np.zeros((self.levels[-1].counts[0], groups * VECTORS))
        parts = [rows] + [rows] * (not self.is_open[0]) + [columns] * (not self.is_open[1])
        sources[:, : rows.shape[1]] = np.concatenate([*parts, columns])
        volts = [sources]
        for level, below in zip(self.levels[:0:-1], self.levels[-2::-1], strict=True):
            volts = _descend(level, below, volts)
        side_by_side(lambda k: recover_patch(self._patch(k), volts[k], bits), self._patches())

    def _patches(self) -> range:
        return range(self.patch_grid[0] * self.patch_grid[1])

    def _patch(self, k: int) -> tuple[Any, ...]:
        """Patch `k` as `patch_kernels` takes it."""
        i, j = divmod(k, self.patch_grid[1])
        tall = (self.row_cuts.size - 1) // self.patch_grid[0]
        wide = (self.column_cuts.size - 1) // self.patch_grid[1]
        return (
            self.conductance,
            *self.wires.kernel_arguments(),
            self.row_cuts[i * tall : (i + 1) * tall + 1],
            self.column_cuts[j * wide : (j + 1) * wide + 1],
            self.beside[:PATCH],
        )

    def _patch_ports(self) -> Index:
        """Ports (patches, 4): those of leaves as large as patches."""
        ports = np.empty((len(self._patches()), 4), np.intp)
        rows, columns = (
            np.ascontiguousarray(cuts[:: (cuts.size - 1) // patches])
            for cuts, patches in zip(
                (self.row_cuts, self.column_cuts), self.patch_grid, strict=True
            )
        )
        leaf_ports(self.conductance.shape, rows, columns, self.is_open, ports)
        return ports

    def _plan(self) -> list[Level]:
        """The levels from the patches to the whole array."""
        levels = [Level(self._patch_ports(), [])]
        columns = self.patch_grid[1]
        for beside in self.beside[PATCH:].tolist():
            columns >>= beside
            below = levels[-1].ports
            level = Level(np.empty((len(below) // 2, 4), np.intp), [])
            for k, ports in enumerate(level.ports):
                places = np.empty((2, 4, 3), np.intp)
                a, b = pair(k, columns, beside)
                common = kernels.join(below[a], below[b], beside, ports, places)
                level.joins.append(Join(a, b, common, places))
            levels.append(level)
        return levels

    def _climb(self) -> Vector:
        """Eliminate everything but the ports of the whole array; its admittance is found.

        With `keep` nobody asks for that, and it is left out.
        """
        # Two rooms, used in turn, and one for what is not kept: fresh pages take as long to get as
        # to fill.
        sizes = [int((level.counts**2).sum()) for level in self.levels]
        rooms = np.empty(max(sizes[::2])), np.empty(max(sizes[1::2], default=0))
        needs = [0] + [sum(a * b for a, b in level.shapes()) for level in self.levels[1:]]
        spare = np.empty(0 if self.keep else max(needs))
        blocks = _matrices(rooms[0], [(count, count) for count in self.levels[0].counts])
        side_by_side(lambda k: reduce_patch(self._patch(k), blocks[k]), self._patches())
        for number, (level, need) in enumerate(zip(self.levels[1:], needs[1:], strict=True), 1):
            commons = _matrices(np.empty(need) if self.keep else spare, level.shapes())
            last = self.keep and number == len(self.levels) - 1
            counts = np.zeros_like(level.counts) if last else level.counts
            joined = _matrices(rooms[number % 2], [(count, count) for count in counts])
            _join(level.joins, blocks, commons, joined)
            if self.keep:
                level.commons.extend(commons)
            blocks = joined
        return blocks[0]


def _hanging() -> ConvergenceError:
    return ConvergenceError(
        Problem(
            "part of the array hangs on conductances too small for float64",
            because="its lines float, or hang on nothing but cells of next to no conductance",
            hint="solve(), whose line solver keeps such cells apart",
        )
    )


def _matrices(room: Vector, shapes: list[tuple[int, int]]) -> list[Vector]:
    """Matrices of `shapes` one after another in `room`."""
    ends = np.cumsum([rows * columns for rows, columns in shapes])
    return [
        room[end - rows * columns : end].reshape(rows, columns)
        for end, (rows, columns) in zip(ends, shapes, strict=True)
    ]


def _join(
    joins: list[Join], blocks: list[Vector], commons: list[Vector], joined: list[Vector]
) -> None:
    """Fill each join's C and admittance: joins side by side, or where they are few their panels."""
    many = len(joins) >= 2 * numba.get_num_threads()

    def task(k: int) -> None:
        pair = blocks[joins[k].first], blocks[joins[k].second], joins[k].places
        (kernels.merge if many else _merge)(*pair, commons[k], joined[k])

    if many:
        side_by_side(task, range(len(joins)))
    else:
        for k in range(len(joins)):
            task(k)


def _merge(first: Vector, second: Vector, places: Index, common: Vector, joined: Vector) -> None:
    """As `merge_kernels.merge`, its panels side by side."""
    ports = common.shape[0]
    rows = kernels.panel(ports)
    panels = [(low, min(low + rows, ports)) for low in range(0, ports, rows)]
    across = np.empty_like(common)
    inverse = kernels.invert_common(first, second, places, across)
    side_by_side(lambda panel: kernels.spread(across, inverse, *panel, common), panels)
    if joined.size:
        side_by_side(
            lambda panel: kernels.reduce(first, second, places, across, common, *panel, joined),
            panels[::-1],
        )


def _descend(level: Level, below: Level, volts: list[Vector]) -> list[Vector]:
    """Port voltages (ports, K) of the blocks of `below` from those of `level`; they are spent."""
    found = [np.empty((0, 0))] * len(below.ports)

    def task(k: int) -> None:
        join = level.joins[k]
        for block in (join.first, join.second):
            found[block] = np.empty((below.counts[block], volts[k].shape[1]))
        kernels.part(volts[k], level.commons[k], join.places, found[join.first], found[join.second])

    side_by_side(task, range(len(level.joins)))
    return found


def _cuts(lines: int) -> Index:
    """Even pieces of at most LEAF lines, a power of two of them."""
    pieces = 1
    while pieces * LEAF < lines:
        pieces *= 2
    return np.array([k * lines // pieces for k in range(pieces + 1)], np.intp)


def _levels(shape: tuple[int, ...], grid: tuple[int, int]) -> NDArray[np.bool_]:
    """Whether each level from the leaves on joins side by side: blocks stay nearly square."""
    rows, columns = grid
    height, width = shape[0] / rows, shape[1] / columns
    beside: list[bool] = []
    while rows > 1 or columns > 1:
        beside.append(columns > 1 and (width <= height or rows == 1))
        if beside[-1]:
            columns, width = columns // 2, 2.0 * width
        else:
            rows, height = rows // 2, 2.0 * height
    return np.array(beside, np.bool_)
