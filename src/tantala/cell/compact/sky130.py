"""SKY130 ReRAM: a filament of length w that grows across an oxide of thickness t_ox.

    I     = I_k1 exp(-(t_ox - w) / (t_ox - w_ref)) sinh(V / V_ref)
    gamma = gamma_0 + gamma_1 ((t_ox - w) / 1 nm)^3
    dw/dt = v_0 [exp(-(E_g - gamma a_0/t_ox qV) / kT) - exp(-(E_r + gamma a_0/t_ox qV) / kT)]
    T     = T_ambient + R_th |V I|   in the steady state, with the time constant tau_th

with w held between two limits. V > 0 is SET. The equations are those of the Verilog-A of the
SkyWater PDK (source ``sky130_reram``); this file is written from the equations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit

from tantala.base.binding import quantity
from tantala.cell.compact.numerics import BOLTZMANN_EV, safe_exp, safe_sinh

NANOMETRE = 1e-9  # the unit in which the source writes the cubic term of gamma


class Sky130(NamedTuple):
    """Kernel parameters, SI; energies in eV. Field by field those of `Sky130Parameters`."""

    oxide_thickness: float
    smallest_length: float
    largest_length: float
    reference_length: float
    generation_energy: float
    recombination_energy: float
    current_scale: float
    voltage_scale: float
    velocity: float
    enhancement: float
    enhancement_slope: float
    hop_distance: float
    thermal_resistance: float


@dataclass(frozen=True)
class Sky130Parameters:
    """The cited numbers of the SKY130 model."""

    oxide_thickness: float = quantity("m", "oxide between the electrodes, t_ox", minimum=0)
    smallest_length: float = quantity("m", "shortest filament, w_min", minimum=0)
    largest_length: float = quantity("m", "longest filament, w_max", minimum=0)
    reference_length: float = quantity("m", "reference filament, w_ref", minimum=0)
    generation_energy: float = quantity("eV", "vacancy generation, E_g", minimum=0)
    recombination_energy: float = quantity("eV", "vacancy recombination, E_r", minimum=0)
    current_scale: float = quantity("A", "current scale, I_k1", minimum=0)
    voltage_scale: float = quantity("V", "voltage scale of the current, V_ref", minimum=0)
    velocity: float = quantity("m/s", "attempt velocity, v_0", minimum=0)
    enhancement: float = quantity("1", "local field enhancement, gamma_0", minimum=0)
    enhancement_slope: float = quantity("1", "its change per cubic nm of gap, gamma_1")
    hop_distance: float = quantity("m", "atomic distance, a_0", minimum=0)
    thermal_capacitance: float = quantity("J/K", "thermal capacitance, C_th", minimum=0)
    thermal_time: float = quantity("s", "thermal time constant, tau_th", minimum=0)

    polarity = 1  # the sign of a SET voltage
    state_name = "filament length [m]"

    def kernel(self) -> Sky130:
        """The parameters as the kernels take them."""
        return Sky130(
            *(getattr(self, name) for name in Sky130._fields[:-1]),
            thermal_resistance=self.thermal_time / self.thermal_capacitance,
        )

    @property
    def limits(self) -> tuple[float, float]:
        """Coordinates of the high- and the low-resistance end of the state, m."""
        return self.smallest_length, self.largest_length

    @staticmethod
    def coordinate(state: np.ndarray) -> np.ndarray:
        """The integrated coordinate of a state: w itself."""
        return state

    @staticmethod
    def state(coordinate: np.ndarray) -> np.ndarray:
        """The state of a coordinate: w itself."""
        return coordinate

    @staticmethod
    def state_per_coordinate(state: np.ndarray) -> np.ndarray:
        """d(state)/d(coordinate): 1."""
        return np.ones_like(state)


@njit(cache=True)
def current(
    p: Sky130, length: float, temperature: float, voltage: float, branch: float
) -> tuple[float, float]:
    """(cell current [A], branch) at a cell voltage; this model has a single branch."""
    gap = (p.oxide_thickness - length) / (p.oxide_thickness - p.reference_length)
    return p.current_scale * safe_exp(-gap) * safe_sinh(voltage / p.voltage_scale), branch


@njit(cache=True)
def heating(p: Sky130, length: float, voltage: float, amperes: float) -> float:
    """Steady rise of temperature above ambient [K]."""
    return p.thermal_resistance * abs(voltage * amperes)


@njit(cache=True)
def rate(
    p: Sky130, length: float, temperature: float, voltage: float, amperes: float, branch: float
) -> float:
    """Growth of the filament dw/dt [m/s]; the limits of w are the integrator's."""
    thermal = BOLTZMANN_EV * temperature
    gap = (p.oxide_thickness - length) / NANOMETRE
    gamma = p.enhancement + p.enhancement_slope * gap**3
    lowering = gamma * p.hop_distance / p.oxide_thickness * voltage
    grow = safe_exp((lowering - p.generation_energy) / thermal)
    shrink = safe_exp((-lowering - p.recombination_energy) / thermal)
    return p.velocity * (grow - shrink)
