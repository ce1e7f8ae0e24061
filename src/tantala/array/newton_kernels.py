"""Compiled sums of the Newton iteration over an array's cells."""

from __future__ import annotations

import numpy as np
from numba import njit

OPTIONS = {"fastmath": {"contract", "reassoc"}, "cache": True, "nogil": True}


@njit(**OPTIONS)
def norms(current, slope, words, bits, from_words, into_bits):
    """Norms (A) of what the cells' currents miss, of the currents, and of slope (|u| + |v|)."""
    missed, carried, loose = 0.0, 0.0, 0.0
    rows, columns = current.shape
    for i in range(rows):
        for j in range(columns):
            f = current[i, j]
            above, below = f - from_words[i, j], f - into_bits[i, j]
            reach = slope[i, j] * (abs(words[i, j]) + abs(bits[i, j]))
            missed += above * above + below * below
            carried += f * f
            loose += reach * reach
    return np.sqrt(missed), np.sqrt(carried), np.sqrt(loose)


@njit(**OPTIONS)
def product(left, right):
    """Sum of left * right."""
    total = 0.0
    rows, columns = left.shape
    for i in range(rows):
        for j in range(columns):
            total += left[i, j] * right[i, j]
    return total
