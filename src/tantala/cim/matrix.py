"""A weight matrix on tiles: the module that multiplies by it as the cells, wires and converters do.

Inputs and outputs are whole numbers and digits: an input digit is a voltage in parts of the largest
one; a cell digit is (G - lowest) / step, or their difference in a differential mapping.
With wires G is the tile's effective conductance (`tantala.array`), so exact wires cost no more.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from tantala.base.random import normal, purpose, seed_words
from tantala.cim.column_kernels import NORMALS, columns_to_outputs, columns_to_outputs_torch
from tantala.cim.programming import Cells
from tantala.cim.tile import Tile
from tantala.cim.weights import Placement, digits, level_conductance, quantised
from tantala.cim.wires import effective_conductances

EFFECTS: tuple[str, ...] = (
    "programming",
    "ageing",
    "read_noise",
    "wires",
    "adc_quantisation",
    "adc_errors",
    "input_quantisation",
)
SPREADS = 5.0  # standard deviations of a column signal that a range from statistics holds
UNLIMITED = 2.0**100  # code of a converter without limits


class AnalogMatrix(nn.Module):
    """`groups` matrices of one shape, each (rows, outputs), on tiles of their own.

    Buffers: `columns` (groups, parts, part_rows, slices * outputs) what a column adds up [digits];
    `variance` of one read, the same shape [digits^2]; `scale` (groups, outputs) of the weights;
    `range` (groups, parts * slices) largest signal a conversion holds [digits].
    """

    columns: torch.Tensor
    variance: torch.Tensor
    scale: torch.Tensor
    range: torch.Tensor
    gain: torch.Tensor
    offset: torch.Tensor
    digital: torch.Tensor

    def __init__(
        self, weight: np.ndarray, tile: Tile, name: str, seed: int, first: int, multiple: int
    ) -> None:
        super().__init__()
        self.tile, self.name, self.seed = tile, name, seed  # `name` addresses the noise
        self.groups, self.rows, self.outputs = weight.shape
        self.placement = Placement.of(self.rows, self.outputs, tile, multiple)
        self.effects: frozenset[str] = frozenset(EFFECTS)
        self._largest: torch.Tensor | None = None
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
        self._adc_of_each()
        self.refresh()
        self.register_buffer("range", self._statistical_range())

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

    def get_extra_state(self) -> dict[str, Any]:
        """The state of the cells, for `state_dict`."""
        return {
            "images": self.images,
            "cells": [cells.state() for cells in self.cells],
            "written": [torch.from_numpy(g) for g in self._written],
        }

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Put the cells into a state that `get_extra_state` gave."""
        self.images = state["images"]
        for cells, kept in zip(self.cells, state["cells"], strict=True):
            cells.restore(kept)
        self._written = [g.numpy() for g in state["written"]]
        self.refresh()

    # -- what the columns add up -----------------------------------------------------------------

    def refresh(self) -> None:
        """Take the cells as they are now (and the effects as they are set) into the buffers."""
        columns, variance = zip(*(self._of_group(g) for g in range(self.groups)), strict=True)
        for name, value in (("columns", columns), ("variance", variance)):
            tensor = torch.from_numpy(np.stack(value))
            before = self._buffers.get(name)
            if before is not None:
                tensor = tensor.to(before.device)
            self.register_buffer(name, tensor)
        self.layouts: dict[str, torch.Tensor] = {}
        self.conversions: dict[int, tuple[Any, ...]] = {}

    def _of_group(self, group: int) -> tuple[np.ndarray, np.ndarray]:
        cells, tile = self.cells[group], self.tile
        if "programming" not in self.effects:
            g = np.where(cells.real, level_conductance(cells.wanted, tile), np.float32(0.0))
        elif "ageing" not in self.effects:
            g = self._written[group]
        else:
            g = cells.conductance()
        felt = effective_conductances(g, tile) if "wires" in self.effects else g
        columns = self._signed(felt, cells.real)
        deviation = cells.read_deviation()
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

    # -- converters ------------------------------------------------------------------------------

    def _adc_of_each(self) -> None:
        """Gain and offset of every column's converter, (groups, parts * slices, outputs)."""
        tile = self.tile
        parts = self.placement.parts * tile.slices
        columns = np.arange(self.groups * parts * self.outputs)
        pairs = columns * tile.polarities // tile.columns_per_adc
        word = purpose(f"cim.adc.{self.name}")
        draws = [normal(self.seed, word, pairs, word=k) for k in (0, 1)]
        shape = (self.groups, parts, self.outputs)
        gain = 1.0 + tile.converter.gain_sigma * draws[0].reshape(shape)
        offset = tile.converter.offset_sigma * draws[1].reshape(shape)
        self.register_buffer("gain", torch.from_numpy(gain.astype(np.float32)))
        self.register_buffer("offset", torch.from_numpy(offset.astype(np.float32)))

    @property
    def codes(self) -> tuple[float, float]:
        """Lowest and highest code."""
        if "adc_quantisation" not in self.effects:
            return -UNLIMITED, UNLIMITED
        if self.tile.mapping == "offset":
            return 0.0, float(2**self.tile.adc_bits - 1)
        half = 2 ** (self.tile.adc_bits - 1)
        return float(-half), float(half - 1)

    def _largest_input(self) -> int:
        return 2**self.tile.bits_per_phase - 1

    def _statistical_range(self) -> torch.Tensor:
        """Without data: SPREADS deviations for inputs spread evenly; never above the full range."""
        columns = self.columns.view(
            self.groups, self.placement.parts, -1, self.tile.slices, self.outputs
        )
        full = columns.clamp(min=0).sum(2).maximum(columns.clamp(max=0).sum(2).neg()).amax(-1)
        full = full * self._largest_input()
        if self.tile.adc_range == "calibrated":
            spread = columns.square().sum(2).sqrt().amax(-1) * self._largest_input() / 3**0.5
            mean = 0.0
            if self.tile.mapping == "offset":
                mean = columns.sum(2).amax(-1) * self._largest_input() / 2
            full = torch.minimum(full, SPREADS * spread + mean)
        return full.reshape(self.groups, -1).clamp(min=1.0)

    def observe(self) -> None:
        """Keep the largest signals from now on."""
        self._largest = torch.zeros_like(self.range)

    def observed(self, headroom: float) -> None:
        """Take the largest signals kept, times `headroom`, as the ranges of the conversions."""
        assert self._largest is not None
        seen = self._largest * headroom
        self.range.copy_(torch.where(seen > 0.0, seen, self.range))
        self._largest = None
        self.conversions.clear()

    def step_of_code(self) -> torch.Tensor:
        """Signal of one code [digits], (groups, parts * slices)."""
        if "adc_quantisation" not in self.effects:
            return torch.full_like(self.range, 2.0**-10)
        highest = self.codes[1]
        return self.range / highest

    # -- multiplication --------------------------------------------------------------------------

    def convert(
        self,
        signal: torch.Tensor,
        variance: torch.Tensor | None,
        pixels: int,
        phase: int,
        first: int,
    ) -> torch.Tensor:
        """Outputs (M, groups, outputs) in whole weights times whole inputs, of column signals.

        signal, variance   (A, M, B, slices, outputs), A * B = groups * parts; first: image number
        """
        if self._largest is not None:
            largest = signal.abs().amax(dim=(1, 4)).view(self._largest.shape)
            torch.maximum(self._largest, largest, out=self._largest)
        rate, offset, weight, noise, bow = self._conversion(phase)
        address = (first & 0xFFFFFFFF, purpose(f"cim.read.{self.name}"), phase)
        key = seed_words(self.seed)
        if signal.device.type != "cpu":
            return columns_to_outputs_torch(
                signal, variance, noise, rate, offset, weight, bow, self.codes, pixels, address,
                key, self.groups,
            )  # fmt: skip
        outputs = torch.zeros(signal.shape[1], self.groups, self.outputs)
        none = np.empty((0, 1, 1, 1, 1), np.float32)
        columns_to_outputs(
            signal.contiguous().numpy(),
            none if variance is None else variance.contiguous().numpy(),
            noise.numpy(), rate.numpy(), offset.numpy(), weight.numpy(), np.float32(bow),
            tuple(np.float32(code) for code in self.codes), pixels,
            tuple(np.uint32(word) for word in address), tuple(np.uint32(word) for word in key),
            NORMALS, outputs.numpy(),
        )  # fmt: skip
        return outputs

    def convert_parts(
        self, signal: torch.Tensor, variance: torch.Tensor | None, part: torch.Tensor, pixels: int
    ) -> torch.Tensor:
        """Outputs (M, 1, outputs) of signals (M, slices * outputs), each of one row tile `part`."""
        tile, place = self.tile, self.placement
        if self._largest is not None:
            shape = (-1, tile.slices, self.outputs)
            seen = signal.abs().view(shape).amax(-1)
            largest = self._largest.view(place.parts, tile.slices)
            largest.index_reduce_(0, part, seen, "amax")
        rate, offset, weight, noise, bow = self._conversion(0)
        shape = (1, -1, 1, tile.slices, self.outputs)
        address = (self.images & 0xFFFFFFFF, purpose(f"cim.read.{self.name}"), 0)
        outputs = [
            columns_to_outputs_torch(
                signal[rows].view(shape), None if variance is None else variance[rows].view(shape),
                noise[k : k + 1], rate[k : k + 1], offset[k : k + 1], weight[k : k + 1], bow,
                self.codes, pixels, address, seed_words(self.seed), 1, rows,
            )
            for k in torch.unique(part).tolist()
            for rows in [torch.nonzero(part == k)[:, 0]]
        ]  # fmt: skip
        answer = signal.new_zeros(len(part), 1, self.outputs)
        for k, output in zip(torch.unique(part).tolist(), outputs, strict=True):
            answer[part == k] = output
        return answer

    def _conversion(self, phase: int) -> tuple[Any, ...]:
        """(rate, offset, weight, noise, bow) of `column_kernels`, made once a refresh."""
        if phase not in self.conversions:
            self.conversions[phase] = self._conversion_of(phase)
        return self.conversions[phase]

    def _conversion_of(self, phase: int) -> tuple[Any, ...]:
        tile, errors = self.tile, self.tile.converter
        step = self.step_of_code()
        faulty = "adc_errors" in self.effects and "adc_quantisation" in self.effects
        blocks = (-1, tile.slices, self.outputs)
        ones = torch.ones_like(self.gain)
        rate = ((self.gain if faulty else ones) / step[..., None]).view(blocks)
        offset = (self.offset if faulty else torch.zeros_like(ones)).view(blocks)
        slices = torch.arange(tile.slices, device=step.device)
        place = float(tile.radix) ** slices * 2.0 ** (phase * tile.bits_per_phase)
        weight = (step.view(-1, tile.slices) * place)[..., None].expand(blocks[0], -1, self.outputs)
        weight = weight.expand(rate.shape).contiguous()
        noise = (step * (errors.noise if faulty else 0.0)).square().view(-1, tile.slices)
        return rate, offset, weight, noise.contiguous(), errors.nonlinearity if faulty else 0.0
