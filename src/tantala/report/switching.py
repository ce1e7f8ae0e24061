"""Writing as the datasheet shows it: pulses until verified, and what a single pulse does
(shmoo).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from tantala.macro.write_verify import PulseTrain, group_unfinished
from tantala.report.figures import Array, ShmooFigures, WriteDirection

if TYPE_CHECKING:
    from tantala.cell import Cell
    from tantala.macro.bit_cell import Levels
    from tantala.macro.macro import Macro

_VOLTAGES, _WIDTHS, _CELLS = 17, 13, 500
_SHOWN = 1e-12  # pulses beyond which no cell is left are not listed


def directions(macro: Macro) -> tuple[WriteDirection, ...]:
    """SET and RESET of the design's scheme: pulses, voltages and energy in the cell."""
    share = 0.5 * macro.design.write.changed
    bits = float(macro.plan.parallel)
    return (
        _direction("SET", macro.cell.set, bits, share),
        _direction("RESET", macro.cell.reset, bits, share),
    )


def _direction(
    name: Literal["SET", "RESET"], train: PulseTrain, bits: float, share: float
) -> WriteDirection:
    left = np.flatnonzero(train.unfinished > _SHOWN)
    stop = min(int(left[-1]) + 2, len(train.unfinished))
    return WriteDirection(
        name=name,
        voltage_V=train.voltage,
        gate_voltage_V=train.gate_voltage,
        width_s=train.width,
        mean_pulses=train.mean_pulses,
        energy_J=train.cell_energy,
        unfinished=train.residue,
        unfinished_low=train.interval[0],
        unfinished_high=train.interval[1],
        written=train.cells,
        cell_unfinished=train.unfinished[:stop],
        word_unfinished=group_unfinished(train, bits, share)[:stop],
    )


def shmoo(
    cell: Cell, levels: Levels, reference: float, seed: int, temperature: float
) -> tuple[tuple[ShmooFigures, ...], tuple[str, ...]]:
    """Single pulses over voltage and width, on cells placed over their written distribution.

    Returns: SET and RESET, and what of it lies beyond the range of calibration.
    """
    panels, beyond = [], set()
    for name in ("SET", "RESET"):
        panel, outside = _panel(cell, name, levels, reference, seed, temperature)
        panels.append(panel)
        # The population names the law first: "reset: pulse width outside ...".
        beyond |= {f"Shmoo, {name}: {text.rpartition(': ')[2]}" for text in outside}
    return tuple(panels), tuple(sorted(beyond))


def _panel(
    cell: Cell,
    name: Literal["SET", "RESET"],
    levels: Levels,
    reference: float,
    seed: int,
    temperature: float,
) -> tuple[ShmooFigures, set[str]]:
    nominal = cell.nominal
    if name == "SET":
        line, gate, width = nominal.set_bitline, nominal.set_wordline, nominal.set_width
    else:
        line, gate, width = nominal.reset_sourceline, nominal.reset_wordline, nominal.reset_width
    voltages = np.linspace(0.4 * line, 1.3 * line, _VOLTAGES)
    widths = np.geomspace(width / 100.0, width * 100.0, _WIDTHS)
    grid = np.meshgrid(voltages, widths, indexing="ij")
    volts, seconds = (np.repeat(axis.ravel(), _CELLS) for axis in grid)
    cells = cell.sample(len(volts), seed=seed)
    cells.place(np.tile(_written(levels, name), _VOLTAGES * _WIDTHS))
    if name == "SET":
        cells.set_pulse(volts, gate, seconds, temperature, extrapolate=True)
        switched = cells.conductance > reference
    else:
        cells.reset_pulse(volts, gate, seconds, temperature, extrapolate=True)
        switched = cells.conductance < reference
    figures = ShmooFigures(
        name=name,
        voltage_V=voltages,
        width_s=widths,
        switched=switched.reshape(_VOLTAGES, _WIDTHS, _CELLS).mean(axis=2),
        gate_voltage_V=gate,
        nominal_voltage_V=line,
        nominal_width_s=width,
        cells=_CELLS,
    )
    return figures, cells.extrapolated


def _written(levels: Levels, name: str) -> Array:
    """Conductances [S] spread evenly over the distribution of the state a pulse starts from."""
    level = levels.high if name == "SET" else levels.low
    return np.exp(
        np.interp(np.log((np.arange(_CELLS) + 0.5) / _CELLS), level.log_below, level.log_g)
    )
