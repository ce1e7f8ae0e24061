"""The watch over fuzzing runs catches what it is there for."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from fuzz_watch import FuzzWatch

pytestmark = pytest.mark.usefixtures("process_folder")


def test_a_clean_run_passes() -> None:
    fuzz(200, lambda: bytes(100_000))


def fuzz(count: int, step: Callable[[], object], patience: float = 30.0) -> None:
    with FuzzWatch(count, patience) as watch:
        for _ in range(count):
            watch.step()
            step()


def test_kept_answers_are_caught() -> None:
    kept: list[bytes] = []
    freed = [b"x" * 40_000 for _ in range(4000)]  # what earlier tests gave back
    freed.clear()
    with pytest.raises(AssertionError, match="bytes more"):
        fuzz(2000, lambda: kept.append(b"x" * 40_000))


def test_files_left_open_are_caught() -> None:
    kept: list[int] = []
    with pytest.raises(AssertionError, match="open files"):
        fuzz(3, lambda: kept.append(os.open("/", os.O_RDONLY)))
    for one in kept:
        os.close(one)


def forever() -> None:
    while True:
        pass


def test_a_hang_is_caught() -> None:
    with pytest.raises(TimeoutError, match="input 0 hangs"):
        fuzz(3, forever, patience=0.05)


def test_a_run_cut_short_is_caught() -> None:
    with pytest.raises(AssertionError, match="0 inputs of 2"), FuzzWatch(2):
        pass
