"""What a macro predicts of the errors of its aged chips, and how far a count may lie from it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom, poisson

from tantala.chip import Chip
from tantala.macro.design import Design
from tantala.macro.levels import Level

ALARM = 1e-5  # false alarms of an interval
SHARED = 0.1  # relative scatter of a bit's rate: the words of a group share their amplifiers
CYCLES = 1


def expected(chip: Chip, low: Level, high: Level) -> float:
    """Rate of wrong bits over the amplifiers' offsets; half of the undecided reads are right."""
    sensing = chip.specification.sensing
    weight = np.exp(-0.5 * sensing.z**2)
    weight /= weight.sum()
    of_low = 0.5 * (np.exp(low.below(sensing.low)) + np.exp(low.below(sensing.high)))
    of_high = 0.5 * (np.exp(high.above(sensing.high)) + np.exp(high.above(sensing.low)))
    return float(weight @ (0.5 * (of_low + of_high)))


@dataclass(frozen=True)
class Predicted:
    """Counts over a whole chip: wrong bits in words that are corrected, words beyond the code."""

    corrected: float
    lost: float
    corrections: int

    def allows_corrected(self, found: int) -> bool:
        """Whether so many corrected bits are within the interval."""
        return _within(found, self.corrected, 1)

    def allows_lost(self, found: int) -> bool:
        """Whether so many uncorrectable words are within the interval."""
        return _within(found, self.lost, self.corrections + 1)


def _within(found: int, mean: float, power: int) -> bool:
    """Whether a count is in the Poisson interval of a mean that scatters as a rate's power."""
    low = poisson.ppf(ALARM / 2, mean * (1 - SHARED) ** power)
    high = poisson.isf(ALARM / 2, mean * (1 + SHARED) ** power)
    return bool(low <= found <= high)


def predicted(chosen: Design, chip: Chip, time: str, temperature: str) -> Predicted:
    """From the levels of the design's macro after so long, over all words of the chip."""
    levels = chosen.macro().levels(time, temperature, CYCLES)
    rate, n, t = expected(chip, levels.low, levels.high), chip.die.n, chip.die.code.t
    words = chip.specification.words
    kept = rate * n * binom.cdf(t - 1, n - 1, rate)  # mean of wrong bits where at most t are
    return Predicted(float(kept) * words, float(binom.sf(t, n, rate)) * words, t)


def miscorrected(chip: Chip) -> float:
    """Share of random patterns beyond a code's power that it takes for others, at most."""
    n, t, r = chip.die.n, chip.die.code.t, chip.die.code.r
    return sum(math.comb(n, errors) for errors in range(t + 1)) / 2.0**r
