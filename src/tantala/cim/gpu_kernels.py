"""Tiles on a CUDA GPU: products on tensor cores, with the converters in the same kernel.

The digits of the inputs are whole numbers and exact in float16. A column is the sum of two float16
numbers, which holds it to 2^-22; where torch is allowed to multiply with less
(`torch.set_float32_matmul_precision("high")`) the first alone, to 2^-11, as TF32 does. Sums are
float32. A block of threads owns some vectors and some columns: it adds up the rows of one row tile,
converts the sums where they lie in registers, adds the codes, and goes on with the next row tile,
so that column signals never reach memory.

A normal is the polynomial of `QUANTILE` in place of the table of `column_kernels`, 1e-6 from it.
"""

from __future__ import annotations

import numpy as np
import triton
import triton.language as tl
from numpy.polynomial import Chebyshev
from triton.language.extra.cuda import libdevice

from tantala.cim.column_kernels import NORMALS

ROUNDING = tl.constexpr(1.5 * 2.0**23)  # adding and taking it away rounds up to 2^22 to the nearest
_DEGREE = 13
LONGEST = float(-np.log(1.0 - (1.0 - 2.0**-16) ** 2))


def _quantile() -> tuple[float, ...]:
    """P of normal = u P(v), u = 2 p - 1, v = -ln(1 - u^2) on -1 ... 1; highest power first.

    That u and a polynomial in this logarithm serve: M. Giles, "Approximating the erfinv function"
    (GPU Computing Gems, 2011); fitted here to `NORMALS`.
    """
    u = (np.arange(1 << 15) * 2.0 + 1.0) / (1 << 16)
    v = -np.log(1.0 - u * u)
    wanted = NORMALS[1 << 15 :].astype(np.float64) / u
    weight = np.ones_like(u)
    for _ in range(8):  # towards the smallest largest error
        fit = Chebyshev.fit(v, wanted, _DEGREE, domain=[0.0, LONGEST], w=u * weight)
        error = np.abs(fit(v) - wanted) * u
        weight *= np.sqrt(0.01 + error / error.max())
    power = fit.convert(kind=np.polynomial.Polynomial, domain=[-1, 1], window=[-1, 1])
    scaled = np.polynomial.Polynomial(power.coef)(
        np.polynomial.Polynomial([LONGEST / 2, LONGEST / 2])
    )
    return tuple(float(c) for c in scaled.coef[::-1])


QUANTILE = _quantile()


@triton.jit(do_not_specialize=["a_sample", "shift", "mask"])
def digits_of_inputs(
    x, step, out, bad,
    lines, across, cells, high, wide, top, left, a_sample, step_stride,
    x_image, x_channel, x_line, x_pixel,
    channels, a_part, parts, highest, lowest, shift, mask,
    DEPTH: tl.constexpr, DIGITS: tl.constexpr, BM: tl.constexpr, BC: tl.constexpr,
):  # fmt: skip
    """Digits (images, lines, across, blocks * DEPTH) float16 of (images, channels, high, wide).

    A block is a row tile of a group; its channels beyond `a_part` are 0, as is what lies outside of
    the input. A sample is an image, or `a_sample` pixels of the only one. `bad` becomes 1 where an
    input is no finite number. DIGITS: whether an input is sent in several phases, of which `shift`
    and `mask` pick one.
    """
    tiles = tl.cdiv(across, BM)
    row = tl.program_id(0) // tiles
    image, line = row // lines, row % lines - top
    place = tl.program_id(0) % tiles * BM + tl.arange(0, BM)
    pixel = place - left
    column = tl.program_id(1) * BC + tl.arange(0, BC)
    block, within = column // DEPTH, column % DEPTH
    of_part = (block % parts) * a_part + within
    real = (within < a_part) & (of_part < channels) & (column < cells)
    at_line = line + tl.zeros_like(pixel)
    inside = (pixel >= 0) & (pixel < wide) & (at_line >= 0) & (at_line < high)
    channel = (block // parts) * channels + of_part
    base = x + (image.to(tl.int64) * x_image + line.to(tl.int64) * x_line)
    where = pixel.to(tl.int64)[:, None] * x_pixel + (channel.to(tl.int64) * x_channel)[None, :]
    value = tl.load(base + where, mask=inside[:, None] & real[None, :], other=0.0).to(tl.float32)
    wrong = ~(tl.abs(value) < float("inf"))
    tl.store(bad, 1, mask=tl.max(tl.max(wrong.to(tl.int32), 1), 0) > 0)
    sample = image + tl.maximum(pixel, 0) // a_sample
    worth = tl.load(step + sample * step_stride, mask=inside, other=1.0)
    whole = tl.minimum(tl.maximum(tl.div_rn(value, worth[:, None]), lowest), highest)
    whole = (whole + ROUNDING) - ROUNDING
    if DIGITS:
        size = (tl.abs(whole).to(tl.int32) >> shift) & mask
        whole = tl.where(whole < 0, -size, size).to(tl.float32)
    end = out + row.to(tl.int64) * across * cells
    keep = (place < across)[:, None] & (column < cells)[None, :]
    tl.store(
        end + place.to(tl.int64)[:, None] * cells + column[None, :], whole.to(tl.float16), keep
    )


@triton.jit
def _normals(
    seed, counter, image, purpose, phase,
    QUANTILE: tl.constexpr, LONGEST: tl.constexpr, FAST: tl.constexpr,
):  # fmt: skip
    """Eight normals a counter, side by side: (low bit of the word, its high bit, its half)."""
    counter = counter.to(tl.uint32)
    zero = tl.zeros_like(counter)
    sent = tl.full((1, 1), purpose, tl.uint32) + zero, tl.full((1, 1), phase, tl.uint32) + zero
    w0, w1, w2, w3 = tl.philox(seed, counter, image.to(tl.uint32) + zero, sent[0], sent[1])
    words = tl.join(tl.join(w0, w1), tl.join(w2, w3))
    words = tl.reshape(words, (counter.shape[0], counter.shape[1], 4))
    share = tl.join(words & 0xFFFF, words >> 16).to(tl.uint32)
    # As the last bits of 2^23, which is one whole number a bit, in place of a conversion.
    odd = ((share | 0x4B000000).to(tl.float32, bitcast=True) - 8388608.0) * 2.0 + 1.0
    u = odd * 0.0000152587890625 - 1.0  # 2^-16, so that 1 - u^2 is odd (2^17 - odd) / 2^32
    product = odd * (131072.0 - odd)
    # 22.18 is 32 ln 2.
    length = 22.180709777918249 - (libdevice.fast_logf(product) if FAST else tl.log(product))
    v = length * (2.0 / LONGEST) - 1.0
    p = v * 0.0 + QUANTILE[0]
    for k in tl.static_range(1, len(QUANTILE)):
        p = p * v + QUANTILE[k]
    return tl.reshape(u * p, (counter.shape[0], counter.shape[1] * 8))


@triton.jit
def _codes(
    z, bow, inverse, lowest, highest, rounding, BOWED: tl.constexpr, QUANTISED: tl.constexpr
):
    """Codes of what converters see, as `column_kernels` has them."""
    if BOWED:
        u = z * inverse
        z += bow * u * (1.0 - u * u)
    if QUANTISED:
        z = tl.minimum(tl.maximum(z, lowest), highest)
        z = (z + rounding) - rounding
    return z


# Numbers that change from call to call, and must not make the kernel be compiled again.
@triton.jit(do_not_specialize=["vectors", "a_sample", "seed", "image", "purpose", "phase"])
def products_to_outputs(
    x, high, low, variance, offset, noise, weight, places, scale, shift, step, out,
    vectors, across, pixels, a_sample, x_image, x_line, x_pixel, tap_line, tap_pixel, parts, calls,
    columns, width, outputs, bow, inverse, lowest, highest, rounding, squares, deviation, seed,
    image, purpose, phase, step_stride,
    DEPTH: tl.constexpr, ALIGN: tl.constexpr, TAPS: tl.constexpr, KERNEL: tl.constexpr,
    K: tl.constexpr, SLICES: tl.constexpr, LOW: tl.constexpr, NOISE: tl.constexpr,
    BOWED: tl.constexpr, QUANTISED: tl.constexpr, FIRST: tl.constexpr, LAST: tl.constexpr,
    QUANTILE: tl.constexpr, LONGEST: tl.constexpr, FAST: tl.constexpr, BM: tl.constexpr,
    BN: tl.constexpr, BK: tl.constexpr, GROUP: tl.constexpr,
):  # fmt: skip
    """Outputs (vectors, outputs) of digits, see `gpu_products`; one group a second program axis.

    Strides of x are in runs of ALIGN numbers; FAST takes the GPU's own logarithm. Gains are in the
    columns, and the accumulators begin with offsets and noise of converters, so that a sum is a
    code as it stands (times 2^e, as are `lowest`, `highest`, `rounding` and `bow`).
    """
    CALLS: tl.constexpr = BN // 8
    tiles_m, tiles_n = tl.cdiv(vectors, BM), columns // BN
    # Programs that run together share columns and vectors in the second-level cache.
    tile, group = tl.program_id(0), tl.program_id(1)
    first = tile // (GROUP * tiles_n) * GROUP
    here = tl.minimum(tiles_m - first, GROUP)
    tile_m = first + tile % (GROUP * tiles_n) % here
    tile_n = tile % (GROUP * tiles_n) // here
    m = tile_m * BM + tl.arange(0, BM)
    n = tile_n * BN + tl.arange(0, BN)
    real = m < vectors
    pixel = (m % pixels).to(tl.int64)
    base = (m // pixels).to(tl.int64) * x_image + pixel // across * x_line
    base = (base + pixel % across * x_pixel) * ALIGN
    kk = tl.arange(0, BK)
    own = group * parts * columns + n
    sums = tl.zeros((BM, BN), tl.float32) + tl.load(offset + own)[None, :]
    spreads = tl.zeros((BM, BN), tl.float32)
    if NOISE:
        spreads += tl.load(noise + own)[None, :]
    total = tl.zeros((BM, CALLS, 8), tl.float32)
    PASSES: tl.constexpr = K // BK
    for turn in range(parts * PASSES):
        part, k0 = turn // PASSES, turn % PASSES * BK
        block = group * parts + part
        k = k0 + kk
        tap = k // DEPTH
        off = (tap // KERNEL * tap_line + tap % KERNEL * tap_pixel) * ALIGN
        off += k % DEPTH + block * DEPTH
        a = tl.load(
            x + base[:, None] + off[None, :],
            mask=real[:, None] & (k < TAPS * DEPTH)[None, :],
            other=0.0,
        )
        at = (block * K + k).to(tl.int64)[:, None] * columns + n[None, :]
        sums = tl.dot(a, tl.load(high + at), sums)
        if LOW:
            sums = tl.dot(a, tl.load(low + at), sums)
        if NOISE == 2:
            squared = (a * tl.full((1, 1), squares, tl.float16)) * a
            spreads = tl.dot(squared, tl.load(variance + at), spreads)
        if k0 == K - BK:
            # Asked for before they are needed: what the next row tile begins with.
            own = (block + (part < parts - 1)) * columns + n
            start = tl.load(offset + own)
            worth = tl.load(weight + block * 8 + tl.arange(0, 8))
            z = sums
            if NOISE:
                call = tile_n * CALLS + tl.arange(0, CALLS)
                counter = (m % a_sample * (tl.num_programs(1) * parts) + block) * calls
                drawn = _normals(
                    seed, counter[:, None] + call[None, :], (m // a_sample + image)[:, None],
                    purpose, phase, QUANTILE, LONGEST, FAST,
                )  # fmt: skip
                z += drawn * (tl.sqrt(spreads) * deviation)
            z = _codes(z, bow, inverse, lowest, highest, rounding, BOWED, QUANTISED)
            total += tl.reshape(z, (BM, CALLS, 8)) * worth[None, None, :]
            sums = tl.zeros((BM, BN), tl.float32) + start[None, :]
            if NOISE:
                spreads = tl.zeros((BM, BN), tl.float32) + tl.load(noise + own)[None, :]
    added = tl.sum(tl.reshape(total, (BM, BN // SLICES, SLICES)), 2)
    ends = tl.load(places + tile_n * (BN // SLICES) + tl.arange(0, BN // SLICES))
    output = group * width + ends
    keep = real[:, None] & (ends >= 0)[None, :]
    where = out + m.to(tl.int64)[:, None] * outputs + output[None, :]
    if not FIRST:
        added += tl.load(where, mask=keep, other=0.0)
    if LAST:
        unit = tl.load(step + m // a_sample * step_stride, mask=real, other=0.0)
        gain = tl.load(scale + output, mask=ends >= 0, other=0.0)
        added = added * (unit[:, None] * gain[None, :])
        added += tl.load(shift + output, mask=ends >= 0, other=0.0)[None, :]
    tl.store(where, added, mask=keep)
