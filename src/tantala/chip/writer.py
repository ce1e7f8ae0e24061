"""How words get into the die: replaced words, power cuts, words that no longer write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tantala.chip.die import Die, Programmed, Sensed
from tantala.chip.mapping import AddressMap, Places

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint64]


@dataclass(frozen=True)
class Taken:
    """What storing took: s, J, pulses of cells, and words begun."""

    time: float
    energy: float
    pulses: int
    words: int


class Writer:
    """Writes words to places, with or without a power cut ahead.

    powered: whether there is power. pulses_left: pulses of groups of cells until it fails, or None.
    """

    def __init__(self, die: Die, places: AddressMap) -> None:
        self.die = die
        self.map = places
        self.powered = True
        self.pulses_left: int | None = None
        controller = die.specification.design.controller
        self._compare = controller.compare
        self._ones_first = controller.order == "ones_first"

    def settled(self, places: Places) -> Places:
        """Places with faulty words at their spares, all of them ready for use."""
        while True:
            self.die.prepare(places)
            settled = self.map.settled(places)
            if settled is not places:
                self.die.prepare(settled)
            if not self.die.bad[settled].any():
                return settled
            for place in np.unique(settled[self.die.bad[settled]]):
                self._replace(int(place))

    def _replace(self, place: int) -> bool:
        """Give a place up for a spare; False where none is left."""
        spare = self.map.spare(place)
        if spare is None:
            self.die.bad[place] = False  # it is used as it is
            return False
        original = next((k for k, v in self.map.replaced.items() if v == place), place)
        self.map.replaced[original] = spare
        return True

    def store(self, places: Places, data: Bytes) -> Taken:
        """Write `data` (w, bytes) to `places` that are settled. The power may fail on the way."""
        code = self.die.code
        check = np.zeros(len(places), np.uint64) if code is None else code.encode(data)
        if self.pulses_left is not None:
            return self._until_cut(places, data, check)
        was = self.die.sense(places) if self._compare else None
        time = energy = 0.0
        pulses, failed = 0, np.zeros(len(places), np.int64)
        for want_data, want_check in self._steps(data, check):
            done = self.die.program(places, want_data, want_check, was)
            was = Sensed(want_data, want_check, want_check) if self._compare else None
            time, energy = time + float(done.time.sum()), energy + float(done.energy.sum())
            pulses += int(done.pulses.sum())
            failed = done.failed
        allowed = self.die.specification.design.code.correctable
        lost = np.flatnonzero(failed > allowed)
        again = Taken(0.0, 0.0, 0, 0)
        if len(lost) and any([self._replace(int(place)) for place in places[lost]]):
            again = self.store(self.settled(places[lost]), data[lost])
        return Taken(
            time + again.time,
            energy + again.energy,
            pulses + again.pulses,
            len(places) + again.words,
        )

    def _steps(self, data: Bytes, check: Words) -> Iterator[tuple[Bytes, Words]]:
        """What is written one after another."""
        if self._ones_first:
            ones = np.full_like(data, 0xFF)
            yield ones, np.full_like(check, (1 << (self.die.n - self.die.k)) - 1)
        yield data, check

    def _until_cut(self, places: Places, data: Bytes, check: Words) -> Taken:
        """As `store`, word by word and group by group, with every pulse counted."""
        time = energy = 0.0
        pulses = begun = 0
        for at in range(len(places)):
            one = slice(at, at + 1)
            begun += 1
            for want_data, want_check in self._steps(data[one], check[one]):
                for bits, value in self._groups():
                    done = self._group(places[one], want_data, want_check, bits, value)
                    time, energy = time + float(done.time[0]), energy + float(done.energy[0])
                    pulses += int(done.pulses[0])
                    if not self.powered:
                        return Taken(time, energy, pulses, begun)
        return Taken(time, energy, pulses, begun)

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
    ) -> Programmed:
        left = self.pulses_left
        assert left is not None
        was = self.die.sense(place) if self._compare else None
        most = int(self.die.scheme.settings.max_pulses)
        done = self.die.program(place, data, check, was, bits, value, min(left, most))
        self.pulses_left = left - int(done.rounds[0])
        if left <= most and done.failed[0]:
            # The next pulse that a cell asked for is the one that fails.
            self.powered, self.pulses_left = False, None
        return done
