"""The numba kernels of SET and RESET over vectors of cells; `pulses` holds their reference.

A block of cells at a time, in phases over small buffers: draws, drift, physics. Each phase is a
loop without branches or calls over few arrays, which LLVM turns into vector code (it gives up on
one long loop over all of them); the buffers stay in the first cache.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from tantala.base.random import philox4x32
from tantala.cell import variability
from tantala.cell.elementary import FAST, F, exp32, log32, normal32, soft32
from tantala.cell.switching import FLOOR_VOLTAGE
from tantala.cell.variability import drift32, skewed32

BLOCK = 2048
SWITCHED = 1.5  # a cell counts as switched when R changed by more than this factor
SMALLEST_GROWTH = 0.02  # of b in RESET: an event never shrinks the gap
_TRAITS = np.uint32(variability.TRAITS)
_SET_EVENT = np.uint32(variability.SET_EVENT)
_RESET_EVENT = np.uint32(variability.RESET_EVENT)
_LOW_BITS = np.uint64(0xFFFFFFFF)
_TRAIT_BITS = np.uint32(variability.LOW_BITS)
_HALF = np.uint64(32)
_ZERO = np.uint32(0)
_NEVER = F(1e30)  # ohm: a resistance no cell falls to
_SMALLEST_DROP = F(1e-6)  # V
_SMALLEST_CURRENT = F(1e-12)  # A
_SMALLEST_GROWTH = F(SMALLEST_GROWTH)
_LOG10_E = F(0.4342944819032518)
_SWITCHED = F(SWITCHED)
_LOG_SWITCHED = F(np.log(SWITCHED))
OPTIONS = {"fastmath": FAST, "error_model": "numpy", "cache": True, "nogil": True}
# For what allocates nothing: without counts of references, which are atomic and so cost more than
# the work on the few cells that a write still pulses in the end. Callers keep the arrays alive.
LEAF = {**OPTIONS, "_nrt": False}
NUMBERS, WORDS = 6 * BLOCK, 4 * BLOCK  # float32 and uint32 that a pulse works in


class SetConstants(NamedTuple):
    """Constants of a SET at one temperature, all float32; made by `pulses.set_constants`."""

    barrier_cell: float  # eV, cell part of the barrier's sigma
    barrier_event: float  # eV, event part
    threshold_spread: float  # V
    of_cell: float  # square roots of the shares of ln R
    of_drift: float
    of_event: float
    barrier: float  # eV, with the attempt time's and the reference resistance's logarithms
    barrier_slope: float  # eV
    heat: float  # eV, kT
    lowering: float  # eV/V
    threshold: float  # V
    dibl: float
    per_slope: float  # 1 / n
    unit: float  # V, twice the softness
    gain: float  # A/V^2
    minimum: float  # ohm
    series: float  # ohm
    closed_lift: float
    closed_exponent: float
    closed: float  # p ln R_closed
    spread: float  # sigma of ln R
    skewness: float


class ResetConstants(NamedTuple):
    """Constants of a RESET at one temperature, all float32; made by `pulses.reset_constants`."""

    barrier_cell: float  # eV
    barrier_event: float  # eV
    weak_barrier: float  # eV
    weak_limit: float  # of 16 random bits, below which a cell is weak
    of_cell: float  # square roots of the shares of the growth
    of_drift: float
    of_event: float
    per_heat: float  # 1/eV
    barrier: float  # E_r / kT + ln t_0
    lowering: float  # 1/V, a_r / kT
    follower_offset: float  # V
    follower_softness: float  # V
    reference: float  # ln R_ref
    filament_exponent: float
    incubation: float  # s
    maximum: float  # ln(R_max / R_ref)
    jump: float  # ln J
    growth: float
    spread: float  # relative sigma of the growth
    skewness: float
    creep_exponent: float
    decrease: float
    decrease_floor: float  # ohm
    decrease_time: float  # ln of the time scale at zero volts
    per_fade: float  # 1/s
    decrease_per_volt: float  # 1/V
    decrease_exponent: float
    decrease_spread: float
    high_fall: float  # of ln R a decade of cycles
    high_widening: float  # of the spread a decade of cycles
    per_wear_onset: float  # 1 / cycles


@njit(**LEAF)
def _events(address, event, purpose, k0, k1, w0, w1, w2):
    """Words of each (address, event): normals of them are made in loops of their own."""
    for i in range(len(w0)):
        low = np.uint32(address[i] & _LOW_BITS)
        high = np.uint32(address[i] >> _HALF)
        w0[i], w1[i], w2[i], _ = philox4x32(low, event[i], purpose, high, k0, k1)


@njit(**LEAF)
def _traits(address, k0, k1, w0, w1, w2, w3):
    for i in range(len(w0)):
        low = np.uint32(address[i] & _LOW_BITS)
        high = np.uint32(address[i] >> _HALF)
        w0[i], w1[i], w2[i], w3[i] = philox4x32(low, _ZERO, _TRAITS, high, k0, k1)


@njit(**LEAF)
def _normal(out, share, word):
    """`share` times the normal of each word."""
    for i in range(len(out)):
        out[i] = share * normal32(word[i])


@njit(**LEAF)
def _add_normal(out, share, word):
    for i in range(len(out)):
        out[i] += share * normal32(word[i])


@njit(**LEAF)
def _set_draws(address, writes, c, k0, k1, excess, shift, xi, w0, w1, w2, phase):
    """Extra barrier [eV] and threshold [V], xi without its drift, and the drift's phase."""
    _traits(address, k0, k1, w0, w1, w2, phase)
    _normal(excess, c.barrier_cell, w0)
    _normal(shift, c.threshold_spread, w1)
    _normal(xi, c.of_cell, w2)
    _events(address, writes, _SET_EVENT, k0, k1, w0, w1, w2)
    _add_normal(excess, c.barrier_event, w0)
    _add_normal(xi, c.of_event, w1)


@njit(**LEAF)
def _add_drift(address, cycles, phase, steps, share, word, k0, k1, xi):
    """Add the slow drift; `word` 0 for the low, 1 for the high state."""
    for i in range(len(xi)):
        low = np.uint32(address[i] & _LOW_BITS)
        high = np.uint32(address[i] >> _HALF)
        xi[i] += share * drift32(low, high, cycles[i], phase[i] & _TRAIT_BITS, steps, k0, k1, word)


@njit(forceinline=True, fastmath=FAST, error_model="numpy")
def _compliance(critical, bitline, overdrive, c):
    """R [ohm] at which the cell's voltage is `critical`; `overdrive` [V] without drain lowering."""
    drop = max(bitline - critical, _SMALLEST_DROP)
    pinch = (overdrive + c.dibl * drop) * c.per_slope
    forward = c.unit * soft32(pinch / c.unit)
    backward = c.unit * soft32((pinch - drop) / c.unit)
    current = max(c.gain * (forward * forward - backward * backward), _SMALLEST_CURRENT)
    return F(c.minimum + critical * ((drop + c.series * current) / (current * drop)))


@njit(**LEAF)
def _set_onset(conductance, bitline, wordline, width, c, excess, shift, onset, reached, state):
    """V_c of the state before in `onset` [V], and ln R at which it would end in `reached`.

    `excess` becomes the barrier [eV] less the heat's part, `shift` the overdrive [V], `state` ln R.
    """
    per_lowering = F(1.0) / c.lowering
    for i in range(len(conductance)):
        before = F(1.0) / conductance[i]
        height = c.barrier + excess[i] - c.heat * log32(width[i])
        log_before = log32(before)
        needed = (height + c.barrier_slope * log_before) * per_lowering
        critical = max(needed, F(FLOOR_VOLTAGE))
        overdrive = wordline[i] - c.threshold - shift[i]
        reached[i] = log32(min(_compliance(critical, bitline[i], overdrive, c), before))
        onset[i] = critical
        excess[i] = height
        shift[i] = overdrive
        state[i] = log_before


@njit(**LEAF)
def _set_target(state, bitline, c, height, overdrive, xi, reached):
    """R [ohm] that each cell tends to, in `reached`, which held ln R of the first estimate."""
    per_lowering = F(1.0) / c.lowering
    for i in range(len(state)):
        needed = (height[i] + c.barrier_slope * reached[i]) * per_lowering
        grown = _compliance(max(needed, F(FLOOR_VOLTAGE)), bitline[i], overdrive[i], c)
        openness = exp32(c.closed_exponent * state[i] - c.closed)
        lift = c.closed_lift / (F(1.0) + openness)
        reached[i] = grown * exp32(lift + c.spread * skewed32(xi[i], c.skewness))


@njit(**LEAF)
def _set_outcome(conductance, movable, bitline, width, c, onset, target, energy, switched):
    """New conductance [S], energy [J] and flags."""
    steepness = c.lowering / c.heat
    for i in range(len(conductance)):
        kept = conductance[i]
        before = F(1.0) / kept
        aim = target[i] if bitline[i] > onset[i] else _NEVER
        aim = aim if movable[i] != 0 else _NEVER
        after = min(before, aim)
        wait = width[i] * exp32(min((onset[i] - bitline[i]) * steepness, F(0.0)))
        energy[i] = bitline[i] * bitline[i] * (wait / before + (width[i] - wait) / after)
        conductance[i] = F(1.0) / after if after < before else kept
        switched[i] = np.uint8(before > _SWITCHED * after)


@njit(**LEAF)
def set_cells(
    conductance, address, writes, cycles, movable, bitline, wordline, width, c, steps, k0, k1,
    energy, switched, numbers, words,
):  # fmt: skip
    """One SET pulse; `c` are SetConstants, `steps` is log2 of the drift period.

    `numbers`, `words`: room for NUMBERS float32 and WORDS uint32; of one dimension, since LLVM
    makes no vectors of rows whose stride it cannot see.
    """
    for start in range(0, len(conductance), BLOCK):
        to = min(start + BLOCK, len(conductance))
        count = to - start
        excess, shift, xi = numbers[:count], numbers[BLOCK:][:count], numbers[2 * BLOCK :][:count]
        onset, reached = numbers[3 * BLOCK :][:count], numbers[4 * BLOCK :][:count]
        state = numbers[5 * BLOCK :][:count]
        w0, w1 = words[:count], words[BLOCK:][:count]
        w2, phase = words[2 * BLOCK :][:count], words[3 * BLOCK :][:count]
        _set_draws(
            address[start:to], writes[start:to], c, k0, k1, excess, shift, xi, w0, w1, w2, phase
        )
        _add_drift(address[start:to], cycles[start:to], phase, steps, c.of_drift, 0, k0, k1, xi)
        _set_onset(
            conductance[start:to], bitline[start:to], wordline[start:to], width[start:to], c,
            excess, shift, onset, reached, state,
        )  # fmt: skip
        _set_target(state, bitline[start:to], c, excess, shift, xi, reached)
        _set_outcome(
            conductance[start:to], movable[start:to], bitline[start:to], width[start:to], c, onset,
            reached, energy[start:to], switched[start:to],
        )  # fmt: skip


@njit(**LEAF)
def _reset_draws(address, writes, c, k0, k1, excess, xi, fall, w0, w1, w2, phase):
    """Extra barrier [eV], xi without its drift, the normal of the fall, and the drift's phase."""
    _traits(address, k0, k1, w0, w1, phase, w2)
    _normal(excess, c.barrier_cell, w0)
    _normal(xi, c.of_cell, w2)
    for i in range(len(excess)):
        excess[i] += c.weak_barrier if F(w1[i] & _TRAIT_BITS) < c.weak_limit else F(0.0)
    _events(address, writes, _RESET_EVENT, k0, k1, w0, w1, w2)
    _add_normal(excess, c.barrier_event, w0)
    _add_normal(xi, c.of_event, w1)
    _normal(fall, F(1.0), w2)


@njit(**LEAF)
def _reset_growth(cycles, c, xi):
    """Turn xi into the growth exponent b of each event."""
    for i in range(len(xi)):
        decades = _LOG10_E * log32(F(1.0) + F(cycles[i]) * c.per_wear_onset)
        spread = c.spread * (F(1.0) + c.high_widening * decades)
        grown = c.growth * (F(1.0) + spread * skewed32(xi[i], c.skewness))
        xi[i] = max(grown, _SMALLEST_GROWTH)


@njit(**LEAF)
def _reset_times(source, wordline, width, c, excess, volts):
    """Effective voltage [V] of each pulse, and ln(width / tau) in place of the extra barrier."""
    per_softness = F(1.0) / c.follower_softness
    for i in range(len(volts)):
        beyond = (source[i] - wordline[i] - c.follower_offset) * per_softness
        volts[i] = max(source[i] - c.follower_softness * soft32(beyond), F(0.0))
        log_tau = c.barrier - c.lowering * volts[i] + excess[i] * c.per_heat
        excess[i] = log32(width[i]) - log_tau


@njit(**LEAF)
def _reset_physics(conductance, cycles, movable, width, c, volts, log_time, growth, draw, onset):
    """The equations of `ResetLaw`: fills `onset` [s]; ln(R / R_ref) after in `growth`, before in
    `draw`.
    """
    first_stroke = exp32(c.jump) - F(1.0)
    for i in range(len(conductance)):
        before = -log32(conductance[i]) - c.reference
        log_onset = -log_time[i] - c.filament_exponent * before
        onset[i] = c.incubation + width[i] * exp32(log_onset)
        worn = c.high_fall * _LOG10_E * log32(F(1.0) + F(cycles[i]) * c.per_wear_onset)
        stroke = c.jump + growth[i] * log_time[i]
        higher = max(before, stroke)
        apart = abs(before - stroke) / growth[i]
        alone = higher + growth[i] * soft32(-apart)
        beside = min(alone, c.maximum)
        grown = beside - soft32(beside - max(alone, c.maximum)) - worn
        decay = c.decrease_per_volt * volts[i] + log32(width[i]) - c.decrease_time
        progress = exp32(c.decrease_exponent * decay)
        spread = exp32(c.decrease_spread * (draw[i] - F(0.5) * c.decrease_spread))
        closed = exp32(-F(2.0) * max(before, F(0.0))) / (F(1.0) + width[i] * c.per_fade)
        fall = c.decrease * progress / (F(1.0) + progress) * spread * closed
        ohms = F(1.0) / conductance[i]
        above = max(ohms - c.decrease_floor, F(0.0))
        fallen = min(ohms, c.decrease_floor) + above * exp32(-fall)
        waited = c.creep_exponent * log32(width[i] / onset[i])
        crept = log32(fallen * (F(1.0) + first_stroke * exp32(waited))) - c.reference
        after = max(before, grown) if width[i] > onset[i] else crept
        after = after if movable[i] != 0 else before
        growth[i] = after
        draw[i] = before


@njit(**LEAF)
def _reset_outcome(conductance, source, width, c, volts, onset, before, after, energy, switched):
    """New conductance [S], energy [J] and flags from ln(R / R_ref) before and after."""
    for i in range(len(conductance)):
        waited = min(width[i], onset[i])
        moved = exp32(-after[i] - c.reference)
        now = moved if after[i] != before[i] else conductance[i]
        power = source[i] * volts[i]
        energy[i] = power * (waited * conductance[i] + (width[i] - waited) * now)
        switched[i] = np.uint8(after[i] - before[i] > _LOG_SWITCHED)
        conductance[i] = now


@njit(**LEAF)
def reset_cells(
    conductance, address, writes, cycles, movable, source, wordline, width, c, steps, k0, k1,
    energy, switched, numbers, words,
):  # fmt: skip
    """One RESET pulse; `c` are ResetConstants, the rest as of `set_cells`."""
    for start in range(0, len(conductance), BLOCK):
        to = min(start + BLOCK, len(conductance))
        count = to - start
        excess, xi, fall = numbers[:count], numbers[BLOCK:][:count], numbers[2 * BLOCK :][:count]
        volts, onset = numbers[3 * BLOCK :][:count], numbers[4 * BLOCK :][:count]
        w0, w1 = words[:count], words[BLOCK:][:count]
        w2, phase = words[2 * BLOCK :][:count], words[3 * BLOCK :][:count]
        _reset_draws(
            address[start:to], writes[start:to], c, k0, k1, excess, xi, fall, w0, w1, w2, phase
        )
        _add_drift(address[start:to], cycles[start:to], phase, steps, c.of_drift, 1, k0, k1, xi)
        _reset_growth(cycles[start:to], c, xi)
        _reset_times(source[start:to], wordline[start:to], width[start:to], c, excess, volts)
        _reset_physics(
            conductance[start:to], cycles[start:to], movable[start:to], width[start:to], c, volts,
            excess, xi, fall, onset,
        )  # fmt: skip
        _reset_outcome(
            conductance[start:to], source[start:to], width[start:to], c, volts, onset, fall, xi,
            energy[start:to], switched[start:to],
        )  # fmt: skip
