"""Arithmetic of error-correcting codes: check bits, and how often a word defeats its code.

Probabilities are handled as natural logarithms, since an uncorrectable rate of 1e-30 is an
ordinary answer here. The codes themselves (encoder, decoder) belong to the chip; this module only
counts.
"""

import functools
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

CodeKind = Literal["none", "secded", "bch1", "bch2", "bch3", "bch4"]
CORRECTABLE = {"none": 0, "secded": 1, "bch1": 1, "bch2": 2, "bch3": 3, "bch4": 4}


@dataclass(frozen=True)
class Code:
    """A block code over one memory word.

    Attributes:
        kind: ``none``, ``secded`` (single correction, double detection), ``bch1`` to ``bch4``
            (binary BCH with one to four corrections, shortened).
        data_bits: payload of the word.
    """

    kind: CodeKind
    data_bits: int

    @property
    def correctable(self) -> int:
        """Bit errors of a word that are always corrected."""
        return CORRECTABLE[self.kind]

    @property
    def reserved(self) -> int:
        """Corrections a word may spend on cells that were faulty at test; the rest is for life."""
        return self.correctable // 2

    @functools.cached_property
    def check_bits(self) -> int:
        """Redundant bits of the word.

        SECDED: the least m with 2^m >= k + m + 1, plus an overall parity bit. BCH: m*t bits with
        the least m for which the shortened code fits, 2^m - 1 >= k + m*t.
        """
        if self.kind == "none":
            return 0
        m = 2
        if self.kind == "secded":
            while 2**m < self.data_bits + m + 1:
                m += 1
            return m + 1
        while 2**m - 1 < self.data_bits + m * self.correctable:
            m += 1
        return m * self.correctable

    @property
    def word_bits(self) -> int:
        """Stored bits of a word, payload and check bits."""
        return self.data_bits + self.check_bits


def code(kind: CodeKind, data_bits: int) -> Code:
    """The code of a design over words of `data_bits`."""
    return Code(kind, data_bits)


def log_more_than(t: int, n: int, log_p: float) -> float:
    """Natural logarithm of P(X > t) for X ~ Binomial(n, p), with p given by its logarithm.

    Terms are summed from the largest down in the log domain, so the result is accurate wherever p
    lies.
    """
    if t >= n or log_p == -math.inf:
        return -math.inf
    if log_p >= 0.0:
        return 0.0
    i, ways = _ways(t, n)
    log_q = math.log1p(-math.exp(log_p)) if log_p > -700 else 0.0
    terms = ways + i * log_p + (n - i) * log_q
    peak = float(terms.max())
    return min(0.0, peak + math.log(float(np.exp(terms - peak).sum())))


@functools.lru_cache(maxsize=64)
def _ways(t: int, n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Counts from t + 1 to n, and ln of the ways to choose so many of n."""
    i = np.arange(t + 1, n + 1, dtype=float)
    return i, gammaln(n + 1) - gammaln(i + 1) - gammaln(n - i + 1)


def log_word_failure(word: Code, log_bit_error: float, hard: float = 0.0) -> float:
    """ln of the probability that a word holds more errors than its code corrects.

    Bit errors are independent. `hard` is the share of cells that are always wrong; test has
    replaced words with more of them than `word.reserved`, and the others correct that much less.
    """
    if hard <= 0.0:
        return log_more_than(word.correctable, word.word_bits, log_bit_error)
    n, terms = word.word_bits, []
    for faults in range(word.reserved + 1):
        chance = math.log(math.comb(n, faults)) + (n - faults) * math.log1p(-hard)
        chance += faults * math.log(hard)
        rest = log_more_than(word.correctable - faults, n - faults, log_bit_error)
        terms.append(chance + rest)
    peak = max(terms)
    if peak == -math.inf:
        return peak
    return peak + math.log(sum(math.exp(term - peak) for term in terms))


def hard_failure(word: Code, hard: float) -> float:
    """Probability that a word holds more faulty cells than the code reserves corrections for."""
    if hard <= 0.0:
        return 0.0
    return math.exp(log_more_than(word.reserved, word.word_bits, math.log(hard)))


def log_uber(word: Code, log_bit_error: float, hard: float = 0.0) -> float:
    """ln of the uncorrectable bit error rate: words beyond the code per data bit (JESD218)."""
    return log_word_failure(word, log_bit_error, hard) - math.log(word.data_bits)


@functools.lru_cache(maxsize=256)
def allowed_bit_error(word: Code, uber: float, hard: float = 0.0) -> float:
    """The raw bit error rate at which the corrected rate is exactly ``uber``.

    Found by bisection on ln p, since the corrected rate grows monotonically with the raw one.
    """
    goal = math.log(uber)
    low, high = -200.0, math.log(0.5)
    if log_uber(word, high, hard) <= goal:
        return 0.5
    while low < (middle := 0.5 * (low + high)) < high:  # until no float lies between
        if log_uber(word, middle, hard) > goal:
            high = middle
        else:
            low = middle
    return math.exp(low)
