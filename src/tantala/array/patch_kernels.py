"""Compiled kernels of a patch: a few dozen leaves joined without leaving the compiled code.

The leaves of a patch form a grid of 2^a x 2^b; each level joins all neighbours along one axis, so
that it is a grid too. A patch lives in the second-level cache and is eliminated again on the way
down the tree: that is cheaper than the room for what would have to be kept.

Throughout, `patch` is (conductance, segments, far, row cuts, column cuts, levels): the array as
`leaf_kernels` has it, the first row and column of each leaf and the last one's end, and of each
level whether it joins side by side.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tantala.array.leaf_kernels import eliminate, unfold
from tantala.array.line_kernels import OPTIONS
from tantala.array.merge_kernels import join, merge, part


@njit(**OPTIONS)
def leaf_ports(shape, row_cuts, column_cuts, is_open, ports):
    """Ports of each leaf between the cuts, row by row, in an array of `shape` cells.

    `is_open` tells whether the array's right and top end are.
    """
    across = column_cuts.size - 1
    for i in range(row_cuts.size - 1):
        for j in range(across):
            height, width = row_cuts[i + 1] - row_cuts[i], column_cuts[j + 1] - column_cuts[j]
            shut = is_open[0] and column_cuts[j + 1] == shape[1]
            ports[i * across + j, 0] = height
            ports[i * across + j, 1] = 0 if shut else height
            ports[i * across + j, 2] = 0 if is_open[1] and row_cuts[i] == 0 else width
            ports[i * across + j, 3] = width


@njit(**OPTIONS)
def pair(k, columns, beside):
    """Blocks of a level of which block `k` of the next is made, which has `columns` of them."""
    if beside:
        return 2 * k, 2 * k + 1
    first = 2 * (k // columns) * columns + k % columns
    return first, first + columns


@njit(**OPTIONS)
def _leaf(patch, leaf):
    """First cell, shape, and whether at the right and the top end of the array."""
    row_cuts, column_cuts = patch[3], patch[4]
    i, j = leaf // (column_cuts.size - 1), leaf % (column_cuts.size - 1)
    at = row_cuts[i], column_cuts[j]
    shape = row_cuts[i + 1] - at[0], column_cuts[j + 1] - at[1]
    return at, shape, (column_cuts[j + 1] == patch[0].shape[1], at[0] == 0)


@njit(**OPTIONS)
def _order(columns, ports, order):
    """Fill `order`: where `eliminate` has the ports that a leaf of `columns` is left with."""
    place = 0
    for edge in range(4):
        for k in range(ports[edge]):
            if edge < 2:
                order[place + k] = 2 * (columns + k) + edge
            else:
                order[place + k] = (edge - 2) * columns + k
        place += ports[edge]
    return order[:place]


@njit(**OPTIONS)
def _view(room, block, most, ports):
    """The matrix (ports, ports) of a block in `room`, whose blocks have up to `most` ports."""
    start = block * most**2
    return room[start : start + ports**2].reshape(ports, ports)


@njit(**OPTIONS)
def _leaves(patch, most, ports, room, weights):
    """Admittances of a patch's leaves, in `room`; `weights` of `eliminate` unless empty."""
    conductance, segments, far = patch[0], patch[1], patch[2]
    matrix = np.empty(most**2)
    strip = np.empty((most + 2) ** 2)
    row, places = np.empty(most), np.empty(most, np.int64)
    for leaf in range(ports.shape[0]):
        at, shape, ends = _leaf(patch, leaf)
        count = 2 * (shape[0] + shape[1])
        y = matrix[: count**2].reshape(count, count)
        flat = strip[: (shape[1] + 2) ** 2].reshape(shape[1] + 2, shape[1] + 2)
        kept = weights[min(leaf, weights.shape[0] - 1)]
        eliminate(conductance, segments, far, at, shape, ends, y, kept, flat, row[:count])
        order = _order(shape[1], ports[leaf], places)
        admittance = _view(room, leaf, most, order.size)
        for x in range(order.size):
            for z in range(x):
                a, b = order[x], order[z]
                admittance[x, z] = y[a, b] if a > b else y[b, a]


@njit(**OPTIONS)
def _plan(patch):
    """Most ports a block has at each level, elements of all C, and room for the ports.

    Ports (level, block, 4).
    """
    row_cuts, column_cuts, levels = patch[3], patch[4], patch[5]
    tall, wide = np.diff(row_cuts).max(), np.diff(column_cuts).max()
    leaves = (row_cuts.size - 1) * (column_cuts.size - 1)
    most, elements = np.empty(levels.size + 1, np.int64), 0
    most[0] = 2 * (tall + wide)
    for level in range(levels.size):
        common = tall if levels[level] else wide
        if levels[level]:
            wide *= 2
        else:
            tall *= 2
        most[level + 1] = 2 * (tall + wide)
        elements += (leaves >> (level + 1)) * common * most[level + 1]
    return most, elements, np.zeros((levels.size + 1, leaves, 4), np.int64)


@njit(**OPTIONS)
def _climb(patch, most, ports, weights, commons, starts):
    """Admittance of the patch.

    most, ports  those of `_plan`; `ports` is filled
    weights      (leaves, steps, ports): the leaves' weights, unless empty
    commons      all C one after another, from `starts` (level, block); both are filled
    """
    far, row_cuts, column_cuts, levels = patch[2], patch[3], patch[4], patch[5]
    columns, blocks = column_cuts.size - 1, ports.shape[1]
    size = 0
    for level in range(levels.size + 1):
        size = max(size, (blocks >> level) * most[level] ** 2)
    rooms = np.empty(size), np.empty(size)
    is_open = not far[0].any(), not far[1].any()
    leaf_ports(patch[0].shape, row_cuts, column_cuts, is_open, ports[0])
    _leaves(patch, most[0], ports[0], rooms[0], weights)
    places = np.empty((2, 4, 3), np.int64)
    used = 0
    for level in range(levels.size):
        blocks //= 2
        if levels[level]:
            columns //= 2
        source, target = rooms[level % 2], rooms[1 - level % 2]
        for k in range(blocks):
            a, b = pair(k, columns, levels[level])
            own = ports[level + 1, k]
            common = join(ports[level, a], ports[level, b], levels[level], own, places)
            count = own.sum()
            starts[level, k] = used
            merge(
                _view(source, a, most[level], ports[level, a].sum()),
                _view(source, b, most[level], ports[level, b].sum()),
                places,
                commons[used : used + count * common].reshape(count, common),
                _view(target, k, most[level + 1], count),
            )
            used += count * common
    return _view(rooms[levels.size % 2], 0, most[-1], ports[-1, 0].sum())


@njit(**OPTIONS)
def reduce_patch(patch, admittance):
    """Fill a patch's `admittance`."""
    most, elements, ports = _plan(patch)
    starts, commons = np.empty(ports.shape[:2], np.int64), np.empty(elements)
    admittance[:] = _climb(patch, most, ports, np.empty((1, 0, 0)), commons, starts)


@njit(**OPTIONS)
def _descend(levels, columns, ports, commons, starts, volts):
    """Voltages (leaf, most ports, K) of the leaves' ports from those of the patch's, `volts`.

    `columns` is the number of leaves side by side; the others are as in `_climb`.
    """
    places = np.empty((2, 4, 3), np.int64)
    own = np.empty(4, np.int64)
    wide = columns
    for level in range(levels.size):
        if levels[level]:
            wide //= 2
    above = volts.reshape(1, volts.shape[0], volts.shape[1])
    for level in range(levels.size - 1, -1, -1):
        blocks = ports.shape[1] >> level
        most = 0
        for k in range(blocks):
            most = max(most, ports[level, k].sum())
        below = np.empty((blocks, most, volts.shape[1]))
        for k in range(blocks // 2):
            a, b = pair(k, wide, levels[level])
            common = join(ports[level, a], ports[level, b], levels[level], own, places)
            count, start = own.sum(), starts[level, k]
            part(
                above[k, :count],
                commons[start : start + count * common].reshape(count, common),
                places,
                below[a],
                below[b],
            )
        if levels[level]:
            wide *= 2
        above = below
    return above


@njit(**OPTIONS)
def recover_patch(patch, volts, bits):
    """Column voltages inside a patch from those of its ports, `volts` (ports, K).

    `bits` (K / lanes, N, M, lanes) is filled there.
    """
    row_cuts, column_cuts, levels = patch[3], patch[4], patch[5]
    most, elements, ports = _plan(patch)
    starts, commons = np.empty(ports.shape[:2], np.int64), np.empty(elements)
    tall, wide = np.diff(row_cuts).max(), np.diff(column_cuts).max()
    weights = np.empty((ports.shape[1], (tall + 1) * wide + tall, most[0]))
    _climb(patch, most, ports, weights, commons, starts)
    below = _descend(levels, column_cuts.size - 1, ports, commons, starts, volts)
    places = np.empty(most[0], np.int64)
    for leaf in range(ports.shape[1]):
        at, shape, ends = _leaf(patch, leaf)
        count = 2 * (shape[0] + shape[1])
        order = _order(shape[1], ports[0, leaf], places)
        full = np.zeros((count, volts.shape[1]))
        for x in range(order.size):
            full[order[x]] = below[leaf, x]
        inside = bits[:, at[0] : at[0] + shape[0], at[1] : at[1] + shape[1]]
        unfold(shape, ends, weights[leaf, :, :count], full, inside)
