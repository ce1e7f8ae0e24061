"""Stanford RRAM model v1.0.0: a tunnelling gap g between a filament and its electrode.

    I     = I_0 exp(-g / g_0) sinh(V / V_0)
    gamma = gamma_0 - beta (g / 1 nm)^3,  zero where gamma |V| / t_ox < F_min
    dg/dt = -v_0 exp(-E_a / kT) sinh(gamma a_0 qV / (t_ox kT))
    T     = T_ambient + R_th |V I|

with g held between two limits. V > 0 is SET. Equations: source ``stanford_rram_v1``.

The step of gamma at F_min is a discontinuity in the source. Here gamma falls to zero over the
narrow band (1 - field_step) F_min ... F_min by the quintic 10 s^3 - 15 s^4 + 6 s^5, whose first and
second derivatives vanish at both ends; at and above F_min the published equation is unchanged, so
every published switching time is too. The random term of the source is left out: its variance
depends on the time step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit

from tantala.base.binding import quantity
from tantala.cell.compact.numerics import BOLTZMANN_EV, safe_exp, safe_sinh

NANOMETRE = 1e-9  # the unit in which the source writes the cubic term of gamma


class Stanford(NamedTuple):
    """Kernel parameters, SI; energies in eV. Field by field those of `StanfordParameters`."""

    current_scale: float
    gap_scale: float
    voltage_scale: float
    velocity: float
    activation_energy: float
    enhancement: float
    enhancement_slope: float
    hop_distance: float
    oxide_thickness: float
    smallest_field: float
    field_step: float
    smallest_gap: float
    largest_gap: float
    thermal_resistance: float


@dataclass(frozen=True)
class StanfordParameters:
    """The cited numbers of the Stanford model v1.0.0."""

    current_scale: float = quantity("A", "current scale, I_0", minimum=0)
    gap_scale: float = quantity("m", "decay length of the current, g_0", minimum=0)
    voltage_scale: float = quantity("V", "voltage scale of the current, V_0", minimum=0)
    velocity: float = quantity("m/s", "attempt velocity, v_0", minimum=0)
    activation_energy: float = quantity("eV", "hopping barrier, E_a", minimum=0)
    enhancement: float = quantity("1", "local field enhancement, gamma_0", minimum=0)
    enhancement_slope: float = quantity("1", "its fall per cubic nm of gap, beta")
    hop_distance: float = quantity("m", "atomic distance, a_0", minimum=0)
    oxide_thickness: float = quantity("m", "oxide thickness, t_ox", minimum=0)
    smallest_field: float = quantity("V/m", "field below which nothing moves, F_min", minimum=0)
    field_step: float = quantity("1", "band below F_min over which gamma vanishes", minimum=1e-6)
    smallest_gap: float = quantity("m", "smallest gap", minimum=0)
    largest_gap: float = quantity("m", "largest gap", minimum=0)
    thermal_resistance: float = quantity("K/W", "thermal resistance, R_th", minimum=0)

    polarity = 1  # the sign of a SET voltage
    state_name = "gap [m]"
    thermal_time = None  # the source gives no thermal capacitance

    def kernel(self) -> Stanford:
        """The parameters as the kernels take them."""
        return Stanford(*(getattr(self, name) for name in Stanford._fields))

    @property
    def limits(self) -> tuple[float, float]:
        """Coordinates of the high- and the low-resistance end of the state, m."""
        return self.largest_gap, self.smallest_gap

    @staticmethod
    def coordinate(state: np.ndarray) -> np.ndarray:
        """The integrated coordinate of a state: g itself."""
        return state

    @staticmethod
    def state(coordinate: np.ndarray) -> np.ndarray:
        """The state of a coordinate: g itself."""
        return coordinate

    @staticmethod
    def state_per_coordinate(state: np.ndarray) -> np.ndarray:
        """d(state)/d(coordinate): 1."""
        return np.ones_like(state)


@njit(cache=True)
def current(
    p: Stanford, gap: float, temperature: float, voltage: float, branch: float
) -> tuple[float, float]:
    """(cell current [A], branch) at a cell voltage; this model has a single branch."""
    return p.current_scale * safe_exp(-gap / p.gap_scale) * safe_sinh(
        voltage / p.voltage_scale
    ), branch


@njit(cache=True)
def heating(p: Stanford, gap: float, voltage: float, amperes: float) -> float:
    """Steady rise of temperature above ambient [K]."""
    return p.thermal_resistance * abs(voltage * amperes)


@njit(cache=True)
def field_enhancement(p: Stanford, gap: float, voltage: float) -> float:
    """gamma, with its smooth end below F_min."""
    gamma = p.enhancement - p.enhancement_slope * (gap / NANOMETRE) ** 3
    field = gamma * abs(voltage) / p.oxide_thickness / p.smallest_field
    step = min(max(1.0 + (field - 1.0) / p.field_step, 0.0), 1.0)
    return gamma * step**3 * (10.0 - 15.0 * step + 6.0 * step**2)


@njit(cache=True)
def rate(
    p: Stanford, gap: float, temperature: float, voltage: float, amperes: float, branch: float
) -> float:
    """Change of the gap dg/dt [m/s]; the limits of g are the integrator's."""
    thermal = BOLTZMANN_EV * temperature
    lowering = field_enhancement(p, gap, voltage) * p.hop_distance / p.oxide_thickness * voltage
    closing = safe_exp((lowering - p.activation_energy) / thermal)
    opening = safe_exp((-lowering - p.activation_energy) / thermal)
    return -0.5 * p.velocity * (closing - opening)
