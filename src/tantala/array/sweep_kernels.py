"""Compiled kernel that relaxes both wire planes once for a few vectors that lie beside each other.

The ladders are those of `line_kernels`, and so are their factors; the innermost axis of the
voltages is VECTORS vectors, so that the recurrences along rows and columns alike run over all of
them at once and read the conductances once.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tantala.array.line_kernels import LANES, OPTIONS

VECTORS = 8


@njit(**OPTIONS)
def _word_line(i, conductance, words, sources, bits, factor, line):
    """Voltages `line` (M, VECTORS) of row `i` with its columns at `bits`; `factor` (M) is room."""
    factors, wire, gain, share, far = words
    columns = conductance.shape[1]
    last = columns - 1
    for j in range(columns):
        factor[j] = factors[i // LANES, j, i % LANES]
    for k in range(VECTORS):
        line[last, k] = conductance[i, last] * bits[last, k] + far[i] * sources[k]
    for j in range(last - 1, -1, -1):
        for k in range(VECTORS):
            line[j, k] = conductance[i, j] * bits[j, k] + factor[j + 1] * line[j + 1, k]
    for k in range(VECTORS):
        line[0, k] = gain[i] * line[0, k] + share[i] * sources[k]
    for j in range(1, columns):
        for k in range(VECTORS):
            line[j, k] = factor[j] * (line[j - 1, k] + wire * line[j, k])


@njit(**OPTIONS)
def relax(conductance, words, bits, sources, volts, room, kept, answers):
    """The word plane from the bit plane `volts` (N, M, VECTORS), and from that the bit plane anew.

    words, bits  (factors, ohm a segment, gain, share, far) of each plane's lines
    sources      behind the rows (N, VECTORS) and the columns (M, VECTORS), V
    room         becomes the new bit plane; `kept`, unless empty, the word plane
    answers      sums of the cell currents of the rows (N, VECTORS) and columns (M, VECTORS), and
                 the norm of the currents that the word plane then lacks (VECTORS), A
    """
    factors, wire, gain, share, far = bits
    rows, ends = sources
    into, out, lack = answers
    columns = conductance.shape[1]
    last = conductance.shape[0] - 1
    line, factor = np.empty((columns, VECTORS)), np.empty(columns)
    into[:], out[:], lack[:] = 0.0, 0.0, 0.0
    for i in range(last + 1):
        _word_line(i, conductance, words, rows[i], volts[i], factor, line)
        for j in range(columns):
            for k in range(VECTORS):
                above = far[j] * ends[j, k] if i == 0 else factors[i - 1, j] * room[i - 1, j, k]
                room[i, j, k] = conductance[i, j] * line[j, k] + above
    for i in range(last, -1, -1):
        # Solved once more rather than kept: a row is in the cache, a plane is not.
        _word_line(i, conductance, words, rows[i], volts[i], factor, line)
        for j in range(columns):
            for k in range(VECTORS):
                if i == last:
                    after = gain[j] * room[i, j, k] + share[j] * ends[j, k]
                else:
                    after = factors[i, j] * (room[i + 1, j, k] + wire * room[i, j, k])
                room[i, j, k] = after
                change = conductance[i, j] * (after - volts[i, j, k])
                current = conductance[i, j] * (line[j, k] - after)
                lack[k] += change * change
                into[i, k] += current
                out[j, k] += current
        if kept.size > 0:
            kept[i] = line
    for k in range(VECTORS):
        lack[k] = np.sqrt(lack[k])
