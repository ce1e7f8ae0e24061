"""Variance of column signals from 8-bit products, which processors add up twice as fast as float32.

A column's variance is the sum over rows of x^2 V, with x the input digit and V the variance of the
cells of one digit. All V of a matrix lie near each other, so V = middle + step k with whole k, |k|
at most `LARGEST`, and x^2 = square q with whole q of 8 bits, one square an image and row tile:

    sum x^2 V  =  middle sum x^2  +  square step sum q k                                        (1)

The first sum is exact and common to the columns of a row tile; only what cells differ by is
rounded. The error is at most 0.5 step sum x^2 + 0.5 square sum |V - middle|, were all roundings to
one side; as they fall, it is about 0.001 of the variance (ResNet-20: 0.0007 to 0.0018, root mean
square over all conversions of a layer). Whole numbers add up the same in any order, so neither the
batch nor the machine changes a draw.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numba import njit

from tantala.cim.column_kernels import LEAF

Window = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
LARGEST = 64  # two products with 255 stay within the 16 bits in which AVX2 adds them
LARGEST_SQUARE = 255
ALIGNED = 4  # inputs and outputs of a group come so many together, or oneDNN is 100 times slower
# Machines whose torch brings along oneDNN's kernels for 8 bits; elsewhere float32 is exact too.
X86 = (
    torch.backends.mkldnn.is_available()
    and torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512")
    and hasattr(torch.ops.onednn, "qconv_prepack")
    and hasattr(torch.ops.onednn, "qconv2d_pointwise")
)


@dataclass(frozen=True)
class ShortKernels:
    """Variances V of a matrix as kernels of a grouped convolution, see equation (1).

    weights   (groups * outputs, channels, high, wide) k: int8 and packed by oneDNN, or float32
    packed    which of both
    """

    middle: float
    step: float
    groups: int
    channels: int
    weights: torch.Tensor
    packed: bool

    @classmethod
    def of(cls, kernels: torch.Tensor, real: torch.Tensor, groups: int) -> ShortKernels:
        """Of `kernels` (groups * outputs, channels, high, wide) of V [digits^2]; `real`: those of
        rows with cells.
        """
        low, high = (float(end) for end in torch.aminmax(real))
        middle, step = 0.5 * (low + high), max(0.5 * (high - low) / LARGEST, 1e-30)
        whole = ((kernels - middle) / step).round().clamp(-LARGEST, LARGEST).to(torch.int8)
        missing = -whole.shape[1] % ALIGNED if groups > 1 else 0
        whole = F.pad(whole, (0, 0, 0, 0, 0, missing))
        channels = whole.shape[1]
        packed = X86 and (groups == 1 or len(whole) // groups % ALIGNED == 0)
        if packed:
            ones, _ = _units(len(whole))
            whole = torch.ops.onednn.qconv_prepack(
                whole, ones, 1.0, 0, [1, 1], [0, 0], [1, 1], groups, None
            )
        else:
            whole = whole.float()
        return cls(middle, step, groups, channels, whole, packed)

    def variance(
        self, digit: torch.Tensor, size: tuple[int, int], window: Window, lines: tuple[int, int]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Sums of q k (images, groups * outputs, *lines), and `scales` (2, images * pixels, groups)
        of equation (1): square step, and the first sum [digits^2].

        digit     (images, groups * channels, high, wide) whole numbers
        size      of the kernel; window: its stride, padding and dilation; lines: size of the output
        """
        images, _, high, wide = digit.shape
        given = digit.permute(0, 2, 3, 1).contiguous().view(images, high, wide, self.groups, -1)
        short = np.zeros((*given.shape[:4], self.channels), np.uint8)
        totals = np.empty(given.shape[:4], np.float32)
        square = np.empty((images, self.groups), np.float32)
        _short_squares(given.numpy(), square, short, totals)
        scales = np.empty((2, images, *lines, self.groups), np.float32)
        scales[0] = (square * np.float32(self.step))[:, None, None]
        _windows(scales[1], totals, np.float32(self.middle), size, *window)
        whole = torch.from_numpy(short).flatten(3).permute(0, 3, 1, 2)
        return self._product(whole, window), torch.from_numpy(scales).flatten(1, 3)

    def _product(self, short: torch.Tensor, window: Window) -> torch.Tensor:
        if not self.packed:
            return F.conv2d(short.float(), self.weights, None, *window, self.groups)
        stride, padding, dilation = (list(pair) for pair in window)
        ones, zeros = _units(self.weights.shape[0])
        return torch.ops.onednn.qconv2d_pointwise(
            short, 1.0, 0, self.weights, ones, zeros, None, stride, padding, dilation, self.groups,
            1.0, 0, torch.float32, "none", [], "",
        )  # fmt: skip


def _units(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Scales of 1 and zero points of 0."""
    return torch.ones(count), torch.zeros(count, dtype=torch.int64)


@njit(**LEAF)
def _short_squares(digits, square, short, totals):
    """q of equation (1), the square that 1 of it is worth, and sums of squares over channels.

    digits    (images, high, wide, groups, channels) float32
    square    (images, groups): the largest q of an image is `LARGEST_SQUARE`, if 1 is not enough
    short     as digits or with more channels, uint8; totals (images, high, wide, groups)
    """
    images, high, wide, groups, channels = digits.shape
    for i in range(images):
        for g in range(groups):
            largest = np.float32(0.0)
            for y in range(high):
                for x in range(wide):
                    line = digits[i, y, x, g]
                    for c in range(channels):
                        largest = max(largest, line[c] * line[c])
            square[i, g] = max(largest * np.float32(1.0 / LARGEST_SQUARE), np.float32(1.0))
            inverse = np.float32(1.0) / square[i, g]
            for y in range(high):
                for x in range(wide):
                    line, out, total = digits[i, y, x, g], short[i, y, x, g], np.float32(0.0)
                    for c in range(channels):
                        power = line[c] * line[c]
                        total += power
                        out[c] = np.uint8(np.int32(power * inverse + np.float32(0.5)))
                    totals[i, y, x, g] = total


@njit(**LEAF)
def _windows(sums, totals, factor, size, stride, padding, dilation):
    """`factor` times the sums (images, down, across, groups) over windows of `totals`."""
    images, down, across, groups = sums.shape
    high, wide = totals.shape[1], totals.shape[2]
    for i in range(images):
        for y in range(down):
            for x in range(across):
                sums[i, y, x] = np.float32(0.0)
                for a in range(size[0]):
                    line = y * stride[0] + a * dilation[0] - padding[0]
                    for b in range(size[1]):
                        pixel = x * stride[1] + b * dilation[1] - padding[1]
                        if 0 <= line < high and 0 <= pixel < wide:
                            for g in range(groups):
                                sums[i, y, x, g] += factor * totals[i, line, pixel, g]
