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
from tantala.cell.write_kernels import empty_log, write_cells
from tantala.cell.write_state import Counts, Task

OPTIONS = {"fastmath": FAST, "error_model": "numpy", "cache": True, "nogil": True}
_READ = np.uint32(READ)
_ONE64, _BYTE = np.uint64(1), np.uint64(0xFF)


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
def _sides(conductance, sure_low, sure_high):
    """Up to 32 cells: (surely ones, surely zeros), bit by bit; in 32 bits, so in full vectors."""
    ones, zeros = np.uint32(0), np.uint32(0)
    for b in range(len(conductance)):
        g = conductance[b]
        ones |= np.uint32(np.uint32(g >= sure_low) << np.uint32(b))
        zeros |= np.uint32(np.uint32(g <= sure_high) << np.uint32(b))
    return ones, zeros


@njit(**OPTIONS)
def _seen(conductance, base, count, sure_low, sure_high):
    """Up to 64 cells from `base` on: (ones, cells that are near a threshold), bit by bit."""
    ones, sure = np.uint64(0), np.uint64(0)
    for first in range(0, count, 32):
        part = conductance[base + first : base + min(first + 32, count)]
        high, low = _sides(part, sure_low, sure_high)
        ones |= np.uint64(high) << np.uint64(first)
        sure |= np.uint64(high | low) << np.uint64(first)
    return ones, sure ^ (~np.uint64(0) >> np.uint64(64 - count))


@njit(**OPTIONS)
def _resolved(conductance, base, first, group, amplifiers, event, ones, near):
    """`ones` with the cells read that are near a threshold."""
    a = amplifiers
    voltage, k0, k1 = F(a.voltage), np.uint32(a.k0), np.uint32(a.k1)
    low, high, b = a.low[group], a.high[group], 0
    while near:
        if not near & _BYTE:  # few are near
            near >>= np.uint64(8)
            b += 8
            continue
        if near & _ONE64:
            cell, bit = base + b, first + b
            value = _decided(
                conductance[cell], cell, event, low[bit], high[bit], voltage, a.noise, k0, k1
            )
            ones |= np.uint64(value) << np.uint64(b)
        near >>= _ONE64
        b += 1
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
                value = np.uint8(ones & _BYTE)
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


@njit(**OPTIONS)
def encode(tables, data):
    """Check bits of each word of `data` (w, bytes); `tables` as of `sense`."""
    check = np.zeros(len(data), np.uint64)
    for w in range(len(data)):
        for at in range(data.shape[1]):
            check[w] ^= tables[at, data[w, at]]
    return check


@njit(**OPTIONS)
def ready(places, block, born, aged, now, bad):
    """Whether all words at `places` can be used as they are: born, of age `now`, none `bad`."""
    for place in places:
        at = place // block
        if not born[at] or aged[at] != now or bad[place]:
            return False
    return True


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
    """Bits to be written: (cell, word, bit, value), each (m,), those that become 1 first."""
    room = len(wanted.places) * (wanted.last - wanted.first)
    cell, word = np.empty(room, np.int64), np.empty(room, np.int64)
    bit, value = np.empty(room, np.int64), np.empty(room, np.uint8)
    m = 0
    if wanted.only != 0:
        m = _differing(wanted, n, k, np.uint64(0), cell, word, bit, m)
        value[:m] = 1
    ones = m
    if wanted.only != 1:
        m = _differing(wanted, n, k, ~np.uint64(0), cell, word, bit, m)
        value[ones:m] = 0
    return cell[:m], word[:m], bit[:m], value[:m]


@njit(**OPTIONS)
def _differing(wanted, n, k, flip, cell, word, bit, m):
    """Append the bits that differ, or all with `everything`, of those that are 1 after XOR with
    `flip`, from the m-th entry on; entries filled then.
    """
    # Arrays by names of their own: numba counts a reference at each use of a tuple's member.
    places, data, check = wanted.places, wanted.data, wanted.check
    was_data, was_check = wanted.was_data, wanted.was_check
    begin, end = wanted.first, wanted.last
    every = ~np.uint64(0) if wanted.everything else np.uint64(0)
    for w in range(len(places)):
        base = places[w] * n
        first = begin
        while first < end:
            if first < k:
                byte, last = first >> 3, min((first | 7) + 1, k, end)
                now = np.uint64(data[w, byte]) >> np.uint64(first & 7)
                was = np.uint64(was_data[w, byte]) >> np.uint64(first & 7)
            else:
                last = end
                now, was = check[w] >> np.uint64(first - k), was_check[w] >> np.uint64(first - k)
            chosen = (now ^ flip) & ((now ^ was) | every)
            for b in range(first, last):
                cell[m], word[m], bit[m] = base + b, w, b
                m += np.int64(chosen & _ONE64)
                chosen >>= _ONE64
            first = last
    return m


@njit(**OPTIONS)
def write(cells, at, value, windows, constants, limit):
    """Write the cells `at` to `value`: (SET pulses, RESET pulses, reads, passed, J)."""
    count = len(at)
    low, high, landing = np.empty(count, F), np.empty(count, F), np.empty(count, F)
    passing, blocking = F(windows.passing), F(windows.blocking)
    landing_one, landing_zero = F(windows.one), F(windows.zero)
    for i in range(count):
        one = value[i] != 0
        low[i] = passing if one else F(0.0)
        high[i] = F(np.inf) if one else blocking
        landing[i] = landing_one if one else landing_zero
    counts = Counts(
        np.zeros(count, np.uint32), np.zeros(count, np.uint32), np.zeros(count, np.uint32),
        np.zeros(count, np.bool_), np.zeros(count, F),
    )  # fmt: skip
    task = Task(at, at.astype(np.uint64), low, high, landing)
    write_cells(cells, task, constants, limit, counts, empty_log(0), False)
    return counts


class Costs(NamedTuple):
    """A `specification.Direction`: s a pulse; J a joule in the cell, J a pulsed cell, J a pulse of
    a group.
    """

    period: float
    draw: float
    cell_energy: float
    pulse_energy: float


@njit(**OPTIONS)
def summed(words, n, parallel, task, counts, up, down):
    """What each word took, float64 (5, words): s, J, pulses of cells, rounds, cells left unwritten.

    `task`: word, bit and value of each cell. Groups of `parallel` bits are pulsed one after
    another, so the slowest of a group counts. `up`, `down`: costs of SET and RESET.
    """
    word, bit, value = task
    sets, resets, ok, energy = counts.sets, counts.resets, counts.ok, counts.energy
    groups = (n + parallel - 1) // parallel
    slowest_set = np.zeros(words * groups, np.uint32)
    slowest_reset = np.zeros(words * groups, np.uint32)
    group_of = np.arange(n) // parallel
    out = np.zeros((5, words))
    joules, pulses, failed = out[1], out[2], out[4]
    for i in range(len(word)):
        w = word[i]
        at = w * groups + group_of[bit[i]]
        slowest_set[at] = max(slowest_set[at], sets[i])
        slowest_reset[at] = max(slowest_reset[at], resets[i])
        draw = up.draw if value[i] else down.draw
        joules[w] += energy[i] * draw + sets[i] * up.cell_energy + resets[i] * down.cell_energy
        pulses[w] += sets[i] + resets[i]
        failed[w] += not ok[i]
    for w in range(words):
        rising, falling = 0.0, 0.0
        for at in range(w * groups, (w + 1) * groups):
            rising += slowest_set[at]
            falling += slowest_reset[at]
        out[0, w] = rising * up.period + falling * down.period
        joules[w] += rising * up.pulse_energy + falling * down.pulse_energy
        out[3, w] = rising + falling
    return out


@njit(**OPTIONS)
def program(cells, wanted, n, k, windows, constants, limit, parallel, up, down):
    """Write words: what each took, as `summed`, and the reads of the cell that had most."""
    at, word, bit, value = changes(wanted, n, k)
    counts = write(cells, at, value, windows, constants, limit)
    reads, each = np.uint32(0), counts.reads
    for i in range(len(at)):
        reads = max(reads, each[i])
    words = len(wanted.places)
    return summed(words, n, parallel, (word, bit, value), counts, up, down), reads
