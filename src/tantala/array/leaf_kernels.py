"""Compiled kernels of the leaves of the nested dissection: small blocks of cells, eliminated.

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
def eliminate(conductance, segments, far, at, shape, ends, y, weights, strip, row):
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
                    weights[step, : row.size] = row
                step += 1


@njit(**OPTIONS)
def unfold(shape, ends, weights, volts, bits):
    """Column voltages of a leaf from those of its ports, by undoing its steps in reverse.

    `volts` (ports, K) are spent; `weights` are those of `eliminate`; `bits` (K / lanes, rows,
    columns, lanes) is filled.
    """
    rows, columns = shape
    places = np.empty(max(rows, columns), np.int64)
    step = (rows - 1) * columns + ends[0] * rows + ends[1] * columns
    for edge in range(1, -1, -1):
        if ends[edge]:
            step -= shape[edge]
            for k in range(shape[edge]):
                places[k] = 2 * (columns + k) + 1 if edge == 0 else k
            _back(weights[step : step + shape[edge]], places, volts)
    for k in range(columns):
        places[k] = columns + k
    for i in range(rows - 1, -1, -1):
        if i > 0:
            step -= columns
            active = 2 * (columns + i + 1)
            _back(weights[step : step + columns, :active], places, volts)
        _spread_lanes(volts[columns : 2 * columns] if i > 0 else volts[:columns], bits[:, i])


@njit(**OPTIONS)
def _back(weights, places, volts):
    """Voltages of nodes eliminated one after another, in their ports' `places`.

    The steps are first put together, so that one product over all vectors is left.
    """
    steps, ports = weights.shape
    rule = np.empty((steps, ports))
    for step in range(steps - 1, -1, -1):
        for x in range(ports):
            rule[step, x] = weights[step, x]
        for later in range(step + 1, steps):
            factor = rule[step, places[later]]
            rule[step, places[later]] = 0.0
            for x in range(ports):
                rule[step, x] += factor * rule[later, x]
    found = np.dot(rule, volts[:ports])
    for step in range(steps):
        volts[places[step]] = found[step]


@njit(**OPTIONS)
def _spread_lanes(volts, bits):
    """Copy `volts` (columns, K) to `bits` (K / lanes, columns, lanes)."""
    lanes = bits.shape[2]
    for group in range(bits.shape[0]):
        for k in range(bits.shape[1]):
            for lane in range(lanes):
                bits[group, k, lane] = volts[k, group * lanes + lane]
