"""The write-verify loop compiled: all reads and pulses of a cell without a return to Python.

`write_loop.ReferenceLoop` is its reference. A block of cells at a time, whose state stays in the
first caches; in each round the cells that still need it are gathered, read, and given one pulse by
the kernels of `noise` and `pulse_kernels`. Draws are addressed as in the reference, so the outcome
is the same cell by cell.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tantala.cell.elementary import FAST, F
from tantala.cell.endurance import use_up
from tantala.cell.noise import NoiseConstants, noisy
from tantala.cell.pulse_kernels import (
    BLOCK,
    OPTIONS,
    ResetConstants,
    SetConstants,
    reset_cells,
    set_cells,
)

ISPP, FPPV, RADAR = 0, 1, 2
SET_WORDLINE, SET_BITLINE, RESET_WORDLINE, RESET_SOURCELINE = range(4)
INLINE = {"fastmath": FAST, "error_model": "numpy", "forceinline": True}
_FORMED, _STUCK_LOW = np.uint8(1), np.uint8(2)  # flags of a population
_ONE = np.uint32(1)


class CellState(NamedTuple):
    """Arrays of a population that a write changes."""

    conductance: NDArray[np.float32]
    written: NDArray[np.float32]
    age: NDArray[Any]
    writes: NDArray[np.uint32]
    cycles: NDArray[np.uint32]
    damage: NDArray[np.float32]
    flags: NDArray[np.uint8]


class Ladder(NamedTuple):
    """A `write_scheme.Knob`: V, and the steps from the first voltage to the largest."""

    start: float
    step: float
    stop: float
    steps: float


class Task(NamedTuple):
    """What is to be written: positions and addresses of the selected cells, their windows [S], and
    the SET word line [V] where the train of FPPV or RADAR begins, which RADAR changes.
    """

    place: NDArray[np.int64]
    address: NDArray[np.uint64]
    low: NDArray[np.float32]
    high: NDArray[np.float32]
    landing: NDArray[np.float32]


class WriteConstants(NamedTuple):
    """What a write needs of scheme and laws.

    near: RADAR's. set_width, reset_width: s. read_voltage: V. verify_time: s. conduction:
    V_ref [V], V_gap [V], G_closed [S], p. life: eta_0, V_0 [V], s [V], beta. now: the age
    of a cell just pulsed. drift: log2 of the drift's period.
    """

    kind: int
    set_wordline: Ladder
    set_bitline: Ladder
    reset_wordline: Ladder
    reset_sourceline: Ladder
    near: float
    set_width: float
    reset_width: float
    read_voltage: float
    verify_time: float
    conduction: tuple[float, float, float, float]
    noise: NoiseConstants
    noisy: bool
    set: SetConstants
    reset: ResetConstants
    wears: bool
    life: tuple[float, float, float, float]
    now: Any
    drift: int
    read_purpose: int
    reads: int
    k0: int
    k1: int


class Counts(NamedTuple):
    """What each cell took: as `write_loop.WriteOutcome`."""

    sets: NDArray[np.uint32]
    resets: NDArray[np.uint32]
    reads: NDArray[np.uint32]
    ok: NDArray[np.bool_]
    energy: NDArray[np.float32]


class PulseLog(NamedTuple):
    """Every pulse of a loop: the position of its cell among the selected, the round (0, 1, ...),
    +1 SET or -1 RESET, the energy [J], line and gate voltage [V].
    """

    cell: NDArray[np.int64]
    round: NDArray[np.uint16]
    direction: NDArray[np.int8]
    energy: NDArray[np.float32]
    line: NDArray[np.float32]
    gate: NDArray[np.float32]

    @property
    def charge(self) -> NDArray[np.float32]:
        """What flowed in each pulse, C."""
        return (self.energy / np.maximum(self.line, 1e-30)).astype(np.float32)


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


@njit(**OPTIONS)
def _read(c, round, conductance, address, seen):
    """Conductances [S] as one verify reads them, in `seen`."""
    volts = F(c.read_voltage)
    reference, gap, closed, power = c.conduction
    for i in range(len(seen)):
        g = conductance[i]
        if c.read_voltage == reference:
            seen[i] = F(np.float64(g) * c.read_voltage)
        else:
            x = 1.0 / (gap * np.sqrt(1.0 + (max(np.float64(g), 0.0) / closed) ** power))
            seen[i] = F(g * reference * np.sinh(c.read_voltage * x) / np.sinh(reference * x))
    if c.noisy:
        event = np.uint64(c.reads) + np.uint64(round)
        low, high = np.uint32(event & np.uint64(0xFFFFFFFF)), np.uint32(event >> np.uint64(32))
        words = (low, high, np.uint32(c.read_purpose), np.uint32(c.k0), np.uint32(c.k1))
        noisy(seen, seen, conductance, address, words, c.noise)
    for i in range(len(seen)):
        seen[i] = seen[i] / volts


class _Block(NamedTuple):
    """Cells in the making, a buffer each; by place in the block unless said otherwise.

    active: places that need more, in order. seen, rises: of each active, what its last verify read
    [S] and whether a SET comes next. direction, coarse, fine: of the running train.
    position, address, line, gate, energy, switched: of the cells of one pulse.
    """

    active: NDArray[np.int64]
    seen: NDArray[np.float32]
    rises: NDArray[np.bool_]
    direction: NDArray[np.int8]
    coarse: NDArray[np.float32]
    fine: NDArray[np.float32]
    position: NDArray[np.int64]
    address: NDArray[np.uint64]
    conductance: NDArray[np.float32]
    line: NDArray[np.float32]
    gate: NDArray[np.float32]
    energy: NDArray[np.float32]
    switched: NDArray[np.uint8]


@njit(**OPTIONS)
def _block():
    return _Block(
        np.empty(BLOCK, np.int64), np.empty(BLOCK, F), np.empty(BLOCK, np.bool_),
        np.empty(BLOCK, np.int8), np.empty(BLOCK, F), np.empty(BLOCK, F),
        np.empty(BLOCK, np.int64), np.empty(BLOCK, np.uint64), np.empty(BLOCK, F),
        np.empty(BLOCK, F), np.empty(BLOCK, F), np.empty(BLOCK, F), np.empty(BLOCK, np.uint8),
    )  # fmt: skip


@njit(**OPTIONS)
def _verify(c, round, start, count, cells, task, out, block):
    """Read the block's first `count` active cells; how many are outside their window, kept."""
    for i in range(count):
        j = start + block.active[i]
        block.address[i] = task.address[j]
        block.conductance[i] = cells.conductance[task.place[j]]
    _read(c, round, block.conductance[:count], block.address[:count], block.seen[:count])
    volts, taken, kind = F(c.read_voltage), F(c.verify_time), c.kind
    left = 0
    for i in range(count):
        k, seen = block.active[i], block.seen[i]
        j = start + k
        out.reads[j] += _ONE
        out.energy[j] += volts * (seen * volts) * taken
        rising = seen < task.low[j]
        if not rising and seen <= task.high[j]:
            out.ok[j] = True
            continue
        if kind == FPPV and rising and not (np.isinf(task.high[j]) or task.low[j] == F(0.0)):
            # The same pulse again does no more: open the cell first.
            rising = block.direction[k] <= 0
        block.active[left], block.seen[left], block.rises[left] = k, seen, rising
        left += 1
    return left


@njit(**OPTIONS)
def _drive(c, rising, start, count, task, block):
    """Voltages of the next SET or RESET of those that need one; how many they are."""
    way = np.int8(1) if rising else np.int8(-1)
    gates = c.set_wordline if rising else c.reset_wordline
    lines = c.set_bitline if rising else c.reset_sourceline
    kind, near = c.kind, F(c.near)
    # What the loop calls gets single values: numba hands over a tuple member by member.
    pulsed = 0
    for i in range(count):
        if block.rises[i] != rising:
            continue
        k = block.active[i]
        j = start + k
        coarse, fine = block.coarse[k], block.fine[k]
        low, high = task.low[j], task.high[j]
        if block.direction[k] != way:
            block.direction[k], coarse, fine = way, F(0.0), F(0.0)
            if kind == RADAR and not rising:
                # It overshot: its next coarse search starts a step lower.
                lower = task.landing[j] - F(c.set_wordline.step)
                task.landing[j] = max(lower, F(c.set_wordline.start))
        gate = np.float64(task.landing[j]) if kind != ISPP and rising else gates.start
        line = lines.start
        if kind == RADAR:
            one_edge = np.isinf(high) or low == F(0.0)
            seen = block.seen[i]
            far = one_edge or (seen < low / near if rising else seen > high * near)
            gate, line, coarse, fine = _radar(gates, lines, gate, far, one_edge, coarse, fine)
        elif kind == ISPP:
            if rising:
                gate = _at(gates, coarse)
            else:
                line = _at(lines, coarse)
            coarse += F(1.0)
        block.coarse[k], block.fine[k] = coarse, fine
        block.gate[pulsed], block.line[pulsed] = F(gate), F(line)
        block.position[pulsed], block.address[pulsed] = j, task.address[j]
        pulsed += 1
    return pulsed


@njit(**OPTIONS)
def _pulse(c, rising, at, cells, count, block):
    """One pulse on the cells `at`, whose voltages are the block's first `count`."""
    conductance, writes, cycles = np.empty(count, F), np.empty(count, np.uint32), cells.cycles[at]
    movable, width = np.empty(count, np.uint8), np.empty(count, F)
    mask = _FORMED if rising else _FORMED | _STUCK_LOW
    width[:] = F(c.set_width if rising else c.reset_width)
    for i in range(count):
        conductance[i] = cells.conductance[at[i]]
        writes[i] = cells.writes[at[i]]
        movable[i] = np.uint8((cells.flags[at[i]] & mask) == _FORMED)
    steps, k0, k1 = np.uint32(c.drift), np.uint32(c.k0), np.uint32(c.k1)
    address, line, gate = block.address[:count], block.line[:count], block.gate[:count]
    energy, switched = block.energy[:count], block.switched[:count]
    if rising:
        set_cells(
            conductance, address, writes, cycles, movable, line, gate, width, c.set, steps, k0, k1,
            energy, switched,
        )  # fmt: skip
    else:
        reset_cells(
            conductance, address, writes, cycles, movable, line, gate, width, c.reset, steps, k0,
            k1, energy, switched,
        )  # fmt: skip
    if rising:
        for i in range(count):
            cells.cycles[at[i]] += _ONE
        if c.wears:
            _wear(c, at, address, cells, gate)
    for i in range(count):
        j = at[i]
        cells.conductance[j] = conductance[i]
        cells.written[j] = conductance[i]
        cells.age[j] = c.now
        cells.writes[j] += _ONE


@njit(**OPTIONS)
def _wear(c, at, address, cells, gate):
    """Use up life by one SET pulse at each `gate` [V]; as `Population._wear`."""
    life, voltage, scale, shape = c.life
    per_fold = np.log(10.0) / scale
    used = np.empty(len(at))
    for i in range(len(at)):
        used[i] = np.exp((np.float64(gate[i]) - voltage) * per_fold) / life
    k0, k1 = np.uint32(c.k0), np.uint32(c.k1)
    use_up(cells.damage, cells.flags, at, address, cells.writes, used, shape, k0, k1)


@njit(**OPTIONS)
def _widen(extent, volts):
    for value in volts:
        extent[0], extent[1] = min(extent[0], value), max(extent[1], value)


@njit(**OPTIONS)
def _count(rising, count, out, block):
    for i in range(count):
        j = block.position[i]
        out.energy[j] += block.energy[i]
        if rising:
            out.sets[j] += _ONE
        else:
            out.resets[j] += _ONE


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
    block = _block()
    for start in range(0, len(task.place), BLOCK):
        count = min(BLOCK, len(task.place) - start)
        block.active[:count] = np.arange(count)
        block.direction[:count] = 0
        for round in range(limit + 1):
            count = _verify(c, round, start, count, cells, task, out, block)
            if count == 0 or round == limit:
                break
            for rising in (True, False):
                pulsed = _drive(c, rising, start, count, task, block)
                if pulsed == 0:
                    continue
                _widen(extent[0 if rising else 2], block.gate[:pulsed])
                _widen(extent[1 if rising else 3], block.line[:pulsed])
                at = task.place[block.position[:pulsed]]
                _pulse(c, rising, at, cells, pulsed, block)
                _count(rising, pulsed, out, block)
                if logging:
                    log = _logged(log, used, round, rising, pulsed, block)
                    used += pulsed
    return log, used, extent
