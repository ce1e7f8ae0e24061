"""How long something takes: the one stopwatch of all benchmarks."""

from __future__ import annotations

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
