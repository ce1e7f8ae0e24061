"""What a sense amplifier meets of a column: the selected cell behind its wires, among cells that leak.

A column of a 1T1R sub-array is a two-rail ladder; its exact solution (`tantala.array.GatedArray`)
with one row on gives the conductance from the source line's driver to the foot of the bit line.
Rows that are off conduct by their transistors' leakage, so the path depends on temperature and on
where the selected row lies. Rails are driven from opposite ends, which makes all paths equally long.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from tantala.array import GatedArray
from tantala.macro.setting import Setting


def read_conductances(setting: Setting, rows: Any, wire: Any) -> tuple[Any, Any]:
    """Conductance [S] of a column with a low- and a high-resistance cell at the ends of the tails.

    `rows` counts all rows of a sub-array, `wire` is a line's resistance [ohm]; numbers or arrays.
    The low-resistance path is the worst (least) over the selected row, the high-resistance one the
    worst (largest).
    """
    cell = setting.cell
    leak = float(setting.process.io.off_current(cell.access_width)) / cell.read_voltage
    shape = np.shape(rows)
    found = [
        _column(int(count), float(ohm) / int(count), leak, setting.low_tail, setting.high_tail)
        for count, ohm in zip(np.ravel(rows), np.ravel(np.broadcast_to(wire, shape)), strict=True)
    ]
    low, high = np.array(found).T
    return (low.reshape(shape), high.reshape(shape)) if shape else (float(low[0]), float(high[0]))


@functools.lru_cache(maxsize=4096)
def _column(rows: int, segment: float, leak: float, low: float, high: float) -> tuple[float, float]:
    """Worst column conductances [S] of a low and a high cell, over first, middle and last row."""
    # Each column holds one case: leakage is lowest or highest at an end or in the middle.
    places = [0, rows // 2, rows - 1]
    gates = np.zeros((rows, 2 * len(places), 1), bool)
    cells = np.full((rows, 2 * len(places)), low)
    for column, row in enumerate(places * 2):
        gates[row, column] = True
        cells[row, column] = low if column < len(places) else high
    answer = GatedArray(cells, segment, segment, off=leak).solve(gates, 1.0, nodes=False)
    conductance = answer.column_conductance[:, 0]
    return float(conductance[: len(places)].min()), float(conductance[len(places) :].max())
