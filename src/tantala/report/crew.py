"""Work shared between this process and a second one.

A job is a function and arguments that can be sent; whoever is free first does it, so the result may
not depend on where it is made. Nothing heavy is imported here: the second process starts up while
this one still imports what it needs.
"""

from __future__ import annotations

import functools
import gc
import importlib
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, ParamSpec, TypeVar

Given = ParamSpec("Given")
Result = TypeVar("Result")


def _load(module: str) -> None:
    gc.set_threshold(100_000)  # as in a command's own process
    importlib.import_module(module)


class Crew:
    """This process and, if `workers` is 2, one more; a context that ends it.

    A program that asks for two must guard its main module, as multiprocessing says.
    """

    def __init__(self, workers: int = 1, module: str = "tantala.report.compiler") -> None:
        """`module`: what the second process imports first."""
        self._pool: ProcessPoolExecutor | None = None
        if workers > 1:
            self._pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
            self._pool.submit(_load, module)

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *error: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def start(
        self, function: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs
    ) -> Callable[[], Result]:
        """Offer a job to the second process; the function returned gives its result.

        What the second process has not begun by then is done here.
        """
        here = functools.partial(function, *args, **kwargs)
        if self._pool is None:
            return here
        future = self._pool.submit(function, *args, **kwargs)
        return lambda: here() if future.cancel() else future.result()

    def each(
        self, function: Callable[..., Result], tasks: Iterable[tuple[Any, ...]]
    ) -> list[Result]:
        """The function's result for the arguments of every task, in order."""
        jobs = [self.start(function, *task) for task in tasks]
        # From the back, for the second process comes from the front.
        return [job() for job in reversed(jobs)][::-1]
