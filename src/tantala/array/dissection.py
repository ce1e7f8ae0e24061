"""The direct solution of a cross-point array: nested dissection into blocks known by their ports.

A block of n x m cells has at most 2 (n + m) ports. Neighbours are joined pairwise until one block
is left, whose ports are the sources and the outputs; its admittance then holds the effective
conductance of the whole array,

    I = K^T V,   K = -Y[left, bottom],

after about 25 N^3 multiplications for N x N cells, instead of N solutions. Going back down the tree
gives every node's voltage for any number of source vectors. The order of elimination is the nested
dissection of George, SIAM J. Numer. Anal. 10 (1973) 345, doi:10.1137/0710032.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import get_blas_funcs, get_lapack_funcs

from tantala.array import dissection_kernels as kernels
from tantala.base.errors import ConvergenceError, Problem

_trsm, _syrk = get_blas_funcs(("trsm", "syrk"), dtype=np.float64)
(_potrf,) = get_lapack_funcs(("potrf",), dtype=np.float64)

Vector = NDArray[np.float64]
Index = NDArray[np.intp]
LEAF = 12  # lines a side of a leaf, at most: the fastest of 8, 12 and 16 from 128 to 1024 lines


@dataclass(frozen=True)
class Ports:
    """How many ports a block has at its left, right, top and bottom edge."""

    left: int
    right: int
    top: int
    bottom: int

    def edges(self) -> tuple[Index, Index, Index, Index]:
        """Indices of the ports of each edge."""
        left, right, top, bottom = np.split(
            np.arange(self.count), np.cumsum([self.left, self.right, self.top])
        )
        return left, right, top, bottom

    @property
    def count(self) -> int:
        """All ports."""
        return self.left + self.right + self.top + self.bottom


@dataclass(frozen=True)
class Seam:
    """Port indices of a merge: common ports of each side, the others, places in the result."""

    ports: Ports
    inner: tuple[Index, Index]
    outer: tuple[Index, Index]
    places: tuple[Index, Index]


@functools.lru_cache(maxsize=4096)
def _seam(first: Ports, second: Ports, beside: bool) -> Seam:
    """Join `first` to `second` at its right (`beside`) or below it."""
    a, b = first.edges(), second.edges()
    if beside:
        ports = Ports(
            first.left, second.right, first.top + second.top, first.bottom + second.bottom
        )
        left, right, top, bottom = ports.edges()
        inner = a[1], b[0]
        outer = np.concatenate([a[0], a[2], a[3]]), np.concatenate([b[1], b[2], b[3]])
        places = (
            np.concatenate([left, top[: first.top], bottom[: first.bottom]]),
            np.concatenate([right, top[first.top :], bottom[first.bottom :]]),
        )
    else:
        ports = Ports(
            first.left + second.left, first.right + second.right, first.top, second.bottom
        )
        left, right, top, bottom = ports.edges()
        inner = a[3], b[2]
        outer = np.concatenate([a[0], a[1], a[2]]), np.concatenate([b[0], b[1], b[3]])
        places = (
            np.concatenate([left[: first.left], right[: first.right], top]),
            np.concatenate([left[first.left :], right[first.right :], bottom]),
        )
    return Seam(ports, inner, outer, places)


@dataclass
class Block:
    """A node of the tree: cells [rows) x [columns), its ports and, while needed, its admittance."""

    rows: tuple[int, int]
    columns: tuple[int, int]
    ports: Ports
    admittance: Vector
    children: tuple[Block, Block] | None = None
    seam: Seam | None = None
    common: Vector = field(default_factory=lambda: np.empty((0, 0)))


@dataclass(frozen=True)
class Shape:
    """All leaves of one shape and kind: first cells, kept ports, and whether at the right, the top.

    The ports that are not kept are open ends, eliminated with the leaf.
    """

    cells: tuple[int, int]
    ends: tuple[bool, bool]
    corners: Index
    ports: Index
    blocks: list[Block]


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
        """`segments` and `far` of `dissection_kernels`."""
        return (self.row, self.column, self.left, self.bottom), (self.right, self.top)


class Dissection:
    """The tree of blocks of an array (conductance (N, M) S) on `wires`."""

    def __init__(self, conductance: Vector, wires: Wires, keep: bool) -> None:
        """Build the tree. With `keep`, it can also give node voltages (about 40 doubles a cell)."""
        self.conductance, self.wires, self.keep = conductance, wires, keep
        rows, columns = conductance.shape
        self.row_cuts, self.column_cuts = _cuts(rows), _cuts(columns)
        self.open_right = not wires.right.any()
        self.open_top = not wires.top.any()
        self.shapes = self._leaves()
        grid: dict[tuple[int, int], Block] = {}
        for shape in self.shapes:
            for block in shape.blocks:
                grid[block.rows[0], block.columns[0]] = block
        self.root = self._join(grid, 0, len(self.row_cuts) - 1, 0, len(self.column_cuts) - 1)

    def effective_conductance(self) -> Vector:
        """(N, M) S: current out of each column per volt on each row, all columns at 0 V."""
        left, right, top, bottom = self.root.ports.edges()
        y = self.root.admittance
        sources = y[left] if self.open_right else y[left] + y[right]
        outputs = sources[:, bottom] if self.open_top else sources[:, bottom] + sources[:, top]
        return -outputs

    def column_voltages(self, rows: Vector, columns: Vector) -> Vector:
        """Voltage of each column's wire at each cell, (K, N, M) V, under sources (N, K), (M, K)."""
        root = self.root.ports
        parts = [rows]
        if root.right:
            parts.append(rows)
        if root.top:
            parts.append(columns)
        parts.append(columns)
        bits = np.empty((rows.shape[1], *self.conductance.shape))
        found: dict[int, Vector] = {}
        pending = [(self.root, np.concatenate(parts))]
        while pending:
            block, volts = pending.pop()
            if block.children is None:
                found[id(block)] = volts
                continue
            assert block.seam is not None
            common = block.common @ volts
            for child, inner, outer, places in zip(
                block.children, block.seam.inner, block.seam.outer, block.seam.places, strict=True
            ):
                inside = np.empty((child.ports.count, rows.shape[1]))
                inside[outer] = volts[places]
                inside[inner] = common
                pending.append((child, inside))
        for shape in self.shapes:
            full = np.zeros((len(shape.blocks), 2 * sum(shape.cells), rows.shape[1]))
            for place, block in enumerate(shape.blocks):
                full[place, shape.ports] = found.pop(id(block))
            kernels.recover(
                self.conductance,
                *self.wires.kernel_arguments(),
                shape.corners,
                shape.cells,
                shape.ends,
                full,
                bits,
            )
        return bits

    def _leaves(self) -> list[Shape]:
        """All leaves, by shape and kind."""
        kinds: dict[tuple[int, int, bool, bool], list[tuple[int, int]]] = {}
        for i, low in enumerate(self.row_cuts[:-1]):
            for j, left in enumerate(self.column_cuts[:-1]):
                kind = (
                    self.row_cuts[i + 1] - low,
                    self.column_cuts[j + 1] - left,
                    j == len(self.column_cuts) - 2,
                    i == 0,
                )
                kinds.setdefault(kind, []).append((low, left))
        return [self._shape(kind, np.array(corners)) for kind, corners in kinds.items()]

    def _shape(self, kind: tuple[int, int, bool, bool], corners: Index) -> Shape:
        n, m, right, top = kind
        ports = 2 * (n + m)
        admittance = np.empty((len(corners), ports, ports))
        kernels.leaves(
            self.conductance,
            *self.wires.kernel_arguments(),
            corners,
            (n, m),
            (right, top),
            admittance,
        )
        shown = Ports(
            n, 0 if right and self.open_right else n, 0 if top and self.open_top else m, m
        )
        edges = Ports(n, n, m, m).edges()
        kept = np.concatenate(
            [edge[:size] for edge, size in zip(edges, _sizes(shown), strict=True)]
        )
        if kept.size < ports:
            admittance = np.ascontiguousarray(admittance[:, kept[:, None], kept])
        blocks = [
            Block((i, i + n), (j, j + m), shown, y)
            for (i, j), y in zip(corners.tolist(), admittance, strict=True)
        ]
        return Shape((n, m), (right, top), corners, kept, blocks)

    def _join(
        self, grid: dict[tuple[int, int], Block], top: int, low: int, left: int, right: int
    ) -> Block:
        """The block of leaves [top, low) x [left, right), halved along its longer side."""
        if low - top == 1 and right - left == 1:
            return grid[self.row_cuts[top], self.column_cuts[left]]
        height = self.row_cuts[low] - self.row_cuts[top]
        width = self.column_cuts[right] - self.column_cuts[left]
        beside = right - left > 1 and (width >= height or low - top == 1)
        if beside:
            middle = (left + right) // 2
            first = self._join(grid, top, low, left, middle)
            second = self._join(grid, top, low, middle, right)
        else:
            middle = (top + low) // 2
            first = self._join(grid, top, middle, left, right)
            second = self._join(grid, middle, low, left, right)
        seam = _seam(first.ports, second.ports, beside)
        admittance, common = _merge(first.admittance, second.admittance, seam, self.keep)
        nothing = np.empty((0, 0))
        first.admittance = second.admittance = nothing
        block = Block(
            (first.rows[0], second.rows[1]),
            (first.columns[0], second.columns[1]),
            seam.ports,
            admittance,
        )
        if self.keep:
            block.children, block.seam, block.common = (first, second), seam, common
        return block


def _merge(first: Vector, second: Vector, seam: Seam, keep: bool) -> tuple[Vector, Vector]:
    """Admittance of two blocks joined at their common ports, which are eliminated.

    With `keep`, also (common, ports): the common ports' voltages from those of the joined block.
    """
    (inner, inner_second), (outer, outer_second) = seam.inner, seam.outer
    common, ports = inner.size, seam.ports.count
    middle = first[inner[:, None], inner] + second[inner_second[:, None], inner_second]
    across = np.empty((ports, common))
    joined = np.zeros((ports, ports))
    kernels.gather(first, outer, seam.places[0], inner, across, joined)
    kernels.gather(second, outer_second, seam.places[1], inner_second, across, joined)
    kernels.ground_common(middle, across)
    # Fortran order of a symmetric matrix is its C order, so nothing is copied.
    factor, failed = _potrf(middle.T, lower=1, clean=0, overwrite_a=1)
    if failed:
        raise ConvergenceError(
            Problem(
                "part of the array hangs on conductances too small for float64",
                because="its lines float, or hang on nothing but cells of next to no conductance",
                hint="solve(), whose line solver keeps such cells apart",
            )
        )
    half = _trsm(1.0, factor, across.T, lower=1, overwrite_b=1)
    _syrk(-1.0, half, beta=1.0, c=joined.T, trans=1, lower=1, overwrite_c=1)
    kernels.mirror(joined)
    kernels.ground(joined)
    if not keep:
        return joined, half
    return joined, _trsm(-1.0, factor, half, lower=1, trans_a=1, overwrite_b=1)


def _sizes(ports: Ports) -> tuple[int, int, int, int]:
    return ports.left, ports.right, ports.top, ports.bottom


def _cuts(lines: int) -> list[int]:
    """Even pieces of at most LEAF lines."""
    pieces = -(-lines // LEAF)
    return [round(k * lines / pieces) for k in range(pieces + 1)]
