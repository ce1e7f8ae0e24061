"""Loops over cells: transients, rectangular pulses, steady operating points."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from tantala.cell.compact.equations import rate
from tantala.cell.compact.operating_point import Series, electrical_point, steady_temperature
from tantala.cell.compact.rosenbrock import Setting, advance, slopes


@njit(cache=True)
def transients(
    model: Any,
    setting: Setting,
    coordinates: np.ndarray,
    scales: np.ndarray,
    stretches: np.ndarray,
    record: np.ndarray,
    arrivals: np.ndarray,
) -> int:
    """Integrate every cell through all stretches of the waveform.

    ``coordinates`` [cell] is the start; ``scales`` [cell] multiplies the voltage of each cell;
    ``stretches`` [stretch, 3] is (duration, first voltage, last voltage); ``record`` [cell,
    stretch + 1, 5] receives coordinate, temperature, cell voltage, current and energy so far at the
    start and at the end of each stretch; ``arrivals`` [cell] receives the time at which the state
    first came to rest at a limit, or infinity. Returns the number of cells that stalled.
    """
    stalled = 0
    for cell in range(coordinates.size):
        state = (coordinates[cell], setting.ambient, 0.0)
        begun, spent, arrivals[cell], step = 0.0, 0.0, np.inf, stretches[0, 0]
        for index in range(stretches.shape[0] + 1):
            if index > 0:
                duration, first, last = stretches[index - 1]
                stretch = (duration, first * scales[cell], last * scales[cell])
                x, kelvin, branch, step, energy, arrival, status = advance(
                    model, setting, state, stretch, step
                )
                state = (x, kelvin, branch)
                if arrival >= 0.0 and arrivals[cell] == np.inf:
                    arrivals[cell] = begun + arrival
                stalled += status
                begun += duration
                spent += energy
            voltage = stretches[max(index - 1, 0), 1 if index == 0 else 2] * scales[cell]
            at = slopes(model, setting, state[0], state[1], voltage, state[2], True)
            record[cell, index, 0] = state[0]
            record[cell, index, 1] = at.temperature
            record[cell, index, 2] = at.cell_voltage
            record[cell, index, 3] = at.current
            record[cell, index, 4] = spent
    return stalled


@njit(cache=True)
def rectangular_pulses(
    model: Any,
    setting: Setting,
    coordinates: np.ndarray,
    voltages: np.ndarray,
    gates: np.ndarray,
    widths: np.ndarray,
    hottest: np.ndarray,
    energies: np.ndarray,
) -> int:
    """One rectangular pulse on each cell, with its own voltage, gate voltage and width.

    Changes ``coordinates`` and fills ``energies`` [J] and ``hottest`` [K], the temperature at the
    better conducting end of the pulse. Returns the number of cells that stalled.
    """
    stalled = 0
    for cell in range(coordinates.size):
        energies[cell], hottest[cell] = 0.0, setting.ambient
        if widths[cell] <= 0.0:
            continue
        series = setting.series
        own = Setting(
            Series(
                series.form,
                series.resistance,
                gates[cell],
                series.threshold,
                series.gain,
                series.slope_factor,
                series.set_sign,
            ),
            setting.ambient,
            setting.thermal_time,
            setting.low,
            setting.high,
            setting.largest_step,
            setting.tolerance,
        )
        volts = voltages[cell]
        start = (coordinates[cell], setting.ambient, 0.0)
        first = slopes(model, own, start[0], start[1], volts, 0.0, True)
        x, kelvin, _, _, energy, _, status = advance(
            model, own, start, (widths[cell], volts, volts), widths[cell]
        )
        coordinates[cell] = x
        energies[cell] = energy
        hottest[cell] = max(first.temperature, kelvin)
        stalled += status
    return stalled


@njit(cache=True)
def operating_points(
    model: Any,
    series: Series,
    coordinates: np.ndarray,
    ambients: np.ndarray,
    voltages: np.ndarray,
    heated: bool,
    answer: np.ndarray,
) -> None:
    """Fill ``answer`` [cell, 4] with current, state rate, temperature and cell voltage.

    ``heated`` False keeps every cell at its ambient temperature.
    """
    for cell in range(coordinates.size):
        x, ambient, voltage = coordinates[cell], ambients[cell], voltages[cell]
        kelvin = ambient
        if heated:
            kelvin = steady_temperature(model, series, x, ambient, voltage, 0.0, ambient)
        cell_voltage, amperes, branch = electrical_point(
            model, series, x, kelvin, ambient, voltage, 0.0
        )
        answer[cell, 0] = amperes
        answer[cell, 1] = rate(model, x, kelvin, cell_voltage, amperes, branch)
        answer[cell, 2] = kelvin
        answer[cell, 3] = cell_voltage
