"""What happens to column currents: read noise, conversion to codes, shift and add.

`columns_to_outputs` is the compiled form for the CPU, `columns_to_outputs_torch` the reference and
the form for other devices; both draw the same noise. A column's signal a is in digits: the sum over
rows of input digit times cell digit. One conversion gives

    z = (a + sigma n) / lsb * gain + offset,   z += inl * 2.598 u (1 - u^2),  u = z / half
    code = clamp(round(z), lowest, highest)                                                     (1)

with n a standard normal addressed by (image, pixel, column, phase), and inl in codes, a cubic bow
with that peak. A normal is the quantile at the middle of one of 65,536 equal shares, so that one
generator call serves eight columns; its variance is 1 and it ends at 4.2. An output is the sum over
parts, slices and phases of code * lsb * radix^slice.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from scipy.special import ndtri

from tantala.base.random import ROUNDS, philox4x32

BOW = 2.598076211353316  # 1 / max of u (1 - u^2) on 0 ... 1

_WORD, _HALF = 0xFFFFFFFF, 0xFFFF
_quantiles = ndtri((np.arange(1 << 16) + 0.5) / (1 << 16))
NORMALS = (_quantiles / _quantiles.std()).astype(np.float32)
TOGETHER = 512  # generator calls in one loop: they stay in the first cache
# Multipliers and key increments of Philox 4x32 (doi:10.1145/2063384.2063405).
_M0, _M1, _W0, _W1 = 0xD2511F53, 0xCD9E8D57, 0x9E3779B9, 0xBB67AE85
# Without counts of references, so that a call on views costs nothing; nothing is allocated.
LEAF: dict[str, Any] = {
    "cache": True,
    "fastmath": {"nnan", "ninf", "nsz", "arcp", "contract", "reassoc"},
    "error_model": "numpy",
    "boundscheck": False,
    "_nrt": False,
}
INLINE: dict[str, Any] = {**LEAF, "forceinline": True, "cache": False}


@njit(**LEAF)
def columns_to_outputs(
    columns, variance, scales, noise, rate, offset, weight, slices, bow, limits, pixels, address,
    key, table, room, outputs,
):  # fmt: skip
    """Convert columns and add them to outputs; see the module.

    A line is the columns of one vector in one block, slice after slice: S * O of them, in one loop.

    columns   (A, M, B, S * O) float32 signals: outer blocks, vectors, inner blocks, columns
    variance  the same shape, or of length 0 for none
    scales    (2, A, M, B) what variances of a block are worth and start from, digits squared
    noise     (A * B, S * O) variance of converter noise, digits squared; all above 0, or all 0
    rate, offset, weight   (A * B, S * O) float32: gain / lsb, offset in codes, lsb * radix^slice
    slices    S
    bow       codes, peak of the nonlinearity; 0 for none
    limits    (lowest, highest) code
    pixels    vectors an image
    address   (first image, purpose word, phase) uint32; key: the two seed words
    room      (words, the same in halves, normals, line) to work in, of `room_for`
    outputs   (M, G, O) float32, added to; A * B is a multiple of G
    """
    outer, vectors, inner, _ = columns.shape
    words, halves, normals, line = room
    calls = normals.shape[0] // 8
    together = words.shape[0] // (4 * inner * calls)
    own = variance.shape[0] > 0
    noisy = own or noise[0, 0] > 0.0
    share = outer * inner // outputs.shape[1]
    for a in range(outer):
        for start in range(0, vectors, together):
            stop = min(start + together, vectors)
            if noisy:
                blocks = a * inner, inner, outer * inner
                _words(words, calls, (start, stop, pixels), blocks, address, key)
            for m in range(start, stop):
                for b in range(inner):
                    block, signal = a * inner + b, columns[a, m, b]
                    law = rate[block], offset[block], weight[block], bow, limits
                    if noisy:
                        _normals(normals, halves, ((m - start) * inner + b) * calls, table)
                        _close_up(normals, slices, outputs.shape[2])
                    if own:
                        scale = scales[0, a, m, b], scales[1, a, m, b]
                        spread = variance[a, m, b], scale, noise[block]
                        _noisy_codes(line, signal, normals, *spread, *law)
                    elif noisy:
                        _faulty_codes(line, signal, normals, noise[block], *law)
                    else:
                        _codes(line, signal, *law)
                    _add_slices(outputs[m, block // share], line, slices)


@njit(**LEAF)
def _words(words, calls, vectors, blocks, address, key):
    """The four random words of every call for the columns of some vectors."""
    start, stop, pixels = vectors
    first, inner, all_blocks = blocks
    size, m = words.shape[0] // 4, start
    while m < stop:
        # Counters run on through the vectors of an image where these hold all blocks.
        image, pixel = m // pixels, m % pixels
        run = min(stop - m, pixels - pixel) if inner == all_blocks else 1
        counter = np.uint32((pixel * all_blocks + first) * calls)
        here, count = (m - start) * inner * calls, run * inner * calls
        _blocks(
            counter, address[0] + np.uint32(image), address[1], address[2], key,
            words[here : here + count], words[size + here :], words[2 * size + here :],
            words[3 * size + here :],
        )  # fmt: skip
        m += run


@njit(**LEAF)
def _blocks(counter, image, purpose, phase, key, w0, w1, w2, w3):
    for k in range(w0.shape[0]):
        a, b, c, d = philox4x32(counter + np.uint32(k), image, purpose, phase, key[0], key[1])
        w0[k] = a
        w1[k] = b
        w2[k] = c
        w3[k] = d


@njit(**LEAF)
def _normals(normals, halves, at, table):
    """Normals of a line whose words begin at `at`; the four of a call lie a quarter apart.

    `halves`: the words as pairs of 16 bits, the lower first.
    """
    calls, size = normals.shape[0] // 8, halves.shape[0] // 8
    for w in range(4):
        own = halves[2 * (w * size + at) :][: 2 * calls]
        low, high = normals[w * calls :][:calls], normals[(4 + w) * calls :][:calls]
        for k in range(calls):
            low[k] = table[own[2 * k]]
            high[k] = table[own[2 * k + 1]]


@njit(**LEAF)
def _close_up(normals, slices, width):
    """Leave out the normals behind each slice that its columns, no multiple of 8, do not use."""
    drawn = normals.shape[0] // slices
    if drawn > width:
        for s in range(1, slices):
            for o in range(width):
                normals[s * width + o] = normals[s * drawn + o]


@njit(**LEAF)
def _noisy_codes(line, signal, normals, variance, scale, extra, rate, offset, weight, bow, limits):
    """As `_codes`, with normals that have `variance` as it is scaled, and `extra`."""
    worth, start = scale
    for o in range(line.shape[0]):
        # Rounded by `short_products`, a small variance may come out below 0.
        spread = max(variance[o] * worth + (start + extra[o]), np.float32(0.0))
        z = signal[o] + normals[o] * np.sqrt(spread)
        line[o] = _code(z * rate[o] + offset[o], bow, limits) * weight[o]


@njit(**LEAF)
def _faulty_codes(line, signal, normals, variance, rate, offset, weight, bow, limits):
    """As `_codes`, with normals that have `variance`."""
    for o in range(line.shape[0]):
        z = signal[o] + normals[o] * np.sqrt(variance[o])
        line[o] = _code(z * rate[o] + offset[o], bow, limits) * weight[o]


@njit(**LEAF)
def _codes(line, signal, rate, offset, weight, bow, limits):
    """Codes of a line's columns, worth their weight: equation (1)."""
    for o in range(line.shape[0]):
        line[o] = _code(signal[o] * rate[o] + offset[o], bow, limits) * weight[o]


@njit(**INLINE)
def _code(z, bow, limits):
    lowest, highest = limits
    u = z * (np.float32(1.0) / max(-lowest, highest))
    z += bow * np.float32(BOW) * u * (np.float32(1.0) - u * u)
    return min(max(np.rint(z), lowest), highest)


@njit(**LEAF)
def _add_slices(out, line, slices):
    width = out.shape[0]
    for s in range(slices):
        for o in range(width):
            out[o] += line[s * width + o]


def calls_for(slices: int, width: int) -> int:
    """Generator calls of a block's columns: eight normals each, none for columns of two slices."""
    return slices * ((width + 7) // 8)


def room_for(inner: int, slices: int, width: int) -> tuple[NDArray[Any], ...]:
    """What `columns_to_outputs` works in, for `inner` blocks of `slices` x `width` columns."""
    calls = calls_for(slices, width)
    together = max(TOGETHER // (inner * calls), 1)
    words = np.empty(4 * together * inner * calls, np.uint32)
    normals, line = np.zeros(8 * calls, np.float32), np.empty(slices * width, np.float32)
    return words, words.view(np.uint16), normals, line


def columns_to_outputs_torch(
    columns: torch.Tensor,
    variance: torch.Tensor | None,
    noise: torch.Tensor,
    rate: torch.Tensor,
    offset: torch.Tensor,
    weight: torch.Tensor,
    bow: float,
    limits: tuple[float, float],
    pixels: int,
    address: tuple[int, int, int],
    key: tuple[int, int],
    groups: int,
    places: torch.Tensor | None = None,
) -> torch.Tensor:
    """The reference of `columns_to_outputs`, for any device; returns outputs (M, groups, O).

    `places` are the numbers of the vectors, 0 ... M - 1 if not given.
    """
    outer, vectors, inner, slices, width = columns.shape
    place = (outer, 1, inner, slices, width)
    signal = columns
    spread = noise.view(outer, 1, inner, slices, 1)
    if variance is not None:
        spread = spread + variance
    if bool((spread > 0).any()):
        normals = _normals_torch(columns.shape, pixels, address, key, columns.device, places)
        signal = signal + normals * spread.sqrt()
    z = signal * rate.view(place) + offset.view(place)
    if bow:
        u = z / max(-limits[0], limits[1])
        z = z + bow * BOW * u * (1.0 - u * u)
    code = z.round().clamp(*limits) * weight.view(place)
    added = code.sum(3).permute(1, 0, 2, 3).reshape(vectors, groups, -1, width)
    return added.sum(2)


def _normals_torch(
    shape: torch.Size,
    pixels: int,
    address: tuple[int, int, int],
    key: tuple[int, int],
    device: Any,
    places: torch.Tensor | None,
) -> torch.Tensor:
    """The normals that the compiled form draws: Philox in 64-bit integers."""
    outer, vectors, inner, slices, width = shape
    calls = calls_for(slices, width)
    m = torch.arange(vectors, device=device) if places is None else places
    m = m.view(1, -1, 1, 1)
    block = torch.arange(outer * inner, device=device).view(outer, 1, inner, 1)
    k = torch.arange(calls, device=device)
    first = (((m % pixels) * outer * inner + block) * calls + k) & _WORD
    image = (address[0] + m // pixels + torch.zeros_like(first)) & _WORD
    c0, c1 = first, image
    c2, c3 = (torch.full_like(first, word) for word in address[1:])
    for index in range(ROUNDS):
        k0 = (key[0] + index * _W0) & _WORD
        k1 = (key[1] + index * _W1) & _WORD
        high0, low0 = _product(c0, _M0)
        high1, low1 = _product(c2, _M1)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
    words = torch.cat([c0, c1, c2, c3], dim=-1)
    shares = torch.cat([words & _HALF, words >> 16], dim=-1)
    shares = shares.view(outer, vectors, inner, slices, -1)[..., :width]
    return torch.from_numpy(NORMALS).to(device)[shares]


def _product(word: torch.Tensor, factor: int) -> tuple[torch.Tensor, torch.Tensor]:
    """High and low 32 bits of a product of 32-bit words, without leaving signed 64 bits."""
    low = (word & 0xFFFF) * factor
    high = (word >> 16) * factor + (low >> 16)
    return (high >> 16) & _WORD, ((high & 0xFFFF) << 16) | (low & 0xFFFF)
