"""The true conductance that one read, off by a known share, shows as a given one."""

from __future__ import annotations

from typing import Any

from numba import njit


@njit(cache=True, nogil=True)
def true_of_sensed(seen: Any, true: Any, relative: Any, draws: Any, out: Any) -> None:
    """out[row, k]: what `seen[k]` was before the noise of draw `row`.

    A cell at `true[i]` is seen at true[i] (1 + relative[i] draw), raised where needed to what its
    left neighbour shows, and linear in between; `seen` and `true` ascend, so that one pass over
    both does. Where noise exceeds the conductance the sensed value is negative: below every `seen`.
    """
    last = len(true) - 1
    for row in range(len(draws)):
        draw = draws[row]
        piece = 0
        while piece < last and true[piece] * (1.0 + relative[piece] * draw) <= 0.0:
            piece += 1
        left = right = true[piece] * (1.0 + relative[piece] * draw)
        for k in range(len(seen)):
            while piece < last:
                right = max(left, true[piece + 1] * (1.0 + relative[piece + 1] * draw))
                if right > seen[k]:
                    break
                left = right
                piece += 1
            if piece == last or seen[k] <= left:
                out[row, k] = true[piece]
            else:
                slope = (true[piece + 1] - true[piece]) / (right - left)
                out[row, k] = slope * (seen[k] - left) + true[piece]
