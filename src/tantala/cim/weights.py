"""From a weight matrix to digits: quantisation, slices, and how rows fall on tiles.

A weight w becomes a whole number W = round(w / scale), |W| <= 2^(bits - 1) - 1, with one scale an
output so that its largest weight is the largest whole number. A differential mapping stores |W| in
the plus or the minus cells and zero in the others; an offset mapping stores W + 2^(bits - 1). What
is stored is sliced into digits of `bits_per_cell` bits, the least significant first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tantala.cim.tile import Tile

Floats = NDArray[np.float64]
Digits = NDArray[np.uint8]


@dataclass(frozen=True)
class Placement:
    """How a matrix with `rows` inputs and `outputs` outputs lies on tiles.

    parts: row tiles, each with `part_rows` rows of the matrix; the last ones may be padded.
    """

    rows: int
    outputs: int
    parts: int
    part_rows: int

    @classmethod
    def of(cls, rows: int, outputs: int, tile: Tile, multiple: int = 1) -> Placement:
        """The fewest row tiles, filled evenly; a part holds a whole `multiple` of rows."""
        units = rows // multiple
        most = max(tile.rows // multiple, 1)
        parts = -(-units // most)
        return cls(rows, outputs, parts, -(-units // parts) * multiple)

    def column_tiles(self, tile: Tile) -> int:
        """Tiles side by side that hold all outputs."""
        return -(-self.outputs // (tile.outputs - tile.spare_outputs))

    def split(self, matrix: NDArray[Any]) -> NDArray[Any]:
        """(rows, outputs) as (parts, part_rows, outputs), zero where padded."""
        padded = np.zeros((self.parts * self.part_rows, self.outputs), matrix.dtype)
        padded[: self.rows] = matrix
        return padded.reshape(self.parts, self.part_rows, self.outputs)


def quantised(weight: Floats, tile: Tile) -> tuple[NDArray[np.int32], Floats]:
    """Whole weights (rows, outputs) and the scale of each output, (outputs,)."""
    largest = np.abs(weight).max(axis=0, initial=0.0)
    scale = np.where(largest > 0.0, largest, 1.0) / tile.largest_weight
    return np.rint(weight / scale).astype(np.int32), scale


def digits(whole: NDArray[np.int32], tile: Tile) -> Digits:
    """Digits of whole weights: (polarities, slices, *shape of `whole`)."""
    if tile.mapping == "differential":
        stored = np.stack([np.maximum(whole, 0), np.maximum(-whole, 0)])
    else:
        stored = (whole + tile.offset)[None]
    shifts = np.arange(tile.slices) * tile.bits_per_cell
    sliced = stored[:, None] >> shifts.reshape(1, -1, *([1] * whole.ndim))
    return (sliced & (tile.radix - 1)).astype(np.uint8)


def level_conductance(digit: Digits, tile: Tile) -> NDArray[np.float32]:
    """Wanted conductance [S] of digits."""
    return (tile.levels.lowest + tile.step * digit.astype(np.float64)).astype(np.float32)
