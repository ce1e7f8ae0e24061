"""Addressed random numbers: a draw is a pure function of (seed, purpose, address, event).

Philox 4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11,
doi:10.1145/2063384.2063405) turns a 128-bit counter and a 64-bit key into four 32-bit words. Here
the key is the seed, and the counter is

    word 0: address, low 32 bits      word 2: purpose
    word 1: event, low 32 bits        word 3: address bits 32-47 | event bits 32-47 << 16

so the same chip comes out whatever the chunking, the number of workers or the backend. Normals come
from the inverse CDF, because a rejection method would consume a varying number of words.

`philox4x32` is the kernel form (numba, scalar); `words` is the numpy reference form.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from tantala.base.errors import InputError, Problem

_M0 = np.uint64(0xD2511F53)
_M1 = np.uint64(0xCD9E8D57)
_W0 = np.uint64(0x9E3779B9)
_W1 = np.uint64(0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
ROUNDS = 10
TWO_TO_MINUS_32 = 2.0**-32


def purpose(name: str) -> int:
    """The 32-bit purpose word of a stream: CRC-32 of its name, so that names need no registry."""
    return zlib.crc32(name.encode("ascii"))


def seed_words(seed: int) -> tuple[int, int]:
    """The two 32-bit key words of a seed. Raises InputError unless 0 <= seed < 2**64."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**64:
        raise InputError(
            Problem("bad seed", got=repr(seed), allowed="a whole number, 0 to 2**64-1")
        )
    return int(seed) & 0xFFFFFFFF, int(seed) >> 32


@njit(forceinline=True, error_model="numpy")
def philox4x32(c0, c1, c2, c3, k0, k1):
    """Four 32-bit words of Philox 4x32-10; every argument and result is a numpy uint32."""
    # Kept in 64 bits throughout, of which only the low half counts: so each round is two products,
    # two shifts and two exclusive ors for LLVM's vectors, without conversions in between.
    a, b, c, d = np.uint64(c0), np.uint64(c1), np.uint64(c2), np.uint64(c3)
    key0, key1 = np.uint64(k0), np.uint64(k1)
    for _ in range(ROUNDS):
        product0 = (a & _LOW) * _M0
        product1 = (c & _LOW) * _M1
        a = (product1 >> _SHIFT) ^ b ^ key0
        c = (product0 >> _SHIFT) ^ d ^ key1
        b, d = product1, product0
        key0 = key0 + _W0
        key1 = key1 + _W1
    return np.uint32(a & _LOW), np.uint32(b & _LOW), np.uint32(c & _LOW), np.uint32(d & _LOW)


def words(seed: int, purpose_word: int, address: ArrayLike, event: ArrayLike = 0) -> NDArray[Any]:
    """Four words per (address, event), broadcast: uint32 array of shape (4, ...)."""
    low, high = seed_words(seed)
    addresses, events = np.broadcast_arrays(
        np.asarray(address, dtype=np.uint64), np.asarray(event, dtype=np.uint64)
    )
    counter = [
        addresses & _LOW,
        events & _LOW,
        np.full(addresses.shape, purpose_word, dtype=np.uint64),
        (addresses >> _SHIFT) | ((events >> _SHIFT) << np.uint64(16)),
    ]
    return np.stack(rounds(counter, low, high)).astype(np.uint32)


def rounds(counter: list[NDArray[np.uint64]], key0: int, key1: int) -> list[NDArray[np.uint64]]:
    """The ten Philox rounds over arrays of 32-bit words held as uint64: the reference."""
    c0, c1, c2, c3 = counter
    for index in range(ROUNDS):
        k0 = np.uint64((key0 + index * int(_W0)) & 0xFFFFFFFF)
        k1 = np.uint64((key1 + index * int(_W1)) & 0xFFFFFFFF)
        product0, product1 = c0 * _M0, c2 * _M1
        c0, c1, c2, c3 = (
            (product1 >> _SHIFT) ^ c1 ^ k0,
            product1 & _LOW,
            (product0 >> _SHIFT) ^ c3 ^ k1,
            product0 & _LOW,
        )
    return [c0, c1, c2, c3]


@njit(inline="always")
def uniform_from_word(word):
    """A float64 in the open interval (0, 1) from a uint32, centred in its bin."""
    return (np.float64(word) + 0.5) * TWO_TO_MINUS_32


# Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied
# Statistics 37 (1988) 477, routine PPND16: about 1e-16 relative.
_A = (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
      1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
      3.3430575583588128105e4, 2.5090809287301226727e3)  # fmt: skip
_B = (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
      2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4,
      5.2264952788528545610e3)  # fmt: skip
_C = (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
      3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
      2.27238449892691845833e-2, 7.74545014278341407640e-4)  # fmt: skip
_D = (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
      1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
      1.05075007164441684324e-9)  # fmt: skip
_E = (6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
      2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
      2.71155556874348757815e-5, 2.01033439929228813265e-7)  # fmt: skip
_F = (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
      7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
      2.04426310338993978564e-15)  # fmt: skip


@njit(inline="always")
def _ratio(top, bottom, x):
    numerator = top[7]
    denominator = bottom[7]
    for index in range(6, -1, -1):
        numerator = numerator * x + top[index]
        denominator = denominator * x + bottom[index]
    return numerator / denominator


@njit(inline="always")
def inverse_normal(u):
    """The standard normal quantile of u in (0, 1), float64 (AS 241)."""
    q = u - 0.5
    if abs(q) <= 0.425:
        return q * _ratio(_A, _B, 0.180625 - q * q)
    tail = u if q < 0.0 else 1.0 - u
    r = np.sqrt(-np.log(tail))
    z = _ratio(_C, _D, r - 1.6) if r <= 5.0 else _ratio(_E, _F, r - 5.0)
    return -z if q < 0.0 else z


def normal(
    seed: int, purpose_word: int, address: ArrayLike, event: ArrayLike = 0, word: int = 0
) -> NDArray[Any]:
    """One standard normal float64 per (address, event), from word `word` (0-3) of the block."""
    from scipy.special import ndtri

    return ndtri((words(seed, purpose_word, address, event)[word] + 0.5) * TWO_TO_MINUS_32)
