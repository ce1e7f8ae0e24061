"""The Pareto front of a stream of candidates, all figures to be minimised."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@numba.njit(cache=True)
def _cull(points, front, index, size, base):  # noqa: C901 - with the comparison in a function of its own it takes 3.4 times as long
    """Fold points (n, k) into front (capacity, k); returns the new size, or -1 when full."""
    n, k = points.shape
    for i in range(n):
        beaten = False
        j = 0
        while j < size:
            better = worse = False
            for m in range(k):
                if front[j, m] < points[i, m]:
                    better = True
                elif front[j, m] > points[i, m]:
                    worse = True
                if better and worse:
                    break
            if not worse:
                # At least as good everywhere: the point is beaten, or an equal was here before.
                # Moving the winner forward lets it reject the next point after few comparisons.
                beaten = True
                to = j // 2
                for m in range(k):
                    front[j, m], front[to, m] = front[to, m], front[j, m]
                index[j], index[to] = index[to], index[j]
                break
            if not better:
                size -= 1
                front[j] = front[size]
                index[j] = index[size]
                continue
            j += 1
        if not beaten:
            if size == front.shape[0]:
                return -(i + 1)
            front[size] = points[i]
            index[size] = base + i
            size += 1
    return size


class Front:
    """Points that no other point beats or equals in every figure; of equal points the first stays.

    Feed it blocks with `add`; it holds the front of everything seen.
    """

    def __init__(self, figures: int) -> None:
        self._points = np.empty((1024, figures))
        self._index = np.empty(1024, dtype=np.int64)
        self._size = 0

    def add(self, points: Floats, first_index: int) -> None:
        """Fold in points of shape (n, figures), whose indices count from `first_index`."""
        points = np.ascontiguousarray(points, dtype=float)
        start = 0
        while True:
            before = self._size
            size = _cull(points[start:], self._points, self._index, before, first_index + start)
            if size >= 0:
                self._size = size
                return
            # Full: the front holds every row; points before number -size-1 are already folded in.
            start += -size - 1
            self._size = len(self._points)
            self._points = np.concatenate([self._points, np.empty_like(self._points)])
            self._index = np.concatenate([self._index, np.empty_like(self._index)])

    def result(self) -> tuple[Floats, NDArray[np.int64]]:
        """(points, indices) of the front, ordered by index."""
        order = np.argsort(self._index[: self._size])
        return self._points[: self._size][order], self._index[: self._size][order]


def front_reference(points: Floats) -> NDArray[np.int64]:
    """Indices of the front by comparing every pair: the specification of `Front`."""
    keep = []
    for i, point in enumerate(points):
        no_worse = np.all(points <= point, axis=1)
        strictly = np.any(points < point, axis=1)
        equal_before = np.all(points[:i] == point, axis=1).any()
        if not np.any(no_worse & strictly) and not equal_before:
            keep.append(i)
    return np.array(keep, dtype=np.int64)
