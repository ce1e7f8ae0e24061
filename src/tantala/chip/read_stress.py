"""Reads of each word, and what they do to its high-resistance cells.

The law is an assumption of the cell (`tantala.cell.disturb`): under the read voltage a cell in the
high-resistance state falls into the low one after a time of stress that is drawn for it. Here each
cell's time is an addressed draw, so a word need only know how often it was read since it was last
written, and at which count its next cell falls. Until a fall is due a read costs one addition.

A write of any bit starts the whole word anew. For a law of shape 1, as all cells of the library
have it, that changes no rate: such a life has no memory. The stress of a read lasts a whole read
cycle; reads that verify a write are not counted.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tantala.base.random import purpose, uniform_from_word, words
from tantala.cell.disturb import DisturbLaw
from tantala.chip.cells import DieCells

Counts = NDArray[np.uint64]
Places = NDArray[np.int64]

FALL = purpose("chip.read_stress.fall")
NEVER = np.uint64(1) << np.uint64(62)  # reads
UNSEEN = 1e-9  # probability that a word's first cell falls before anybody looks for it


class ReadStress:
    """Reads of `count` words of `n` cells each.

    reads: of each word since the die was made. start: of them, those before its last write. due:
    the number of reads at which the word has to be looked at.
    """

    def __init__(
        self, count: int, n: int, law: DisturbLaw | None, voltage: float, duration: float
    ) -> None:
        """`voltage` [V] and `duration` [s] of a read; without a `law` reads are only counted."""
        self.n = n
        self.reads = np.zeros(count, np.uint64)
        self.start = np.zeros(count, np.uint64)
        self.law = law
        self.life = np.inf if law is None else float(law.life_at(voltage)) / duration
        self.quiet = NEVER
        if law is not None:
            share = -np.log1p(-UNSEEN) / n
            self.quiet = np.uint64(min(self.life * share ** (1.0 / law.shape), float(NEVER)))
        self.due = np.full(count, self.quiet, np.uint64)

    def written(self, places: Places) -> None:
        """Words that were pulsed."""
        self.start[places] = self.reads[places]
        self.due[places] = self.reads[places] + self.quiet

    def add(self, cells: DieCells, places: Places, times: int) -> None:
        """Count `times` reads of each of these words at once, with all that they do."""
        self.reads[places] += np.uint64(times)
        self.let_fall(cells, places)

    def let_fall(self, cells: DieCells, places: Places) -> None:
        """Move the cells of these words whose time has come, and find when the next ones fall."""
        if self.law is None:
            return
        for place in np.unique(places[self.reads[places] >= self.due[places]]).tolist():
            part = slice(place * self.n, (place + 1) * self.n)
            draw = words(cells.seed, FALL, np.arange(part.start, part.stop), self.start[place])[0]
            life = self.life * (-np.log(uniform_from_word.py_func(draw))) ** (1.0 / self.law.shape)
            falls = np.minimum(life, float(NEVER)).astype(np.uint64) + self.start[place]
            nominal = cells.cell.nominal
            between = np.sqrt(nominal.low_resistance * nominal.high_resistance)
            high = cells.conductance[part] < between
            fallen = part.start + np.flatnonzero(high & (falls <= self.reads[place]))
            cells.disturb(fallen)
            later = falls[high & (falls > self.reads[place])]
            self.due[place] = later.min(initial=NEVER)

    def most_read(self) -> tuple[int, int]:
        """The word that was read most, and how often."""
        place = int(self.reads.argmax())
        return place, int(self.reads[place])

    def state(self) -> tuple[Places, Counts, Counts]:
        """Words that were read, their counts, and their counts at their last write."""
        seen = np.flatnonzero(self.reads)
        return seen, self.reads[seen], self.start[seen]

    def restore(self, seen: Places, reads: Counts, start: Counts) -> None:
        """Take over a `state`; what is due is found anew at the next read."""
        self.reads[seen], self.start[seen] = reads, start
        self.due[seen] = start + self.quiet
