"""Exact wires of a tile: its columns' effective conductances, in the order of the cells.

A tile holds the outputs side by side; an output's cells lie together, slice after slice, plus and
minus neighbours. Rows are driven from the left, columns are read at the bottom into a virtual
ground. The map from row voltages to column currents is exact (`tantala.array`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tantala.array import Array
from tantala.cim.tile import Tile


def effective_conductances(g: NDArray[np.float32], tile: Tile) -> NDArray[np.float32]:
    """What a column feels of each cell [S]; (parts, polarities, slices, rows, outputs) both.

    A row tile is as high as its part. Cells that are not there (0 S) stay 0: what current of other
    cells of its row reaches such a column is added to that column's signal by no cell of its own.
    """
    parts, polarities, slices, rows, outputs = g.shape
    width = tile.outputs - tile.spare_outputs
    felt = np.empty_like(g)
    for part in range(parts):
        for start in range(0, outputs, width):
            block = g[part, :, :, :, start : start + width].transpose(2, 3, 1, 0)
            matrix = np.ascontiguousarray(block, np.float64).reshape(rows, -1)
            exact = _map(matrix, tile).reshape(rows, block.shape[1], slices, polarities)
            felt[part, :, :, :, start : start + width] = exact.transpose(3, 2, 0, 1)
    return felt


def _map(matrix: NDArray[np.float64], tile: Tile) -> NDArray[np.float64]:
    wires = tile.wires
    used = matrix.any(axis=1)
    exact = np.zeros_like(matrix)
    if not used.any():
        return exact
    array = Array(
        matrix[used],
        row_wire=wires.row_segment,
        column_wire=wires.column_segment,
        row_driver=wires.driver,
        column_sense=wires.sense,
    )
    exact[used] = array.compile().effective_conductance()
    return exact
