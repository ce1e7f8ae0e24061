"""What no input of a fuzzing run may do: hang, or leave memory or open files behind."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
from pathlib import Path
from types import FrameType

PATIENCE = 30  # s of wall time that an input may take
LEAK = 100.0  # bytes an input; a kept answer or session has more
SLACK = 16 << 20  # bytes by which the process may grow whatever the number of inputs
WARM = 10  # share of a run, as its inverse, before which growth is not a leak


class FuzzWatch:
    """`with FuzzWatch(count) as watch:` and `watch.step()` before each of `count` inputs.

    Raises TimeoutError in the input that hangs; AssertionError at the end for what was left behind.
    Only Linux tells memory and open files; elsewhere only hangs are caught.
    """

    def __init__(self, count: int, patience: float = PATIENCE) -> None:
        self._count = count
        self._patience = patience
        self._done = self._files = self._memory = 0

    def __enter__(self) -> FuzzWatch:
        gc.collect()
        self._files = _open_files()
        self._before = signal.signal(signal.SIGALRM, self._hangs)
        return self

    def step(self) -> None:
        """The next input begins."""
        if self._done == self._count // WARM:
            gc.collect()
            self._memory = _resident()
        self._done += 1
        signal.setitimer(signal.ITIMER_REAL, self._patience)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, self._before)
        if kind is not None:
            return
        assert self._done == self._count, f"{self._done} inputs of {self._count}"
        gc.collect()
        files, grown = _open_files() - self._files, _resident() - self._memory
        assert files == 0, f"{files} more open files than before"
        assert grown < SLACK + LEAK * self._count, f"{grown} bytes more than before"

    def _hangs(self, _: int, __: FrameType | None) -> None:
        raise TimeoutError(f"input {self._done - 1} hangs")


def _open_files() -> int:
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


def _resident() -> int:
    """Bytes of memory of this process, without what the allocator holds free.

    Free memory of earlier tests would hide what is kept now.
    """
    file = Path("/proc/self/statm")
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    return int(file.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if file.exists() else 0
