"""A plain memory that tears: the fast judge of power cuts, and chips that lie about their writes.

Bytes lie in memory that forked processes share, so that what a cut leaves outlives the process that
was cut. A write goes word by word; the power fails while one word is in flight and leaves it in one
of the states that a torn line is known or reported to take: old, all ones, partial, new. Where the
code word is wider than the write word, its other bytes may be harmed too, or the whole of it become
uncorrectable; nothing outside it is.
"""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
from power_cuts import Cut, CutMemory

from tantala.chip.errors import PowerLost, UncorrectableError

WORD_WAYS = ("old", "ones", "partial", "new")
CODE_WORD_WAYS = (*WORD_WAYS, "harmed", "uncorrectable")
WORD_TIME = 1e-6  # s, so that time grows; no judge depends on it


class TearingMemory:
    """`size` bytes, written in words of `word` bytes, protected in code words of `code_word`."""

    def __init__(self, size: int, *, word: int = 4, code_word: int = 4) -> None:
        self.size = size
        self.word = word
        self.word_bytes = code_word
        self.time = 0.0
        self.powered = True
        self._cells = np.frombuffer(mmap.mmap(-1, size), dtype=np.uint8)
        self._bad = np.frombuffer(mmap.mmap(-1, size // code_word), dtype=np.bool_)
        self._pulses_left: int | None = None
        self._way = "partial"
        self._draws = np.random.default_rng(0)

    def clear(self) -> None:
        """As a fresh chip."""
        self._cells[:] = 0
        self._bad[:] = False

    def tear_by(self, way: str, seed: int) -> None:
        """How the next cut tears, with the seed of its draws."""
        self._way = way
        self._draws = np.random.default_rng(seed)

    def cut_power_after(self, pulses: int) -> None:
        """`pulses` words from now land whole, the next is torn."""
        self._pulses_left = pulses

    def power_on(self) -> None:
        self.powered = True
        self._pulses_left = None

    def wait(self, seconds: float) -> None:
        self.time += seconds

    def read(self, address: int, length: int) -> bytes:
        self._require_power()
        self._require_correctable(address, length)
        return self._cells[address : address + length].tobytes()

    def write(self, address: int, data: bytes) -> None:
        self._require_power()
        end = address + len(data)
        first, last = self._code_words(address, end)
        for edge in (first, last - 1):  # the rest of a code word written in part has to be read
            if self._bad[edge] and not self._covers(address, end, edge):
                raise UncorrectableError(edge * self.word_bytes)
        low, high = address // self.word * self.word, -(-end // self.word) * self.word
        new = self._cells[low:high].copy()
        new[address - low : end - low] = np.frombuffer(data, dtype=np.uint8)
        changed = self._changed(low, new)
        self.time += WORD_TIME * len(changed)
        left = self._pulses_left
        if left is not None and left < len(changed):
            landed = changed[left] * self.word
            self._land(low, new[:landed])
            self._tear(low + landed, new[landed : landed + self.word])
            self.powered = False
            raise PowerLost
        self._land(low, new)
        self._bad[first:last] = False
        if left is not None:
            self._pulses_left = left - len(changed)

    def _land(self, address: int, data: np.ndarray) -> None:
        self._cells[address : address + len(data)] = data

    def _changed(self, low: int, new: np.ndarray) -> np.ndarray:
        """Which words of `new` need a pulse: those that differ, or whose code word is bad."""
        words = (self._cells[low : low + len(new)] != new).reshape(-1, self.word).any(axis=1)
        if self._bad.any():
            at = (low + self.word * np.arange(len(words))) // self.word_bytes
            words |= self._bad[at]
        return np.flatnonzero(words)

    def _tear(self, address: int, new: np.ndarray) -> None:
        """Leave the word in flight, and its code word, in one of their states."""
        word = self._cells[address : address + self.word]
        code_word = address // self.word_bytes
        around = self._cells[code_word * self.word_bytes :][: self.word_bytes]
        if self._way == "ones":
            word[:] = 0xFF
        elif self._way == "partial":
            reached = self._draws.integers(0, 256, self.word, dtype=np.uint8)
            word[:] = (word & ~reached) | (new & reached)
        elif self._way == "new":
            word[:] = new
        elif self._way == "harmed":
            around[:] = self._draws.integers(0, 256, self.word_bytes, dtype=np.uint8)
        elif self._way == "uncorrectable":
            self._bad[code_word] = True
        elif self._way != "old":
            raise ValueError(self._way)

    def _covers(self, start: int, end: int, code_word: int) -> bool:
        return start <= code_word * self.word_bytes and (code_word + 1) * self.word_bytes <= end

    def _code_words(self, start: int, end: int) -> tuple[int, int]:
        return start // self.word_bytes, max(
            -(-end // self.word_bytes), start // self.word_bytes + 1
        )

    def _require_correctable(self, address: int, length: int) -> None:
        first, last = self._code_words(address, address + length)
        bad = np.flatnonzero(self._bad[first:last])
        if len(bad):
            raise UncorrectableError(int(first + bad[0]) * self.word_bytes)

    def _require_power(self) -> None:
        if not self.powered:
            raise PowerLost


class ForgetfulMemory(TearingMemory):
    """A liar: at the cut its last `lost` writes are undone, though each was answered."""

    def __init__(self, size: int, *, lost: int) -> None:
        super().__init__(size)
        self._lost = lost
        self._before: list[tuple[int, np.ndarray]] = []

    def write(self, address: int, data: bytes) -> None:
        self._before.append((address, self._cells[address : address + len(data)].copy()))
        try:
            super().write(address, data)
        except PowerLost:
            self._before.pop()
            for start, old in reversed(self._before[-self._lost :]):
                self._land(start, old)
            raise
        del self._before[: -self._lost]


class UnwrittenMemory(TearingMemory):
    """A liar: from its first power-on it answers every write, counts pulses, and changes no cell.

    With `shows` it gives back what was written for as long as it has power.
    """

    def __init__(self, size: int, *, shows: bool) -> None:
        super().__init__(size)
        self._shows = shows
        self._lies = False

    def clear(self) -> None:
        super().clear()
        self._lies = False

    def power_on(self) -> None:
        super().power_on()
        self._lies = True
        if self._shows:
            self._cells = self._cells.copy()  # no other process sees it

    def _land(self, address: int, data: np.ndarray) -> None:
        if self._shows or not self._lies:
            super()._land(address, data)

    def _tear(self, address: int, new: np.ndarray) -> None:
        if self._shows or not self._lies:
            super()._tear(address, new)


class TearingMedium:
    """A `TearingMemory` as the medium of a campaign: its cells are shared, so nothing is kept."""

    def __init__(self, memory: TearingMemory, seed: int = 0) -> None:
        self.memory = memory
        self._seed = seed

    def renew(self) -> TearingMemory:
        self.memory.clear()
        return self.memory

    def powered(self) -> TearingMemory:
        self.memory.power_on()
        return self.memory

    def set_cut(self, memory: Any, cut: Cut) -> None:
        memory.cut_power_after(cut.pulses)
        memory.tear_by(cut.way, seed=self._seed + cut.number)

    def keep(self, memory: CutMemory) -> None:
        """The cells are where the next child finds them."""
