"""From logical words to places on the die: scrambling, wear levelling, replaced words.

Three bijections in turn. Lines of words are scrambled by a keyed Feistel network over their number
(cycle-walked to any count), so that neighbouring addresses do not wear neighbouring cells.
Start-Gap (Qureshi et al., MICRO 2009, doi:10.1145/1669112.1669117) turns the lines slowly through
one line more than is used. Places of faulty words are taken by spares of the same group.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tantala.base.random import seed_words

Places = NDArray[np.int64]
ROUNDS = 4


class Scramble:
    """A keyed permutation of 0 ... count - 1."""

    def __init__(self, count: int, seed: int) -> None:
        self.count = count
        bits = max(2, (count - 1).bit_length())
        self._low = bits // 2
        self._high = bits - self._low
        keys = np.array([*seed_words(seed), *seed_words(seed)], np.uint64)
        self._keys = keys * np.uint64(0x9E3779B97F4A7C15) + np.arange(ROUNDS, dtype=np.uint64)

    def __call__(self, number: Places) -> Places:
        """Where each number goes."""
        out = self._network(number)
        while (outside := out >= self.count).any():
            out[outside] = self._network(out[outside])
        return out

    def _network(self, number: Places) -> Places:
        low, high = np.uint64(self._low), np.uint64(self._high)
        right = number.astype(np.uint64) & ((np.uint64(1) << low) - np.uint64(1))
        left = number.astype(np.uint64) >> low
        widths = (high, low)
        for at, key in enumerate(self._keys):
            # Halves may differ by a bit, so each round keeps the width of the half it changes.
            mixed = (right + key) * np.uint64(0xBF58476D1CE4E5B9)
            mixed ^= mixed >> np.uint64(29)
            mask = (np.uint64(1) << widths[at % 2]) - np.uint64(1)
            left, right = right, left ^ (mixed & mask)
        return ((left << low) | right).astype(np.int64)


class AddressMap:
    """Places of logical words; a part of the controller's own non-volatile state.

    `start`, `gap`: registers of Start-Gap, in lines. `replaced`: place -> spare place.
    `spared`: group -> spares used.
    """

    def __init__(
        self, words: int, line: int, group: tuple[int, int], scramble: int | None, rotates: bool
    ) -> None:
        """`group`: (data words, spare words) of a group; `scramble`: key, or None for none."""
        self.words = words
        self.line = line
        self.lines = -(-words // line)
        self.rotates = rotates
        self.start, self.gap = 0, self.lines
        self._group = group
        self._scramble = None if scramble is None else Scramble(self.lines, scramble)
        self.replaced: dict[int, int] = {}
        self.spared: dict[int, int] = {}
        self._sorted: tuple[Places, Places] = (np.empty(0, np.int64), np.empty(0, np.int64))

    def lines_of(self, number: Places) -> Places:
        """Where logical lines lie: lines of the die, of which one more exists with a gap."""
        if self._scramble is not None:
            number = self._scramble(number)
        if not self.rotates:
            return number
        turned = (number + self.start) % self.lines
        return turned + (turned >= self.gap)

    def places(self, words: Places) -> Places:
        """Places of logical words before any replacement."""
        number, within = np.divmod(words, self.line)
        return self.place_of(self.lines_of(number) * self.line + within)

    def place_of(self, number: Places) -> Places:
        """Places of data words in the order of the die, past the spares of each group."""
        data, spares = self._group
        return number + number // data * spares

    def number_of(self, place: int) -> int:
        """The data word, in the order of the die, that a place or its replacement stands for."""
        place = next((k for k, v in self.replaced.items() if v == place), place)
        data, spares = self._group
        return place - place // (data + spares) * spares

    def settled(self, places: Places) -> Places:
        """Where the words of `places` are kept: replaced ones at their spares."""
        if not self.replaced:
            return places
        if len(self._sorted[0]) != len(self.replaced):
            self._sorted = (
                np.array(sorted(self.replaced), np.int64),
                np.array([self.replaced[key] for key in sorted(self.replaced)], np.int64),
            )
        keys, spares = self._sorted
        at = np.minimum(np.searchsorted(keys, places), len(keys) - 1)
        return np.where(keys[at] == places, spares[at], places)

    def replace(self, place: int) -> bool:
        """Give the word of `place` the next unused spare of its group; False if there is none."""
        data, spares = self._group
        group = place // (data + spares)
        used = self.spared.get(group, 0)
        if used >= spares:
            return False
        self.spared[group] = used + 1
        self.replaced[place] = group * (data + spares) + data + used
        self._sorted = (np.empty(0, np.int64), np.empty(0, np.int64))
        return True

    def moved(self) -> tuple[int, int]:
        """(from, to): lines of the die between which the next step of the gap copies."""
        return (self.gap - 1) % (self.lines + 1), self.gap

    def step(self) -> None:
        """Move the gap by one line, after its copy."""
        if self.gap == 0:
            self.gap = self.lines
            self.start = (self.start + 1) % self.lines
        else:
            self.gap -= 1
