"""The reads of one sub-array solved cell by cell: drawn cells, real lines, leaking neighbours.

Columns are independent two-rail ladders (`tantala.array.GatedArray`), so a sample of columns is
solved as exactly as all would be; in each, a sample of rows is selected in turn.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tantala.array import GatedArray
from tantala.base import random
from tantala.macro.levels import Level
from tantala.macro.macro import Macro
from tantala.report.figures import SubarrayRead

COLUMNS, SELECTED = 64, 32  # of a sub-array, that are solved and shown
_PURPOSE = random.purpose("report.subarray_read")


def subarray_read(macro: Macro, seed: int) -> SubarrayRead:
    """Sensed currents and lost voltages at the corner and temperature with the least margin."""
    env = macro.design.environment
    temperatures = (env.temperature_min, env.temperature_typical, env.temperature_max)
    corner, kelvin = min(
        ((corner, kelvin) for corner in env.corners for kelvin in temperatures),
        key=lambda at: macro.evaluate(*at)["read_margin_A"],
    )
    setting, blocks = macro.setting(corner, kelvin), macro.blocks(corner, kelvin)
    column, line, cell = blocks.column, blocks.array.bit_line, setting.cell
    rows, across = int(blocks.array.rows), int(blocks.array.columns)
    chosen = np.unique(np.linspace(0, across - 1, min(COLUMNS, across)).astype(int))
    selected = np.unique(np.linspace(0, rows - 1, min(SELECTED, rows)).astype(int))
    low, conductance = _drawn(macro, seed, np.arange(rows)[:, None] * across + chosen)
    leak = float(setting.process.io.off_current(cell.access_width)) / cell.read_voltage
    segment = float(line.resistance) / rows
    array = GatedArray(
        conductance, segment, segment, off=leak, bit_bottom=float(column.mux.read_resistance)
    )
    gates = np.zeros((rows, selected.size), bool)
    gates[selected, np.arange(selected.size)] = True
    answer = array.solve(gates, cell.read_voltage, nodes=True)
    met = answer.cell_voltages[selected, :, np.arange(selected.size)]
    sensed, is_low = answer.currents.T, low[selected]
    return SubarrayRead(
        corner=corner,
        temperature_K=kelvin,
        rows=rows,
        columns=across,
        selected_rows=selected,
        solved_columns=chosen,
        read_voltage_V=cell.read_voltage,
        line_ohm=float(line.resistance),
        mux_ohm=float(column.mux.read_resistance),
        leakage_A=float(np.max(column.paths[1].leak)) * cell.read_voltage,
        lost_V=cell.read_voltage - met,
        low_A=np.sort(sensed[is_low]),
        high_A=np.sort(sensed[~is_low]),
        unwired_low_A=float(conductance[selected][is_low].mean() * cell.read_voltage),
        unwired_high_A=float(conductance[selected][~is_low].mean() * cell.read_voltage),
        reference_A=float(column.currents.reference),
        low_tail_A=float(column.currents.low_resistance),
        high_tail_A=float(column.currents.high_resistance),
        tail=macro.tail,
        residual=float(np.max(answer.residual)),
    )


def _drawn(
    macro: Macro, seed: int, address: NDArray[np.intp]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Random data (true: low resistance) and the conductance of cells at the end of life, S."""
    data, place = random.words(seed, _PURPOSE, address.ravel())[:2]
    low = (data >> np.uint32(31)).astype(bool).reshape(address.shape)
    share = ((place + 0.5) * random.TWO_TO_MINUS_32).reshape(address.shape)
    aged = macro.cell.aged
    return low, np.where(low, _quantile(aged.low, share), _quantile(aged.high, share))


def _quantile(level: Level, share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Conductance [S] that a `share` of the cells undercuts, from whichever tail is the smaller."""
    below = np.interp(np.log(share), level.log_below, level.log_g)
    above = np.interp(-np.log1p(-share), -level.log_above, level.log_g)
    return np.exp(np.where(share < 0.5, below, above))
