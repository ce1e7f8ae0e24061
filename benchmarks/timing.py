"""How long something takes: the one stopwatch of all benchmarks."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def best(
    action: Callable[[], object],
    repeats: int = 5,
    clock: Callable[[], float] = time.process_time,
    warm: bool = True,
) -> float:
    """The shortest of a few runs, s: the others carry the noise of the machine.

    `warm`: one more run before them, which compiles and fills caches.
    """
    if warm:
        action()
    times = []
    for _ in range(repeats):
        begin = clock()
        action()
        times.append(clock() - begin)
    return min(times)


def ratio_of(
    action: Callable[[], object],
    other: Callable[[], object],
    rounds: int = 7,
    clock: Callable[[], float] = time.process_time,
) -> float:
    """Time of `action` over that of `other`: the median of rounds with both in turn.

    Machines change their speed from second to second; within a round both meet the same one.
    """
    ratios = []
    for _ in range(rounds):
        before = best(other, 2, clock)
        taken = best(action, 1, clock)
        ratios.append(2.0 * taken / (before + best(other, 2, clock)))
    return statistics.median(ratios)
