"""The watch over fuzzing runs catches what it is there for."""

from __future__ import annotations

import os

import pytest
from fuzz_watch import FuzzWatch

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc of Linux")


def test_a_clean_run_passes() -> None:
    with FuzzWatch(200) as watch:
        for number in range(200):
            watch.step()
            assert len(bytes(1000 * number)) == 1000 * number


def test_kept_answers_are_caught() -> None:
    kept = []
    with pytest.raises(AssertionError, match="bytes more"), FuzzWatch(2000) as watch:
        for _ in range(2000):
            watch.step()
            kept.append(b"x" * 40_000)


def test_files_left_open_are_caught() -> None:
    kept = []
    try:
        with pytest.raises(AssertionError, match="open files"), FuzzWatch(3) as watch:
            for _ in range(3):
                watch.step()
                kept.append(os.open("/", os.O_RDONLY))
    finally:
        for one in kept:
            os.close(one)


def test_a_hang_is_caught() -> None:
    with pytest.raises(TimeoutError, match="input 1 hangs"), FuzzWatch(3, patience=0.05) as watch:
        watch.step()
        watch.step()
        while True:
            pass


def test_a_run_cut_short_is_caught() -> None:
    with pytest.raises(AssertionError, match="1 inputs of 2"), FuzzWatch(2) as watch:
        watch.step()
