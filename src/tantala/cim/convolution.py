"""Convolutions on tiles: one or two dimensions, groups, stride, padding, dilation.

The kernel positions of an input channel lie on neighbouring rows, whole channels to a row tile. So
the columns' signals of all row tiles are one grouped convolution, without unfolding the input; the
converters work on passes that stay in the cache.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from tantala.base.errors import InputError, Problem
from tantala.cim import gpu_products
from tantala.cim.layers import CHUNK_VALUES, AnalogLayer
from tantala.cim.short_products import ShortKernels
from tantala.cim.tile import Tile


class AnalogConv(AnalogLayer):
    """nn.Conv1d or nn.Conv2d on tiles: inputs and outputs as theirs."""

    columns_second = True
    has_kernels = True

    def __init__(self, conv: nn.Conv1d | nn.Conv2d, tile: Tile, name: str) -> None:
        self.flat = isinstance(conv, nn.Conv1d)
        self.groups = conv.groups
        self.out_channels, self.in_channels = conv.out_channels, conv.in_channels
        self.kernel = _pair(conv.kernel_size, 1)
        self.stride, self.dilation = _pair(conv.stride, 1), _pair(conv.dilation, 1)
        self.padding_mode = conv.padding_mode
        self.padding = self._paddings(conv.padding)
        left, right, top, bottom = self.padding
        plain = self.padding_mode == "zeros" and left == right and top == bottom
        self.plain_padding = (top, left) if plain else None  # what a convolution pads by itself
        self.multiple = self.kernel[0] * self.kernel[1]
        if self.multiple > tile.rows:
            raise InputError(
                Problem(
                    "the kernel of one input channel is higher than the tile",
                    name,
                    f"{self.multiple} rows",
                    f"at most {tile.rows} rows",
                    hint="a tile with more rows, or keep the layer digital",
                )
            )
        super().__init__(conv.weight, conv.bias, tile, name)

    def _paddings(self, padding: Any) -> tuple[int, int, int, int]:
        """(left, right, top, bottom)."""
        if padding == "valid":
            return (0, 0, 0, 0)
        if padding == "same":
            whole = [d * (k - 1) for d, k in zip(self.dilation, self.kernel, strict=True)]
            (top, left), (bottom, right) = zip(*((w // 2, w - w // 2) for w in whole), strict=True)
            return (left, right, top, bottom)
        down, across = _pair(padding, 0)
        return (across, across, down, down)

    def matrices(self, weight: torch.Tensor) -> torch.Tensor:
        return weight.reshape(self.groups, self.out_channels // self.groups, -1).transpose(1, 2)

    def _kernels(self, columns: torch.Tensor) -> torch.Tensor:
        """Columns (groups, parts, rows, slices * outputs) as weights of a grouped convolution."""
        groups, parts, _, signals = columns.shape
        shaped = columns.view(groups, parts, -1, *self.kernel, signals)
        kernels = shaped.permute(0, 1, 5, 2, 3, 4).reshape(-1, shaped.shape[2], *self.kernel)
        return kernels.contiguous(memory_format=torch.channels_last)

    def misfit(self, x: torch.Tensor) -> str:
        dims = 2 if self.flat else 3
        fits = x.dim() in (dims, dims + 1) and x.shape[-dims] == self.in_channels
        if fits:
            size = (1 if self.flat else x.shape[-2], x.shape[-1])
            if min(self._size(torch.Size(size))) < 1:
                return f"at least as much as a window of {self.kernel} covers"
        size = "length" if self.flat else "height, width"
        return (
            ""
            if fits and not x.is_complex()
            else f"real numbers (images, {self.in_channels}, {size})"
        )

    def digital(self, x: torch.Tensor) -> torch.Tensor:
        return self._convolved(x, self.weight)

    def trained(self, x: torch.Tensor) -> torch.Tensor:
        weight = self.training_weight().transpose(1, 2).reshape(self.weight.shape)
        return self._convolved(self.training_input(x), weight)

    def _convolved(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        x = x[..., None, :] if self.flat else x
        weight = weight[..., None, :] if self.flat else weight
        y = F.conv2d(self._padded(x), weight, self.bias, self.stride, 0, self.dilation, self.groups)
        return y[..., 0, :] if self.flat else y

    def _padded(self, x: torch.Tensor) -> torch.Tensor:
        if not any(self.padding):
            return x
        mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
        return F.pad(x, self.padding, mode=mode)

    def on_gpu(self, x: torch.Tensor) -> torch.Tensor:
        if single := x.dim() == (2 if self.flat else 3):
            x = x[None]
        x = x if x.is_floating_point() else x.float()
        x = x[..., None, :] if self.flat else x
        size = self._size(x.shape[-2:])
        padding = self.plain_padding or (0, 0)
        windows = gpu_products.Windows(self.kernel, self.stride, self.dilation, padding, size)
        x = x if self.plain_padding else self._padded(x)
        outputs = gpu_products.answers(self, x, windows, size[0] * size[1])
        outputs = outputs.view(x.shape[0], *size, self.out_channels)
        self.matrix.images += x.shape[0]
        return self._as_given(outputs, single)

    def analog(self, x: torch.Tensor) -> torch.Tensor:
        if single := x.dim() == (2 if self.flat else 3):
            x = x[None]
        x = x[..., None, :].float() if self.flat else x.float()
        whole, step = self.whole_inputs(x.contiguous(memory_format=torch.channels_last))
        whole = self._spread(whole if self.plain_padding else self._padded(whole))
        place, tile = self.matrix.placement, self.tile
        kernels = self._kernel("columns")
        high, wide = self._size(x.shape[-2:])
        outputs = torch.empty(
            (x.shape[0], high, wide, self.out_channels), dtype=torch.float32, device=x.device
        )
        shape = (1, -1, self.groups * place.parts, tile.slices, self.out_channels // self.groups)
        convert = self.matrix.converters.convert
        images = max(1, CHUNK_VALUES // (high * wide * kernels.shape[0]))
        steps = step.reshape(-1, 1) if step.dim() else None
        for start in range(0, x.shape[0], images):
            part = whole[start : start + images]
            added: Any = None
            for phase, digit in enumerate(self.phases(part)):
                signal = (
                    self._ladder_signals(digit)
                    if self.matrix.gated
                    else self._signals(digit, kernels)
                ).view(shape)
                variance = scales = None
                if "read_noise" in self.matrix.effects:
                    variance, scales = self._variance(digit, (high, wide))
                    variance = variance.view(shape)
                first = self.matrix.images + start
                codes = convert(signal, variance, high * wide, phase, first, scales)
                added = codes if added is None else added + codes
            total = None
            if tile.offset:
                total = self._totals(part)
            worth = (
                step
                if steps is None
                else steps[start : start + images].repeat_interleave(high * wide, dim=0)
            )
            outputs[start : start + images] = self.finish(added, total, worth).view(
                -1, high, wide, self.out_channels
            )
        self.matrix.images += x.shape[0]
        return self._as_given(outputs, single)

    def _as_given(self, outputs: torch.Tensor, single: bool) -> torch.Tensor:
        """Outputs (images, high, wide, channels) in the shape that the input had."""
        y = outputs.permute(0, 3, 1, 2)
        y = y[..., 0, :] if self.flat else y
        return y[0] if single else y

    def _spread(self, x: torch.Tensor) -> torch.Tensor:
        """Every group's channels in parts of equal length, padded with silent channels."""
        place = self.matrix.placement
        channels = self.in_channels // self.groups
        missing = place.parts * place.part_rows // self.multiple - channels
        if not missing:
            return x
        images, _, high, wide = x.shape
        grouped = x.reshape(images, self.groups, channels, high, wide)
        spread = F.pad(grouped, (0, 0, 0, 0, 0, missing)).reshape(images, -1, high, wide)
        return spread.contiguous(memory_format=torch.channels_last)

    def _kernel(self, buffer: str) -> torch.Tensor:
        """A buffer of the matrix as convolution kernels, made once a refresh."""
        source = getattr(self.matrix, buffer)
        kept = self.matrix.layouts.get(buffer)
        if kept is None or kept.device != source.device:
            kept = self.matrix.layouts[buffer] = self._kernels(source)
        return kept

    def _signals(self, digit: torch.Tensor, kernels: torch.Tensor) -> torch.Tensor:
        groups = self.groups * self.matrix.placement.parts
        y = F.conv2d(
            digit, kernels, None, self.stride, self.plain_padding or 0, self.dilation, groups
        )
        return y.permute(0, 2, 3, 1).contiguous()

    def _variance(
        self, digit: torch.Tensor, lines: tuple[int, int]
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Variance (images, *lines, columns) of every signal, and its scales if it has any: see
        `Converters.convert`.
        """
        if digit.is_cuda or "input_quantisation" not in self.matrix.effects:
            return self._signals(digit.square(), self._kernel("variance")), None
        place, held = self.matrix.placement, self.matrix.variance
        kernels, blocks = self.matrix.layouts.get("short"), self.groups * place.parts
        if kernels is None:
            real = held.view(self.matrix.groups, -1, held.shape[-1])[:, : place.rows]
            kernels = ShortKernels.of(self._kernels(held), real, blocks)
            self.matrix.layouts["short"] = kernels
        window = self.stride, self.plain_padding or (0, 0), self.dilation
        variance, scales = kernels.variance(digit, self.kernel, window, lines)
        return variance.permute(0, 2, 3, 1).contiguous(), scales.view(2, 1, -1, blocks)

    def _ladder_signals(self, digit: torch.Tensor) -> torch.Tensor:
        """As `_signals`, of every window on word lines."""
        place = self.matrix.placement
        lies = self.groups * place.parts
        windows = F.unfold(
            digit, self.kernel, self.dilation, self.plain_padding or 0, self.stride
        )  # (images, rows of all parts, pixels)
        rows = windows.view(windows.shape[0], lies, place.part_rows, -1).permute(1, 0, 3, 2)
        signal = self.matrix.ladder_signals(rows.reshape(lies, -1, place.part_rows))
        return signal.permute(1, 0, 2).contiguous()

    def _totals(self, whole: torch.Tensor) -> torch.Tensor:
        """Sum of every window's whole inputs, (M, groups, 1)."""
        channels = whole.shape[1] // self.groups
        ones = whole.new_ones(self.groups, channels, *self.kernel)
        pad = self.plain_padding or 0
        sums = F.conv2d(whole, ones, None, self.stride, pad, self.dilation, self.groups)
        return sums.permute(0, 2, 3, 1).reshape(-1, self.groups, 1)

    def _size(self, size: torch.Size) -> tuple[int, int]:
        """Height and width of the output for inputs of a height and width."""
        left, right, top, bottom = self.padding
        padded = (size[0] + top + bottom, size[1] + left + right)
        high, wide = (
            (size - d * (k - 1) - 1) // s + 1
            for size, d, k, s in zip(padded, self.dilation, self.kernel, self.stride, strict=True)
        )
        return high, wide


def _pair(value: Any, missing: int) -> tuple[int, int]:
    """A setting of a convolution as (down, across); one dimension is across."""
    if isinstance(value, int):
        return (value, value)
    return (missing, value[0]) if len(value) == 1 else (value[0], value[1])
