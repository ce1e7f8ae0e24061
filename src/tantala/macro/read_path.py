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
    shape = np.shape(rows)
    tails = setting.low_tail, setting.high_tail
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
    patterns = np.zeros((3, rows), np.bool_)
    patterns[[0, 1, 2], [0, rows // 2, rows - 1]] = True
    on = np.tile([0.0, low, np.inf], (rows, 1))
    off = np.full((rows, 3), low * leak / (low + leak))  # the others, each behind its transistor
    source_foot, bit_foot, source_top, bit_top = np.full(
        (4, 3), [[np.inf], [segment], [1.0 / segment], [0.0]]
    )
    current = np.empty((3, 3))
    bottom_currents(
        on, off, patterns, segment, segment, source_foot, bit_foot, source_top, bit_top, current
    )
    opened, met, shorted = current.T
    share = (met - opened) / (shorted - opened)
    seen = share / (low * (1.0 - share))
    paths = ReadPath(opened, seen * (shorted - opened), seen)
    fields = np.stack([paths.leak, paths.gain, paths.seen], axis=1)
    least, most = np.argmin(paths.column(low)), np.argmax(paths.column(high))
    return tuple(fields[least].tolist()), tuple(fields[most].tolist())
