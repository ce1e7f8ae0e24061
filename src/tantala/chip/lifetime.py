"""How long a memory lasts under a trace that comes again and again.

A line is worn out once it was written as often as the design's required endurance says. Without
wear levelling the hottest line decides. Start-Gap (Qureshi et al., MICRO 2009) has N + 1 places for
N lines, one of them a gap, which moves by one place in G writes; once it has passed all of them,
which takes (N + 1) G writes, every line has shifted by one place and every place was copied to
once. So after K shifts a place has had the writes of the K lines that were on it, and K copies.
Lines that are hot enough to wear out before the next shift are not saved by it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Lifetime:
    """Times until the first line has `endurance` writes, s.

    unlevelled: with each line in its place; levelled: with Start-Gap at a step in `gap_interval`
    line writes; even: with every line of user data written alike.
    """

    endurance: int
    gap_interval: int
    unlevelled: float
    levelled: float
    even: float


def lifetime(
    writes: NDArray[np.int64], duration: float, endurance: int, interval: int
) -> Lifetime | None:
    """The lifetime under a trace that lasts `duration` [s] and comes again at once.

    Args:
        writes: of each line in the order of the die, before levelling moves any; (lines,).
        endurance: writes that a line bears.
        interval: line writes for a step of Start-Gap.

    Returns:
        None for a trace that writes nothing.
    """
    total = int(writes.sum())
    if not total:
        return None
    per_write = duration / total
    return Lifetime(
        endurance,
        interval,
        endurance * duration / int(writes.max()),
        _writes_with_start_gap(writes / total, endurance, interval) * per_write,
        endurance * len(writes) * per_write,
    )


def _writes_with_start_gap(share: Floats, endurance: int, interval: int) -> float:
    """Writes of a trace until the hottest place has `endurance`; `share` of them on each line."""
    lines = len(share)
    shift = (lines + 1) * interval  # writes of the trace between two shifts
    sums = np.concatenate([[0.0], np.cumsum(np.concatenate([share, share]))])
    # While the gap moves down through all places, a place has one line before it passes, and the
    # line of the place below after it.
    below = np.arange(lines + 1) / (lines + 1)

    def hottest(shifts: int) -> float:
        """Writes of the hottest place after so many shifts."""
        around, rest = divmod(shifts, lines)
        last = np.arange(lines) + lines + 1
        held = around + sums[last] - sums[last - rest]  # shares of the lines that began there
        writes = (lines / (lines + 1) - below[:-1]) * held
        writes = np.append(writes, 0.0) + below * np.append(0.0, held)
        return shift * float(writes.max()) + shifts

    low, high = 0, 1
    while hottest(high) < endurance:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if hottest(middle) < endurance else (low, middle)
    before, after = hottest(low), hottest(high)
    return shift * (low + (endurance - before) / (after - before))
