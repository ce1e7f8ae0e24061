"""One thread a matrix product: the solver runs its own work side by side."""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import numba
from threadpoolctl import ThreadpoolController


@functools.cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def one_blas_thread() -> AbstractContextManager[object]:
    """While it lasts, BLAS uses one thread.

    The solver's products are many and small; threads that wait for each other at every one of them
    cost more than they bring, and on a loaded machine tens of times more.
    """
    return _controller().limit(limits=1, user_api="blas")


def side_by_side(task: Any, first: int, starts: list[Any]) -> None:
    """task(first + k, start) for each start, over numba's number of threads."""
    threads = min(numba.get_num_threads(), len(starts))
    if threads == 1:
        for k, start in enumerate(starts):
            task(first + k, start)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(task, range(first, first + len(starts)), starts))
