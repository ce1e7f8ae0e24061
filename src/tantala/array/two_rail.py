"""Compiled kernel of two-rail ladders: a source rail and a bit rail with a cell at every row.

Behind row k, away from the near end, a column is a network of four terminals: source rail s, bit
rail t, and the drives S and B of the two rails. It is told by five conductances: a_S, a_B from s to
the drives, b_S, b_B from t to them, and c between the rails. A cell adds to c. With a = a_S + a_B
and b = b_S + b_B, one segment of r_s and r_t ohm turns them into

    c' = q,   (a_S', b_S') = (a_S, b_S) T,   (a_B', b_B') = (a_B, b_B) T,
    T = [[p (1 + r_t b) + q r_t, q r_s], [q r_t, p (1 + r_s a) + q r_s]],   q = c p,
    p = 1 / {(1 + r_s a)(1 + r_t b) + c [r_s (1 + r_t b) + r_t (1 + r_s a)]}.

Let x be the rails' voltages with S at 1 V and B at 0 V, z = 1 V - x, and d = x_s - x_t across a
cell. From the near side of a segment to its far side

    x' = T (x + (r_s a_S, r_t b_S)),   z' = T (z + (r_s a_B, r_t b_B)),
    d' = p [d + r_s (a_S z_t - a_B x_t) + r_t (b_B x_s - b_S z_s) + r_s r_t (a_S b_B - a_B b_S)].

It is Gaussian elimination of the 2 x 2 blocks written in resistances, as in `line_kernels`: nothing
is subtracted but the leaks a_B, b_S from rail to rail behind a cell, which are small against a_S
and b_B. So currents and voltages are exact to rounding over any range of conductances, also where
the rails are close to one another, and r = 0 is no special case.

Any other pair of drive voltages is a multiple and a shift. Columns are taken LANES at a time, side
by side.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tantala.array.line_kernels import OPTIONS

LANES = 16
# A dead short; 1/SHORT is far below every other resistance and its products stay finite.
SHORT = 1e200


@njit(**OPTIONS)
def _near_end(a_s, a_b, b_s, b_b, c, near_s, near_t):
    """(x_s, z_s, x_t, z_t, d) at the last row, its drives behind near_s and near_t ohm."""
    if near_s > 0.0 and near_t > 0.0:
        a_s += 1.0 / near_s
        b_b += 1.0 / near_t
        a, b = a_s + a_b, b_s + b_b
        p = 1.0 / (a * b + (a + b) * c)
        high, low = c * p * (a_s + b_s), c * p * (a_b + b_b)
        return (
            p * b * a_s + high,
            p * b * a_b + low,
            p * a * b_s + high,
            p * a * b_b + low,
            p * (a_s * b_b - a_b * b_s),
        )
    if near_t > 0.0:
        b_b += 1.0 / near_t
        share = 1.0 / (b_s + b_b + c)
        return 1.0, 0.0, share * (c + b_s), share * b_b, share * b_b
    if near_s > 0.0:
        a_s += 1.0 / near_s
        share = 1.0 / (a_s + a_b + c)
        return share * a_s, share * (c + a_b), 0.0, 1.0, share * a_s
    return 1.0, 0.0, 0.0, 1.0, 1.0


@njit(**OPTIONS)
def _shares(total, below, above, length, near, far):
    """Currents (A) through the near end [ohm] and the far end [S] of a rail.

    `total` is the sum of its cells' currents, `below` and `above` that of the currents times the
    wire (ohm) towards the near and the far end, `length` the wire between the end rows. Both ends
    have one potential, so the currents divide as the resistances do.
    """
    if far == 0.0:
        return total, 0.0
    if near == np.inf:
        return 0.0, total
    whole = near + 1.0 / far + length
    return (total / far + above) / whole, (near * total + below) / whole


@njit(**OPTIONS)
def _eliminate(cells, first, lanes, wire_s, wire_t, near_s, near_t, far_s, far_t, store):
    """Conductances behind each row of a block of columns, then its voltages, in `store`."""
    rows = cells.shape[0]
    a_s, a_b, b_s, b_b, p, q = store
    c = np.zeros(LANES)
    a_b[0], b_s[0] = 0.0, 0.0
    for lane in range(lanes):
        a_s[0, lane], b_b[0, lane] = far_s[first + lane], far_t[first + lane]
    for i in range(rows - 1):
        for lane in range(lanes):
            c[lane] += min(cells[i, first + lane], SHORT)
        for lane in range(lanes):
            left = 1.0 + wire_s * (a_s[i, lane] + a_b[i, lane])
            right = 1.0 + wire_t * (b_s[i, lane] + b_b[i, lane])
            m = 1.0 / (left * right + c[lane] * (wire_s * right + wire_t * left))
            n = c[lane] * m
            p[i, lane], q[i, lane], c[lane] = m, n, n
            ss, st, ts, tt = m * right + n * wire_t, n * wire_s, n * wire_t, m * left + n * wire_s
            a_s[i + 1, lane] = ss * a_s[i, lane] + ts * b_s[i, lane]
            b_s[i + 1, lane] = st * a_s[i, lane] + tt * b_s[i, lane]
            a_b[i + 1, lane] = ss * a_b[i, lane] + ts * b_b[i, lane]
            b_b[i + 1, lane] = st * a_b[i, lane] + tt * b_b[i, lane]
    _voltages(cells, first, lanes, c, wire_s, wire_t, near_s, near_t, store)


@njit(**OPTIONS)
def _voltages(cells, first, lanes, c, wire_s, wire_t, near_s, near_t, store):
    """From the near end back: x_s, z_s, x_t, z_t, d in the place of the conductances."""
    last = cells.shape[0] - 1
    a_s, a_b, b_s, b_b, p, q = store
    for lane in range(lanes):
        j = first + lane
        c[lane] += min(cells[last, j], SHORT)
        a_s[last, lane], a_b[last, lane], b_s[last, lane], b_b[last, lane], p[last, lane] = (
            _near_end(
                a_s[last, lane], a_b[last, lane], b_s[last, lane], b_b[last, lane], c[lane],
                near_s[j], near_t[j],
            )
        )  # fmt: skip
    for i in range(last - 1, -1, -1):
        for lane in range(lanes):
            as_, ab, bs, bb = a_s[i, lane], a_b[i, lane], b_s[i, lane], b_b[i, lane]
            m, n = p[i, lane], q[i, lane]
            left, right = 1.0 + wire_s * (as_ + ab), 1.0 + wire_t * (bs + bb)
            ss, st, ts, tt = m * right + n * wire_t, n * wire_s, n * wire_t, m * left + n * wire_s
            xs, zs, xt, zt = (
                a_s[i + 1, lane],
                a_b[i + 1, lane],
                b_s[i + 1, lane],
                b_b[i + 1, lane],
            )
            p[i, lane] = m * (
                p[i + 1, lane]
                + wire_s * (as_ * zt - ab * xt)
                + wire_t * (bb * xs - bs * zs)
                + wire_s * wire_t * (as_ * bb - ab * bs)
            )
            xs += wire_s * as_
            zs += wire_s * ab
            xt += wire_t * bs
            zt += wire_t * bb
            a_s[i, lane] = ss * xs + st * xt
            a_b[i, lane] = ss * zs + st * zt
            b_s[i, lane] = ts * xs + tt * xt
            b_b[i, lane] = ts * zs + tt * zt


@njit(**OPTIONS)
def _kirchhoff(
    cells, first, lane, wire_s, wire_t, near_s, near_t, far_s, far_t, store, conductance
):
    """Largest violation of Ohm's law in a column's wires, ends and cells, V at 1 V of drive.

    Wire currents are sums of cell currents, so Kirchhoff's current law holds by construction. The
    sum of the cell currents is written to `conductance`.
    """
    rows = cells.shape[0]
    x, z, y, other, d = store[0], store[1], store[2], store[3], store[4]
    j = first + lane
    total, below, above = 0.0, 0.0, 0.0
    for i in range(rows):
        current = min(cells[i, j], SHORT) * d[i, lane]
        total += current
        below += current * (rows - 1 - i)
        above += current * i
    conductance[j] = total
    length = float(rows - 1)
    end_s, along_s = _shares(
        total, wire_s * below, wire_s * above, wire_s * length, near_s[j], far_s[j]
    )
    end_t, along_t = _shares(
        total, wire_t * below, wire_t * above, wire_t * length, near_t[j], far_t[j]
    )
    worst = 0.0
    if far_s[j] > 0.0:
        worst = max(worst, abs(z[0, lane] - along_s / far_s[j]))
    if far_t[j] > 0.0:
        worst = max(worst, abs(y[0, lane] - along_t / far_t[j]))
    along_t = -along_t
    for i in range(rows):
        current = min(cells[i, j], SHORT) * d[i, lane]
        along_s -= current
        along_t += current
        worst = max(worst, abs(x[i, lane] + z[i, lane] - 1.0))
        worst = max(worst, abs(y[i, lane] + other[i, lane] - 1.0))
        worst = max(worst, abs(x[i, lane] - y[i, lane] - d[i, lane]))
        if i < rows - 1:
            worst = max(worst, abs(x[i, lane] - x[i + 1, lane] - wire_s * along_s))
            worst = max(worst, abs(y[i, lane] - y[i + 1, lane] - wire_t * along_t))
    if near_s[j] < np.inf:
        worst = max(worst, abs(z[rows - 1, lane] - near_s[j] * end_s))
    if near_t[j] < np.inf:
        worst = max(worst, abs(y[rows - 1, lane] - near_t[j] * end_t))
    # A rail without any end takes no current.
    floats = near_s[j] == np.inf and far_s[j] == 0.0
    floats = floats or (near_t[j] == np.inf and far_t[j] == 0.0)
    if floats and total != 0.0:
        worst = np.inf
    return worst


@njit(**OPTIONS)
def solve_rails(
    cells, wire_s, wire_t, near_s, near_t, far_s, far_t, conductance, residual, source, bit, current
):
    """Every column of `cells` (N, M) [S] with 1 V on its source rail's drives and 0 V on its bit's.

    wire_s, wire_t  ohm a segment; near_* (M) ohm from row N-1 to its drive; far_* (M) S from row 0
    conductance     (M) S, out: current through the column
    residual        (M) out: largest violation of Ohm's law, relative to the drive
    source, bit, current    (N, M) out: node voltages and cell currents a volt; without elements
                            they are not kept
    """
    rows, columns = cells.shape
    store = np.zeros((6, rows, LANES))
    for first in range(0, columns, LANES):
        lanes = min(LANES, columns - first)
        _eliminate(cells, first, lanes, wire_s, wire_t, near_s, near_t, far_s, far_t, store)
        for lane in range(lanes):
            residual[first + lane] = _kirchhoff(
                cells, first, lane, wire_s, wire_t, near_s, near_t, far_s, far_t, store, conductance
            )
        if source.size > 0:
            for i in range(rows):
                for lane in range(lanes):
                    j = first + lane
                    source[i, j] = store[0, i, lane]
                    bit[i, j] = store[2, i, lane]
                    current[i, j] = min(cells[i, j], SHORT) * store[4, i, lane]


@njit(**OPTIONS)
def bottom_currents(on, off, patterns, wire_s, wire_t, near_s, near_t, far_s, far_t, current):
    """Current into the near end of every bit rail under many patterns, drives as in `solve_rails`.

    on, off   (N, M) S of a cell whose row is on, and off; patterns (K, N) rows that are on
    current   (K, M) S, out: A a volt

    Only what lies behind the present row is kept, so nothing but the cells passes through memory.
    """
    rows, columns = on.shape
    a_s, a_b, b_s = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    b_b, c = np.empty(LANES), np.empty(LANES)
    for first in range(0, columns, LANES):
        lanes = min(LANES, columns - first)
        for k in range(len(patterns)):
            a_b[:], b_s[:], c[:] = 0.0, 0.0, 0.0
            for lane in range(lanes):
                a_s[lane], b_b[lane] = far_s[first + lane], far_t[first + lane]
            for i in range(rows):
                cells = on[i] if patterns[k, i] else off[i]
                for lane in range(lanes):
                    c[lane] += min(cells[first + lane], SHORT)
                if i < rows - 1:
                    _segment(lanes, wire_s, wire_t, a_s, a_b, b_s, b_b, c)
            for lane in range(lanes):
                j = first + lane
                _, _, x_t, z_t, d = _near_end(
                    a_s[lane], a_b[lane], b_s[lane], b_b[lane], c[lane], near_s[j], near_t[j]
                )
                current[k, j] = c[lane] * d + b_s[lane] * z_t - b_b[lane] * x_t


@njit(**OPTIONS)
def _segment(lanes, wire_s, wire_t, a_s, a_b, b_s, b_b, c):
    """Take one segment of both rails into the five conductances of each column."""
    for lane in range(lanes):
        left = 1.0 + wire_s * (a_s[lane] + a_b[lane])
        right = 1.0 + wire_t * (b_s[lane] + b_b[lane])
        m = 1.0 / (left * right + c[lane] * (wire_s * right + wire_t * left))
        n = c[lane] * m
        ss, st, ts, tt = m * right + n * wire_t, n * wire_s, n * wire_t, m * left + n * wire_s
        source, bit = a_s[lane], b_s[lane]
        a_s[lane], b_s[lane] = ss * source + ts * bit, st * source + tt * bit
        source, bit = a_b[lane], b_b[lane]
        a_b[lane], b_b[lane] = ss * source + ts * bit, st * source + tt * bit
        c[lane] = n
