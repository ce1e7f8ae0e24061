"""One thread a matrix product: the solver runs its own work side by side."""

from __future__ import annotations

import functools
from contextlib import AbstractContextManager

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
