"""Compiled kernels of the two wire planes: each line is a resistor ladder, eliminated exactly.

A word line i is a chain of M nodes along its row, a bit line j one of N nodes along its column.
With the cells tied to a fixed plane, node k of a chain obeys

    (2/r + G_k) x_k - (x_{k-1} + x_{k+1}) / r = t_k

Eliminating from the far end towards the near one leaves, at each node, the conductance e_k of all
that lies behind it:

    e_k = G_k + e_{k+1} m_{k+1},   m_k = 1 / (1 + r e_k),
    y_k = t_k + m_{k+1} y_{k+1},   x_k = m_k (x_{k-1} + r y_k).

It is Gaussian elimination written in resistances: no subtraction occurs, so every result is exact
to a few units in the last place over any range of conductances, and r = 0 (one node a line) is no
special case. Only m is kept.

Word lines run along the contiguous axis, where a recurrence cannot be vectorised; they are taken in
blocks of LANES rows, transposed in the second-level cache. Arrays: G (N, M); factors of the word
lines (blocks, M, LANES), of the bit lines (N, M).
"""

from __future__ import annotations

import numpy as np
from numba import njit

LANES = 32
_TILE = 8
# Reordering sums is harmless where nothing is subtracted; infinities are kept (a floating line's
# driver resistance is infinite), so "ninf" and "nnan" are left out.
FAST = {"contract", "reassoc", "nsz", "arcp"}
OPTIONS = {"fastmath": FAST, "error_model": "numpy", "cache": True, "nogil": True}


@njit(**OPTIONS)
def _load(field, first, lanes, out):
    """Transpose `lanes` rows of `field` from `first` into `out` (M, LANES)."""
    columns = field.shape[1]
    whole = columns - columns % _TILE
    for start in range(0, whole, _TILE):
        for lane in range(lanes):
            for k in range(_TILE):
                out[start + k, lane] = field[first + lane, start + k]
    for lane in range(lanes):
        for k in range(whole, columns):
            out[k, lane] = field[first + lane, k]


@njit(**OPTIONS)
def _load_product(left, right, first, lanes, out):
    """As `_load`, of the product of two fields."""
    columns = left.shape[1]
    whole = columns - columns % _TILE
    for start in range(0, whole, _TILE):
        for lane in range(lanes):
            for k in range(_TILE):
                out[start + k, lane] = (
                    left[first + lane, start + k] * right[first + lane, start + k]
                )
    for lane in range(lanes):
        for k in range(whole, columns):
            out[k, lane] = left[first + lane, k] * right[first + lane, k]


@njit(**OPTIONS)
def _store(block, first, lanes, out):
    """Transpose `block` (M, LANES) back into `lanes` rows of `out`."""
    columns = out.shape[1]
    whole = columns - columns % _TILE
    for start in range(0, whole, _TILE):
        for lane in range(lanes):
            for k in range(_TILE):
                out[first + lane, start + k] = block[start + k, lane]
    for lane in range(lanes):
        for k in range(whole, columns):
            out[first + lane, k] = block[k, lane]


@njit(**OPTIONS)
def _store_product(block, field, first, lanes, out):
    """As `_store`, multiplied by `field`."""
    columns = out.shape[1]
    whole = columns - columns % _TILE
    for start in range(0, whole, _TILE):
        for lane in range(lanes):
            for k in range(_TILE):
                out[first + lane, start + k] = (
                    block[start + k, lane] * field[first + lane, start + k]
                )
    for lane in range(lanes):
        for k in range(whole, columns):
            out[first + lane, k] = block[k, lane] * field[first + lane, k]


@njit(**OPTIONS)
def _chain(block, factor, wire, gain, source):
    """Solve the ladders of a block in place: currents in, voltages out; both (M, LANES)."""
    columns = block.shape[0]
    for k in range(columns - 2, -1, -1):
        for lane in range(LANES):
            block[k, lane] += factor[k + 1, lane] * block[k + 1, lane]
    for lane in range(LANES):
        block[0, lane] = gain[lane] * block[0, lane] + source[lane]
    for k in range(1, columns):
        for lane in range(LANES):
            block[k, lane] = factor[k, lane] * (block[k - 1, lane] + wire * block[k, lane])


@njit(**OPTIONS)
def _near_end(behind, near):
    """(gain, source share) of the near node: x = gain y + share V, behind `near` ohm."""
    if near == np.inf:
        return 1.0 / behind, 0.0
    share = 1.0 / (1.0 + near * behind)
    return near * share, share


@njit(**OPTIONS)
def factor_words(conductance, wire, near, far, factor, gain, share):
    """Factors of the word lines; `near` ohm at column 0, `far` S at the last column."""
    rows, columns = conductance.shape
    block = np.zeros((columns, LANES))
    behind = np.zeros(LANES)
    for b in range(factor.shape[0]):
        first = b * LANES
        lanes = min(LANES, rows - first)
        if lanes < LANES:
            block[:] = 0.0
        _load(conductance, first, lanes, block)
        for lane in range(lanes):
            behind[lane] = far[first + lane]
        for lane in range(LANES):
            behind[lane] += block[columns - 1, lane]
        for k in range(columns - 1, 0, -1):
            for lane in range(LANES):
                m = 1.0 / (1.0 + wire * behind[lane])
                factor[b, k, lane] = m
                behind[lane] = block[k - 1, lane] + behind[lane] * m
        for lane in range(lanes):
            gain[first + lane], share[first + lane] = _near_end(behind[lane], near[first + lane])


@njit(**OPTIONS)
def factor_bits(conductance, wire, near, far, factor, gain, share):
    """Factors of the bit lines; `near` ohm at the last row, `far` S at row 0."""
    rows, columns = conductance.shape
    behind = far.copy()
    for j in range(columns):
        behind[j] += conductance[0, j]
    for i in range(rows - 1):
        for j in range(columns):
            m = 1.0 / (1.0 + wire * behind[j])
            factor[i, j] = m
            behind[j] = conductance[i + 1, j] + behind[j] * m
    for j in range(columns):
        gain[j], share[j] = _near_end(behind[j], near[j])


@njit(**OPTIONS)
def solve_words(conductance, offset, factor, wire, gain, share, far, sources, bits, words):
    """Word-plane voltages `words` (N, M) under `sources` (N) with the bit plane held at `bits`.

    A cell carries G (u - v) + offset; an `offset` without elements is none.
    """
    rows, columns = conductance.shape
    block = np.zeros((columns, LANES))
    gains = np.zeros(LANES)
    driven = np.zeros(LANES)
    for b in range(factor.shape[0]):
        first = b * LANES
        lanes = min(LANES, rows - first)
        if lanes < LANES:
            block[:] = 0.0
            gains[:] = 0.0
            driven[:] = 0.0
        _load_product(conductance, bits, first, lanes, block)
        if offset.size > 0:
            for lane in range(lanes):
                for k in range(columns):
                    block[k, lane] -= offset[first + lane, k]
        for lane in range(lanes):
            i = first + lane
            gains[lane] = gain[i]
            driven[lane] = share[i] * sources[i]
            block[columns - 1, lane] += far[i] * sources[i]
        _chain(block, factor[b], wire, gains, driven)
        _store(block, first, lanes, words)


@njit(**OPTIONS)
def solve_bits(conductance, offset, factor, wire, gain, share, far, sources, words, bits):
    """Bit-plane voltages `bits` (N, M) under `sources` (M) with the word plane held at `words`.

    A cell carries G (u - v) + offset; an `offset` without elements is none.
    """
    rows, columns = conductance.shape
    for i in range(rows):
        for j in range(columns):
            bits[i, j] = conductance[i, j] * words[i, j]
        if offset.size > 0:
            bits[i] += offset[i]
        if i == 0:
            bits[0] += far * sources
        else:
            for j in range(columns):
                bits[i, j] += factor[i - 1, j] * bits[i - 1, j]
    last = rows - 1
    for j in range(columns):
        bits[last, j] = gain[j] * bits[last, j] + share[j] * sources[j]
    for i in range(rows - 2, -1, -1):
        for j in range(columns):
            bits[i, j] = factor[i, j] * (bits[i + 1, j] + wire * bits[i, j])


@njit(**OPTIONS)
def advance(conductance, factor, wire, gain, step, towards, image, answer, rest, preconditioned):
    """One step of the iteration, and the next preconditioned residual.

    answer += step towards; rest -= step image; preconditioned = (B + D)^-1 rest. Returns the
    squared norm of D preconditioned (A^2), and rest . preconditioned (W).
    """
    rows, columns = conductance.shape
    for i in range(rows):
        for j in range(columns):
            answer[i, j] += step * towards[i, j]
            left = rest[i, j] - step * image[i, j]
            rest[i, j] = left
            preconditioned[i, j] = left
        if i > 0:
            for j in range(columns):
                preconditioned[i, j] += factor[i - 1, j] * preconditioned[i - 1, j]
    last = rows - 1
    norm, product = 0.0, 0.0
    for j in range(columns):
        preconditioned[last, j] *= gain[j]
    for i in range(last, -1, -1):
        if i < last:
            for j in range(columns):
                preconditioned[i, j] = factor[i, j] * (
                    preconditioned[i + 1, j] + wire * preconditioned[i, j]
                )
        for j in range(columns):
            current = conductance[i, j] * preconditioned[i, j]
            norm += current * current
            product += rest[i, j] * preconditioned[i, j]
    return norm, product


@njit(**OPTIONS)
def direct(conductance, factor, wire, gain, mix, preconditioned, rest, towards, image):
    """Next direction of the one-level iteration, and its image under S.

    towards = z + mix towards; image = S z + mix image, where S z = rest - D (W + D)^-1 D z needs no
    product with B because z = (B + D)^-1 rest. Returns towards . image (W).
    """
    rows, columns = conductance.shape
    block = np.zeros((columns, LANES))
    spread = np.zeros((LANES, columns))
    gains = np.zeros(LANES)
    nothing = np.zeros(LANES)
    product = 0.0
    for b in range(factor.shape[0]):
        first = b * LANES
        lanes = min(LANES, rows - first)
        if lanes < LANES:
            block[:] = 0.0
            gains[:] = 0.0
        for lane in range(lanes):
            gains[lane] = gain[first + lane]
        _load_product(conductance, preconditioned, first, lanes, block)
        _chain(block, factor[b], wire, gains, nothing)
        _store(block, 0, lanes, spread)
        for lane in range(lanes):
            i = first + lane
            for j in range(columns):
                to = preconditioned[i, j] + mix * towards[i, j]
                of = rest[i, j] - conductance[i, j] * spread[lane, j] + mix * image[i, j]
                towards[i, j] = to
                image[i, j] = of
                product += to * of
    return product


@njit(**OPTIONS)
def spread_back(conductance, factor, wire, gain, preconditioned, image, lines, cells):
    """The coarse part of D (W + D)^-1 D z (m, m), A, and z . image (W).

    `lines` (N, m), `cells` (M, m) are the coarse modes.
    """
    rows, columns = conductance.shape
    modes = lines.shape[1]
    block = np.zeros((columns, LANES))
    returned = np.zeros((LANES, columns))
    gains = np.zeros(LANES)
    nothing = np.zeros(LANES)
    coarse = np.zeros((modes, modes))
    product = 0.0
    for b in range(factor.shape[0]):
        first = b * LANES
        lanes = min(LANES, rows - first)
        if lanes < LANES:
            block[:] = 0.0
            gains[:] = 0.0
        for lane in range(lanes):
            gains[lane] = gain[first + lane]
        _load_product(conductance, preconditioned, first, lanes, block)
        _chain(block, factor[b], wire, gains, nothing)
        _store_product(block, conductance[first : first + lanes], 0, lanes, returned)
        coarse += np.dot(lines[first : first + lanes].T, np.dot(returned[:lanes], cells))
        for lane in range(lanes):
            i = first + lane
            for j in range(columns):
                product += preconditioned[i, j] * image[i, j]
    return coarse, product


@njit(**OPTIONS)
def direct_two_level(
    conductance,
    factor,
    wire,
    gain,
    lines,
    curved,
    cells,
    ends,
    amplitudes,
    mix,
    preconditioned,
    rest,
    towards,
    image,
):
    """Next direction of the two-level iteration, and its image under S.

    The coarse correction z1 = lines amplitudes cells^T is added to z, and
    S (z + z1) = rest + B z1 + D z1 - D (W + D)^-1 D (z + z1), where B z1 is
    curved amplitudes cells^T plus what the ends (2, M) [S] add in the first and last row.
    Returns towards . image, towards . rest (W) and lines^T image cells (m, m).
    """
    rows, columns = conductance.shape
    modes = lines.shape[1]
    block = np.zeros((columns, LANES))
    gains = np.zeros(LANES)
    nothing = np.zeros(LANES)
    spread = np.zeros((LANES, columns))
    coarse = np.zeros((modes, modes))
    across = np.ascontiguousarray(cells.T)
    product, descent = 0.0, 0.0
    for b in range(factor.shape[0]):
        first = b * LANES
        lanes = min(LANES, rows - first)
        if lanes < LANES:
            block[:] = 0.0
            gains[:] = 0.0
        for lane in range(lanes):
            gains[lane] = gain[first + lane]
        smooth = np.dot(np.dot(lines[first : first + lanes], amplitudes), across)
        bent = np.dot(np.dot(curved[first : first + lanes], amplitudes), across)
        if first == 0:
            for j in range(columns):
                bent[0, j] += ends[0, j] * smooth[0, j]
        if first + lanes == rows:
            for j in range(columns):
                bent[lanes - 1, j] += ends[1, j] * smooth[lanes - 1, j]
        bent += conductance[first : first + lanes] * smooth
        smooth += preconditioned[first : first + lanes]
        _load_product(conductance[first : first + lanes], smooth, 0, lanes, block)
        _chain(block, factor[b], wire, gains, nothing)
        _store(block, 0, lanes, spread)
        for lane in range(lanes):
            i = first + lane
            for j in range(columns):
                to = smooth[lane, j] + mix * towards[i, j]
                of = (
                    rest[i, j]
                    + bent[lane, j]
                    - conductance[i, j] * spread[lane, j]
                    + mix * image[i, j]
                )
                towards[i, j] = to
                image[i, j] = of
                product += to * of
                descent += to * rest[i, j]
        coarse += np.dot(
            lines[first : first + lanes].T, np.dot(image[first : first + lanes], cells)
        )
    return product, descent, coarse


@njit(**OPTIONS)
def norm_of_change(conductance, first, second):
    """Norm of G (first - second), A."""
    total = 0.0
    for i in range(conductance.shape[0]):
        for j in range(conductance.shape[1]):
            current = conductance[i, j] * (first[i, j] - second[i, j])
            total += current * current
    return np.sqrt(total)


@njit(**OPTIONS)
def line_currents(conductance, words, bits, rows, columns):
    """Sums of the cell currents of each row (N) and column (M), A."""
    columns[:] = 0.0
    for i in range(conductance.shape[0]):
        total = 0.0
        for j in range(conductance.shape[1]):
            current = conductance[i, j] * (words[i, j] - bits[i, j])
            total += current
            columns[j] += current
        rows[i] = total
