"""One SET or RESET pulse on many cells: the numpy reference, and calls of the numba kernels.

Both change `conductance` in place and return the energy [J] and a flag for each cell; a cell counts
as switched when its resistance changed by more than a factor SWITCHED.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tantala.base.random import TWO_TO_MINUS_32, seed_words, words
from tantala.cell import pulse_kernels as kernels
from tantala.cell import variability
from tantala.cell.pulse_kernels import SMALLEST_GROWTH, SWITCHED, ResetConstants, SetConstants
from tantala.cell.switching import BOLTZMANN_EV
from tantala.cell.variability import VariabilityLaw, drift, skewed

if TYPE_CHECKING:
    from tantala.cell.cell import Cell
    from tantala.cell.endurance import EnduranceLaw
    from tantala.cell.switching import ResetLaw, SetLaw

SMALLEST_SKEWNESS = 1e-3  # g of the kernels, whose Tukey transform divides by it
Array = NDArray[Any]


@dataclass(frozen=True)
class Cells:
    """The selected cells of a population, one contiguous array each.

    conductance float32 [S], changed in place; address uint64; writes (the event number) and cycles
    uint32; movable bool, False where the filament cannot change in this direction.
    """

    conductance: NDArray[np.float32]
    address: NDArray[np.uint64]
    writes: NDArray[np.uint32]
    cycles: NDArray[np.uint32]
    movable: NDArray[np.bool_]


@dataclass(frozen=True)
class Pulse:
    """One pulse a cell, float32 arrays: bit line (SET) or source line (RESET) [V], word line [V],
    width [s]; and the temperature [K] of all.
    """

    first: NDArray[np.float32]
    wordline: NDArray[np.float32]
    width: NDArray[np.float32]
    temperature: float


def _normals(drawn: Array) -> Array:
    # Loaded where it is used: arrays import this module and need no special functions.
    from scipy.special import ndtri

    return ndtri((drawn + 0.5) * TWO_TO_MINUS_32)


def _weak(spread: VariabilityLaw, traits: Array) -> NDArray[np.bool_]:
    low_bits = traits[variability.WEAK] & np.uint32(variability.LOW_BITS)
    return low_bits < _weak_limit(spread)


def _weak_limit(spread: VariabilityLaw) -> float:
    return spread.weak_fraction * (variability.LOW_BITS + 1)


def set_reference(cell: Cell, seed: int, cells: Cells, pulse: Pulse) -> tuple[Array, Array]:
    """SET in plain numpy (float64); returns (energy [J], switched) and changes conductance."""
    law, spread = cell.law("set"), cell.law("variability")
    traits = words(seed, variability.TRAITS, cells.address)
    trait = _normals(traits)
    event = _normals(words(seed, variability.SET_EVENT, cells.address, cells.writes)[:2])
    share = spread.barrier_cell_share
    excess = spread.barrier_spread * (
        math.sqrt(share) * trait[variability.BARRIER] + math.sqrt(1.0 - share) * event[0]
    )
    of_cell, of_drift, of_event = spread.shares("low")
    slow = drift(seed, cells.address, cells.cycles, spread.drift_shift, 0, traits)
    xi = of_cell * trait[variability.LOW] + of_drift * slow + of_event * event[1]
    before = 1.0 / cells.conductance.astype(np.float64)
    bitline, wordline = pulse.first.astype(np.float64), pulse.wordline.astype(np.float64)
    width = pulse.width.astype(np.float64)
    critical = law.critical_voltage(width, pulse.temperature, before, excess)
    shift = spread.threshold_spread * trait[variability.THRESHOLD]
    target = law.target(before, bitline, wordline, width, pulse.temperature, excess, shift)
    target = target * np.exp(spread.low_spread * skewed(xi, spread.low_skewness))
    after = np.where(cells.movable, np.minimum(before, target), before)
    # Until the barrier of the whole bit-line voltage is crossed, only the old current flows.
    heat = BOLTZMANN_EV * pulse.temperature
    wait = width * np.exp(np.minimum(law.lowering * (critical - bitline) / heat, 0.0))
    energy = bitline * bitline * (wait / before + (width - wait) / after)
    cells.conductance[:] = 1.0 / after
    return energy, before > SWITCHED * after


def reset_reference(cell: Cell, seed: int, cells: Cells, pulse: Pulse) -> tuple[Array, Array]:
    """RESET in plain numpy (float64); returns (energy [J], switched) and changes conductance."""
    law, spread = cell.law("reset"), cell.law("variability")
    traits = words(seed, variability.TRAITS, cells.address)
    trait = _normals(traits)
    event = _normals(words(seed, variability.RESET_EVENT, cells.address, cells.writes)[:3])
    share = spread.barrier_cell_share
    excess = law.barrier_spread * (
        math.sqrt(share) * trait[variability.BARRIER] + math.sqrt(1.0 - share) * event[0]
    )
    excess = excess + law.weak_barrier * _weak(spread, traits)
    of_cell, of_drift, of_event = spread.shares("high")
    slow = drift(seed, cells.address, cells.cycles, spread.drift_shift, 1, traits)
    xi = of_cell * trait[variability.HIGH] + of_drift * slow + of_event * event[1]
    before = 1.0 / cells.conductance.astype(np.float64)
    source, width = pulse.first.astype(np.float64), pulse.width.astype(np.float64)
    volts = law.effective_voltage(source, pulse.wordline)
    tau = law.time_constant(volts, pulse.temperature, excess)
    onset = law.onset(before, tau)
    wear = cell.endurance.wear(cells.cycles) if cell.endurance else (0.0, 1.0)
    growth = law.growth * (1.0 + spread.high_spread * wear[1] * skewed(xi, spread.high_skewness))
    grown = law.grown(before, width, tau, np.maximum(growth, SMALLEST_GROWTH))
    after = np.where(
        width > onset,
        np.maximum(before, grown * np.exp(-wear[0])),
        law.crept(before, volts, width, onset, event[2]),
    )
    after = np.where(cells.movable, after, before)
    waited = np.minimum(width, onset)
    energy = source * volts * (waited / before + (width - waited) / after)
    cells.conductance[:] = 1.0 / after
    return energy, after > SWITCHED * before


def set_constants(cell: Cell, temperature: float) -> SetConstants:
    """What the SET kernels need of the laws at `temperature` [K]."""
    return _set_constants(cell.law("set"), cell.law("variability"), temperature)


@functools.lru_cache(maxsize=16)
def _set_constants(law: SetLaw, spread: VariabilityLaw, temperature: float) -> SetConstants:
    heat = BOLTZMANN_EV * temperature
    share = spread.barrier_cell_share
    fixed = law.barrier - law.barrier_slope * math.log(law.reference_resistance)
    values = SetConstants(
        barrier_cell=spread.barrier_spread * math.sqrt(share),
        barrier_event=spread.barrier_spread * math.sqrt(1.0 - share),
        threshold_spread=spread.threshold_spread,
        **_shares(spread, "low"),
        barrier=fixed + heat * math.log(law.attempt_time),
        barrier_slope=law.barrier_slope,
        heat=heat,
        lowering=law.lowering,
        threshold=law.transistor_threshold,
        dibl=law.transistor_dibl,
        per_slope=1.0 / law.transistor_slope,
        unit=2.0 * law.transistor_softness,
        gain=law.transistor_gain,
        minimum=law.minimum_resistance,
        series=law.series_resistance,
        closed_lift=law.closed_lift,
        closed_exponent=law.closed_exponent,
        closed=law.closed_exponent * math.log(law.closed_resistance),
        spread=spread.low_spread,
        skewness=max(spread.low_skewness, SMALLEST_SKEWNESS),
    )
    return SetConstants._make(np.float32(value) for value in values)


def reset_constants(cell: Cell, temperature: float) -> ResetConstants:
    """What the RESET kernels need of the laws at `temperature` [K]."""
    laws = cell.law("reset"), cell.law("variability"), cell.endurance
    return _reset_constants(*laws, temperature)


@functools.lru_cache(maxsize=16)
def _reset_constants(
    law: ResetLaw, spread: VariabilityLaw, worn: EnduranceLaw | None, temperature: float
) -> ResetConstants:
    heat = BOLTZMANN_EV * temperature
    share = spread.barrier_cell_share
    values = ResetConstants(
        barrier_cell=law.barrier_spread * math.sqrt(share),
        barrier_event=law.barrier_spread * math.sqrt(1.0 - share),
        weak_barrier=law.weak_barrier,
        weak_limit=_weak_limit(spread),
        **_shares(spread, "high"),
        per_heat=1.0 / heat,
        barrier=math.log(law.attempt_time) + law.barrier / heat,
        lowering=law.lowering / heat,
        follower_offset=law.follower_offset,
        follower_softness=law.follower_softness,
        reference=math.log(law.reference_resistance),
        filament_exponent=law.filament_exponent,
        incubation=law.incubation,
        maximum=math.log(law.maximum_resistance / law.reference_resistance),
        jump=math.log(law.jump),
        growth=law.growth,
        spread=spread.high_spread,
        skewness=max(spread.high_skewness, SMALLEST_SKEWNESS),
        creep_exponent=law.creep_exponent,
        decrease=law.decrease,
        decrease_floor=law.decrease_floor,
        decrease_time=math.log(law.decrease_time)
        + law.decrease_voltage / law.decrease_voltage_scale,
        per_fade=1.0 / law.decrease_fade,
        decrease_per_volt=1.0 / law.decrease_voltage_scale,
        decrease_exponent=law.decrease_exponent,
        decrease_spread=law.decrease_spread,
        high_fall=worn.high_fall if worn else 0.0,
        high_widening=worn.high_widening if worn else 0.0,
        per_wear_onset=1.0 / worn.wear_onset if worn else 0.0,
    )
    return ResetConstants._make(np.float32(value) for value in values)


def _shares(spread: VariabilityLaw, state: str) -> dict[str, float]:
    return dict(zip(("of_cell", "of_drift", "of_event"), spread.shares(state), strict=True))


def set_numba(cell: Cell, seed: int, cells: Cells, pulse: Pulse) -> tuple[Array, Array]:
    """SET by the kernels; as `set_reference`, in float32."""
    return _run(kernels.set_cells, set_constants(cell, pulse.temperature), cell, seed, cells, pulse)


def reset_numba(cell: Cell, seed: int, cells: Cells, pulse: Pulse) -> tuple[Array, Array]:
    """RESET by the kernels; as `reset_reference`, in float32."""
    constants = reset_constants(cell, pulse.temperature)
    return _run(kernels.reset_cells, constants, cell, seed, cells, pulse)


def _run(
    kernel: Any, constants: Any, cell: Cell, seed: int, cells: Cells, pulse: Pulse
) -> tuple[Array, Array]:
    energy = np.empty(len(cells.conductance), np.float32)
    switched = np.empty(len(cells.conductance), np.bool_)
    low, high = seed_words(seed)
    kernel(
        cells.conductance,
        cells.address,
        cells.writes,
        cells.cycles,
        cells.movable.view(np.uint8),
        pulse.first,
        pulse.wordline,
        pulse.width,
        constants,
        np.uint32(cell.law("variability").drift_shift),
        np.uint32(low),
        np.uint32(high),
        energy,
        switched.view(np.uint8),
        np.empty(kernels.NUMBERS, np.float32),
        np.empty(kernels.WORDS, np.uint32),
    )
    return energy, switched


SET = {"numpy": set_reference, "numba": set_numba}
RESET = {"numpy": reset_reference, "numba": reset_numba}
