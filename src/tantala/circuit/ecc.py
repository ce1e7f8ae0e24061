"""Error-correcting codes: SECDED (Hsiao 1970) and binary BCH with one to four corrections.

Codes are systematic: a code word is the data bits followed by the check bits. Words travel as
packed bytes, data and check apart: `data` has shape (words, ceil(k / 8)), `check` is uint64 of
shape (words,); bit i of a word is bit i % 8 of byte i // 8. Encoding is a table look-up a byte, so
a million words take a fraction of a second. Decoding corrects up to t errors, and reports words
whose syndrome no pattern of t errors explains; more errors than that may be miscorrected, as they
would be in the hardware.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from tantala.base.errors import InputError, Problem, unknown
from tantala.circuit.galois_field import GaloisField

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint64]


@dataclass(frozen=True)
class Decoded:
    """`data` and `check` after correction, `corrected` errors in each word, `failed` words."""

    data: Bytes
    check: Words
    corrected: NDArray[np.uint8]
    failed: NDArray[np.bool_]


class Code(ABC):
    """A systematic linear block code over bits, given by the check columns of its data bits.

    `columns` (k,) uint64: the check bits that data bit i toggles. `n`, `k`, `r` = n - k check bits,
    `t` errors corrected, `name`.
    """

    name: str
    t: int
    detects: int

    def __init__(self, columns: Words, check_bits: int) -> None:
        self.columns = columns
        self.k = len(columns)
        self.r = check_bits
        self.n = self.k + check_bits
        self.data_bytes = (self.k + 7) // 8

    @cached_property
    def tables(self) -> Words:
        """(data bytes, 256): check bits of each byte value at each place."""
        padded = np.zeros(8 * self.data_bytes, np.uint64)
        padded[: self.k] = self.columns
        values = np.arange(256)
        tables = np.zeros((self.data_bytes, 256), np.uint64)
        for place in range(self.data_bytes):
            for bit in range(8):
                chosen = (values >> bit & 1).astype(bool)
                tables[place, chosen] ^= padded[8 * place + bit]
        return tables

    def encode(self, data: Bytes) -> Words:
        """Check bits (words,) of packed `data` (words, data bytes)."""
        data = self._checked(data)
        check = np.zeros(len(data), np.uint64)
        for place in range(self.data_bytes):
            check ^= self.tables[place][data[:, place]]
        return check

    def syndrome(self, data: Bytes, check: Words) -> Words:
        """Check bits that disagree, (words,): zero for a code word."""
        return self.encode(data) ^ np.asarray(check, np.uint64)

    def decode(self, data: Bytes, check: Words) -> Decoded:
        """Correct each word; words beyond the code's power are returned as they came, `failed`."""
        data = self._checked(data)
        check = np.asarray(check, np.uint64)
        syndrome = self.syndrome(data, check)
        wrong = np.flatnonzero(syndrome)
        positions, failed_wrong = self.locate(syndrome[wrong])
        data, check = data.copy(), check.copy()
        for row in positions.T:
            self._flip(data, check, wrong, row)
        corrected = np.zeros(len(data), np.uint8)
        corrected[wrong] = np.sum(positions >= 0, axis=1)
        failed = np.zeros(len(data), bool)
        failed[wrong] = failed_wrong
        return Decoded(data, check, corrected, failed)

    @abstractmethod
    def locate(self, syndrome: Words) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Positions to flip, (words, t) padded with -1, and which words cannot be corrected.

        Position i < k is data bit i, else check bit i - k. Syndromes must be non-zero.
        """

    def parity_weights(self) -> NDArray[np.int64]:
        """Data bits in each check equation, (r,): what its XOR tree adds up."""
        bits = self.columns[:, None] >> np.arange(self.r, dtype=np.uint64) & np.uint64(1)
        return bits.sum(axis=0).astype(np.int64)

    def _flip(self, data: Bytes, check: Words, words: NDArray, positions: NDArray) -> None:
        inside = (positions >= 0) & (positions < self.k)
        data[words[inside], positions[inside] // 8] ^= (1 << positions[inside] % 8).astype(np.uint8)
        beyond = positions >= self.k
        check[words[beyond]] ^= np.uint64(1) << (positions[beyond] - self.k).astype(np.uint64)

    def _checked(self, data: Bytes) -> Bytes:
        data = np.asarray(data)
        problems = []
        if data.dtype != np.uint8 or data.ndim != 2 or data.shape[1] != self.data_bytes:
            problems = [
                Problem(
                    "wrong shape or type of data words",
                    self.name,
                    f"{data.dtype} {data.shape}",
                    f"uint8 (words, {self.data_bytes})",
                )
            ]
        elif self.k % 8 and np.any(data[:, -1] >> np.uint8(self.k % 8)):
            problems = [Problem("bits beyond the data bits are set", self.name)]
        if problems:
            raise InputError(problems)
        return data


class Hsiao(Code):
    """Single error correction, double error detection, with odd-weight columns (Hsiao 1970).

    Columns are taken by weight 3, 5, ... and spread so that the check equations have nearly equal
    weights; an even syndrome tells a double error.
    """

    t = 1
    detects = 2

    def __init__(self, data_bits: int) -> None:
        check_bits = 4
        while 2 ** (check_bits - 1) - check_bits < data_bits:
            check_bits += 1
        self.name = f"SECDED({data_bits + check_bits},{data_bits})"
        super().__init__(_balanced_columns(data_bits, check_bits), check_bits)

    @cached_property
    def _positions(self) -> NDArray[np.int64]:
        """Error position of every syndrome, -1 where there is none."""
        table = np.full(1 << self.r, -1, np.int64)
        table[self.columns.astype(np.int64)] = np.arange(self.k)
        table[1 << np.arange(self.r)] = self.k + np.arange(self.r)
        return table

    def locate(self, syndrome: Words) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """See Code.locate."""
        positions = self._positions[syndrome.astype(np.int64)]
        return positions[:, None], positions < 0


def _balanced_columns(data_bits: int, check_bits: int) -> Words:
    """Odd-weight columns, lightest first, each chosen to keep the check weights level."""
    weights = np.zeros(check_bits, int)
    columns: list[int] = []
    for weight in range(3, check_bits + 1, 2):
        pool = list(combinations(range(check_bits), weight))
        need = min(data_bits - len(columns), len(pool))
        if need == len(pool):
            chosen = pool
            for bits in pool:
                weights[list(bits)] += 1
        else:
            chosen = _level_choice(pool, need, weights)
        columns += [sum(1 << bit for bit in bits) for bits in chosen]
        if len(columns) == data_bits:
            break
    return np.array(columns, np.uint64)


def _level_choice(pool: list, need: int, weights: NDArray) -> list:
    """`need` members of `pool`, greedily the one on the least loaded check bits."""
    table = np.array(pool)
    free = np.ones(len(pool), bool)
    chosen = []
    for _ in range(need):
        # Least total load, then least peak: keeps all equations within one of each other.
        load = weights[table]
        score = load.sum(axis=1) * 1000 + load.max(axis=1)
        best = int(np.argmin(np.where(free, score, np.iinfo(int).max)))
        free[best] = False
        weights[table[best]] += 1
        chosen.append(pool[best])
    return chosen


class Bch(Code):
    """Binary BCH code, shortened from length 2^m - 1, correcting t = 1 to 4 errors.

    Errors are located by Berlekamp-Massey from the odd syndromes and a Chien search over the n
    positions (Lin and Costello 2004, chapter 6); locations in the shortened part fail.
    """

    def __init__(self, data_bits: int, t: int) -> None:
        if t not in (1, 2, 3, 4):
            raise InputError(Problem("BCH codes correct 1 to 4 errors", "code", str(t), "1 to 4"))
        degree = 4
        while 2**degree - 1 < data_bits + degree * t:
            degree += 1
        self.t = t
        self.detects = t
        self.field = GaloisField.of(degree)
        self.generator = _generator(self.field, t)
        check_bits = self.generator.bit_length() - 1
        self.name = f"BCH({data_bits + check_bits},{data_bits},{t})"
        super().__init__(_remainders(self.generator, check_bits, data_bits), check_bits)

    @cached_property
    def exponents(self) -> NDArray[np.int64]:
        """Power of x of each code-word position: check bits 0 .. r-1, data bits r .. n-1."""
        return np.concatenate([self.r + np.arange(self.k), np.arange(self.r)])

    @cached_property
    def _syndrome_tables(self) -> NDArray[np.int64]:
        """(t, check bytes, 256): power sums S1, S3, ... that each byte of check bits adds.

        The check-bit disagreement is the error polynomial modulo the generator, which has the same
        values at the roots, so S_j follows from it alone.
        """
        field, size = self.field, (self.r + 7) // 8
        values = np.arange(256)
        tables = np.zeros((self.t, size, 256), np.int64)
        for index in range(self.t):
            for bit in range(self.r):
                chosen = (values >> bit % 8 & 1).astype(bool)
                tables[index, bit // 8, chosen] ^= field.power((2 * index + 1) * bit)
        return tables

    def power_sums(self, syndrome: Words) -> NDArray[np.int64]:
        """S1, S3, ...: the error polynomial at alpha, alpha^3, ...; shape (t, words)."""
        size = self._syndrome_tables.shape[1]
        octets = syndrome[:, None] >> (8 * np.arange(size)).astype(np.uint64) & np.uint64(0xFF)
        sums = np.zeros((self.t, len(syndrome)), np.int64)
        for place in range(size):
            sums ^= self._syndrome_tables[:, place, octets[:, place].astype(np.int64)]
        return sums

    def locate(self, syndrome: Words) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """See Code.locate."""
        sums = self.power_sums(syndrome)
        locator, degree = _locator(self.field, sums)
        positions = np.full((len(syndrome), self.t), -1, np.int64)
        failed = degree == 0
        solvable = np.flatnonzero(~failed)
        # In blocks: the search evaluates the locator at n positions for each word.
        for block in np.array_split(solvable, max(1, len(solvable) // 8192)):
            roots = self._roots(locator[:, block])
            right = roots.sum(axis=1) == degree[block]
            failed[block[~right]] = True
            word, position = np.nonzero(roots & right[:, None])
            slot = np.arange(len(word)) - np.searchsorted(word, word)
            positions[block[word], slot] = position
        return positions, failed

    def _roots(self, locator: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(words, n): whether the locator vanishes at alpha^-exponent of each position."""
        field = self.field
        value = np.ones((locator.shape[1], self.n), np.int64)
        for power in range(1, self.t + 1):
            value ^= field.times_power(locator[power][:, None], -power * self.exponents)
        return value == 0


def _locator(
    field: GaloisField, sums: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Locator coefficients (t + 1, words), constant 1, and its degree (0: no solution).

    Berlekamp-Massey over all words at once, from S1, S3, ... and S2j = Sj^2.
    """
    times, over = field.multiply, field.divide
    t, words = sums.shape
    power_sums = np.zeros((2 * t + 1, words), np.int64)
    for j in range(1, 2 * t + 1):
        half = power_sums[j // 2]
        power_sums[j] = sums[j // 2] if j % 2 else times(half, half)
    locator = np.zeros((2 * t + 2, words), np.int64)
    locator[0] = 1
    # The connection polynomial before the last change of length, shifted to where it is added.
    before = np.roll(locator, 1, axis=0)
    last, length = np.ones(words, np.int64), np.zeros(words, np.int64)
    for j in range(1, 2 * t + 1):
        off = power_sums[j].copy()
        for i in range(1, j):
            off ^= times(locator[i], power_sums[j - i])
        corrected = locator ^ times(over(off, last)[None], before)
        longer = (off != 0) & (2 * length < j)
        before = np.roll(np.where(longer, locator, before), 1, axis=0)
        last, length = np.where(longer, off, last), np.where(longer, j - length, length)
        locator = corrected
    solved = (length <= t) & ~locator[t + 1 :].any(axis=0)
    degree = np.where(solved, length, 0)
    at_degree = np.take_along_axis(locator, degree[None], axis=0)[0]
    return locator[: t + 1], np.where(at_degree != 0, degree, 0)


def _generator(field: GaloisField, t: int) -> int:
    """Generator polynomial: product of the minimal polynomials of alpha, alpha^3, ... ."""
    generator, seen = 1, set()
    for odd in range(1, 2 * t, 2):
        orbit = frozenset(odd * 2**j % field.order for j in range(field.degree))
        if orbit not in seen:
            seen.add(orbit)
            generator = _multiply(generator, field.minimal_polynomial(odd))
    return generator


def _multiply(a: int, b: int) -> int:
    """Product of two polynomials over bits."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a, b = a << 1, b >> 1
    return product


def _remainders(generator: int, check_bits: int, data_bits: int) -> Words:
    """x^(r + i) modulo the generator for each data bit i."""
    columns, value = [], 1
    for power in range(check_bits + data_bits):
        if power >= check_bits:
            columns.append(value)
        value <<= 1
        if value >> check_bits & 1:
            value ^= generator
    return np.array(columns, np.uint64)


CODES = ("none", "secded", "bch1", "bch2", "bch3", "bch4")


@functools.cache
def make_code(name: str, data_bits: int) -> Code | None:
    """The code of a design: "none" (None), "secded" or "bch1" to "bch4" over `data_bits`."""
    if data_bits < 4:
        raise InputError(
            Problem("too few data bits for a code", got=str(data_bits), allowed="4 up")
        )
    if name == "none":
        return None
    if name == "secded":
        return Hsiao(data_bits)
    if name in CODES:
        return Bch(data_bits, int(name[-1]))
    raise InputError(unknown("error-correcting code", name, CODES))
