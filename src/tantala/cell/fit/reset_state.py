"""What a fit of RESET has found so far, and the simulation of measured rows with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from tantala.cell.fit import matching
from tantala.cell.fit.held import held
from tantala.cell.pulse_kernels import SMALLEST_GROWTH
from tantala.cell.switching import BOLTZMANN_EV, ResetLaw
from tantala.cell.variability import skewed

Array = NDArray[np.float64]
ROOM = held().pulses.temperature  # K
HEAT = BOLTZMANN_EV * ROOM
FAILED = held().reset.failed_below  # ohm
SWITCHED = np.log(held().reset.switched_above)  # of ln R: the onset came


@dataclass(frozen=True)
class NominalReset:
    """The RESET of the cycling table: source and word line [V], width [s]."""

    sourceline: float
    wordline: float
    width: float

    def rows(self, resistance: Array) -> dict[str, Array]:
        """This pulse on cells at `resistance` [ohm], as rows to simulate."""
        count = len(resistance)
        return {
            "resistance_before": resistance,
            "sourceline": np.full(count, self.sourceline),
            "wordline": np.full(count, self.wordline),
            "pulse_width": np.full(count, self.width),
        }


@dataclass
class ResetState:
    """Numbers of `ResetLaw` and of the growth's spread, with standard errors; SI and eV."""

    law: dict[str, float]
    errors: dict[str, float]
    spread: float = 0.33
    skewness: float = 0.4
    weak_fraction: float = 0.15

    @property
    def fitted(self) -> ResetLaw:
        """The law with the numbers found so far."""
        return ResetLaw(**self.law)


def start(floor: float) -> dict[str, float]:
    """Where the fit starts; `floor` is the floor of the fall [ohm]."""
    fixed = held().reset
    return {
        "attempt_time": held().pulses.attempt_time,
        "barrier": 0.73,
        "lowering": 0.105,
        "barrier_spread": 0.026,
        "reference_resistance": fixed.reference_resistance,
        "filament_exponent": 5.0,
        "incubation": 1.5e-7,
        "follower_offset": 0.2,
        "follower_softness": 0.2,
        "jump": 1.6,
        "growth": 0.45,
        "maximum_resistance": fixed.maximum_resistance,
        "weak_barrier": 0.115,
        "creep_exponent": 1.5,
        "decrease": 0.3,
        "decrease_floor": floor,
        "decrease_time": 5e-7,
        "decrease_fade": 8e-6,
        "decrease_voltage": fixed.decrease_voltage,
        "decrease_voltage_scale": 0.37,
        "decrease_exponent": 1.0,
        "decrease_spread": 1.0,
    }


def simulate(
    state: ResetState,
    rows: dict[str, Array],
    seed: int,
    weak: NDArray[np.bool_] | None = None,
) -> Array:
    """ln R after each row's RESET pulse, without read noise; `weak` tells the weak cells, if
    another draw has told them.
    """
    law, spread, skewness = state.fitted, state.spread, state.skewness
    count = len(rows["resistance_before"])
    normals = matching.draws(count, 4, seed)
    failing = ndtr(normals[3]) < state.weak_fraction if weak is None else weak
    excess = law.barrier_spread * normals[0] + law.weak_barrier * failing
    volts = law.effective_voltage(rows["sourceline"], rows["wordline"])
    tau = law.time_constant(volts, ROOM, excess)
    before, width = rows["resistance_before"], rows["pulse_width"]
    onset = law.onset(before, tau)
    growth = np.maximum(law.growth * (1.0 + spread * skewed(normals[1], skewness)), SMALLEST_GROWTH)
    grown = law.grown(before, width, tau, growth)
    crept = law.crept(before, volts, width, onset, normals[2])
    return np.log(np.where(width > onset, grown, crept))
