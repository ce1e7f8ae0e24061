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


@njit(**LEAF)
def columns_to_outputs(
    columns, variance, noise, rate, offset, weight, bow, limits, pixels, address, key, table, room,
    outputs,
):  # fmt: skip
    """Convert columns and add them to outputs; see the module.

    columns   (A, M, B, S, O) float32 signals: outer blocks, vectors, inner blocks, slices, outputs
    variance  the same shape, digits squared, or of length 0 for none
    noise     (A * B, S) variance of converter noise, digits squared; all above 0, or all 0
    rate, offset, weight   (A * B, S, O) float32: gain / lsb, offset in codes, lsb * radix^slice
    bow       codes, peak of the nonlinearity; 0 for none
    limits    (lowest, highest) code
    pixels    vectors an image
    address   (first image, purpose word, phase) uint32; key: the two seed words
    room      (words, normals) to work in, uint32 and float32, of `room_for` entries
    outputs   (M, G, O) float32, added to; A * B is a multiple of G
    """
    outer, vectors, inner, slices, width = columns.shape
    words, normals = room
    calls = words.shape[0] // 4
    line = 2 * words.shape[0] // slices
    own = variance.shape[0] > 0
    noisy = own or noise[0, 0] > 0.0
    share = outer * inner // outputs.shape[1]
    for a in range(outer):
        for m in range(vectors):
            image = address[0] + np.uint32(m // pixels)
            for b in range(inner):
                block = a * inner + b
                if noisy:
                    first = np.uint32(((m % pixels) * outer * inner + block) * calls)
                    _words(words, calls, first, image, address, key)
                    _normals(normals, words, table)
                for s in range(slices):
                    n = normals[s * line : s * line + width]
                    if own:
                        _scale(n, variance[a, m, b, s], noise[block, s])
                    elif noisy:
                        _scale_all(n, np.sqrt(noise[block, s]))
                    _add_codes(
                        columns[a, m, b, s], n, rate[block, s], offset[block, s],
                        weight[block, s], bow, limits, outputs[m, block // share],
                    )  # fmt: skip


@njit(**LEAF)
def _words(words, calls, first, image, address, key):
    """Random words of a block's columns; the four of a call lie a quarter apart."""
    for k in range(calls):
        a, b, c, d = philox4x32(first + np.uint32(k), image, address[1], address[2], key[0], key[1])
        words[k] = a
        words[calls + k] = b
        words[2 * calls + k] = c
        words[3 * calls + k] = d


@njit(**LEAF)
def _normals(normals, words, table):
    half = words.shape[0]
    for k in range(half):
        normals[k] = table[words[k] & np.uint32(_HALF)]
        normals[half + k] = table[words[k] >> np.uint32(16)]


@njit(**LEAF)
def _scale(normals, variance, extra):
    for o in range(normals.shape[0]):
        normals[o] *= np.sqrt(variance[o] + extra)


@njit(**LEAF)
def _scale_all(normals, deviation):
    for o in range(normals.shape[0]):
        normals[o] *= deviation


@njit(**LEAF)
def _add_codes(signal, normals, rate, offset, weight, bow, limits, out):
    """Add one slice's codes, worth their weight, to a line of outputs: equation (1)."""
    lowest, highest = limits
    inverse = np.float32(1.0) / max(-lowest, highest)
    bend = bow * np.float32(BOW)
    for o in range(out.shape[0]):
        z = (signal[o] + normals[o]) * rate[o] + offset[o]
        u = z * inverse
        z += bend * u * (np.float32(1.0) - u * u)
        out[o] += min(max(np.rint(z), lowest), highest) * weight[o]


def calls_for(slices: int, width: int) -> int:
    """Generator calls of a block's columns: eight normals each, none for columns of two slices."""
    return slices * ((width + 7) // 8)


def room_for(slices: int, width: int) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
    """What `columns_to_outputs` works in, for blocks of `slices` x `width` columns."""
    calls = calls_for(slices, width)
    return np.empty(4 * calls, np.uint32), np.zeros(8 * calls, np.float32)


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
