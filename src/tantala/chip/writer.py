"""How words get into the die: replaced words, power cuts, words that no longer write.

Places here are those of the address map; where a word was replaced, its spare stands in for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tantala.chip.die import Die
from tantala.chip.mapping import AddressMap, Places

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint64]


@dataclass
class Taken:
    """What storing took so far: s, J, pulses of cells, words begun, and words of which more bits
    failed than the code corrects, with no spare left.
    """

    time: float = 0.0
    energy: float = 0.0
    pulses: int = 0
    words: int = 0
    unwritten: int = 0


class Writer:
    """Writes words to places, with or without a power cut ahead.

    powered: whether there is power. pulses_left: pulses of groups of cells until it fails, or None.
    """

    def __init__(self, die: Die, places: AddressMap) -> None:
        self.die = die
        self.map = places
        self.powered = True
        self.pulses_left: int | None = None
        design = die.specification.design
        self._compare = design.controller.compare
        self._allowed = design.code.correctable

    def settled(self, places: Places) -> Places:
        """Where the words of `places` are kept, all ready for use and none found faulty at test."""
        while True:
            kept = self.map.settled(places)
            if self.die.ready(kept):
                return kept
            self.die.prepare(kept)
            faulty = self.die.bad[kept]
            if not faulty.any():
                return kept
            for place in np.unique(places[faulty]).tolist():
                if not self.map.replace(place):
                    self.die.bad[self.map.settled(np.array([place]))] = False  # used as it is

    def store(
        self, places: Places, data: Bytes, check: Words | None = None, ones_first: bool = False
    ) -> Taken:
        """Write `data` (w, bytes) to `places`, with the code's check bits unless given others.

        Words that fail to write move to spares. The power may fail on the way: see `powered`.
        """
        taken = Taken()
        if check is None:
            check = self.die.encode(data)
        while len(places) and self.powered:
            write = self._at_once if self.pulses_left is None else self._until_cut
            failed = write(self.settled(places), data, check, ones_first, taken)
            lost = np.flatnonzero(failed > self._allowed)
            moved = [at for at in lost.tolist() if self.map.replace(int(places[at]))]
            taken.unwritten += len(lost) - len(moved)
            places, data, check = places[moved], data[moved], check[moved]
        return taken

    def _at_once(
        self, places: Places, data: Bytes, check: Words, ones_first: bool, taken: Taken
    ) -> NDArray[np.int64]:
        """Write all words; the bits of each that failed."""
        taken.words += len(places)
        failed = np.zeros(len(places), np.int64)
        for want_data, want_check in self._steps(data, check, ones_first):
            was = self.die.sense(places) if self._compare else None
            done = self.die.program(places, want_data, want_check, was)
            taken.time += float(done.time.sum())
            taken.energy += float(done.energy.sum())
            taken.pulses += int(done.pulses.sum())
            failed = done.failed
        return failed

    def _steps(self, data: Bytes, check: Words, ones_first: bool) -> Iterator[tuple[Bytes, Words]]:
        """What is written one after another."""
        if ones_first:
            ones = np.full_like(data, 0xFF)
            yield ones, np.full_like(check, (1 << (self.die.n - self.die.k)) - 1)
        yield data, check

    def _until_cut(
        self, places: Places, data: Bytes, check: Words, ones_first: bool, taken: Taken
    ) -> NDArray[np.int64]:
        """As `_at_once`, word by word and group by group, with every pulse counted."""
        failed = np.zeros(len(places), np.int64)
        for at in range(len(places)):
            one = slice(at, at + 1)
            taken.words += 1
            for want_data, want_check in self._steps(data[one], check[one], ones_first):
                failed[at] = 0
                for bits, value in self._groups():
                    word = places[one], want_data, want_check
                    failed[at] += self._group(*word, bits, value, taken)
                    if not self.powered:
                        return np.zeros(len(places), np.int64)
        return failed

    def _groups(self) -> Iterator[tuple[tuple[int, int], int]]:
        """Bits that are pulsed together, in order: to be SET first, then to be RESET."""
        parallel, n = self.die.specification.parallel, self.die.n
        for value in (1, 0):
            for first in range(0, n, parallel):
                yield (first, min(first + parallel, n)), value

    def _group(
        self,
        place: Places,
        data: Bytes,
        check: Words,
        bits: tuple[int, int],
        value: int,
        taken: Taken,
    ) -> int:
        """Pulse a group of one word; how many of its bits failed."""
        left = self.pulses_left
        assert left is not None
        was = self.die.sense(place) if self._compare else None
        most = int(self.die.scheme.settings.max_pulses)
        done = self.die.program(place, data, check, was, bits, value, min(left, most))
        taken.time += float(done.time[0])
        taken.energy += float(done.energy[0])
        taken.pulses += int(done.pulses[0])
        self.pulses_left = left - int(done.rounds[0])
        if left < most and done.failed[0]:
            # The next pulse that a cell asked for is the one that fails.
            self.powered, self.pulses_left = False, None
        return int(done.failed[0])
