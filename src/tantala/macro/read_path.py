"""What a sense amplifier meets of a column: one cell behind its wires, among cells that leak.

A column of a 1T1R sub-array is a two-rail ladder; its exact solution (`tantala.array.GatedArray`)
with one row on gives the conductance from the source line's driver to the foot of the bit line.
Rows that are off conduct by their transistors' leakage, so the path depends on temperature and on
where the selected row lies. Rails are driven from opposite ends: all paths are equally long.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from tantala.array.two_rail import bottom_currents

if TYPE_CHECKING:
    from tantala.macro.setting import Setting


@dataclass(frozen=True, slots=True)
class ReadPath:
    """A column seen from its foot, as a function of the selected cell's conductance g,

        y(g) = leak + gain g / (1 + seen g),

    exact for a linear network (g changes its nodal matrix by rank one). Numbers or arrays.

    leak   S with the selected cell open
    gain   share of the column's voltage that falls on the open cell, squared
    seen   ohm that the cell sees between its terminals
    """

    leak: Any
    gain: Any
    seen: Any

    def column(self, cell: Any) -> Any:
        """Conductance of the column [S] with the selected cell at `cell` [S]."""
        return self.leak + self.gain * cell / (1.0 + self.seen * cell)

    def cell(self, column: Any) -> Any:
        """Cell [S] that makes the column conduct `column`; 0 below its leak, inf above reach."""
        above = np.maximum(column - self.leak, 0.0)
        rest = self.gain - self.seen * above
        with np.errstate(divide="ignore"):
            return np.where(rest > 0.0, above / np.maximum(rest, 1e-300), np.inf)


def read_paths(setting: Setting, rows: Any, wire: Any) -> tuple[ReadPath, ReadPath]:
    """Worst paths of a low- and of a high-resistance cell, over where the selected row lies.

    `rows` counts all rows of a sub-array, `wire` is a line's resistance [ohm]; numbers or arrays.
    The worst path of a low-resistance cell passes the least current, that of a high-resistance one
    the most, by a cell at the end of the tail which sensing must reach.
    """
    cell = setting.cell
    leak = float(setting.process.io.off_current(cell.access_width)) / cell.read_voltage
    tails = setting.low_tail, setting.high_tail
    shape = np.shape(rows)
    if not shape:
        low, high = _worst(int(rows), float(wire) / int(rows), leak, *tails)
        return ReadPath(*low), ReadPath(*high)
    found = np.array(
        [
            _worst(int(count), float(ohm) / int(count), leak, *tails)
            for count, ohm in zip(
                np.ravel(rows), np.ravel(np.broadcast_to(wire, shape)), strict=True
            )
        ]
    )
    low, high = np.moveaxis(found, 0, -1).reshape(2, 3, *shape)
    return ReadPath(*low), ReadPath(*high)


@functools.lru_cache(maxsize=4096)
def _worst(
    rows: int, segment: float, leak: float, low: float, high: float
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """(leak, gain, seen) of the worst path of a low and of a high cell, over three rows."""
    # Leakage along the rails is least or most at an end or in the middle. Each column holds one
    # case: the selected cell open, at the low tail, and shorted, which fixes the three numbers.
    current = np.empty((3, 3))
    _columns(rows, segment, leak, low, current)
    paths = []
    for opened, met, shorted in current.tolist():
        share = (met - opened) / (shorted - opened)
        seen = share / (low * (1.0 - share))
        paths.append(ReadPath(opened, seen * (shorted - opened), seen))
    least = min(paths, key=lambda path: path.column(low))
    most = max(paths, key=lambda path: path.column(high))
    return (least.leak, least.gain, least.seen), (most.leak, most.gain, most.seen)


@njit(cache=True)
def _columns(rows: Any, segment: Any, leak: Any, low: Any, current: Any) -> None:
    """Currents of three columns (cell open, at `low`, shorted) with each of three rows on."""
    patterns = np.zeros((3, rows), np.bool_)
    patterns[0, 0] = patterns[1, rows // 2] = patterns[2, rows - 1] = True
    on = np.empty((rows, 3))
    on[:, 0], on[:, 1], on[:, 2] = 0.0, low, np.inf
    off = np.full((rows, 3), low * leak / (low + leak))  # the others, each behind its transistor
    source_foot, bit_foot = np.full(3, np.inf), np.full(3, segment)
    source_top, bit_top = np.full(3, 1.0 / segment), np.zeros(3)
    bottom_currents(
        on, off, patterns, segment, segment, source_foot, bit_foot, source_top, bit_top, current
    )
