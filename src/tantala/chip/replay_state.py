"""What a replay works on, as its kernel takes it: scalars, and two flat arrays.

Compiled functions that pass many arrays to each other spend most of their time on counting who
holds them: with an array for each part a replay is seven times slower. So all numbers of one kind
share one array, and the parts of it have an offset each.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

GUIDES = 256  # entries that lead into a distribution of rounds
SHORTEST, PER_DECADE, BINS = -10.0, 256, 16 * 256  # log10 of s; bins of a decade, and in all

# First entries of the array of floats. Moments in s: until when the pump works; by how much a
# source that waits is late; when the last request was taken; when all that was begun is done.
PUMP, DELAY, TAKEN, ENDED = range(4)
# Energy in J of reads, reads before partial writes, writes, wear levelling; s that the pump worked.
READ, EDGE, WRITE, LEVELLING, PUMPING = range(4, 9)
# Sum and largest of the latencies of reads (+ 0) and writes (+ 1), s.
TOTAL, LONGEST = 9, 11
# Until when a serial chip is taken by a command, and s that its bus was clocked.
BUS, CLOCKED = 13, 14
FLOATS = 15

# First entries of the array of integers. Start-Gap's registers; lines written since the gap moved;
# lines written in all; the oldest entry of the write buffer, and how many it holds; the oldest
# entry of the bus's queue.
START, GAP, SINCE, STORED, HEAD, HELD, BUS_SLOT = range(7)
# What was counted.
(READ_WORDS, EDGE_WORDS, WRITTEN_WORDS, SET_ROUNDS, RESET_ROUNDS, GAP_MOVES, FORWARDED,
 COALESCED) = range(7, 15)  # fmt: skip
INTEGERS = 15


class Rounds(NamedTuple):
    """Distributions of rounds of pulses, one after another in `cumulative`.

    first (m,): where each begins. guide (m, GUIDES): the first number of rounds in it that each
    stretch of a uniform number can mean. mean (m,).
    """

    cumulative: NDArray[np.float64]
    first: NDArray[np.int64]
    guide: NDArray[np.int64]
    mean: NDArray[np.float64]


class Model(NamedTuple):
    """What does not change. Times in s, energies in J; as in `Specification` and `Timing`.

    word: bytes; line: words; lines: of user data. queue, buffer: entries. interval: line writes for
    a step of Start-Gap, 0 for none. waits: whether the source comes later by what it had to wait.
    tables: distributions in each direction. k0, k1: key. bus_page [byte], bus_read, bus_write,
    bus_byte: as in `SerialBus`; a page of 0 bytes for no bus.

    Offsets of floats: free (banks,), until when each works; reading, writing (banks,), s spent;
    done (banks, queue), when its last requests end, a ring; bus_done (queue,), the same of the bus;
    held_since (buffer,); cumulative;
    cells (tables,). Of integers: slot (banks,), the oldest entry of `done`; place (lines,), where
    scrambling puts each; wear: writes of each line of the die; asked (lines,): of each before
    levelling moves it; held_line, held_first, held_last (buffer,): a ring of lines and of their
    bytes from first to before last; first (2, tables) and guide (2, tables, GUIDES) of SET and
    RESET; histogram (2, BINS) of reads and writes.
    """

    word: int
    line: int
    lines: int
    banks: int
    queue: int
    buffer: int
    interval: int
    waits: bool
    read_time: float
    read_latency: float
    read_energy: float
    start_time: float
    start_energy: float
    pump_time: float
    pump_energy: float
    set_period: float
    reset_period: float
    set_energy: float
    reset_energy: float
    tables: int
    k0: int
    k1: int
    bus_page: int
    bus_read: float
    bus_write: float
    bus_byte: float
    free: int
    reading: int
    writing: int
    done: int
    bus_done: int
    held_since: int
    cumulative: int
    cells: int
    slot: int
    place: int
    wear: int
    asked: int
    held_line: int
    held_first: int
    held_last: int
    first: int
    guide: int
    histogram: int


class State:
    """The two arrays of a replay.

    real: floats; whole: integers; parts: views of the arrays given, by name; offsets: where each
    begins.
    """

    def __init__(self, **arrays: NDArray[Any]) -> None:
        self.parts: dict[str, NDArray[Any]] = {}
        self.offsets: dict[str, int] = {}
        self.real = self._laid(np.float64, FLOATS, arrays)
        self.whole = self._laid(np.int64, INTEGERS, arrays)

    def _laid(self, kind: type, at: int, arrays: dict[str, NDArray[Any]]) -> NDArray[Any]:
        """The arrays of one kind side by side, after `at` numbers."""
        chosen = {name: array for name, array in arrays.items() if array.dtype == kind}
        laid = np.zeros(at + sum(array.size for array in chosen.values()), kind)
        for name, array in chosen.items():
            self.offsets[name] = at
            self.parts[name] = laid[at : at + array.size].reshape(array.shape)
            self.parts[name][...] = array
            at += array.size
        return laid
