"""The Pareto front of a stream of candidates, all figures to be minimised."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@numba.njit(forceinline=True)
def _beats(front, j, points, i):
    """1: front[j] is at least as good everywhere; -1: worse somewhere, nowhere better; 0: both."""
    for m in range(points.shape[1]):
        if front[j, m] < points[i, m]:
            for n in range(m + 1, points.shape[1]):
                if front[j, n] > points[i, n]:
                    return 0
            return 1
        if front[j, m] > points[i, m]:
            for n in range(m + 1, points.shape[1]):
                if front[j, n] < points[i, n]:
                    return 0
            return -1
    return 1


@numba.njit(cache=True)
def _cull(points, front, index, size, base):
    """Fold points (n, k) into front (capacity, k); returns the new size, or -1 when full."""
    n, k = points.shape
    for i in range(n):
        beaten = False
        j = 0
        while j < size and not beaten:
            beats = _beats(front, j, points, i)
            if beats == 0:
                j += 1
            elif beats < 0:
                size -= 1
                front[j] = front[size]
                index[j] = index[size]
            else:
                # At least as good everywhere: the point is beaten, or an equal was here before.
                # Moving the winner forward lets it reject the next point after few comparisons.
                beaten = True
                to = j // 2
                for m in range(k):
                    front[j, m], front[to, m] = front[to, m], front[j, m]
                index[j], index[to] = index[to], index[j]
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
