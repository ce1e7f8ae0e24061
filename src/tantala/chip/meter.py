"""What a chip has done so far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Operation:
    """What one operation took: s, J, pulses of cells; bits corrected while reading, and words of
    which more bits failed to write than the code corrects, with no spare left.
    """

    time: float
    energy: float
    pulses: int
    corrected: int
    unwritten: int


@dataclass(frozen=True)
class Statistics:
    """Everything since the chip was made; times in s, energies in J.

    reads, writes: operations. read_words, written_words, pulses. corrected: bits; uncorrectable:
    words, once a read. scrubbed: words rewritten after a correction. unwritten: words that failed
    to write, without a spare. replaced: words now at spares. gap_moves: lines moved by wear
    levelling. hottest_line: the line of the die written most, and hottest_writes.
    hottest_read_line: the one with the word that was read most, and hottest_reads of it (for
    corrections, moves and writes, too). read_energy_J, write_energy_J: of the macro;
    interface_energy_J: what else a serial chip draws while it is read at its clock, and while it
    writes. busy_s: at work; waited_s: not. wear: writes of each line of the die.
    """

    reads: int
    writes: int
    read_words: int
    written_words: int
    pulses: int
    corrected: int
    uncorrectable: int
    scrubbed: int
    unwritten: int
    replaced: int
    gap_moves: int
    busy_s: float
    waited_s: float
    read_energy_J: float
    write_energy_J: float
    standby_energy_J: float
    interface_energy_J: float
    hottest_line: int
    hottest_writes: int
    hottest_read_line: int
    hottest_reads: int
    wear: NDArray[np.uint32]

    @property
    def time_s(self) -> float:
        """Simulated time, s."""
        return self.busy_s + self.waited_s

    @property
    def energy_J(self) -> float:
        """All energy, J."""
        macro = self.read_energy_J + self.write_energy_J
        return macro + self.standby_energy_J + self.interface_energy_J


COUNTS = (
    "reads",
    "writes",
    "read_words",
    "written_words",
    "pulses",
    "corrected",
    "uncorrectable",
    "scrubbed",
    "unwritten",
    "gap_moves",
)
AMOUNTS = (
    "busy_s",
    "waited_s",
    "read_energy_J",
    "write_energy_J",
    "standby_energy_J",
    "interface_energy_J",
)


class Meter:
    """The counters behind `Statistics`, in place."""

    def __init__(self, lines: int) -> None:
        self.counts = dict.fromkeys(COUNTS, 0)
        self.amounts = dict.fromkeys(AMOUNTS, 0.0)
        self.wear = np.zeros(lines, np.uint32)

    def statistics(self, replaced: int, most_read: tuple[int, int]) -> Statistics:
        """The counters as they stand; `most_read`: line, and reads of its word read most."""
        hottest = int(self.wear.argmax())
        return Statistics(
            **self.counts,
            **self.amounts,
            replaced=replaced,
            hottest_line=hottest,
            hottest_writes=int(self.wear[hottest]),
            hottest_read_line=most_read[0],
            hottest_reads=most_read[1],
            wear=self.wear.copy(),
        )
