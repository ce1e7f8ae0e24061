"""A weight matrix on tiles: the module that multiplies by it as the cells, wires and converters do.

Inputs and outputs are whole numbers and digits: an input digit is a voltage in parts of the largest
one; a cell digit is (G - lowest) / step, or their difference in a differential mapping.
With wires G is the tile's effective conductance (`tantala.array`), so exact wires cost no more;
but with inputs on word lines, currents are not proportional to them, and are solved one by one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from tantala.base.errors import Problem, raise_if
from tantala.cim.converters import Converters
from tantala.cim.effects import EFFECTS, OF_COLUMNS
from tantala.cim.programming import Cells
from tantala.cim.tile import Tile
from tantala.cim.weights import Placement, digits, level_conductance, quantised
from tantala.cim.wires import Ladders, effective_conductances


class AnalogMatrix(nn.Module):
    """`groups` matrices of one shape, each (rows, outputs), on tiles of their own.

    Buffers: `columns` (groups, parts, part_rows, slices * outputs) what a column adds up [digits];
    `variance` of one read, the same shape [digits^2]; `digital` (groups, rows, outputs) the whole
    weights and `scale` (groups, outputs) what one of them is worth.
    """

    columns: torch.Tensor
    variance: torch.Tensor
    scale: torch.Tensor
    digital: torch.Tensor

    def __init__(
        self, weight: np.ndarray, tile: Tile, name: str, seed: int, first: int, multiple: int
    ) -> None:
        super().__init__()
        self.tile = tile
        self.groups, self.rows, self.outputs = weight.shape
        self.placement = Placement.of(self.rows, self.outputs, tile, multiple)
        self.converters = Converters(tile, self.placement, self.groups, name, seed)
        self._effects: frozenset[str] = frozenset(EFFECTS)
        self.images = 0  # images seen: the event of the next image's noise
        whole, scale = self._whole(weight)
        wanted = self._wanted(whole)
        self.cells = [
            Cells(tile, self.placement, part, seed, first + group * part.size)
            for group, part in enumerate(wanted)
        ]
        self._written = [cells.conductance() for cells in self.cells]
        self.register_buffer("scale", torch.from_numpy(scale.astype(np.float32)))
        self.register_buffer("digital", torch.from_numpy(whole.astype(np.float32)))
        self.refresh()

    @property
    def effects(self) -> frozenset[str]:
        """What is simulated, names of `EFFECTS`."""
        return self._effects

    @effects.setter
    def effects(self, chosen: frozenset[str]) -> None:
        changed = self._effects ^ chosen
        self._effects = self.converters.effects = chosen
        self.converters.forget()
        if changed & OF_COLUMNS:
            self._take()

    # -- weights ---------------------------------------------------------------------------------

    def _whole(self, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        pairs = [quantised(matrix.astype(np.float64), self.tile) for matrix in weight]
        return np.stack([pair[0] for pair in pairs]), np.stack([pair[1] for pair in pairs])

    def _wanted(self, whole: np.ndarray) -> list[np.ndarray]:
        """Digits in the order of `Cells`."""
        return [
            digits(self.placement.split(matrix), self.tile).transpose(2, 0, 1, 3, 4)
            for matrix in whole
        ]

    def rewrite(self, weight: np.ndarray) -> None:
        """Write other weights (groups, rows, outputs) into the same cells."""
        whole, scale = self._whole(weight)
        for cells, wanted in zip(self.cells, self._wanted(whole), strict=True):
            cells.rewrite(wanted)
        self._written = [cells.conductance() for cells in self.cells]
        self.scale.copy_(torch.from_numpy(scale.astype(np.float32)))
        self.digital.copy_(torch.from_numpy(whole.astype(np.float32)))
        self.refresh()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "layouts": {}}  # copies make them again

    def get_extra_state(self) -> dict[str, Any]:
        """The state of the cells, for `state_dict`."""
        return {
            "seed": self.converters.seed,
            "tile": self.tile.settings,
            "images": self.images,
            "cells": [cells.state() for cells in self.cells],
            "written": [torch.from_numpy(g) for g in self._written],
        }

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Put the cells into a state that `get_extra_state` gave.

        Raises InputError for the state of another chip: its cells would age as those of this one.
        """
        mine = {"seed": self.converters.seed, **self.tile.settings}
        other = {"seed": state["seed"], **state["tile"]}
        problems = [
            Problem(
                "a checkpoint of another chip",
                f"{self.converters.name}: {key}",
                str(other[key]),
                str(mine[key]),
                hint="convert with the seed and the tile of the chip that was saved, then load",
            )
            for key in mine
            if mine[key] != other[key]
        ]
        raise_if(problems)
        self.images = state["images"]
        for cells, kept in zip(self.cells, state["cells"], strict=True):
            cells.restore(kept)
        self._written = [g.numpy() for g in state["written"]]
        self.refresh()

    # -- what the columns add up -----------------------------------------------------------------

    def refresh(self) -> None:
        """Take the cells as they are now (and the effects as they are set) into the buffers."""
        self._made: dict[frozenset[str], tuple[Any, ...]] = {}
        self._take()

    def _take(self) -> None:
        """Bring the buffers in line with the effects; two choices of them are kept made."""
        key = self.effects & OF_COLUMNS
        if key not in self._made:
            while len(self._made) > 1:
                self._made.pop(next(iter(self._made)))
            self._made[key] = self._columns()
        columns, variance, self._ladders = self._made[key]
        for name, tensor in (("columns", columns), ("variance", variance)):
            before = self._buffers.get(name)
            if before is not None:
                tensor = tensor.to(before.device)
            self.register_buffer(name, tensor)
        self.layouts: dict[str, Any] = {}
        self.converters.forget()

    def _columns(self) -> tuple[torch.Tensor, torch.Tensor, Ladders | None]:
        """Columns, their variance, and the ladders of inputs on word lines."""
        held = [self._conductances(group) for group in range(self.groups)]
        columns, variance = zip(*(self._of_group(*pair) for pair in enumerate(held)), strict=True)
        gated = self.tile.inputs == "word_line" and "wires" in self.effects
        return (
            torch.from_numpy(np.stack(columns)),
            torch.from_numpy(np.stack(variance)),
            Ladders(held, self.tile) if gated else None,
        )

    @property
    def gated(self) -> bool:
        """Whether signals come from `ladder_signals` rather than from `columns`."""
        return self._ladders is not None

    def ladder_signals(self, digits: torch.Tensor) -> torch.Tensor:
        """Column signals of inputs on word lines, exact: see `Ladders.signals`."""
        assert self._ladders is not None
        return self._ladders.signals(digits)

    def _conductances(self, group: int) -> np.ndarray:
        """Of a group's cells [S], with the effects that are on."""
        cells, tile = self.cells[group], self.tile
        if "programming" not in self.effects:
            return np.where(cells.real, level_conductance(cells.wanted, tile), np.float32(0.0))
        g = cells.conductance() if "ageing" in self.effects else self._written[group]
        if "failed_cells" not in self.effects:
            return np.where(cells.failed, level_conductance(cells.wanted, tile), g)
        return g

    def _of_group(self, group: int, g: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        cells, tile = self.cells[group], self.tile
        felt = effective_conductances(g, tile) if "wires" in self.effects else g
        columns = self._signed(felt, cells.real)
        deviation = cells.read_deviation(g)
        if "wires" in self.effects:
            # First order: a cell's fluctuation reaches its column as its own current does.
            deviation = deviation * np.divide(felt, g, out=np.zeros_like(g), where=g > 0)
        variance = np.square(deviation / np.float32(tile.step)).sum(axis=1)
        return columns, self._flat(variance.astype(np.float32))

    def _signed(self, g: np.ndarray, real: np.ndarray) -> np.ndarray:
        """Digits that a column adds up, of conductances in the order of `Cells`."""
        tile = self.tile
        if tile.mapping == "differential":
            signal = (g[:, 0] - g[:, 1]) / tile.step
        else:
            signal = np.where(real[:, 0], g[:, 0] - tile.levels.lowest, 0.0) / tile.step
        return self._flat(signal.astype(np.float32))

    def _flat(self, value: np.ndarray) -> np.ndarray:
        """(parts, slices, rows, outputs) as (parts, rows, slices * outputs)."""
        parts, slices, rows, outputs = value.shape
        return np.ascontiguousarray(
            value.transpose(0, 2, 1, 3).reshape(parts, rows, slices * outputs)
        )

    def weight_error(self) -> float:
        """Root mean square error of the weights in the cells, in whole weights."""
        place, tile = self.placement, self.tile
        shape = (self.groups, -1, tile.slices, self.outputs)
        power = float(tile.radix) ** torch.arange(tile.slices, device=self.columns.device)
        stored = (self.columns.view(shape) * power[:, None]).sum(2)[:, : place.rows]
        return float((stored - tile.offset - self.digital).square().mean().sqrt())
