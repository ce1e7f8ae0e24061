"""Compiled kernels of the nested dissection: leaves by elimination, pairs by merging.

A block of cells is known to the outside by the admittance between its ports: where its rows cross
its left and right edges, its columns its top and bottom edges. A leaf is made of one row of cells
after another; every step inserts a resistor of conductance g into a port j,

    Y' = Y - Y_j Y_j^T / (g + Y_jj),    V_j = sum_x w_x V'_x,

the exact elimination of the node that was the port (g = 0 closes the port). Nothing but ports is
grounded, so every row of an admittance sums to zero: its diagonal is always taken as that sum of
the others. They only ever grow in magnitude, so no digit cancels however good the wires are.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tantala.array.line_kernels import OPTIONS

_TILE = 32


@njit(**OPTIONS)
def _insert(y, ports, j, siemens, row):
    """Insert `siemens` into port `j` of the first `ports` of `y`; `row` is scratch.

    Afterwards `row` holds the old node's voltage as weights of the ports' voltages.
    """
    total = siemens
    for x in range(ports):
        row[x] = y[j, x]
        if x != j:
            total -= y[j, x]
    share = 1.0 / total
    for x in range(ports):
        scaled = row[x] * share
        if scaled != 0.0 and x != j:
            for z in range(ports):
                y[x, z] -= scaled * row[z]
    pass_on = siemens * share
    for x in range(ports):
        y[j, x] = row[x] * pass_on
        y[x, j] = row[x] * pass_on
        row[x] *= -share
    row[j] = pass_on


@njit(**OPTIONS)
def _row(cells, wire, left, y, scratch):
    """Admittance `y` of one row of cells over (left, right, column 0, 1, ...).

    `cells` (columns) S; `left` S of the first segment, `wire` S of the others.
    """
    columns = cells.size
    y[:] = 0.0
    y[0, 1] = y[1, 0] = -left
    for k in range(columns):
        if k > 0:
            _insert(y, k + 2, 1, wire, scratch)
        y[1, k + 2] = y[k + 2, 1] = -cells[k]


@njit(**OPTIONS)
def _stack(y, strip, i, rows, first):
    """Add the row of cells `strip` as row `i`; its columns are the ports from `first` of `y`."""
    for a in range(strip.shape[0]):
        at_a = first + a - 2 if a > 1 else i + a * rows
        for b in range(strip.shape[0]):
            at_b = first + b - 2 if b > 1 else i + b * rows
            y[at_a, at_b] += strip[a, b]


@njit(**OPTIONS)
def _leaf(conductance, segments, far, at, shape, ends, y, weights, strip, row):
    """Eliminate the inside of the leaf of `shape` cells whose first cell is `at`.

    segments   (row wire, column wire, left, bottom): S of a segment, and of every row's first and
               every column's last segment in the whole array
    far        (right, top): S to the far sources, used where `ends` says the leaf is at that edge
    y          becomes its admittance over the ports left, right, top, bottom
    weights    (steps, ports): what recovers the nodes, in the order of their elimination; left
               alone if it has no elements
    """
    row_wire, column_wire, left, bottom = segments
    rows, columns = shape
    ports = 2 * (rows + columns)
    upper, lower = 2 * rows, 2 * rows + columns
    keep = weights.size > 0
    y[:] = 0.0
    step = 0
    for i in range(rows):
        first = left[at[0] + i] if at[1] == 0 else row_wire
        _row(conductance[at[0] + i, at[1] : at[1] + columns], row_wire, first, strip, row)
        _stack(y, strip, i, rows, upper if i == 0 else lower)
        edge = at[0] + i == conductance.shape[0] - 1
        for k in range(columns):
            segment = bottom[at[1] + k] if edge else column_wire
            if i > 0:
                _insert(y, ports, lower + k, segment, row)
                if keep:
                    weights[step] = row
                step += 1
            else:
                y[lower + k, upper + k] = y[upper + k, lower + k] = -segment
    for edge in range(2):
        if ends[edge]:
            for k in range(shape[edge]):
                _insert(y, ports, (edge + 1) * rows + k, far[edge][at[edge] + k], row)
                if keep:
                    weights[step] = row
                step += 1
    ground(y)


@njit(**OPTIONS)
def ground(y):
    """Set the diagonal so that every row sums to zero."""
    for x in range(y.shape[0]):
        y[x, x] = 0.0
        y[x, x] = -y[x].sum()


@njit(**OPTIONS)
def leaves(conductance, segments, far, corners, shape, ends, admittance):
    """Admittance (leaves, ports, ports) of the leaves of `shape` with first cells at `corners`.

    The other arguments are those of `_leaf`.
    """
    strip = np.empty((shape[1] + 2, shape[1] + 2))
    row = np.empty(admittance.shape[1])
    none = np.empty((0, 0))
    for leaf in range(corners.shape[0]):
        _leaf(
            conductance,
            segments,
            far,
            corners[leaf],
            shape,
            ends,
            admittance[leaf],
            none,
            strip,
            row,
        )


@njit(**OPTIONS)
def gather(block, outer, places, inner, across, joined):
    """Copy a block's remaining ports into `joined`, their rows to the common ones into `across`.

    `outer` and `inner` are the block's port indices, `places` the former's in the joined block.
    """
    for x in range(outer.size):
        source = block[outer[x]]
        for a in range(inner.size):
            across[places[x], a] = source[inner[a]]
        target = joined[places[x]]
        for z in range(outer.size):
            target[places[z]] = source[outer[z]]


@njit(**OPTIONS)
def ground_common(middle, across):
    """Set the diagonal of the common ports' admittance; `across` (ports, common) is the rest."""
    for a in range(middle.shape[0]):
        middle[a, a] = 0.0
        middle[a, a] = -middle[a].sum()
    for x in range(across.shape[0]):
        for a in range(across.shape[1]):
            middle[a, a] -= across[x, a]


@njit(**OPTIONS)
def mirror(matrix):
    """Copy the upper triangle to the lower one, in tiles that fit the first cache."""
    size = matrix.shape[0]
    for low in range(0, size, _TILE):
        for left in range(0, low + 1, _TILE):
            for i in range(low, min(low + _TILE, size)):
                for j in range(left, min(left + _TILE, i)):
                    matrix[i, j] = matrix[j, i]


@njit(**OPTIONS)
def recover(conductance, segments, far, corners, shape, ends, voltages, bits):
    """Column voltages inside leaves from the voltages of their ports.

    `voltages` (leaves, ports, K) is spent; `bits` (K, N, M) is filled. The leaves are eliminated
    again: that is cheaper than the room for what would have to be kept. The other arguments are
    those of `_leaf`.
    """
    count, ports, vectors = voltages.shape
    rows, columns = shape
    top, bottom = 2 * rows, 2 * rows + columns
    steps = (rows - 1) * columns + ends[0] * rows + ends[1] * columns
    y, weights = np.empty((ports, ports)), np.empty((max(steps, 1), ports))
    strip, row = np.empty((columns + 2, columns + 2)), np.empty(ports)
    total = np.empty(vectors)
    for leaf in range(count):
        at = corners[leaf]
        volts = voltages[leaf]
        _leaf(conductance, segments, far, at, shape, ends, y, weights, strip, row)
        step = steps
        for edge in range(1, -1, -1):
            if ends[edge]:
                for k in range(shape[edge] - 1, -1, -1):
                    step -= 1
                    _back(weights[step], volts, (edge + 1) * rows + k, total)
        for i in range(rows - 1, 0, -1):
            for k in range(columns - 1, -1, -1):
                step -= 1
                _back(weights[step], volts, bottom + k, total)
                for vector in range(vectors):
                    bits[vector, at[0] + i, at[1] + k] = volts[bottom + k, vector]
        for k in range(columns):
            for vector in range(vectors):
                bits[vector, at[0], at[1] + k] = volts[top + k, vector]


@njit(**OPTIONS)
def _back(weights, volts, port, total):
    """Voltage of an eliminated node from the ports that replaced it; `total` (K) is scratch."""
    total[:] = 0.0
    for x in range(volts.shape[0]):
        weight = weights[x]
        for vector in range(volts.shape[1]):
            total[vector] += weight * volts[x, vector]
    volts[port] = total
