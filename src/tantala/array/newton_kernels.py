"""Compiled sums of the Newton iteration over an array's cells."""

from __future__ import annotations

from numba import njit

OPTIONS = {"fastmath": {"contract", "reassoc"}, "cache": True, "nogil": True}


@njit(**OPTIONS)
def squares(current, slope, words, bits, from_words, into_bits, along, down):
    """Sums of squares (A^2) along each row into `along` (3, N), down each column into `down`.

    In this order: of what the cells' currents miss of those that the line's wire leaves to them, of
    the currents, and of slope (|u| + |v|).
    """
    along[:] = 0.0
    down[:] = 0.0
    rows, columns = current.shape
    for i in range(rows):
        for j in range(columns):
            f = current[i, j]
            above, below = f - from_words[i, j], f - into_bits[i, j]
            reach = slope[i, j] * (abs(words[i, j]) + abs(bits[i, j]))
            along[0, i] += above * above
            along[1, i] += f * f
            along[2, i] += reach * reach
            down[0, j] += below * below
            down[1, j] += f * f
            down[2, j] += reach * reach


@njit(**OPTIONS)
def product(left, right):
    """Sum of left * right."""
    total = 0.0
    rows, columns = left.shape
    for i in range(rows):
        for j in range(columns):
            total += left[i, j] * right[i, j]
    return total
