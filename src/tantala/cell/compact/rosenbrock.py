"""An adaptive, L-stable Rosenbrock method with exact events, for one cell.

The method is RODAS3 (four stages, order 3 with an embedded order 2, stiffly accurate; source
``sandu_rosenbrock``). It stays stable over any step, so a step grows from picoseconds at the snap
of a SET to years of zero-bias drift: the step follows the logarithm of time. Besides the error
estimate, no step moves the state by more than a stated fraction of its stroke, nor steps over a
growing mode. Reaching a limit of the state is an event whose time is found by shortening the step
until it ends there; the state then rests while its rate points outwards.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from tantala.cell.compact.equations import heating, rate
from tantala.cell.compact.operating_point import Series, electrical_point, steady_temperature

GAMMA = 0.5  # RODAS3: its diagonal coefficient
LARGEST_GROWTH, LARGEST_SHRINK, SAFETY = 5.0, 0.1, 0.9
DIFFERENCE = 1e-6  # step of the finite differences, relative to the scale of each variable
AT_LIMIT = 1e-9  # of the stroke: a state this close to a limit is at it
MOST_STEPS = 1_000_000
FINE, STALLED = 0, 1


class Setting(NamedTuple):
    """What does not change during a transient."""

    series: Series
    ambient: float  # K
    thermal_time: float  # s; 0: the temperature is the steady one at every instant
    low: float  # limits of the state's coordinate
    high: float
    largest_step: float  # of the coordinate
    tolerance: float  # local error, of the stroke and of the temperature


class Slopes(NamedTuple):
    """Time derivatives and operating point at one state."""

    state: float
    warming: float
    temperature: float
    cell_voltage: float
    current: float
    branch: float


@njit
def slopes(
    model: Any,
    setting: Setting,
    coordinate: float,
    temperature: float,
    voltage: float,
    branch: float,
    resting: bool,
) -> Slopes:
    """Derivatives at a state; a resting state stays where it is."""
    series, ambient = setting.series, setting.ambient
    if setting.thermal_time == 0.0:
        temperature = steady_temperature(
            model, series, coordinate, ambient, voltage, branch, temperature
        )
    cell_voltage, amperes, branch = electrical_point(
        model, series, coordinate, temperature, ambient, voltage, branch
    )
    slope = 0.0
    if not resting:
        slope = rate(model, coordinate, temperature, cell_voltage, amperes, branch)
    warming = 0.0
    if setting.thermal_time > 0.0:
        rise = heating(model, coordinate, cell_voltage, amperes)
        warming = (ambient + rise - temperature) / setting.thermal_time
    return Slopes(slope, warming, temperature, cell_voltage, amperes, branch)


@njit
def _solve(
    jacobian: tuple[float, float, float, float], diagonal: float, first: float, second: float
) -> tuple[float, float]:
    """Solve (diagonal I - J) k = (first, second)."""
    a, d = diagonal - jacobian[0], diagonal - jacobian[3]
    b, c = -jacobian[1], -jacobian[2]
    determinant = a * d - b * c
    return (d * first - b * second) / determinant, (a * second - c * first) / determinant


@njit
def _jacobian(
    model: Any, setting: Setting, at: Slopes, coordinate: float, voltage: float, resting: bool
) -> tuple[float, float, float, float]:
    """Row by row, d(state rate, warming)/d(coordinate, temperature), by finite differences."""
    shift = DIFFERENCE * (setting.high - setting.low)
    moved = slopes(model, setting, coordinate + shift, at.temperature, voltage, at.branch, resting)
    state_state = (moved.state - at.state) / shift
    if setting.thermal_time == 0.0:
        return state_state, 0.0, 0.0, 0.0
    warming_state = (moved.warming - at.warming) / shift
    shift = DIFFERENCE * at.temperature
    moved = slopes(model, setting, coordinate, at.temperature + shift, voltage, at.branch, resting)
    return (
        state_state,
        (moved.state - at.state) / shift,
        warming_state,
        (moved.warming - at.warming) / shift,
    )


@njit
def _trial(
    model: Any,
    setting: Setting,
    at: Slopes,
    jacobian: tuple[float, float, float, float],
    drift: tuple[float, float],
    coordinate: float,
    later_voltage: float,
    step: float,
    resting: bool,
) -> tuple[float, float, float, float]:
    """One RODAS3 step: (coordinate, temperature, their error estimates) at its end.

    ``drift`` is the explicit time derivative of the two rates (a ramp of the voltage).
    """
    diagonal = 1.0 / (step * GAMMA)
    t0 = at.temperature
    x1, t1 = _solve(
        jacobian,
        diagonal,
        at.state + 0.5 * step * drift[0],
        at.warming + 0.5 * step * drift[1],
    )
    x2, t2 = _solve(
        jacobian,
        diagonal,
        at.state + 4.0 * x1 / step + 1.5 * step * drift[0],
        at.warming + 4.0 * t1 / step + 1.5 * step * drift[1],
    )
    end = slopes(
        model, setting, coordinate + 2.0 * x1, t0 + 2.0 * t1, later_voltage, at.branch, resting
    )
    x3, t3 = _solve(
        jacobian, diagonal, end.state + (x1 - x2) / step, end.warming + (t1 - t2) / step
    )
    end = slopes(
        model,
        setting,
        coordinate + 2.0 * x1 + x3,
        t0 + 2.0 * t1 + t3,
        later_voltage,
        at.branch,
        resting,
    )
    x4, t4 = _solve(
        jacobian,
        diagonal,
        end.state + (x1 - x2 - 8.0 / 3.0 * x3) / step,
        end.warming + (t1 - t2 - 8.0 / 3.0 * t3) / step,
    )
    return coordinate + 2.0 * x1 + x3 + x4, t0 + 2.0 * t1 + t3 + t4, x4, t4


@njit
def _largest_stable(jacobian: tuple[float, float, float, float]) -> float:
    """The longest step over which a growing mode (a thermal or field runaway) stays resolved.

    An L-stable method damps growth that it steps over, which would lose the snap of a SET.
    """
    trace = jacobian[0] + jacobian[3]
    determinant = jacobian[0] * jacobian[3] - jacobian[1] * jacobian[2]
    growth = 0.5 * (trace + np.sqrt(max(trace**2 - 4.0 * determinant, 0.0)))
    return 0.5 / growth if growth > 0.0 else np.inf


@njit
def _drift(
    model: Any,
    setting: Setting,
    at: Slopes,
    coordinate: float,
    voltage: float,
    ramp: float,
    resting: bool,
) -> tuple[float, float]:
    """Explicit time derivative of the two rates while the voltage ramps (V/s)."""
    if ramp == 0.0:
        return 0.0, 0.0
    shift = DIFFERENCE * (abs(voltage) + 1.0)
    moved = slopes(model, setting, coordinate, at.temperature, voltage + shift, at.branch, resting)
    return ramp * (moved.state - at.state) / shift, ramp * (moved.warming - at.warming) / shift


@njit
def _step(
    model: Any,
    setting: Setting,
    at: Slopes,
    coordinate: float,
    voltage: float,
    ramp: float,
    step: float,
    resting: bool,
) -> tuple[float, float, float, float]:
    """One accepted step of at most ``step``: (coordinate, temperature, its length, the next).

    A length of 0 says that no step met the tolerance.
    """
    if resting and setting.thermal_time == 0.0:
        # Nothing evolves: the temperature follows the voltage at the next point of the record.
        return coordinate, at.temperature, step, LARGEST_GROWTH * step
    stroke = setting.high - setting.low
    jacobian = _jacobian(model, setting, at, coordinate, voltage, resting)
    drift = _drift(model, setting, at, coordinate, voltage, ramp, resting)
    step = min(step, _largest_stable(jacobian))
    for _ in range(200):
        later = voltage + ramp * step
        new, warm, error, warm_error = _trial(
            model, setting, at, jacobian, drift, coordinate, later, step, resting
        )
        size = max(abs(error) / stroke, abs(warm_error) / at.temperature)
        moved = abs(new - coordinate) / setting.largest_step
        if not (size <= setting.tolerance and moved <= 1.5 and warm > 0.0):
            step *= LARGEST_SHRINK if size > 1e3 * setting.tolerance else 0.5
            continue
        beyond = max(new - setting.high, setting.low - new)
        if beyond > AT_LIMIT * stroke:
            limit = setting.high if new > setting.high else setting.low
            step *= (limit - coordinate) / (new - coordinate)
            continue
        growth = SAFETY * (setting.tolerance / max(size, 1e-30)) ** (1.0 / 3.0)
        return new, warm, step, step * min(growth, LARGEST_GROWTH)
    return coordinate, at.temperature, 0.0, step


@njit
def _at_rest(setting: Setting, coordinate: float, slope: float) -> bool:
    """Whether a state sits at a limit which its rate would leave."""
    return (coordinate >= setting.high and slope > 0.0) or (
        coordinate <= setting.low and slope < 0.0
    )


@njit
def advance(
    model: Any,
    setting: Setting,
    start: tuple[float, float, float],
    stretch: tuple[float, float, float],
    step: float,
) -> tuple[float, float, float, float, float, float, int]:
    """Integrate over one stretch (duration, first voltage, last voltage), a straight ramp.

    ``start`` is (coordinate, temperature, branch). Returns these at the end, the next step to try,
    the energy drawn [J] (trapezoids over the steps), the time of arrival at a limit (-1: none) and
    a status.
    """
    coordinate, temperature, branch = start
    near = AT_LIMIT * (setting.high - setting.low)
    duration = stretch[0]
    ramp = (stretch[2] - stretch[1]) / duration
    elapsed, length, power, energy, arrival = 0.0, 0.0, 0.0, 0.0, -1.0
    for _ in range(MOST_STEPS):
        voltage = stretch[1] + ramp * elapsed
        at = slopes(model, setting, coordinate, temperature, voltage, branch, False)
        energy += 0.5 * length * (power + voltage * at.current)
        power = voltage * at.current
        left = duration - elapsed
        if left <= 1e-14 * duration:
            return coordinate, at.temperature, at.branch, step, energy, arrival, FINE
        resting = _at_rest(setting, coordinate, at.state)
        if resting:
            arrival = elapsed if arrival < 0.0 else arrival
            at = slopes(model, setting, coordinate, temperature, voltage, branch, True)
        elif at.state != 0.0:
            step = min(step, setting.largest_step / abs(at.state))
        rising = at.state > 0.0
        coordinate, temperature, length, step = _step(
            model, setting, at, coordinate, voltage, ramp, min(step, left), resting
        )
        if length == 0.0:
            break
        branch = at.branch
        elapsed += length
        if not resting:
            if rising and coordinate >= setting.high - near:
                coordinate = setting.high
            elif not rising and coordinate <= setting.low + near:
                coordinate = setting.low
    return coordinate, temperature, branch, step, energy, arrival, STALLED
