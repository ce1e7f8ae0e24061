"""A whole `Chip` as the medium of a campaign: each child leaves its die in an image."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from power_cuts import Cut

from tantala.chip import Chip, PowerLost, UncorrectableError
from tantala.macro.design import Design

PULSES = 40  # mean of those of a word before a cut: cuts fall into its first as into its last


class WordCutChip:
    """A chip whose power fails in a given word from now, at a given pulse of that word.

    The chip counts pulses one by one while a cut is ahead; so the cut is set when its word comes.
    """

    def __init__(self, chip: Chip) -> None:
        self.chip = chip
        self.size = chip.size
        self.word_bytes = chip.word_bytes
        self.torn: tuple[int, bytes, bytes] | None = None  # address, old and new data of the word
        self._words: int | None = None
        self._pulses = 0

    def cut_in_word(self, words: int, pulses: int) -> None:
        """`words` from now land whole, and `pulses` of the next."""
        self._words, self._pulses = words, pulses

    @property
    def time(self) -> float:
        return self.chip.time

    def wait(self, seconds: float) -> None:
        self.chip.wait(seconds)

    def read(self, address: int, length: int) -> bytes:
        return self.chip.read(address, length)

    def write(self, address: int, data: bytes) -> None:
        word = self.word_bytes
        covered = -(-(address + len(data)) // word) - address // word
        if self._words is None or covered <= self._words:
            self.chip.write(address, data)
            if self._words is not None:
                self._words -= covered
            return
        start = max(address, (address // word + self._words) * word)
        end = min(address + len(data), (start // word + 1) * word)
        self.chip.write(address, data[: start - address])
        new = data[start - address : end - address]
        self.torn = start, self._old(start, len(new)), new
        self.chip.cut_power_after(self._pulses)
        self.chip.write(start, new)
        if self.chip.powered:  # the word was complete before
            self.chip.power_off()
        raise PowerLost

    def _old(self, address: int, length: int) -> bytes:
        try:
            return self.chip.read(address, length)
        except UncorrectableError:
            return b""


class ChipMedium:
    """Dies of `design`, one a life; `folder` keeps the image between two children."""

    def __init__(self, design: Design, folder: Path, seed: int = 1) -> None:
        self._design = design
        self._image = folder / "die"
        self._outcomes = folder / "outcomes"
        self._seed = seed
        self._fresh: Chip | None = None

    def renew(self) -> WordCutChip:
        self._image.unlink(missing_ok=True)
        self._seed += 1
        self._fresh = Chip(self._design, seed=self._seed)
        return WordCutChip(self._fresh)

    def powered(self) -> WordCutChip:
        chip = Chip.load(self._image) if self._image.exists() else self._fresh
        assert chip is not None, "no life has begun"
        chip.power_on()
        return WordCutChip(chip)

    def set_cut(self, memory: Any, cut: Cut) -> None:
        draw = np.random.default_rng([self._seed, cut.number])
        memory.cut_in_word(cut.pulses, int(draw.exponential(PULSES)))

    def keep(self, memory: Any) -> None:
        memory.chip.save(self._image)
        if memory.torn:
            with self._outcomes.open("a") as file:
                file.write(self._outcome(memory.chip, *memory.torn) + "\n")

    def outcomes(self) -> Counter[str]:
        """In which states the words in flight were found."""
        return Counter(self._outcomes.read_text().split())

    @staticmethod
    def _outcome(chip: Chip, address: int, old: bytes, new: bytes) -> str:
        chip.power_on()  # after it was saved: to look is to sense, and to scrub
        try:
            found = chip.read(address, len(new))
        except UncorrectableError:
            return "uncorrectable"
        return {old: "old", new: "new", b"\xff" * len(new): "ones"}.get(found, "partial")
