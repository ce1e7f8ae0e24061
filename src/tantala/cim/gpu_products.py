"""An analog layer's answer on a CUDA GPU: what `gpu_kernels` needs, made once, and its calls."""

from __future__ import annotations

import importlib
import importlib.util
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F

from tantala.base.random import seed_words
from tantala.cim.column_kernels import BOW

if TYPE_CHECKING:
    from tantala.cim.layers import AnalogLayer

MOST_BITS = 22  # of what is rounded by adding and taking away 1.5 * 2^23
LARGEST_DIGIT = 1 << 11  # above it float16 does not hold every whole number
# Cost of a row by the float16 numbers a load takes: 8 were the faster with a quarter more rows on
# convolutions of ResNet-18 (an H200), 4 the faster where 8 needed 1.75 times as many.
LOADS = {8: 1.0, 4: 1.3, 2: 1.7}
TRITON = importlib.util.find_spec("triton") is not None
# The order of the eight normals of a call in `gpu_kernels`: word 0, 2, 1, 3 by halves.
_ORDER = tuple(half * 4 + high * 2 + low for low in (0, 1) for high in (0, 1) for half in (0, 1))


@dataclass(frozen=True)
class Windows:
    """Which inputs make a vector: those of a convolution's kernel, down and across."""

    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)  # silent lines and pixels before and behind
    size: tuple[int, int] = (1, 1)  # of the outputs


@dataclass(frozen=True)
class Blocks:
    """Block of threads: vectors, columns, rows a pass; warps, and passes loaded ahead."""

    vectors: int
    columns: int
    rows: int
    warps: int
    stages: int
    group: int = 16


def _blocks(noisy: bool, both: bool) -> Blocks:
    """Measured best of those that fit: a product more, or normals, need registers and memory."""
    if noisy:
        return Blocks(64, 64, 64, 4, 3)
    return Blocks(128, 128, 64, 8, 3 if both else 4)


def serves(layer: AnalogLayer, x: torch.Tensor) -> bool:
    """Whether `answers` is to compute the layer: what it cannot, the reference form does."""
    return x.is_cuda and knows(layer)


def knows(layer: AnalogLayer) -> bool:
    """Whether the kernels have the layer's tile and effects, as they are now."""
    tile, matrix = layer.tile, layer.matrix
    return (
        TRITON
        and layer.has_kernels
        and tile.input_bits <= MOST_BITS
        and tile.adc_bits <= MOST_BITS
        and not matrix.gated
        and not matrix.converters.observing
        and tile.mapping == "differential"
        and tile.slices in (1, 2, 4, 8)
        and 2**tile.bits_per_phase <= LARGEST_DIGIT
        and "input_quantisation" in matrix.effects
    )


def answers(
    layer: AnalogLayer,
    x: torch.Tensor,
    windows: Windows,
    vectors_a_sample: int,
) -> torch.Tensor:
    """Outputs (vectors, outputs) of inputs (images, channels, high, wide) of any strides.

    A sample has one input range until calibration, and one event of noise.
    """
    kernels: Any = importlib.import_module("tantala.cim.gpu_kernels")  # needs Triton
    matrix, tile = layer.matrix, layer.tile
    place, converters = matrix.placement, matrix.converters
    noisy = 2 if "read_noise" in matrix.effects else int(converters.noisy)
    both = _exact()
    blocks = _blocks(noisy > 0, both)
    taps = windows.kernel[0] * windows.kernel[1]
    a_part = place.part_rows // taps
    depth, align, deep = _depth(a_part, taps, blocks.rows)
    count = matrix.groups * place.parts
    pixels = windows.size[0] * windows.size[1]
    vectors = x.shape[0] * pixels
    out = x.new_empty((vectors, matrix.groups * place.outputs), dtype=torch.float32)
    if not vectors:
        return out
    samples = vectors // vectors_a_sample
    calibrated, signed = _facts(layer)
    top = layer.highest(signed)
    if calibrated:
        step = layer.input_range / top
    else:
        largest = x.abs().amax(dim=1).view(-1, x[:, 0].numel() // samples).amax(dim=1)
        step = largest.float().clamp(min=1e-30) / top
    lines, across = (size + 2 * pad for size, pad in zip(x.shape[2:], windows.padding, strict=True))
    digits = x.new_empty((x.shape[0], lines, across, count * depth), dtype=torch.float16)
    scale, shift = layer.scale_and_shift()
    image, purpose, _ = converters.address(matrix.images, 0)
    seeds = seed_words(converters.seed)
    key = ("gpu", blocks.columns, deep, noisy)
    if key not in converters.made:
        converters.made[key] = _laid(layer, taps, depth, deep, noisy, blocks)
    laid = converters.made[key]
    wide = laid.high.shape[1]
    tiles = -(-vectors // blocks.vectors) * (wide // blocks.columns)
    cells = count * depth
    run = cells // align
    cells_a_block = min(64, 32, key=lambda size: -(-cells // size) * size)
    pixels_a_block = min(2048 // cells_a_block, 256)
    grid = x.shape[0] * lines * -(-across // pixels_a_block), -(-cells // cells_a_block)
    for phase in range(tile.phases):
        kernels.digits_of_inputs[grid](
            x, step, digits, layer.bad, lines, across, cells, *x.shape[2:], *windows.padding,
            vectors_a_sample if x.shape[0] < samples else across, step.dim(), *x.stride(),
            x.shape[1] // matrix.groups,
            a_part, place.parts, float(top), float(-top if signed else 0),
            phase * tile.bits_per_phase, (1 << tile.bits_per_phase) - 1,
            DEPTH=depth, DIGITS=tile.phases > 1, BM=pixels_a_block, BC=cells_a_block,
        )  # fmt: skip
        kernels.products_to_outputs[(tiles, matrix.groups)](
            digits, laid.high, laid.low, laid.variance, laid.offset, laid.noise,
            laid.weights[phase], laid.ends, scale, shift, step, out,
            vectors, windows.size[1], pixels, vectors_a_sample, lines * across * run,
            windows.stride[0] * across * run, windows.stride[1] * run,
            windows.dilation[0] * across * run, windows.dilation[1] * run,
            place.parts, tile.slices * (-(-place.outputs // 8)), wide, place.outputs, out.shape[1],
            laid.bow, laid.inverse, *laid.limits, laid.rounding, laid.squares, laid.deviation,
            seeds[0] | seeds[1] << 32, image, purpose, phase, step.dim(),
            DEPTH=depth, ALIGN=align, TAPS=taps, KERNEL=windows.kernel[1], K=deep,
            SLICES=tile.slices, LOW=both, NOISE=noisy, BOWED=laid.bow != 0.0,
            QUANTISED="adc_quantisation" in matrix.effects, FIRST=phase == 0,
            LAST=phase == tile.phases - 1, QUANTILE=kernels.QUANTILE,
            LONGEST=kernels.LONGEST, FAST=x.is_cuda,
            BM=blocks.vectors, BN=blocks.columns, BK=blocks.rows, GROUP=blocks.group,
            num_warps=blocks.warps, num_stages=blocks.stages,
        )  # fmt: skip
    return out


def _depth(channels: int, taps: int, rows: int) -> tuple[int, int, int]:
    """Channels a part is padded to, the run that loads can take, and rows in whole passes.

    Loads are of 16, 8 or 4 bytes, whichever make the rows, padded, cheapest.
    """
    choices = []
    for align, cost in LOADS.items():
        depth = -(-channels // align) * align
        deep = -(-depth * taps // rows) * rows
        choices.append((deep * cost, depth, align, deep))
    return min(choices)[1:]


def _ordered(line: torch.Tensor, slices: int, width: int, columns: int) -> torch.Tensor:
    """Columns (..., slices, outputs) in the order of the kernel, (..., wide), padded with zeros."""
    chunk = -(-width // 8)
    padded = F.pad(line, (0, 8 * chunk - width)).reshape(*line.shape[:-2], 8, slices * chunk)
    ordered = padded[..., list(_ORDER), :].transpose(-1, -2)
    calls = -(-slices * chunk // (columns // 8)) * (columns // 8)
    return F.pad(ordered, (0, 0, 0, calls - slices * chunk)).flatten(-2).contiguous()


@dataclass(frozen=True)
class _Laid:
    """What the kernel takes of a matrix: columns in codes, times 2^e so that float16 holds them.

    high, low, variance   (blocks * deep, wide) float16; offset, noise (blocks, wide) float32
    weights   (blocks, 8) of each phase; ends: the output of every sum over slices, -1 for none
    limits, bow, rounding   in codes times 2^e; inverse of the largest such code
    squares   what digits squared are multiplied with; deviation: what a spread of 1 is worth
    """

    high: torch.Tensor
    low: torch.Tensor
    variance: torch.Tensor
    offset: torch.Tensor
    noise: torch.Tensor
    weights: list[torch.Tensor]
    ends: torch.Tensor
    limits: tuple[float, float]
    bow: float
    inverse: float
    rounding: float
    squares: float
    deviation: float


def _laid(
    layer: AnalogLayer, taps: int, depth: int, deep: int, noisy: int, blocks: Blocks
) -> _Laid:
    matrix, tile = layer.matrix, layer.tile
    place, converters = matrix.placement, matrix.converters
    slices, width, count = tile.slices, place.outputs, matrix.groups * place.parts

    def rows(columns: torch.Tensor) -> torch.Tensor:
        # Rows of a part come channel by channel, the taps of one together; here tap by tap.
        split = columns.view(count, -1, taps, slices, width).transpose(1, 2)
        padded = F.pad(split, (0, 0, 0, 0, 0, depth - split.shape[2])).flatten(1, 2)
        padded = F.pad(padded, (0, 0, 0, 0, 0, deep - padded.shape[1])).flatten(0, 1)
        return _ordered(padded, slices, width, blocks.columns)

    rate, offset, _, noise, bow = converters.law(0)
    codes = matrix.columns.view(count, -1, slices, width) * rate[:, None]
    exponent = 10 - math.frexp(float(codes.abs().amax()))[1]
    unit = 2.0**exponent
    columns = rows(codes * unit)
    high = columns.half()
    variance, deviation, squares = high, unit, 1.0
    spread = noise[..., None] * rate.square()
    if noisy == 2:
        squares = 2.0 ** -max(0, 2 * tile.bits_per_phase - 15)  # digits squared fit float16
        own = matrix.variance.view(count, -1, slices, width) * rate.square()[:, None]
        largest = float(own.amax().clamp(min=1e-30))
        variance = rows(own / largest).half()
        deviation *= (largest / squares) ** 0.5
        spread = spread * (squares / largest)
    output = torch.arange(width, device=high.device).expand(slices, -1) + 1
    ends = _ordered(output.float(), slices, width, blocks.columns).view(-1, slices)
    lowest, highest = converters.codes
    slice_of = [number * slices // 8 for number in _ORDER]
    phases = range(tile.phases)
    return _Laid(
        high=high,
        low=(columns - high.float()).half(),
        variance=variance,
        offset=_ordered(offset * unit, slices, width, blocks.columns),
        noise=_ordered(spread, slices, width, blocks.columns),
        weights=[converters.law(k)[2][:, slice_of, 0].contiguous() / unit for k in phases],
        ends=ends.amax(1).to(torch.int32) - 1,
        limits=(lowest * unit, highest * unit),
        bow=bow * BOW * unit,
        inverse=1.0 / (max(-lowest, highest) * unit),
        rounding=1.5 * 2.0**23 * unit,
        squares=squares,
        deviation=deviation,
    )


def _exact() -> bool:
    """Whether torch is to multiply float32 as such, rather than with fewer bits."""
    try:
        return torch.get_float32_matmul_precision() == "highest"
    except RuntimeError:  # set by torch's newer way, which this question may not follow
        return torch.backends.cuda.matmul.fp32_precision != "tf32"


def _facts(layer: AnalogLayer) -> tuple[bool, bool]:
    """Whether the input range is known, and whether inputs may be negative, asked for once."""
    made = layer.matrix.converters.made
    if "facts" not in made:
        made["facts"] = bool(layer.input_range > 0), bool(layer.signed)
    return made["facts"]
