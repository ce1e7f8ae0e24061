"""Pulses and waiting on populations whose cell is a compact model.

A cell's state is its conductance at the read voltage and 300 K, as in every population. Cells with
equal conductance, voltages and width are one computation, for the model is deterministic; each
different cell costs about a millisecond a pulse.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tantala.cell.compact.integrate import rectangular_pulses
from tantala.cell.compact.model import CompactModel
from tantala.cell.compact.series import SelectTransistor

Array = NDArray[np.float64]


def rectangular_pulse(
    model: CompactModel,
    transistor: SelectTransistor,
    conductance: ArrayLike,
    voltage: ArrayLike,
    wordline: ArrayLike,
    width: ArrayLike,
    temperature: float,
    extrapolate: bool = False,
) -> tuple[Array, Array, tuple[str, ...]]:
    """One pulse on each cell: (conductance after [S], energy [J], what was extrapolated).

    ``conductance`` (S), ``voltage`` over cell and transistor (V; positive SETs), ``wordline`` (V)
    and ``width`` (s) broadcast to one axis; ``temperature`` (K) is ambient. Raises RangeViolation
    when a cell gets hotter than the model's range, unless ``extrapolate``.
    """
    columns = np.stack(
        [
            np.asarray(part, float).ravel()
            for part in np.broadcast_arrays(conductance, voltage, wordline, width)
        ],
        axis=1,
    )
    different, which = np.unique(columns, axis=0, return_inverse=True)
    start, volts, gates, widths = (np.array(different[:, k]) for k in range(4))
    coordinates = np.array(model.parameters.coordinate(model.state_at(start)))
    hottest, energies = np.empty(start.size), np.empty(start.size)
    stalled = rectangular_pulses(
        model.parameters.kernel(),
        model.setting(transistor.at(0.0), temperature),
        coordinates,
        model.polarity * volts,
        gates,
        widths,
        hottest,
        energies,
    )
    model.check_stalled(stalled, start.size)
    extrapolated = model.check_temperature(hottest, extrapolate)
    after = model.conductance(model.parameters.state(coordinates))
    return after[which.ravel()], energies[which.ravel()], extrapolated


def zero_bias_drift(
    model: CompactModel,
    transistor: SelectTransistor,
    conductance: ArrayLike,
    seconds: ArrayLike,
    temperature: float,
) -> Array:
    """Conductance [S] after ``seconds`` without voltage at ``temperature`` (K)."""
    waited, _, _ = rectangular_pulse(model, transistor, conductance, 0.0, 0.0, seconds, temperature)
    return waited
