"""The write-verify loop compiled: all reads and pulses of a cell without a return to Python.

`write_loop.ReferenceLoop` is its reference. A block of cells at a time, whose state stays in the
first caches; in each round the cells that still need it are gathered, read, and given one pulse by
the kernels of `noise` and `pulse_kernels`. After some rounds few cells of a block are left, which
vector code works on as long as on many: they wait until all blocks are so far, and go on in blocks
that are full again. Draws are addressed as in the reference, so the outcome is the same cell by
cell, but for cells that rounding leaves on either side of an edge.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numba.np.unsafe.ndarray import to_fixed_tuple

from tantala.cell.elementary import FAST, F
from tantala.cell.endurance import use_up
from tantala.cell.noise import REACH_SHIFT, NoiseConstants, noisy
from tantala.cell.pulse_kernels import (
    BLOCK,
    LEAF,
    NUMBERS,
    OPTIONS,
    WORDS,
    ResetConstants,
    SetConstants,
    reset_cells,
    set_cells,
)
from tantala.cell.write_state import Block, PulseLog, Train

ISPP, FPPV, RADAR = 0, 1, 2
SET_WORDLINE, SET_BITLINE, RESET_WORDLINE, RESET_SOURCELINE = range(4)
INLINE = {"fastmath": FAST, "error_model": "numpy", "forceinline": True}
_FORMED, _STUCK_LOW = np.uint8(1), np.uint8(2)  # flags of a population
_ONE = np.uint32(1)
_VECTOR = 16  # cells: the longest of a processor's vectors of float32
_SET, _RESET = len(SetConstants._fields), len(ResetConstants._fields)
_NOISE = len(NoiseConstants._fields)
_tuple_of: Any = to_fixed_tuple  # an intrinsic, which takes one argument more in its definition


@njit(**OPTIONS)
def empty_log(room):
    """A log with `room` for pulses."""
    return PulseLog(
        np.empty(room, np.int64), np.empty(room, np.uint16), np.empty(room, np.int8),
        np.empty(room, F), np.empty(room, F), np.empty(room, F),
    )  # fmt: skip


@njit(**INLINE)
def _at(ladder, steps):
    return min(ladder.start + ladder.step * steps, ladder.stop)


@njit(**INLINE)
def _radar(gates, lines, start, far, one_edge, coarse, fine):
    """(gate, line, coarse, fine) of the next pulse of a cell whose word line begins at `start`."""
    rounds = np.floor(fine / lines.steps)
    climbed = coarse + rounds
    gate = min(start + gates.step * climbed, gates.stop)
    beyond = max(climbed - (gates.stop - start) / max(gates.step, 1e-9), 0.0)
    line = _at(lines, beyond if far else fine - rounds * lines.steps + 1.0)
    if one_edge:
        line = lines.stop
    return gate, line, coarse + F(far), fine + F(not far)


@njit(**LEAF)
def _read(c, round, conductance, address, seen, room):
    """Conductances [S] as one verify reads them, in `seen`."""
    volts = F(c.read_voltage)
    # Apart from what is read with noise: vector code writes to no array that it reads.
    mean = room[BLOCK:][: len(seen)]
    if c.read_voltage == c.conduction[0]:  # told outside the loop, which then is vector code
        for i in range(len(seen)):
            mean[i] = F(np.float64(conductance[i]) * c.read_voltage)
    else:
        for i in range(len(seen)):
            mean[i] = _current(c.read_voltage, c.conduction, conductance[i])
    if c.noisy:
        event = np.uint64(c.reads) + np.uint64(round)
        low, high = np.uint32(event & np.uint64(0xFFFFFFFF)), np.uint32(event >> np.uint64(32))
        words = (low, high, np.uint32(c.read_purpose), np.uint32(c.k0), np.uint32(c.k1))
        constants = NoiseConstants(*_tuple_of(c.noise, _NOISE))
        noisy(seen, mean, conductance, address, words, constants, room)
        mean = seen
    for i in range(len(seen)):
        seen[i] = mean[i] / volts


@njit(**INLINE)
def _current(voltage, conduction, conductance):
    """Mean current [A] of a read."""
    reference, gap, closed, power = conduction
    if voltage == reference:
        return F(np.float64(conductance) * voltage)
    x = 1.0 / (gap * np.sqrt(1.0 + (max(np.float64(conductance), 0.0) / closed) ** power))
    return F(conductance * reference * np.sinh(voltage * x) / np.sinh(reference * x))


@njit(**INLINE)
def _whole(count):
    """Cells in whole vectors for `count`: what is left of a vector would be worked on one by one,
    which takes longer than all before, since most rounds have few cells.
    """
    return (count + _VECTOR - 1) // _VECTOR * _VECTOR


@njit(**OPTIONS)
def _block(size):
    return Block(
        np.empty(size, np.int64), np.empty(size, F), np.empty(size, np.bool_),
        np.empty(size, np.int64), np.empty(size, F), np.empty(size, np.int64),
        np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size, np.uint64),
        np.empty(size, F), np.empty(size, np.uint32), np.empty(size, np.uint32),
        np.empty(size, np.uint8), np.empty(size, F), np.empty(size, F), np.empty(size, F),
        np.empty(size, F), np.empty(size, np.uint8), np.empty(size),
        np.empty(NUMBERS, F), np.empty(WORDS, np.uint32),
    )  # fmt: skip


@njit(**LEAF)
def _see(c, round, count, conductance, task, block):
    """What a verify reads of the first `count` active cells: noise is drawn where it may decide."""
    # Arrays by names of their own: numba counts a reference at each use of a tuple's member.
    reach, place, lows, highs = c.reach, task.place, task.low, task.high
    active, seen, doubtful = block.active, block.seen, block.unsure
    unsure = 0
    for i in range(count):
        j = active[i]
        g = conductance[place[j]]
        noise = reach[F(g).view(np.uint32) >> REACH_SHIFT]
        low, high = lows[j], highs[j]
        outside = (g + noise < low) | (g - noise > high)
        inside = (g - noise >= low) & (g + noise <= high)
        seen[i] = g
        doubtful[unsure] = i
        unsure += not (outside | inside)
    if unsure == 0:
        return
    addresses, address, own, near = task.address, block.address, block.conductance, block.near
    for u in range(unsure):
        j = active[doubtful[u]]
        address[u], own[u] = addresses[j], conductance[place[j]]
    whole = _whole(unsure)
    for u in range(unsure, whole):
        address[u], own[u] = address[0], own[0]
    _read(c, round, own[:whole], address[:whole], near[:whole], block.numbers)
    for u in range(unsure):
        seen[doubtful[u]] = near[u]


@njit(**LEAF)
def _verify(c, round, count, cells, task, train, out, block):
    """Read the block's first `count` active cells; how many are outside their window, kept.

    The energy is that of the mean current: noise takes as much as it gives.
    """
    conductance, place, lows, highs = cells.conductance, task.place, task.low, task.high
    active, all_seen, rises, direction = block.active, block.seen, block.rises, train.direction
    reads, energy, ok = out.reads, out.energy, out.ok
    _see(c, round, count, conductance, task, block)
    volts, taken, fppv = F(c.read_voltage), F(c.verify_time), c.kind == FPPV
    left = 0
    for i in range(count):
        j, seen = active[i], all_seen[i]
        reads[j] += _ONE
        energy[j] += volts * _current(c.read_voltage, c.conduction, conductance[place[j]]) * taken
        low, high = lows[j], highs[j]
        rising = seen < low
        inside = (not rising) & (seen <= high)
        ok[j] = inside
        if fppv and rising and not (np.isinf(high) or low == F(0.0)):
            # The same pulse again does no more: open the cell first.
            rising = direction[j] <= 0
        active[left], all_seen[left], rises[left] = j, seen, rising
        left += not inside
    return left


@njit(**LEAF)
def _turning(rising, count, block):
    """Of the active cells those that get a pulse in this direction, in `turn`; how many."""
    rises, turn = block.rises, block.turn
    pulsed = 0
    for i in range(count):
        turn[pulsed] = i
        pulsed += rises[i] == rising
    return pulsed


@njit(**LEAF)
def _drive(c, rising, pulsed, task, train, block):
    """Voltages of the next SET or RESET of the `pulsed` cells that need one."""
    way = np.int8(1) if rising else np.int8(-1)
    gates = c.set_wordline if rising else c.reset_wordline
    lines = c.set_bitline if rising else c.reset_sourceline
    kind, near = c.kind, F(c.near)
    first_gate, gate_step, last_gate = gates.start, gates.step, gates.stop
    first_line, line_step, last_line = lines.start, lines.step, lines.stop
    lower_step, lowest = F(c.set_wordline.step), F(c.set_wordline.start)
    active, seen, turn, direction = block.active, block.seen, block.turn, train.direction
    coarses, fines, gate_of, line_of = train.coarse, train.fine, block.gate, block.line
    position, address, addresses = block.position, block.address, task.address
    lows, highs, landing = task.low, task.high, task.landing
    for p in range(pulsed):
        i = turn[p]
        j = active[i]
        coarse, fine = coarses[j], fines[j]
        if direction[j] != way:
            direction[j], coarse, fine = way, F(0.0), F(0.0)
            if kind == RADAR and not rising:
                # It overshot: its next coarse search starts a step lower.
                landing[j] = max(landing[j] - lower_step, lowest)
        gate = np.float64(landing[j]) if kind != ISPP and rising else first_gate
        line = first_line
        if kind == RADAR:
            low, high = lows[j], highs[j]
            one_edge = np.isinf(high) or low == F(0.0)
            far = one_edge or (seen[i] < low / near if rising else seen[i] > high * near)
            gate, line, coarse, fine = _radar(gates, lines, gate, far, one_edge, coarse, fine)
        elif kind == ISPP:
            if rising:
                gate = min(first_gate + gate_step * coarse, last_gate)
            else:
                line = min(first_line + line_step * coarse, last_line)
            coarse += F(1.0)
        coarses[j], fines[j] = coarse, fine
        gate_of[p], line_of[p] = F(gate), F(line)
        position[p], address[p] = j, addresses[j]


@njit(**LEAF)
def _gather(rising, count, cells, task, block):
    """What the pulse kernels need of the cells at the block's first `count` positions, and behind
    them the first again, to fill a vector.
    """
    mask = _FORMED if rising else _FORMED | _STUCK_LOW
    place, position, at = task.place, block.position, block.at
    conductance, writes, cycles = cells.conductance, cells.writes, cells.cycles
    own, events, cycle = block.conductance, block.writes, block.cycles
    flags, movable = cells.flags, block.movable
    for i in range(count):
        cell = place[position[i]]
        at[i], own[i], events[i], cycle[i] = cell, conductance[cell], writes[cell], cycles[cell]
        movable[i] = np.uint8((flags[cell] & mask) == _FORMED)
    address, line, gate = block.address, block.line, block.gate
    for i in range(count, _whole(count)):
        own[i], events[i], cycle[i], movable[i] = own[0], events[0], cycle[0], movable[0]
        address[i], line[i], gate[i] = address[0], line[0], gate[0]


@njit(**LEAF)
def _scatter(now, count, cells, block):
    """The cells after their pulse, at age `now`; `block.writes` counts it."""
    conductance, written, age = cells.conductance, cells.written, cells.age
    at, own, writes, events = block.at, block.conductance, cells.writes, block.writes
    for i in range(count):
        cell = at[i]
        conductance[cell], written[cell], age[cell] = own[i], own[i], now
        writes[cell] = events[i] + _ONE


@njit(**LEAF)
def _pulse(c, rising, count, cells, task, block):
    """One pulse on the cells at the block's first `count` positions, whose voltages are there."""
    _gather(rising, count, cells, task, block)
    steps, k0, k1 = np.uint32(c.drift), np.uint32(c.k0), np.uint32(c.k1)
    whole = _whole(count)
    conductance, movable = block.conductance[:whole], block.movable[:whole]
    address, writes, cycles = block.address[:whole], block.writes[:whole], block.cycles[:whole]
    line, gate, width = block.line[:whole], block.gate[:whole], block.width[:whole]
    energy, switched = block.energy[:whole], block.switched[:whole]
    width[:] = F(c.set_width if rising else c.reset_width)
    if rising:
        law = SetConstants(*_tuple_of(c.set, _SET))
        set_cells(
            conductance, address, writes, cycles, movable, line, gate, width, law, steps, k0, k1,
            energy, switched, block.numbers, block.words,
        )  # fmt: skip
        at, cycle = block.at, cells.cycles
        for i in range(count):
            cycle[at[i]] = cycles[i] + _ONE
        if c.wears:
            _wear(c, count, cells, block)
    else:
        falling = ResetConstants(*_tuple_of(c.reset, _RESET))
        reset_cells(
            conductance, address, writes, cycles, movable, line, gate, width, falling, steps, k0,
            k1, energy, switched, block.numbers, block.words,
        )  # fmt: skip
    _scatter(c.now, count, cells, block)


@njit(**LEAF)
def _wear(c, count, cells, block):
    """Use up life by one SET pulse on the block's first `count` cells; as `Population._wear`."""
    life, voltage, scale, shape = c.life
    per_fold = np.log(10.0) / scale
    at, gate, used = block.at, block.gate, block.used
    # The pulse is over, so its room is free.
    all_damage, all_flags, damage, flags = cells.damage, cells.flags, block.numbers, block.movable
    last, lives = F(np.nan), 0.0
    for i in range(count):
        if gate[i] != last:  # many cells get the same step of a ladder
            last = gate[i]
            lives = np.exp((np.float64(last) - voltage) * per_fold) / life
        used[i], damage[i], flags[i] = lives, all_damage[at[i]], all_flags[at[i]]
    use_up(
        damage[:count], flags[:count], block.address[:count], block.writes[:count], used[:count],
        shape, np.uint32(c.k0), np.uint32(c.k1),
    )  # fmt: skip
    for i in range(count):
        all_damage[at[i]], all_flags[at[i]] = damage[i], flags[i]


@njit(**LEAF)
def _widen(extent, volts):
    for value in volts:
        extent[0], extent[1] = min(extent[0], value), max(extent[1], value)


@njit(**LEAF)
def _count(rising, count, out, block):
    pulses, total = out.sets if rising else out.resets, out.energy
    position, energy = block.position, block.energy
    for i in range(count):
        j = position[i]
        total[j] += energy[i]
        pulses[j] += _ONE


@njit(**OPTIONS)
def _logged(log, used, round, rising, count, block):
    """The log with one pulse of the block's first `count` cells after the `used` ones before."""
    to = used + count
    if to > len(log.cell):
        wider = empty_log(max(2 * len(log.cell), to))
        wider.cell[:used] = log.cell[:used]
        wider.round[:used] = log.round[:used]
        wider.direction[:used] = log.direction[:used]
        wider.energy[:used] = log.energy[:used]
        wider.line[:used] = log.line[:used]
        wider.gate[:used] = log.gate[:used]
        log = wider
    log.cell[used:to] = block.position[:count]
    log.round[used:to] = round
    log.direction[used:to] = 1 if rising else -1
    log.energy[used:to] = block.energy[:count]
    log.line[used:to] = block.line[:count]
    log.gate[used:to] = block.gate[:count]
    return log


@njit(**OPTIONS)
def write_cells(cells, task, c, limit, out, log, logging):
    """Verify and pulse the cells of `task` until all are inside or had `limit` pulses.

    Fills `out`; returns the log, how many pulses are in it (0 without `logging`), and the least and
    largest voltage (4, 2) [V] by SET_WORDLINE ..., inf and -inf where none was used.
    """
    used = 0
    extent = np.empty((4, 2))
    extent[:, 0], extent[:, 1] = np.inf, -np.inf
    left = len(task.place)
    block = _block(_whole(min(BLOCK, left)))
    train = Train(np.zeros(left, np.int8), np.zeros(left, F), np.zeros(left, F))
    waiting = np.arange(left)
    first, last = 0, 1
    while left and first <= limit:
        kept = 0
        for start in range(0, left, BLOCK):
            count = min(BLOCK, left - start)
            block.active[:count] = waiting[start : start + count]
            for round in range(first, min(last, limit + 1)):
                count = _verify(c, round, count, cells, task, train, out, block)
                if count == 0 or round == limit:
                    break
                for rising in (True, False):
                    pulsed = _turning(rising, count, block)
                    if pulsed == 0:
                        continue
                    _drive(c, rising, pulsed, task, train, block)
                    _widen(extent[0 if rising else 2], block.gate[:pulsed])
                    _widen(extent[1 if rising else 3], block.line[:pulsed])
                    _pulse(c, rising, pulsed, cells, task, block)
                    _count(rising, pulsed, out, block)
                    if logging:
                        log = _logged(log, used, round, rising, pulsed, block)
                        used += pulsed
            waiting[kept : kept + count] = block.active[:count]
            kept += count
        left, first, last = kept, last, 2 * last
    return log, used, extent
