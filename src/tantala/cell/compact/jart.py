"""JART VCM v1b: a Schottky barrier modulated by the oxygen vacancies of a thin disc.

Barrier, disc, plug and series resistances carry one current I:

    V     = V_s + I (R_disc + R_plug + R_s),  A = pi r^2,  N = vacancy density of the disc
    R_disc = l / (z e mu N A),  R_plug = (l_cell - l) / (z e mu N_plug A)
    R_s   = R_TiOx + R_0 (1 + R_0 alpha I^2 R_th,line)
    phi_b = phi_b0 - [e^3 z N (phi_b0 - phi_n - V_s) / (8 pi^2 eps_phi^3)]^(1/4)
    V_s > 0:  I = A A* T^2 exp(-e phi_b / kT) (exp(e V_s / kT) - 1)             (thermionic)
    V_s < 0:  I = -(A A* T / k) sqrt(pi W_00 (e |V_s| + e phi_b / cosh^2(W_00/kT)))
                  exp(-e phi_b / W_0) (exp(e |V_s| / eps') - 1)           (thermionic field)
    T     = T_ambient + |I| (|V| - |I| R_s) R_th
    dN/dt = sign c a nu (exp(-dW_min/kT) - exp(-dW_max/kT)) F / l,  c = (N_plug + N) / 2
    dW    = dW_A (sqrt(1 - g^2) -+ g pi/2 + g asin g),  g = z a E / (pi dW_A)

SET is V < 0, RESET V > 0. E is the field in the disc in SET and the mean field of barrier, disc and
plug in RESET; F = 1 - (N/N_max)^10 in SET, 1 - (N_min/N)^10 in RESET. Equations: sources
``jart_vcm_1b`` and ``bengel_variability``. The model has no zero-bias term (N stays at V = 0).

The current is implicit and is found by a bracketed solve, in ln V_s for V_s from 1e-9 |V| to |V|.
In RESET the barrier jumps back to phi_b0 as V_s nears phi_b0 - phi_n, so that two solutions can
exist: the one below that point (reached as the voltage rises from zero) is kept until it vanishes,
the one above until it vanishes in turn. The barrier voltage is the `branch` passed from call to
call; 0 means "coming from zero bias".

The integrated coordinate is ln(N m^3): N spans more than three decades.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from scipy import constants

from tantala.base.binding import quantity
from tantala.cell.compact.numerics import (
    BOLTZMANN_EV,
    ELECTRON_CHARGE,
    ELECTRON_MASS,
    PLANCK,
    root_finder,
    safe_exp,
    safe_expm1,
)

SMALLEST_SHARE = 1e-9  # of the voltage: the lower end of the bracket of the barrier voltage


class Jart(NamedTuple):
    """Kernel parameters, SI; energies in eV. Field by field those of `JartParameters`."""

    disc_permittivity: float
    barrier_permittivity: float
    radius: float
    cell_length: float
    disc_length: float
    barrier: float
    fermi_offset: float
    mobility: float
    oxide_resistance: float
    line_resistance: float
    line_thermal_resistance: float
    line_coefficient: float
    smallest_density: float
    largest_density: float
    plug_density: float
    richardson_constant: float
    charge_number: float
    hop_distance: float
    attempt_frequency: float
    activation_energy: float
    thermal_resistance: float
    reset_thermal_factor: float


@dataclass(frozen=True)
class JartParameters:
    """The cited numbers of JART VCM v1b."""

    disc_permittivity: float = quantity("1", "relative permittivity of the disc", minimum=1)
    barrier_permittivity: float = quantity("1", "relative permittivity at the barrier", minimum=1)
    radius: float = quantity("m", "filament radius, r", minimum=0)
    cell_length: float = quantity("m", "disc and plug, l_cell", minimum=0)
    disc_length: float = quantity("m", "disc, l", minimum=0)
    barrier: float = quantity("eV", "zero-bias Schottky barrier, phi_b0", minimum=0)
    fermi_offset: float = quantity("eV", "conduction band to Fermi level, phi_n", minimum=0)
    mobility: float = quantity("m^2/V/s", "electron mobility, mu", minimum=0)
    oxide_resistance: float = quantity("ohm", "TiOx layer, R_TiOx", minimum=0)
    line_resistance: float = quantity("ohm", "electrode line, R_0", minimum=0)
    line_thermal_resistance: float = quantity("K/W", "its heating, R_th,line", minimum=0)
    line_coefficient: float = quantity("1/K", "its temperature coefficient, alpha", minimum=0)
    smallest_density: float = quantity("1/m^3", "emptiest disc, N_min", minimum=0)
    largest_density: float = quantity("1/m^3", "fullest disc, N_max", minimum=0)
    plug_density: float = quantity("1/m^3", "vacancies in the plug, N_plug", minimum=0)
    richardson_constant: float = quantity("A/m^2/K^2", "Richardson constant, A*", minimum=0)
    charge_number: float = quantity("1", "charge of a vacancy, z", minimum=0)
    hop_distance: float = quantity("m", "ion hopping distance, a", minimum=0)
    attempt_frequency: float = quantity("Hz", "attempt frequency, nu", minimum=0)
    activation_energy: float = quantity("eV", "ion hopping barrier, dW_A", minimum=0)
    thermal_resistance: float = quantity("K/W", "thermal resistance, R_th0", minimum=0)
    reset_thermal_factor: float = quantity("1", "R_th of RESET over that of SET", minimum=0)

    polarity = -1  # the sign of a SET voltage
    state_name = "vacancy density [1/m^3]"
    thermal_time = None  # the model is quasi-static in temperature

    def kernel(self) -> Jart:
        """The parameters as the kernels take them: absolute permittivities."""
        values = {name: getattr(self, name) for name in Jart._fields}
        for name in ("disc_permittivity", "barrier_permittivity"):
            values[name] *= constants.epsilon_0
        return Jart(**values)

    @property
    def limits(self) -> tuple[float, float]:
        """Coordinates of the high- and the low-resistance end of the state, ln(N m^3)."""
        return math.log(self.smallest_density), math.log(self.largest_density)

    @staticmethod
    def coordinate(state: np.ndarray) -> np.ndarray:
        """The integrated coordinate of a state: ln N."""
        return np.log(state)

    @staticmethod
    def state(coordinate: np.ndarray) -> np.ndarray:
        """The state of a coordinate: N."""
        return np.exp(coordinate)

    @staticmethod
    def state_per_coordinate(state: np.ndarray) -> np.ndarray:
        """d(state)/d(coordinate): N."""
        return state


class _Point(NamedTuple):
    """One operating point whose barrier voltage is looked for."""

    model: Jart
    density: float
    temperature: float
    sign: float  # of the cell voltage
    voltage: float  # magnitude of the cell voltage


@njit(cache=True)
def barrier_height(p: Jart, density: float, voltage: float) -> float:
    """Schottky barrier [eV] at a barrier voltage, lowered by the image force."""
    room = p.barrier - p.fermi_offset - voltage
    if room <= 0.0:
        return p.barrier
    field_term = ELECTRON_CHARGE**3 * p.charge_number * density * room
    lowering = (field_term / (8.0 * math.pi**2 * p.barrier_permittivity**3)) ** 0.25
    return max(p.barrier - lowering, 0.0)


@njit(cache=True)
def barrier_current(p: Jart, density: float, temperature: float, voltage: float) -> float:
    """Magnitude of the current through the barrier [A] at a barrier voltage of either sign."""
    thermal = BOLTZMANN_EV * temperature
    scale = math.pi * p.radius**2 * p.richardson_constant * temperature
    height = barrier_height(p, density, voltage)
    if voltage >= 0.0:
        return scale * temperature * safe_exp(-height / thermal) * safe_expm1(voltage / thermal)
    tunnel = PLANCK / (4.0 * math.pi)
    tunnel *= math.sqrt(p.charge_number * density / (ELECTRON_MASS * p.disc_permittivity))
    ratio = tunnel / thermal
    room = tunnel * (height / math.cosh(ratio) ** 2 - voltage)
    slope = tunnel / (ratio - math.tanh(ratio))
    grow = safe_exp(-height * math.tanh(ratio) / tunnel) * safe_expm1(-voltage / slope)
    return scale / BOLTZMANN_EV * math.sqrt(math.pi * room) * grow


@njit(cache=True)
def disc_resistance(p: Jart, density: float) -> float:
    """R_disc [ohm]."""
    conductivity = p.charge_number * ELECTRON_CHARGE * p.mobility * density
    return p.disc_length / (conductivity * math.pi * p.radius**2)


@njit(cache=True)
def series_resistance(p: Jart, amperes: float) -> float:
    """R_s [ohm]: oxide layer and Joule-heated line."""
    line = p.line_resistance
    heated = 1.0 + line * p.line_coefficient * amperes**2 * p.line_thermal_resistance
    return p.oxide_resistance + line * heated


@njit(cache=True)
def _mismatch(point: _Point, log_barrier: float) -> float:
    """ln(sum of the drops / cell voltage) at the current of a barrier voltage exp(log_barrier)."""
    p = point.model
    barrier = math.exp(log_barrier)
    amperes = barrier_current(p, point.density, point.temperature, point.sign * barrier)
    plug = disc_resistance(p, p.plug_density) * (p.cell_length - p.disc_length) / p.disc_length
    ohmic = disc_resistance(p, point.density) + plug + series_resistance(p, amperes)
    return math.log((barrier + amperes * ohmic) / point.voltage)


_find = root_finder(_mismatch)


@njit(cache=True)
def _turning_point(point: _Point, knee: float) -> float:
    """ln of the barrier voltage below the knee where the thermionic current is largest.

    There d phi_b/dV_s = 1 / (1 - exp(-V_s/kT)): beyond, the barrier rises faster than the voltage.
    """
    p = point.model
    thermal = BOLTZMANN_EV * point.temperature
    field_term = ELECTRON_CHARGE**3 * p.charge_number * point.density
    root = (field_term / (8.0 * math.pi**2 * p.barrier_permittivity**3)) ** 0.25
    low, high = SMALLEST_SHARE * knee, knee
    for _ in range(60):
        middle = 0.5 * (low + high)
        steepness = 0.25 * root * (knee - middle) ** -0.75
        if barrier_height(p, point.density, middle) == 0.0:
            steepness = 0.0
        if steepness * -math.expm1(-middle / thermal) < 1.0:
            low = middle
        else:
            high = middle
    return math.log(low)


@njit(cache=True)
def current(
    p: Jart, coordinate: float, temperature: float, voltage: float, branch: float
) -> tuple[float, float]:
    """(cell current [A], barrier voltage [V]) at a cell voltage.

    ``branch`` is the barrier voltage of the previous point on the same trajectory, 0 if none.
    """
    if voltage == 0.0:
        return 0.0, 0.0
    size = abs(voltage)
    sign = math.copysign(1.0, voltage)
    point = _Point(p, math.exp(coordinate), temperature, sign, size)
    low, high = math.log(SMALLEST_SHARE * size), math.log(size)
    knee = p.barrier - p.fermi_offset
    if sign > 0.0 and size > knee:
        at_knee = math.log(knee)
        if _mismatch(point, at_knee) > 0.0:
            high = at_knee
        elif branch >= knee:
            low = at_knee
        else:
            turn = _turning_point(point, knee)
            if _mismatch(point, turn) >= 0.0:
                high = turn
            else:
                low = at_knee
    barrier = math.exp(_find(point, low, high))
    amperes = barrier_current(p, point.density, temperature, sign * barrier)
    return sign * amperes, barrier


@njit(cache=True)
def heating(p: Jart, coordinate: float, voltage: float, amperes: float) -> float:
    """Steady rise of temperature above ambient [K], from barrier, disc and plug."""
    resistance = p.thermal_resistance * (p.reset_thermal_factor if voltage > 0.0 else 1.0)
    inner = max(abs(voltage) - abs(amperes) * series_resistance(p, amperes), 0.0)
    return resistance * abs(amperes) * inner


@njit(cache=True)
def rate(
    p: Jart, coordinate: float, temperature: float, voltage: float, amperes: float, branch: float
) -> float:
    """d(ln N)/dt [1/s]; zero at zero bias."""
    if voltage == 0.0:
        return 0.0
    density = math.exp(coordinate)
    size = abs(amperes)
    if voltage < 0.0:
        field = size * disc_resistance(p, density) / p.disc_length
        room = 1.0 - (density / p.largest_density) ** 10
        direction = 1.0
    else:
        field = max(voltage - size * series_resistance(p, amperes), 0.0) / p.cell_length
        room = 1.0 - (p.smallest_density / density) ** 10
        direction = -1.0
    lowering = p.charge_number * p.hop_distance * field / (math.pi * p.activation_energy)
    lowering = min(lowering, 1.0)
    middle = math.sqrt(1.0 - lowering**2) + lowering * math.asin(lowering)
    thermal = BOLTZMANN_EV * temperature / p.activation_energy
    forward = safe_exp(-(middle - 0.5 * math.pi * lowering) / thermal)
    backward = safe_exp(-(middle + 0.5 * math.pi * lowering) / thermal)
    flux = 0.5 * (p.plug_density + density) * p.hop_distance * p.attempt_frequency
    return direction * flux * (forward - backward) * room / (p.disc_length * density)
