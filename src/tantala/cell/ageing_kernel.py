"""The fast form of `ageing`: the quantile of the law as a table, one pass over the cells.

The change of y is tabulated over (age, state, score): u = ln(1 + age / verify_delay) in logarithmic
steps where it is small and equal ones where it is large (`age_index`), the root of G(written) /
full scale, the standard normal score. Rows of one age are made when a call first needs them and
kept. A cell costs one Philox block, four normals and
three interpolations; cells of one age, the usual case, share one blended row.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from tantala.base.random import philox4x32, seed_words
from tantala.cell.ageing import (
    COORDINATE_NODES,
    PATH,
    TOP,
    Ageing,
)
from tantala.cell.elementary import FAST, exp32, log32, normal32
from tantala.cell.relaxation import OLDEST, REFERENCE, aged

F = np.float32
AGE_ORIGIN = 1e-4  # of u: below it the table is linear
AGE_STEP = 0.15  # of ln u
AGE_LINEAR = 0.5  # of u: 13 meV of front, well below the narrowest spread of barriers
STATES = 57
SCORES = 161
SCORE_LIMIT = 10.0  # 1 - Phi(10) = 8e-24, below every rate that is asked for
CHUNK = 4096
_LOW_BITS, _HALF, _HIGH_BITS = np.uint64(0xFFFFFFFF), np.uint64(32), np.uint64(0xFFFF)
_PHASE: dict[str, Any] = {"cache": True, "error_model": "numpy", "fastmath": FAST, "_nrt": False}


@njit(cache=True)
def _quantiles(weight, mean, deviation, score, out):
    """out[state, score]: the mixture's quantile, by Newton steps kept inside a bisection."""
    root_half = math.sqrt(0.5)
    for state in range(weight.shape[1]):
        for index in range(score.size):
            z = score[index]
            sign = 1.0 if z <= 0.0 else -1.0  # solve in the smaller tail: no digits are lost
            target = 0.5 * math.erfc(-sign * z * root_half)
            low, high = 1e300, -1e300
            for k in range(4):
                at = mean[k, state] + z * deviation[k, state]
                low, high = min(low, at), max(high, at)
            x = 0.5 * (low + high)
            for _ in range(80):
                tail, density = 0.0, 0.0
                for k in range(4):
                    u = (x - mean[k, state]) / deviation[k, state]
                    tail += weight[k, state] * 0.5 * math.erfc(-sign * u * root_half)
                    density += weight[k, state] * math.exp(-0.5 * u * u) / deviation[k, state]
                excess = sign * (tail - target)
                if excess > 0.0:
                    high = x
                else:
                    low = x
                # Newton on the logarithm of the tail, which is nearly a parabola.
                slope = density * 0.3989422804014327 / max(tail, 1e-300)
                step = sign * math.log(max(tail, 1e-300) / target) / max(slope, 1e-300)
                x -= step
                if not low < x < high:
                    x = 0.5 * (low + high)
                if abs(step) < 1e-7 * (1e-3 + abs(x)) or high - low < 1e-9:
                    break
            out[state, index] = x


@njit(forceinline=True, fastmath=FAST, error_model="numpy")
def _uniform_grid(table, x, scale):
    """Linear interpolation in a table over 0, 1/scale, 2/scale ..., held at its ends."""
    at = min(max(x * scale, F(0.0)), F(table.size - 1) - F(1e-3))
    index = np.int32(at)
    part = at - F(index)
    return table[index] + part * (table[index + 1] - table[index])


@njit(forceinline=True, fastmath=FAST, error_model="numpy")
def _log_state(y, slope, lowest, scale, log_g):
    """ln(G / full scale) at y."""
    if y < lowest:
        return log_g[0] + (y - lowest) / slope
    return _uniform_grid(log_g, y - lowest, scale)


@njit(forceinline=True, fastmath=FAST, error_model="numpy")
def _shifted(written, shift, inverse_scale, constants, smooth, log_g):
    """A cell's conductance now, from the written one and its change of y."""
    slope, lowest, scale, _, _ = constants
    g = max(written * inverse_scale, F(1e-12))
    root_scale = F((COORDINATE_NODES - 1) / math.sqrt(TOP))
    y = slope * log32(g) + _uniform_grid(smooth, F(np.sqrt(g)), root_scale)
    start = _log_state(y, slope, lowest, scale, log_g)
    return written * exp32(_log_state(y + shift, slope, lowest, scale, log_g) - start)


@njit(**_PHASE)
def _words(writes, first, purpose_word, k0, k1, w0, w1, w2, w3):
    for i in range(writes.size):
        address = first + np.uint64(i)
        low = np.uint32(address & _LOW_BITS)
        high = np.uint32((address >> _HALF) & _HIGH_BITS)
        w0[i], w1[i], w2[i], w3[i] = philox4x32(low, writes[i], purpose_word, high, k0, k1)


@njit(**_PHASE)
def _weighted(weights, w0, w1, w2, w3, score):
    """Scores of cells of one age from their words."""
    a, b, c, d = weights[0], weights[1], weights[2], weights[3]
    for i in range(score.size):
        score[i] = a * normal32(w0[i]) + b * normal32(w1[i])
    for i in range(score.size):
        score[i] += c * normal32(w2[i]) + d * normal32(w3[i])


@njit(**_PHASE)
def _shifts_alike(row, written, score, inverse_scale, state_scale, score_scale, shift):
    """Change of y, linear in state and score, of cells of one age: `row` (STATES * SCORES)."""
    for i in range(written.size):
        k, m, a, b = _at(written[i], score[i], inverse_scale, state_scale, score_scale)
        shift[i] = _corners(row, k * SCORES + m, a, b)


@njit(parallel=True, cache=True, error_model="numpy", fastmath=FAST)
def _age_alike(out, written, writes, first, key, purpose_word, weights, row, tables):
    """All cells have one age, greater than 0: `row` is their blended table.

    In phases over a chunk that stays in the first caches: LLVM makes vectors of each, not of all.
    """
    inverse_scale, constants, smooth, log_g = tables
    state_scale, score_scale = constants[3], constants[4]
    for chunk in prange((out.size + CHUNK - 1) // CHUNK):
        start, stop = chunk * CHUNK, min((chunk + 1) * CHUNK, out.size)
        score, words = np.empty(stop - start, np.float32), np.empty((4, stop - start), np.uint32)
        shift = words[0].view(np.float32)  # once the score is made of the words
        _words(
            writes[start:stop], first + np.uint64(start), purpose_word, key[0], key[1], words[0],
            words[1], words[2], words[3],
        )  # fmt: skip
        _weighted(weights, words[0], words[1], words[2], words[3], score)
        _shifts_alike(
            row, written[start:stop], score, inverse_scale, state_scale, score_scale, shift
        )
        _moves(out[start:stop], written[start:stop], shift, inverse_scale, constants, smooth, log_g)


@njit(**_PHASE)
def _places(ages, offset, inverse_delay, near, part):
    """The row below each age, counted from `offset`, and the part of the way to the next one."""
    for i in range(ages.size):
        ratio = ages[i] * inverse_delay
        # ln(1 + x) loses its digits for small x in float32; two terms of the series do not.
        small = ratio - F(0.5) * ratio * ratio
        elapsed = log32(F(1.0) + ratio) if ratio > F(1e-3) else small
        at = log32(F(1.0) + elapsed * F(1.0 / AGE_ORIGIN)) * F(1.0 / AGE_STEP)
        at += elapsed * F(1.0 / AGE_LINEAR)
        index = np.int32(at)
        near[i], part[i] = index - offset, at - F(index)


@njit(**_PHASE)
def _add_weighted(path, near, part, word, score, square):
    """Add to scores what one word gives, with its weight between those of two rows, and to
    `square` the weight's square.
    """
    for i in range(near.size):
        at = np.int64(near[i])
        weight = path[at] + part[i] * (path[at + 1] - path[at])
        score[i] += weight * normal32(word[i])
        square[i] += weight * weight


@njit(**_PHASE)
def _of_unit_variance(score, square):
    for i in range(score.size):
        score[i] /= F(np.sqrt(square[i]))


@njit(**_PHASE)
def _shifts(rows, near, part, written, score, inverse_scale, state_scale, score_scale, shift):
    """Change of y, linear in age, state and score, from `rows` (rows * STATES * SCORES)."""
    for i in range(near.size):
        k, m, a, b = _at(written[i], score[i], inverse_scale, state_scale, score_scale)
        here = (np.int64(near[i]) * STATES + k) * SCORES + m
        young = _corners(rows, here, a, b)
        shift[i] = young + part[i] * (_corners(rows, here + STATES * SCORES, a, b) - young)


@njit(forceinline=True, fastmath=FAST, error_model="numpy")
def _at(written, score, inverse_scale, state_scale, score_scale):
    """Where a cell lies in a row: its corner (state, score), and the parts of the way beyond."""
    root = F(np.sqrt(max(written * inverse_scale, F(1e-12))))
    state = min(root * state_scale, F(STATES - 1) - F(1e-4))
    at = min(max((score + F(SCORE_LIMIT)) * score_scale, F(0.0)), F(SCORES - 1) - F(1e-3))
    k, m = np.int32(state), np.int32(at)
    return k, m, state - F(k), at - F(m)


@njit(forceinline=True, fastmath=FAST, error_model="numpy")
def _corners(rows, at, a, b):
    near = rows[at] + b * (rows[at + 1] - rows[at])
    far = rows[at + SCORES] + b * (rows[at + SCORES + 1] - rows[at + SCORES])
    return near + a * (far - near)


@njit(**_PHASE)
def _moves(out, written, shift, inverse_scale, constants, smooth, log_g):
    """Conductances after a change of y, which is 0 at age 0."""
    for i in range(out.size):
        out[i] = _shifted(written[i], shift[i], inverse_scale, constants, smooth, log_g)


@njit(parallel=True, cache=True, error_model="numpy", fastmath=FAST)
def _age_each(out, written, ages, writes, first, key, purpose_word, clock, tables):
    """As `_age_alike`, every cell of its own age; `clock` holds the tables and path weights from
    a row on.
    """
    rows, path, offset, inverse_delay = clock
    inverse_scale, constants, smooth, log_g = tables
    state_scale, score_scale = constants[3], constants[4]
    for chunk in prange((out.size + CHUNK - 1) // CHUNK):
        start, stop = chunk * CHUNK, min((chunk + 1) * CHUNK, out.size)
        near, part = np.empty(stop - start, np.int32), np.empty(stop - start, np.float32)
        score, square, shift = np.zeros_like(part), np.zeros_like(part), np.empty_like(part)
        words = np.empty((4, stop - start), np.uint32)
        _places(ages[start:stop], offset, inverse_delay, near, part)
        _words(
            writes[start:stop], first + np.uint64(start), purpose_word, key[0], key[1], words[0],
            words[1], words[2], words[3],
        )  # fmt: skip
        for k in range(4):
            _add_weighted(path[k], near, part, words[k], score, square)
        _of_unit_variance(score, square)
        _shifts(
            rows, near, part, written[start:stop], score, inverse_scale, state_scale,
            score_scale, shift,
        )  # fmt: skip
        _moves(out[start:stop], written[start:stop], shift, inverse_scale, constants, smooth, log_g)


def age_index(elapsed: float) -> float:
    """The fractional row of u = ln(1 + age / verify_delay)."""
    return math.log1p(elapsed / AGE_ORIGIN) / AGE_STEP + elapsed / AGE_LINEAR


def _elapsed_at(index: int) -> float:
    """The u of a row: `age_index` inverted by bisection."""
    low, high = 0.0, index * AGE_LINEAR
    for _ in range(80):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if age_index(middle) < index else (low, middle)
    return 0.5 * (low + high)


@njit(parallel=True, cache=True, error_model="numpy")
def _grow_older(ages, time, ratio, rate):
    """`relaxation.aged` for float32 ages in place: `ratio` = temperature / reference."""
    for i in prange(ages.size):
        before = math.expm1(math.log1p(rate * np.float64(ages[i])) / ratio)
        after = min(math.log1p(before + rate * time) * ratio, 200.0)
        ages[i] = F(min(math.expm1(after) / rate, OLDEST))


def grown_older(
    ages: NDArray[np.float32], time: float, temperature: float, rate: float
) -> NDArray[np.float32]:
    """Ages [s at 25 degC] after `time` [s] at `temperature` [K]; cells of one age cost one."""
    if ages.size and ages.min() == ages.max():
        return np.full_like(ages, aged(float(ages[0]), time, temperature, rate))
    later = ages.copy()
    _grow_older(later, time, temperature / REFERENCE, rate)
    return later


class Tables:
    """The tables of one ageing law; rows over age are made as they are needed."""

    def __init__(self, law: Ageing) -> None:
        self.law = law
        coordinate = law.coordinate
        self._rows: dict[int, NDArray[np.float32]] = {}
        constants = (
            F(coordinate.slope),
            F(coordinate.lowest),
            F(1.0 / coordinate.step),
            F((STATES - 1) / math.sqrt(TOP)),
            F((SCORES - 1) / (2.0 * SCORE_LIMIT)),
        )
        self._tables = (
            F(1.0 / law.relaxation.full_scale),
            constants,
            coordinate.smooth.astype(np.float32),
            coordinate.log_g.astype(np.float32),
        )

    def row(self, index: int) -> NDArray[np.float32]:
        """The change of y at age row `index`, float32 [STATES, SCORES]."""
        if index not in self._rows:
            self._rows[index] = self._make_row(index)
        return self._rows[index]

    def _make_row(self, index: int) -> NDArray[np.float32]:
        if index == 0:
            return np.zeros((STATES, SCORES), np.float32)
        law = self.law.relaxation
        age = law.verify_delay * math.expm1(_elapsed_at(index))
        states = np.linspace(0.0, math.sqrt(TOP), STATES) ** 2
        states[0] = 1e-9  # the law's limit for g -> 0; zero itself has no logarithm
        mixture = self.law.mixture(states * law.full_scale, age)
        out = np.empty((STATES, SCORES))
        scores = np.linspace(-SCORE_LIMIT, SCORE_LIMIT, SCORES)
        _quantiles(mixture.weight, mixture.mean, np.sqrt(mixture.variance), scores, out)
        return out.astype(np.float32)

    def age(
        self,
        out: NDArray[np.float32],
        written: NDArray[np.float32],
        ages: NDArray[np.float32],
        writes: NDArray[np.uint32],
        first_address: int,
        seed: int,
    ) -> None:
        """Write into `out` the conductances [S] of cells first_address ... of `seed`.

        `ages` in s at 25 degC; `writes` the number of each cell's last write.
        """
        key = tuple(np.uint32(word) for word in seed_words(seed))
        address: Any = np.uint64(first_address)
        delay = self.law.relaxation.verify_delay
        low, high = float(ages.min()), float(ages.max())
        at = [age_index(math.log1p(age / delay)) for age in (low, high)]
        if low == high:
            if low <= 0.0:
                out[:] = written
                return
            index = int(at[0])
            part = at[0] - index
            row = self.row(index) + F(part) * (self.row(index + 1) - self.row(index))
            path = self._path(index, index + 1)
            weights = path[0] + part * (path[1] - path[0])
            weights = (weights / np.sqrt(np.sum(weights**2))).astype(np.float32)
            _age_alike(
                out, written, writes, address, key, np.uint32(PATH), weights, row.reshape(-1),
                self._tables,
            )  # fmt: skip
            return
        first, last = max(int(at[0]) - 1, 0), int(at[1]) + 2
        rows = np.stack([self.row(index) for index in range(first, last + 1)])
        path = np.ascontiguousarray(self._path(first, last).T, np.float32)
        clock = (rows.reshape(-1), path, np.int32(first), F(1.0 / delay))
        _age_each(out, written, ages, writes, address, key, np.uint32(PATH), clock, self._tables)

    def _path(self, first: int, last: int) -> NDArray[np.float64]:
        """The path's weights at rows first ... last, shape (rows, 4)."""
        delay = self.law.relaxation.verify_delay
        elapsed = np.array([_elapsed_at(index) for index in range(first, last + 1)])
        return self.law.path_weights(delay * np.expm1(elapsed)).T


@functools.lru_cache(maxsize=16)
def tables_of(law: Ageing) -> Tables:
    """The tables of a law, kept for the laws last used."""
    return Tables(law)
