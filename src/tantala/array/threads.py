"""Threads: one a matrix product, and the solver's own tasks side by side."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import TypeVar

import numba
from threadpoolctl import ThreadpoolController

Item = TypeVar("Item")
Result = TypeVar("Result")


@functools.cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def one_blas_thread() -> AbstractContextManager[object]:
    """While it lasts, BLAS uses one thread.

    The solver's products are many and small; threads that wait for each other at every one of them
    cost more than they bring, and on a loaded machine tens of times more.
    """
    return _controller().limit(limits=1, user_api="blas")


def side_by_side(task: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """`task` of each item, over as many threads as numba is set to (`numba.set_num_threads`).

    The tasks' time must lie in compiled code, which lets other threads run.
    """
    waiting = list(items)
    threads = min(numba.get_num_threads(), len(waiting))
    if threads <= 1:
        return [task(item) for item in waiting]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(task, waiting))
