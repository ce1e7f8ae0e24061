"""Exact wires of a tile: what its columns feel of every cell, in the order of the cells.

A tile holds the outputs side by side; an output's cells lie together, slice after slice, plus and
minus neighbours or, with pairs on one column, one above the other. Columns are read at the bottom
into a virtual ground.

Inputs that are voltages drive the rows from the left: the map from them to column currents is
linear and exact (`tantala.array`). Inputs on word lines switch cells between a source rail, driven
at the top, and the bit rail of their column: what a row adds depends on which others are on, so
the ladders are solved for every input (`Ladders`).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from tantala.array import Array
from tantala.array.gated import GatedArray
from tantala.cim.tile import Tile


def effective_conductances(g: NDArray[np.float32], tile: Tile) -> NDArray[np.float32]:
    """What a column feels of each cell [S]; (parts, polarities, slices, rows, outputs) both.

    A row tile is as high as its part. Cells that are not there (0 S) stay 0: what current of other
    cells of its row reaches such a column is added to that column's signal by no cell of its own.
    With inputs on word lines: what a column feels of a row that is on alone.
    """
    parts, polarities, slices, rows, outputs = g.shape
    if tile.inputs == "word_line":
        alone = np.eye(rows, dtype=np.bool_)
        return np.stack([
            _ladder(part, tile).bottom_currents(alone).T.reshape(rows, polarities, slices, outputs)
            for part in g
        ]).transpose(0, 2, 3, 1, 4).astype(np.float32)  # fmt: skip
    width = tile.outputs - tile.spare_outputs
    lines = tile.lines_per_row
    felt = np.empty_like(g)
    for part in range(parts):
        for start in range(0, outputs, width):
            block = g[part, :, :, :, start : start + width]
            # (row, line of it, output, slice, column of a digit)
            ordered = block.reshape(lines, -1, *block.shape[1:]).transpose(3, 0, 4, 2, 1)
            matrix = np.ascontiguousarray(ordered, np.float64).reshape(rows * lines, -1)
            exact = _map(matrix, tile).reshape(ordered.shape)
            felt[part, :, :, :, start : start + width] = exact.transpose(1, 4, 3, 0, 2).reshape(
                block.shape
            )
    return felt


class Ladders:
    """The columns of all parts of a matrix, with inputs on word lines."""

    def __init__(self, g: list[NDArray[np.float32]], tile: Tile) -> None:
        """`g`: conductances [S] of each group (parts, polarities, slices, rows, outputs)."""
        self.tile = tile
        self.shape = g[0].shape
        self.arrays = [_ladder(part, tile) for group in g for part in group]

    def signals(self, digits: torch.Tensor) -> torch.Tensor:
        """Column signals (groups * parts, M, slices * outputs) [digits] of digits -1, 0 or 1 on the
        rows, (groups * parts, M, rows).

        Rows of either sign are on in a read of their own. A column keeps the charge of both, and
        their difference is converted once.
        """
        given = digits.cpu().numpy()
        answers = [self._part(k, rows) for k, rows in enumerate(given)]
        return torch.from_numpy(np.stack(answers)).to(digits.device)

    def _part(self, part: int, digits: NDArray[np.float32]) -> NDArray[np.float32]:
        _, polarities, slices, _, outputs = self.shape
        array, tile = self.arrays[part], self.tile
        current = array.bottom_currents(digits.T > 0).T
        if (digits < 0).any():
            current = current - array.bottom_currents(digits.T < 0).T
        if tile.mapping == "differential":
            pairs = current.reshape(-1, polarities, slices * outputs)
            signal = pairs[:, 0] - pairs[:, 1]
        else:
            signal = current - digits.sum(axis=1, keepdims=True) * tile.levels.lowest
        return (signal / tile.step).astype(np.float32)


def _ladder(g: NDArray[np.float32], tile: Tile) -> GatedArray:
    """One part (polarities, slices, rows, outputs) as columns (polarity, slice, output)."""
    wires, rows = tile.wires, g.shape[2]
    columns = np.ascontiguousarray(g.transpose(2, 0, 1, 3), np.float64).reshape(rows, -1)
    return GatedArray(
        columns,
        wires.column_segment,
        wires.column_segment,
        source_top=wires.driver,
        bit_bottom=wires.sense,
    )


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
