"""Compiled kernels that join two blocks of the nested dissection at their common ports.

With M the admittance of the common ports and A (ports, common) of the others to them,

    V_common = C^T V,   C = -A M^-1,   Y = D + A C^T,

where D is what the two blocks are to the other ports without the common ones. Nothing but ports is
grounded, so every row of an admittance sums to zero: a diagonal is the sum of the others in its
row, and is never kept but found where it is needed. What lies beside the diagonals is negative, the
inverse of M is positive, and they only ever grow in magnitude: no digit cancels however good the
wires are. (It is the elimination of Grassmann, Taksar and Heyman, Oper. Res. 33 (1985) 1107,
doi:10.1287/opre.33.5.1107, in blocks.)

Admittances are used below the diagonal only. A block's ports lie in the order left, right, top,
bottom, so every edge is one range. Products go through `np.dot`, which inside a compiled kernel
lets other threads run; LAPACK called from Python does not.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tantala.array.line_kernels import OPTIONS

_SWEPT = 32  # ports inverted one after another, at most
_TINY = 1e-290  # S; the inverse of less would be no number
_INNER = -1  # in the place of an edge that is not in the joined block


@njit(**OPTIONS)
def join(first, second, beside, ports, places):
    """Ports (left, right, top, bottom) of `second` joined to the right of `first`, or below it.

    `places` (block, edge, 3): first port in the block, count, first port in the joined block.
    Returns the number of common ports.
    """
    ports[0] = first[0] if beside else first[0] + second[0]
    ports[1] = second[1] if beside else first[1] + second[1]
    ports[2] = first[2] + second[2] if beside else first[2]
    ports[3] = first[3] + second[3] if beside else second[3]
    own, other, to = 0, 0, 0
    for edge in range(4):
        places[0, edge, 0], places[1, edge, 0] = own, other
        places[0, edge, 1], places[1, edge, 1] = first[edge], second[edge]
        places[0, edge, 2] = to
        places[1, edge, 2] = to + ports[edge] - second[edge]
        own, other, to = own + first[edge], other + second[edge], to + ports[edge]
    inner = (1, 0) if beside else (3, 2)
    for block in range(2):
        places[block, inner[block], 2] = _INNER
    return first[inner[0]]


@njit(**OPTIONS)
def _inner(places):
    """First of a block's common ports."""
    for edge in range(4):
        if places[edge, 2] == _INNER:
            return places[edge, 0]
    return 0


@njit(**OPTIONS)
def _sweep(matrix, ground):
    """Inverse, in place, of `matrix` whose diagonal is the rest of its row with `ground`."""
    size = ground.size
    row = np.empty(size)
    for k in range(size):
        pivot = ground[k]
        for j in range(k + 1, size):
            pivot -= matrix[k, j]
        if not pivot > _TINY:
            raise np.linalg.LinAlgError("a node hangs on next to nothing")
        share = 1.0 / pivot
        for j in range(size):
            row[j] = matrix[k, j] * share
            matrix[k, j] = 0.0
        for j in range(k + 1, size):
            ground[j] -= row[j] * ground[k]
        row[k] = share
        matrix[k, k] = -1.0
        for i in range(size):
            factor = matrix[i, k]
            matrix[i, k] = 0.0
            for j in range(size):
                matrix[i, j] -= factor * row[j]


@njit(**OPTIONS)
def _invert(matrix, ground):
    """As `_sweep`, in halves."""
    size = ground.size
    if size <= _SWEPT:
        _sweep(matrix, ground)
        return
    half = size // 2
    one, other = matrix[:half, :half].copy(), matrix[half:, half:].copy()
    between = matrix[:half, half:].copy()
    below = ground[:half].copy()
    for i in range(half):
        below[i] -= between[i].sum()
    _invert(one, below)
    passed = np.dot(one, between)
    other -= np.dot(between.T, passed)
    _invert(other, ground[half:] - np.dot(passed.T, ground[:half]))
    mixed = np.dot(passed, other)
    matrix[:half, :half] = one + np.dot(mixed, passed.T)
    matrix[:half, half:] = -mixed
    matrix[half:, :half] = -mixed.T
    matrix[half:, half:] = other


@njit(**OPTIONS)
def _take_across(block, places, across, ground):
    """The rows of `across` that a block's own ports have, and what they add to `ground`."""
    inner = _inner(places)
    for edge in range(4):
        source, target = places[edge, 0], places[edge, 2]
        if target == _INNER:
            continue
        for x in range(places[edge, 1]):
            row = across[target + x]
            for z in range(ground.size):
                if source > inner:
                    row[z] = block[source + x, inner + z]
                else:
                    row[z] = block[inner + z, source + x]
                ground[z] -= row[z]


@njit(**OPTIONS)
def invert_common(first, second, places, across):
    """Fill `across`, and return the negative inverse of the common ports' admittance.

    Raises LinAlgError where they hang on next to nothing.
    """
    common = across.shape[1]
    a, b = _inner(places[0]), _inner(places[1])
    ground = np.zeros(common)
    _take_across(first, places[0], across, ground)
    _take_across(second, places[1], across, ground)
    middle = np.zeros((common, common))
    for x in range(common):
        for z in range(x):
            middle[x, z] = first[a + x, a + z] + second[b + x, b + z]
            middle[z, x] = middle[x, z]
    _invert(middle, ground)
    return -middle


@njit(**OPTIONS)
def spread(across, inverse, low, high, common):
    """Rows [low, high) of C, in `common`; `inverse` is that of `invert_common`."""
    np.dot(across[low:high], inverse, common[low:high])


@njit(**OPTIONS)
def _add(block, places, product, low, high, joined):
    """Rows [low, high) of a block's own ports in `joined`: the rows of `product` and the block."""
    for edge in range(4):
        target = places[edge, 2]
        if target == _INNER:
            continue
        for x in range(max(low - target, 0), min(high - target, places[edge, 1])):
            row = joined[target + x]
            for z in range(target + x):
                row[z] = product[target + x - low, z]
            source = block[places[edge, 0] + x]
            for other in range(edge + 1):
                begin, to = places[other, 0], places[other, 2]
                if to == _INNER:
                    continue
                for z in range(min(target + x - to, places[other, 1])):
                    row[to + z] += source[begin + z]


@njit(**OPTIONS)
def reduce(first, second, places, across, common, low, high, joined):
    """Rows [low, high) of Y."""
    product = np.dot(across[low:high], common[:high].T)
    _add(first, places[0], product, low, high, joined)
    _add(second, places[1], product, low, high, joined)


@njit(**OPTIONS)
def panel(ports):
    """Rows taken at a time: few enough to leave out most of what lies beyond the diagonal."""
    return max(48, ports // 8)


@njit(**OPTIONS)
def merge(first, second, places, common, joined):
    """Fill `common` with C and, unless it has no elements, `joined` with Y."""
    across = np.empty_like(common)
    inverse = invert_common(first, second, places, across)
    ports = across.shape[0]
    spread(across, inverse, 0, ports, common)
    if joined.size == 0:
        return
    rows = panel(ports)
    for low in range(0, ports, rows):
        reduce(first, second, places, across, common, low, min(low + rows, ports), joined)


@njit(**OPTIONS)
def part(volts, common, places, first, second):
    """Port voltages (ports, K) of the two blocks from those of the joined one."""
    middle = np.dot(common.T, volts)
    _hand_down(volts, middle, places[0], first)
    _hand_down(volts, middle, places[1], second)


@njit(**OPTIONS)
def _hand_down(volts, middle, places, own):
    for edge in range(4):
        source, count, target = places[edge, 0], places[edge, 1], places[edge, 2]
        if target == _INNER:
            own[source : source + count] = middle
        else:
            own[source : source + count] = volts[target : target + count]
