"""The electrical and thermal operating point of a compact model behind a series element.

The cell and a series element share the applied voltage: none, a resistor, or the select transistor
of a 1T1R cell. The transistor is the EKV model in long-channel form,

    I_D = 2 n beta U_T^2 [ln^2(1 + e^((V_P - V_S)/2U_T)) - ln^2(1 + e^((V_P - V_D)/2U_T))],
    V_P = (V_G - V_T0) / n,

with its source at ground in SET and at the cell (a source follower) in RESET.
Source: Enz, Krummenacher and Vittoz (1995), ``ekv``.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from tantala.cell.compact.equations import current, heating
from tantala.cell.compact.numerics import BOLTZMANN_EV, root_finder

NOTHING, RESISTOR, TRANSISTOR = 0, 1, 2
SMALLEST_SHARE = 1e-12  # of the applied voltage: lower end of the bracket of the cell voltage
SMALLEST_CURRENT = 1e-300  # A: keeps the logarithm of a current finite


class Series(NamedTuple):
    """A series element as the kernels take it; `form` says which of the others apply."""

    form: int
    resistance: float  # ohm
    gate: float  # V
    threshold: float  # V
    gain: float  # A/V^2, beta
    slope_factor: float  # n
    set_sign: float  # sign of a SET voltage: decides which end of the transistor is the source


class _Divider(NamedTuple):
    """A cell and its series element, whose cell voltage is looked for."""

    model: Any
    series: Series
    coordinate: float
    temperature: float  # of the cell
    ambient: float  # of the series element
    voltage: float
    branch: float


class _Heat(NamedTuple):
    """An operating point whose steady temperature is looked for."""

    model: Any
    series: Series
    coordinate: float
    ambient: float
    voltage: float
    branch: float


@njit(cache=True)
def _inversion(x: float) -> float:
    """ln^2(1 + e^x) without overflow."""
    return (max(x, 0.0) + math.log1p(math.exp(-abs(x)))) ** 2


@njit(cache=True)
def series_current(
    series: Series, drop: float, cell_voltage: float, sign: float, temperature: float
) -> float:
    """Current [A] through the series element at its drop; magnitudes, `sign` of the voltage."""
    if series.form == RESISTOR:
        return drop / series.resistance
    thermal = BOLTZMANN_EV * temperature
    source = cell_voltage if sign * series.set_sign < 0.0 else 0.0
    pinch = (series.gate - series.threshold) / series.slope_factor
    forward = _inversion((pinch - source) / (2.0 * thermal))
    backward = _inversion((pinch - source - drop) / (2.0 * thermal))
    return 2.0 * series.slope_factor * series.gain * thermal**2 * (forward - backward)


@njit
def _excess(divider: _Divider, cell_voltage: float) -> float:
    """ln(cell current / series current) at a cell voltage (magnitude): rises through zero."""
    sign = math.copysign(1.0, divider.voltage)
    cell, _ = current(
        divider.model,
        divider.coordinate,
        divider.temperature,
        sign * cell_voltage,
        divider.branch,
    )
    drop = abs(divider.voltage) - cell_voltage
    series = series_current(divider.series, drop, cell_voltage, sign, divider.ambient)
    return math.log(max(abs(cell), SMALLEST_CURRENT) / max(series, SMALLEST_CURRENT))


_find_cell_voltage = root_finder(_excess)


@njit
def electrical_point(
    model: Any,
    series: Series,
    coordinate: float,
    temperature: float,
    ambient: float,
    voltage: float,
    branch: float,
) -> tuple[float, float, float]:
    """(cell voltage [V], current [A], branch) at a cell temperature; the series is at ambient."""
    if voltage == 0.0:
        return 0.0, 0.0, 0.0
    cell_voltage = voltage
    if series.form != NOTHING:
        divider = _Divider(model, series, coordinate, temperature, ambient, voltage, branch)
        size = abs(voltage)
        share = _find_cell_voltage(divider, SMALLEST_SHARE * size, size)
        cell_voltage = math.copysign(share, voltage)
    amperes, branch = current(model, coordinate, temperature, cell_voltage, branch)
    return cell_voltage, amperes, branch


class _Read(NamedTuple):
    """A read whose state is looked for."""

    model: Any
    amperes: float
    voltage: float
    temperature: float


@njit
def _read_excess(read: _Read, coordinate: float) -> float:
    """ln(current at a state / wanted current), magnitudes."""
    amperes, _ = current(read.model, coordinate, read.temperature, read.voltage, 0.0)
    return math.log(max(abs(amperes), SMALLEST_CURRENT) / read.amperes)


_find_coordinate = root_finder(_read_excess)


@njit(cache=True)
def coordinates_at(
    model: Any,
    amperes: np.ndarray,
    voltage: float,
    temperature: float,
    first: float,
    last: float,
    found: np.ndarray,
) -> None:
    """Fill ``found`` with the coordinates between first and last that draw ``amperes`` (> 0)."""
    for cell in range(amperes.size):
        read = _Read(model, amperes[cell], voltage, temperature)
        found[cell] = _find_coordinate(read, first, last)


@njit
def _heat_excess(heat: _Heat, temperature: float) -> float:
    """Steady temperature at the power drawn at a temperature, less that temperature [K]."""
    cell_voltage, amperes, _ = electrical_point(
        heat.model,
        heat.series,
        heat.coordinate,
        temperature,
        heat.ambient,
        heat.voltage,
        heat.branch,
    )
    rise = heating(heat.model, heat.coordinate, cell_voltage, amperes)
    return heat.ambient + rise - temperature


_find_temperature = root_finder(_heat_excess)


@njit
def steady_temperature(
    model: Any,
    series: Series,
    coordinate: float,
    ambient: float,
    voltage: float,
    branch: float,
    near: float,
) -> float:
    """The steady cell temperature [K] next to `near`, the temperature just before.

    Coming from ambient this is the lowest of several possible temperatures; past a thermal runaway
    the trajectory follows the upper one.
    """
    heat = _Heat(model, series, coordinate, ambient, voltage, branch)
    excess = _heat_excess(heat, near)
    exact = 1e-12 * near
    if abs(excess) <= exact:
        return near
    # Where the current does not depend on temperature the first guess is the answer.
    guess = near + excess
    if abs(_heat_excess(heat, guess)) <= exact:
        return guess
    low = high = near
    if excess > 0.0:
        while excess > 0.0:
            low = high
            high = low + 2.0 * excess
            excess = _heat_excess(heat, high)
    else:
        while excess < 0.0 and low > ambient:
            high = low
            low = max(high + 2.0 * excess, ambient)
            excess = _heat_excess(heat, low)
    return _find_temperature(heat, low, high)
