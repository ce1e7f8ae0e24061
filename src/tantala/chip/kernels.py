"""Kernels over the words of a die: sensing, and what a write has to change.

A word is n cells in a row: k data bits, bit i being bit i % 8 of byte i // 8, then the check bits.
A low-resistance cell is a 1. Places are numbers of words on the die.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tantala.base.random import philox4x32
from tantala.cell.elementary import FAST, F, exp32, log32, normal32
from tantala.cell.noise import READ, SCALE, NoiseConstants
from tantala.cell.write_kernels import Counts, Task, empty_log, write_cells

OPTIONS = {"fastmath": FAST, "error_model": "numpy", "cache": True, "nogil": True}
_READ = np.uint32(READ)
_ONE, _ONE64 = np.uint8(1), np.uint64(1)


class Amplifiers(NamedTuple):
    """Sense amplifiers of a die: thresholds [S] by group and bit, (groups, n) each.

    `group`: words of a group. A cell above `surely_low` or below `surely_high` is read without
    regard to its noise, which cannot matter.
    """

    low: NDArray[np.float32]
    high: NDArray[np.float32]
    group: int
    surely_low: float
    surely_high: float
    voltage: float
    noise: NoiseConstants
    k0: int
    k1: int


@njit(**OPTIONS)
def _decided(conductance, address, event, low, high, voltage, noise, k0, k1):
    """One read of one cell near the thresholds, with its noise; a coin where time is too short."""
    factor, half_exponent, lowest, thermal, shot = noise
    word, coin, _, _ = philox4x32(
        np.uint32(address), np.uint32(event), _READ,
        np.uint32(event >> np.uint64(32)) << np.uint32(16), k0, k1,
    )  # fmt: skip
    g = max(conductance, F(0.0))
    mean = g * voltage
    spread = mean * F(SCALE) * factor * exp32(-half_exponent * log32(max(g, lowest)))
    power = spread * spread + thermal * g + shot * mean * F(SCALE)
    seen = (mean + F(np.sqrt(power)) * F(1.0 / SCALE) * normal32(word)) / voltage
    if seen >= low:
        return 1
    if seen <= high:
        return 0
    return np.int64(coin & np.uint32(1))


@njit(**OPTIONS)
def _seen(conductance, base, count, sure_low, sure_high):
    """Up to 64 cells from `base` on: (ones, cells that are near a threshold), bit by bit."""
    ones, near = np.uint64(0), np.uint64(0)
    for b in range(count):
        g = conductance[base + b]
        place = np.uint64(b)
        ones |= np.uint64(g >= sure_low) << place
        near |= np.uint64((g < sure_low) & (g > sure_high)) << place
    return ones, near


@njit(**OPTIONS)
def _resolved(conductance, base, first, group, amplifiers, event, ones, near):
    """`ones` with the cells read that are near a threshold."""
    a = amplifiers
    voltage, k0, k1 = F(a.voltage), np.uint32(a.k0), np.uint32(a.k1)
    for b in range(64):
        if near >> np.uint64(b) & _ONE64:
            cell, bit = base + b, first + b
            value = _decided(
                conductance[cell], cell, event, a.low[group, bit], a.high[group, bit], voltage,
                a.noise, k0, k1,
            )  # fmt: skip
            ones |= np.uint64(value) << np.uint64(b)
    return ones


@njit(**OPTIONS)
def sense(conductance, places, n, k, amplifiers, event, tables, data, check, syndrome, reads, due):
    """Read the words at `places` into `data` (w, bytes), `check` (w,) and their `syndrome` (w,).

    `tables` (bytes, 256): check bits of each byte value at each place. `event`: number of the read.
    `reads`, `due`: of each word of the die (`read_stress`). True where a word's count is due.
    """
    sure_low, sure_high = F(amplifiers.surely_low), F(amplifiers.surely_high)
    disturbed = False
    for w in range(len(places)):
        base, group = places[w] * n, places[w] // amplifiers.group
        want = np.uint64(0)
        for first in range(0, k, 64):
            count = min(64, k - first)
            ones, near = _seen(conductance, base + first, count, sure_low, sure_high)
            if near:
                ones = _resolved(
                    conductance, base + first, first, group, amplifiers, event, ones, near
                )
            for at in range(first >> 3, (first + count + 7) >> 3):
                value = np.uint8(ones & np.uint64(0xFF))
                data[w, at] = value
                want ^= tables[at, value]
                ones >>= np.uint64(8)
        ones, near = _seen(conductance, base + k, n - k, sure_low, sure_high)
        if near:
            ones = _resolved(conductance, base + k, k, group, amplifiers, event, ones, near)
        check[w] = ones
        syndrome[w] = ones ^ want
        reads[places[w]] += _ONE64
        disturbed |= reads[places[w]] >= due[places[w]]
    return disturbed


class Wanted(NamedTuple):
    """What a write is to leave in words: data (w, bytes) and check bits (w,), and what was sensed
    in them before; of the bits first ... last - 1, of the value `only` if that is 0 or 1, those
    that differ, or all with `everything`.
    """

    places: NDArray[np.int64]
    data: NDArray[np.uint8]
    check: NDArray[np.uint64]
    was_data: NDArray[np.uint8]
    was_check: NDArray[np.uint64]
    first: int
    last: int
    only: int
    everything: bool


class Windows(NamedTuple):
    """Where cells pass their verify [S]: a 1 above `passing`, a 0 below `blocking`; and the SET
    word line [V] where a write of 1 and of 0 begins, for the schemes that ask.
    """

    passing: float
    blocking: float
    one: float
    zero: float


@njit(**OPTIONS)
def changes(wanted, n, k):
    """Bits to be written: (cell, word, bit, value), each (m,)."""
    room = len(wanted.places) * (wanted.last - wanted.first)
    cell, word = np.empty(room, np.int64), np.empty(room, np.int64)
    bit, value = np.empty(room, np.int64), np.empty(room, np.uint8)
    m = 0
    for w in range(len(wanted.places)):
        base = wanted.places[w] * n
        for b in range(wanted.first, wanted.last):
            if b < k:
                byte, shift = b >> 3, np.uint8(b & 7)
                now = (wanted.data[w, byte] >> shift) & _ONE
                was = (wanted.was_data[w, byte] >> shift) & _ONE
            else:
                place = np.uint64(b - k)
                now = np.uint8((wanted.check[w] >> place) & _ONE64)
                was = np.uint8((wanted.was_check[w] >> place) & _ONE64)
            if (wanted.everything or now != was) and (wanted.only < 0 or now == wanted.only):
                cell[m], word[m], bit[m], value[m] = base + b, w, b, now
                m += 1
    return cell[:m], word[:m], bit[:m], value[:m]


@njit(**OPTIONS)
def write(cells, at, value, windows, constants, limit):
    """Write the cells `at` to `value`: (SET pulses, RESET pulses, reads, passed, J)."""
    count = len(at)
    low, high, landing = np.empty(count, F), np.empty(count, F), np.empty(count, F)
    for i in range(count):
        one = value[i] != 0
        low[i] = F(windows.passing) if one else F(0.0)
        high[i] = F(np.inf) if one else F(windows.blocking)
        landing[i] = F(windows.one if one else windows.zero)
    counts = Counts(
        np.zeros(count, np.uint32), np.zeros(count, np.uint32), np.zeros(count, np.uint32),
        np.zeros(count, np.bool_), np.zeros(count, F),
    )  # fmt: skip
    task = Task(at, at.astype(np.uint64), low, high, landing)
    write_cells(cells, task, constants, limit, counts, empty_log(0), False)
    return counts


@njit(**OPTIONS)
def summed(words, parallel, word, bit, value, counts):
    """What each word took: float64 (words, 7): rounds of SET, of RESET, pulses of SET, of RESET,
    joules of SET, of RESET, cells left unwritten.

    Groups of `parallel` bits are pulsed one after another, so the slowest of a group counts.
    """
    sets, resets, ok, energy = counts.sets, counts.resets, counts.ok, counts.energy
    out = np.zeros((words, 7))
    at, slowest_set, slowest_reset = np.int64(-1), np.uint32(0), np.uint32(0)
    for i in range(len(word) + 1):
        group = np.int64(-2) if i == len(word) else word[i] * 4096 + bit[i] // parallel
        if group != at:
            if at >= 0:
                out[at // 4096, 0] += slowest_set
                out[at // 4096, 1] += slowest_reset
            at, slowest_set, slowest_reset = group, np.uint32(0), np.uint32(0)
        if i == len(word):
            break
        slowest_set, slowest_reset = max(slowest_set, sets[i]), max(slowest_reset, resets[i])
        w = word[i]
        out[w, 2] += sets[i]
        out[w, 3] += resets[i]
        out[w, 4 if value[i] else 5] += energy[i]
        out[w, 6] += not ok[i]
    return out


@njit(**OPTIONS)
def program(cells, wanted, n, k, windows, constants, limit, parallel):
    """Write words: what each took, as `summed`, and the reads of the cell that had most."""
    at, word, bit, value = changes(wanted, n, k)
    counts = write(cells, at, value, windows, constants, limit)
    reads = np.uint32(0)
    for i in range(len(at)):
        reads = max(reads, counts.reads[i])
    words = len(wanted.places)
    return summed(words, parallel, word, bit, value, counts), reads
