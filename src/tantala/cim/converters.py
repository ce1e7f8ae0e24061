"""The converters of a matrix: which column has which, their ranges and errors, and what they do."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from tantala.base.random import normal, purpose, seed_words
from tantala.cim.column_kernels import (
    NORMALS,
    columns_to_outputs,
    columns_to_outputs_torch,
    room_for,
)
from tantala.cim.effects import EFFECTS
from tantala.cim.tile import Tile
from tantala.cim.weights import Placement

SPREADS = 5.0  # standard deviations of a signal that a range from statistics holds
UNLIMITED = 2.0**100  # code of a converter without limits
EXACT_STEP = 2.0**-20  # digits a code where conversion is exact: above 8 float32 has no finer
_NO_VARIANCE = np.empty((0, 1, 1, 1), np.float32)
_NO_SCALES = np.empty((2, 0, 1, 1), np.float32)


def _as_lines(columns: torch.Tensor) -> np.ndarray:
    """(A, M, B, slices, outputs) as (A, M, B, slices * outputs)."""
    return columns.contiguous().flatten(3).numpy()


class Converters(nn.Module):
    """Every conversion of a matrix: `groups` x `parts` x slices x outputs of them an input phase.

    Buffers: `range` (groups, parts * slices) largest signal held [digits], 0 until it is known;
    `signed` (): whether inputs may be negative; `gain`, `offset` (groups, parts * slices, outputs)
    of the converter that a column has, the offset in codes; `tile_gain`, the same shape, of the
    tile that it lies on.
    """

    range: torch.Tensor
    signed: torch.Tensor
    gain: torch.Tensor
    offset: torch.Tensor
    tile_gain: torch.Tensor

    def __init__(self, tile: Tile, placement: Placement, groups: int, name: str, seed: int) -> None:
        super().__init__()
        self.tile, self.placement, self.groups = tile, placement, groups
        self.name, self.seed = name, seed  # they address the draws
        self.effects: frozenset[str] = frozenset(EFFECTS)
        self._largest: torch.Tensor | None = None
        self.made: dict[Any, Any] = {}  # what follows from ranges and effects; see `forget`
        self.register_buffer("range", torch.zeros(groups, placement.parts * tile.slices))
        self.register_buffer("signed", torch.ones((), dtype=torch.bool))
        gain, offset, tiles = self._draws()
        kept = {
            "gain": 1.0 + tile.converter.gain_sigma * gain,
            "offset": tile.converter.offset_sigma * offset,
            "tile_gain": 1.0 + tile.read.voltage_sigma * tiles,
        }
        for name_of, value in kept.items():
            self.register_buffer(name_of, torch.from_numpy(value.astype(np.float32)))

    def _draws(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Two normals of every column's converter and one of its tile, each (groups, parts *
        slices, outputs).

        Columns that lie side by side share a converter: slices of an output, then outputs.
        """
        tile, place = self.tile, self.placement
        width = tile.outputs - tile.spare_outputs
        output, slice_ = np.arange(place.outputs), np.arange(tile.slices)
        column = (output % width * tile.slices + slice_[:, None]) * tile.columns_per_digit
        a_tile = -(-tile.columns // tile.columns_per_adc)
        tiles = place.column_tiles(tile)
        within = output // width * a_tile + column // tile.columns_per_adc
        part = np.arange(self.groups * place.parts).reshape(-1, 1, 1)
        number = part * tiles * a_tile + within
        word = purpose(f"cim.adc.{self.name}")
        gain, offset = (normal(self.seed, word, number, word=k) for k in (0, 1))
        of_tile = normal(self.seed, purpose(f"cim.tile.{self.name}"), number // a_tile)
        shape = (self.groups, -1, place.outputs)
        return gain.reshape(shape), offset.reshape(shape), of_tile.reshape(shape)

    # -- ranges ----------------------------------------------------------------------------------

    @property
    def codes(self) -> tuple[float, float]:
        """Lowest and highest code."""
        if "adc_quantisation" not in self.effects:
            return -UNLIMITED, UNLIMITED
        if self.tile.mapping == "offset" and not self.signed:
            return 0.0, float(2**self.tile.adc_bits - 1)
        half = 2 ** (self.tile.adc_bits - 1)
        return float(-half), float(half - 1)

    def set_range(self, columns: torch.Tensor, rows_at_once: int | None = None) -> None:
        """Ranges without data, for columns (groups, parts, rows, slices * outputs) [digits].

        They hold SPREADS deviations of the signal of inputs spread evenly, or the largest signal
        that there can be where the tile says so. `rows_at_once`: rows that an input drives, if not
        all of a part.
        """
        tile = self.tile
        columns = columns.view(*columns.shape[:3], tile.slices, self.placement.outputs)
        largest = 2**tile.bits_per_phase - 1
        if rows_at_once is not None:
            most = columns.abs().topk(min(rows_at_once, columns.shape[2]), dim=2).values
            full = most.sum(2).amax(-1) * largest
        else:
            full = columns.clamp(min=0).sum(2).maximum(columns.clamp(max=0).sum(2).neg()).amax(-1)
            full = full * largest
            if tile.adc_range == "calibrated":
                spread = columns.square().sum(2).sqrt().amax(-1) * largest / 3**0.5
                full = torch.minimum(full, SPREADS * spread)
        self.range.copy_(full.reshape(self.groups, -1).clamp(min=1.0))
        self.forget()

    @property
    def observing(self) -> bool:
        """Whether the largest signals are kept."""
        return self._largest is not None

    @property
    def noisy(self) -> bool:
        """Whether the converters themselves add noise."""
        return self._faulty and self.tile.converter.noise > 0.0

    @property
    def _faulty(self) -> bool:
        return {"adc_errors", "adc_quantisation"} <= self.effects

    def observe(self) -> None:
        """Keep the largest signals from now on."""
        self._largest = torch.zeros_like(self.range)

    def observed(self, headroom: float) -> None:
        """Take the largest signals kept, times `headroom`, as the ranges of the conversions."""
        assert self._largest is not None
        seen = self._largest * headroom
        self.range.copy_(torch.where(seen > 0.0, seen, self.range))
        self.forget()

    def stop_observing(self) -> None:
        """Keep no more signals."""
        self._largest = None

    def _observe(self, largest: torch.Tensor) -> None:
        if self._largest is not None:
            torch.maximum(self._largest, largest.view(self._largest.shape), out=self._largest)

    def step_of_code(self) -> torch.Tensor:
        """Signal of one code [digits], (groups, parts * slices)."""
        if "adc_quantisation" not in self.effects:
            return torch.full_like(self.range, EXACT_STEP)
        return self.range / self.codes[1]

    # -- conversion ------------------------------------------------------------------------------

    def convert(
        self,
        signal: torch.Tensor,
        variance: torch.Tensor | None,
        pixels: int,
        phase: int,
        first: int,
        scales: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Outputs (M, groups, outputs) in whole weights times whole inputs, of column signals.

        signal, variance   (A, M, B, slices, outputs), A * B = groups * parts; first: image number
        scales    (2, A, M, B) what the variances of a block are worth and start from, if not 1, 0
        """
        if self._largest is not None:
            self._observe(signal.abs().amax(dim=(1, 4)))
        address = self.address(first, phase)
        if signal.device.type != "cpu":
            rate, offset, weight, noise, bow = self.law(phase)
            return columns_to_outputs_torch(
                signal, variance, noise, rate, offset, weight, bow, self.codes, pixels, address,
                seed_words(self.seed), self.groups,
            )  # fmt: skip
        noise, rate, offset, weight, slices, bow, limits, key = self._lines(phase)
        spread = _NO_VARIANCE, _NO_SCALES
        if variance is not None:
            if scales is None:
                scales = torch.tensor([1.0, 0.0]).view(2, 1, 1, 1).expand(2, *variance.shape[:3])
            spread = _as_lines(variance), scales.contiguous().numpy()
        outputs = np.zeros((signal.shape[1], self.groups, self.placement.outputs), np.float32)
        columns_to_outputs(
            _as_lines(signal), *spread, noise, rate, offset, weight, slices, bow, limits, pixels,
            (np.uint32(address[0]), np.uint32(address[1]), np.uint32(address[2])), key, NORMALS,
            room_for(*signal.shape[2:]), outputs,
        )  # fmt: skip
        return torch.from_numpy(outputs)

    def _lines(self, phase: int) -> tuple[Any, ...]:
        """What `columns_to_outputs` takes besides signals, made once: it is asked for often."""
        known = ("lines", phase)
        if known not in self.made:
            rate, offset, weight, noise, bow = self.law(phase)
            flat = [part.flatten(1).numpy() for part in (rate, offset, weight)]
            of_columns = noise[..., None].expand(rate.shape).flatten(1).numpy()
            limits = tuple(np.float32(code) for code in self.codes)
            low, high = seed_words(self.seed)
            self.made[known] = (
                of_columns, *flat, rate.shape[1], np.float32(bow), limits,
                (np.uint32(low), np.uint32(high)),
            )  # fmt: skip
        return self.made[known]

    def convert_parts(
        self,
        signal: torch.Tensor,
        variance: torch.Tensor | None,
        part: torch.Tensor,
        pixels: int,
        first: int,
    ) -> torch.Tensor:
        """Outputs (M, 1, outputs) of signals (M, slices * outputs), each of one row tile `part`."""
        outputs = signal.new_zeros(len(part), 1, self.placement.outputs)
        rate, offset, weight, noise, bow = self.law(0)
        shape = (1, -1, 1, self.tile.slices, self.placement.outputs)
        largest = torch.zeros(self.placement.parts, self.tile.slices, device=signal.device)
        for k in torch.unique(part).tolist():
            rows = torch.nonzero(part == k)[:, 0]
            read = signal[rows].view(shape)
            largest[k] = read.abs().amax(dim=(0, 1, 2, 4))
            outputs[rows] = columns_to_outputs_torch(
                read, None if variance is None else variance[rows].view(shape),
                noise[k : k + 1], rate[k : k + 1], offset[k : k + 1], weight[k : k + 1], bow,
                self.codes, pixels, self.address(first, 0), seed_words(self.seed), 1, rows,
            )  # fmt: skip
        self._observe(largest)
        return outputs

    def address(self, first: int, phase: int) -> tuple[int, int, int]:
        """Where the noise of images from number `first` on is drawn: image, purpose, phase."""
        return first & 0xFFFFFFFF, purpose(f"cim.read.{self.name}"), phase

    def forget(self) -> None:
        """Something that `law` is made of has changed."""
        self.made.clear()

    def _apply(self, fn: Any, recurse: bool = True) -> Converters:
        self.forget()  # what was made lies where the buffers lay
        return super()._apply(fn, recurse)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "made": {}}  # copies make it again

    def law(self, phase: int) -> tuple[Any, ...]:
        """(rate, offset, weight, noise, bow) of `column_kernels`, made once."""
        if phase not in self.made:
            self.made[phase] = self._law(phase)
        return self.made[phase]

    def _law(self, phase: int) -> tuple[Any, ...]:
        tile, errors = self.tile, self.tile.converter
        step = self.step_of_code()
        faulty = self._faulty
        blocks = (-1, tile.slices, self.placement.outputs)
        ones = torch.ones_like(self.gain)
        gain = self.gain if faulty else ones
        if "tile_variation" in self.effects:
            gain = gain * self.tile_gain
        rate = (gain / step[..., None]).view(blocks)
        offset = (self.offset if faulty else torch.zeros_like(ones)).view(blocks)
        slices = torch.arange(tile.slices, device=step.device)
        place = float(tile.radix) ** slices * 2.0 ** (phase * tile.bits_per_phase)
        worth = step.view(-1, tile.slices) * place
        weight = worth[..., None].expand(rate.shape).contiguous()
        noise = (step * (errors.noise if faulty else 0.0)).square().view(-1, tile.slices)
        return rate, offset, weight, noise.contiguous(), errors.nonlinearity if faulty else 0.0
