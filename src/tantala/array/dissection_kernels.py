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
def _insert(y, active, j, siemens, row):
    """Insert `siemens` into port `j` of the first `active` ports of `y`; `row` is scratch.

    Only what lies below the diagonal of `y` is used. Afterwards `row` holds the old node's voltage
    as weights of the ports' voltages.
    """
    total = siemens
    for x in range(active):
        row[x] = y[j, x] if x < j else y[x, j]
        if x != j:
            total -= row[x]
    share = 1.0 / total
    for x in range(active):
        scaled = row[x] * share
        if scaled != 0.0 and x != j:
            for z in range(x):
                y[x, z] -= scaled * row[z]
    pass_on = siemens * share
    for x in range(j):
        y[j, x] = row[x] * pass_on
    for x in range(j + 1, active):
        y[x, j] = row[x] * pass_on
    for x in range(active):
        row[x] *= -share
    row[j] = pass_on


@njit(**OPTIONS)
def _row(cells, wire, left, y, scratch):
    """Admittance `y`, below the diagonal, of one row of cells over (left, right, column 0, 1, ...).

    `cells` (columns) S; `left` S of the first segment, `wire` S of the others.
    """
    columns = cells.size
    y[:] = 0.0
    y[1, 0] = -left
    for k in range(columns):
        if k > 0:
            _insert(y, k + 2, 1, wire, scratch)
        y[k + 2, 1] = -cells[k]


@njit(**OPTIONS)
def _stack(y, strip, first, ends):
    """Add a row of cells, its columns at the ports of `y` from `first`, its ends from `ends`.

    The ends come after all columns, so what is below the diagonal stays there.
    """
    columns = strip.shape[0] - 2
    y[ends + 1, ends] += strip[1, 0]
    for k in range(columns):
        y[ends, first + k] += strip[k + 2, 0]
        y[ends + 1, first + k] += strip[k + 2, 1]
        for z in range(k):
            y[first + k, first + z] += strip[k + 2, z + 2]


@njit(**OPTIONS)
def _leaf(conductance, segments, far, at, shape, ends, y, weights, strip, row):
    """Eliminate the inside of the leaf of `shape` cells whose first cell is `at`.

    segments   (row wire, column wire, left, bottom): S of a segment, and of every row's first and
               every column's last segment in the whole array
    far        (right, top): S to the far sources, used where `ends` says the leaf is at that edge
    y          becomes its admittance, below the diagonal, over the ports: tops, bottoms, then left
               and right of each row in turn, so that those in use are always the first ones
    weights    (steps, ports): what recovers the nodes, in the order of their elimination; left
               alone if it has no elements
    """
    row_wire, column_wire, left, bottom = segments
    rows, columns = shape
    keep = weights.size > 0
    y[:] = 0.0
    step = 0
    for i in range(rows):
        first = left[at[0] + i] if at[1] == 0 else row_wire
        _row(conductance[at[0] + i, at[1] : at[1] + columns], row_wire, first, strip, row)
        _stack(y, strip, 0 if i == 0 else columns, 2 * (columns + i))
        active = 2 * (columns + i + 1)
        edge = at[0] + i == conductance.shape[0] - 1
        for k in range(columns):
            segment = bottom[at[1] + k] if edge else column_wire
            if i == 0:
                y[columns + k, k] = -segment
                continue
            _insert(y, active, columns + k, segment, row)
            if keep:
                weights[step, :active] = row[:active]
            step += 1
    for edge in range(2):
        if ends[edge]:
            for k in range(shape[edge]):
                port = 2 * (columns + k) + 1 if edge == 0 else k
                _insert(y, y.shape[0], port, far[edge][at[edge] + k], row)
                if keep:
                    weights[step] = row
                step += 1


@njit(**OPTIONS)
def ground(y):
    """Set the diagonal so that every row sums to zero."""
    for x in range(y.shape[0]):
        y[x, x] = 0.0
        y[x, x] = -y[x].sum()


@njit(**OPTIONS)
def leaves(conductance, segments, far, corners, shape, ends, admittance):
    """Admittance (leaves, ports, ports) of the leaves of `shape` with first cells at `corners`.

    Ports in the order left, right, top, bottom. The other arguments are those of `_leaf`.
    """
    rows, columns = shape
    ports = admittance.shape[1]
    y = np.empty((ports, ports))
    places = np.empty(ports, np.int64)
    for k in range(rows):
        places[k], places[rows + k] = 2 * (columns + k), 2 * (columns + k) + 1
    for k in range(2 * columns):
        places[2 * rows + k] = k
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
            y,
            none,
            strip,
            row,
        )
        for x in range(ports):
            for z in range(ports):
                a, b = places[x], places[z]
                admittance[leaf, x, z] = y[a, b] if a > b else y[b, a]
        ground(admittance[leaf])


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

    `voltages` (leaves, ports, K); `bits` (K, N, M) is filled. The leaves are eliminated again: that
    is cheaper than the room for what would have to be kept. The other arguments are
    those of `_leaf`.
    """
    count, ports, vectors = voltages.shape
    rows, columns = shape
    steps = (rows - 1) * columns + ends[0] * rows + ends[1] * columns
    y, weights = np.empty((ports, ports)), np.zeros((max(steps, 1), ports))
    strip, row = np.empty((columns + 2, columns + 2)), np.zeros(ports)
    volts = np.empty((ports, vectors))
    for leaf in range(count):
        at = corners[leaf]
        for k in range(2 * columns):
            volts[k] = voltages[leaf, 2 * rows + k]
        for k in range(rows):
            volts[2 * (columns + k)] = voltages[leaf, k]
            volts[2 * (columns + k) + 1] = voltages[leaf, rows + k]
        _leaf(conductance, segments, far, at, shape, ends, y, weights, strip, row)
        _unfold(shape, ends, weights, volts, bits[:, at[0] : at[0] + rows, at[1] : at[1] + columns])


@njit(**OPTIONS)
def _unfold(shape, ends, weights, volts, bits):
    """Undo the steps of a leaf in reverse: `bits` (K, rows, columns) from its ports' `volts`."""
    rows, columns = shape
    step = (rows - 1) * columns + ends[0] * rows + ends[1] * columns
    for edge in range(1, -1, -1):
        if ends[edge]:
            for k in range(shape[edge] - 1, -1, -1):
                step -= 1
                _back(weights[step], volts, 2 * (columns + k) + 1 if edge == 0 else k)
    for i in range(rows - 1, -1, -1):
        for k in range(columns - 1, -1, -1):
            if i > 0:
                step -= 1
                _back(weights[step, : 2 * (columns + i + 1)], volts, columns + k)
            bits[:, i, k] = volts[columns + k if i > 0 else k]


@njit(**OPTIONS)
def _back(weights, volts, port):
    """Voltage of an eliminated node, in the port's place, from the ports that replaced it.

    Four ports at a time, so that the sums are written and read again a quarter as often.
    """
    ports, vectors = weights.size, volts.shape[1]
    own = weights[port]
    for vector in range(vectors):
        volts[port, vector] *= own
    weights[port] = 0.0
    whole = ports - ports % 4
    for x in range(0, whole, 4):
        a, b, c, d = weights[x], weights[x + 1], weights[x + 2], weights[x + 3]
        for vector in range(vectors):
            volts[port, vector] += (
                a * volts[x, vector]
                + b * volts[x + 1, vector]
                + c * volts[x + 2, vector]
                + d * volts[x + 3, vector]
            )
    for x in range(whole, ports):
        weight = weights[x]
        for vector in range(vectors):
            volts[port, vector] += weight * volts[x, vector]
