"""Elementary functions in float32 which LLVM turns into vector code: kernels call these.

Calls into a C library stop the vectoriser, so logarithm, exponential and normal quantile are
polynomials without branches. Called on numpy float32 scalars inside numba loops over contiguous
arrays they run at about 1 ns a value. LLVM inlines them (`forceinline`): numba's own inlining would
double the time to compile the kernels. Largest errors, tested: `log32` 1e-7 relative or absolute,
`exp32` 1e-7 and `soft32` 3e-7 relative, `normal32` 3e-6 absolute within 3 sigma and 5e-6 at 6.2
sigma, its end.

Polynomials: logarithm and exponential after Moshier, Cephes library (single precision logf, expf);
normal quantile after Giles, "Approximating the erfinv function", GPU Computing Gems Jade (2011),
chapter 10.
"""

from __future__ import annotations

import numpy as np
from numba import njit

F = np.float32
# Whole numbers are cast back after each step: numba would go on in 64 bits.
I32 = np.int32
# Contraction to fused multiply-add and reciprocal division; nothing that assumes no infinities.
FAST = {"contract", "arcp", "nsz"}

_LN2 = F(0.6931471805599453)
_LOG2_E = F(1.4426950408889634)
_LN2_HIGH = F(0.693359375)  # exact in 10 bits, so that n * _LN2_HIGH does not round
_LN2_LOW = F(-2.12194440e-4)
_SQRT_HALF_BITS = np.int32(0x3F3504F3)
_MANTISSA = np.int32(23)
_BIAS = np.int32(127)
_HALF_WAY = np.int32(128)
_LOG = tuple(
    F(c)
    for c in (
        7.0376836292e-2,
        -1.1514610310e-1,
        1.1676998740e-1,
        -1.2420140846e-1,
        1.4249322787e-1,
        -1.6668057665e-1,
        2.0000714765e-1,
        -2.4999993993e-1,
        3.3333331174e-1,
    )
)
_EXP = tuple(
    F(c)
    for c in (
        1.9875691500e-4,
        1.3981999507e-3,
        8.3334519073e-3,
        4.1665795894e-2,
        1.6666665459e-1,
        5.0000001201e-1,
    )
)
# Least-maximum fit of our own to ln(1 + t) / t over t from 0 to 1.
_LOG1P = tuple(
    F(c)
    for c in (
        0.00523269146,
        -0.0295052275,
        0.0782259336,
        -0.136632442,
        0.19106006,
        -0.24842982,
        0.333190968,
        -0.499994931,
        0.99999997,
    )
)
_CENTRE = tuple(
    F(c)
    for c in (
        2.81022636e-08,
        3.43273939e-07,
        -3.5233877e-06,
        -4.39150654e-06,
        0.00021858087,
        -0.00125372503,
        -0.00417768164,
        0.246640727,
        1.50140941,
    )
)
# Chebyshev fit of our own over depth 5 to 23.5, the range of a 32-bit word; Giles' ends at 16.
_TAIL_SHIFT = F(3.5)
_TAIL = tuple(
    F(c)
    for c in (
        1.45863641e-05,
        -1.69982309e-04,
        5.15330140e-04,
        -7.75510482e-04,
        1.05023107e-03,
        -2.01355209e-03,
        3.28426553e-03,
        1.00736226e00,
        3.33548553e00,
    )
)
_TOP_BIT = np.uint32(0x80000000)
_WORD = F(2.0**-32)
_SQRT2 = F(1.4142135623730951)


@njit(forceinline=True, fastmath=FAST, error_model="numpy")
def _degree8(c, x, square):
    """Polynomial with coefficients `c`, highest first, in Estrin's order.

    Horner's order waits for each product in turn, and a vector of eight cells' worth of such
    chains is longer than what a processor looks ahead.
    """
    fourth = F(square * square)
    low = (c[5] * x + c[6]) * square + (c[7] * x + c[8])
    high = (c[1] * x + c[2]) * square + (c[3] * x + c[4])
    return F((c[0] * fourth + high) * fourth + low)


@njit(forceinline=True, fastmath=FAST, error_model="numpy")
def log32(x):
    """Natural logarithm of a positive, normal float32."""
    bits = F(x).view(np.int32)
    exponent = I32(I32(bits - _SQRT_HALF_BITS) >> _MANTISSA)
    s = F(I32(bits - I32(exponent << _MANTISSA)).view(np.float32) - F(1.0))
    square = F(s * s)
    y = _degree8(_LOG, s, square)
    return F(F((y * s - F(0.5)) * square + s) + F(exponent) * _LN2)


@njit(forceinline=True, fastmath=FAST, error_model="numpy")
def exp32(x):
    """Exponential of a float32; saturates at exp(-87) and exp(88), so it never overflows."""
    x = min(max(F(x), F(-87.0)), F(88.0))
    whole = I32(I32(x * _LOG2_E + F(128.5)) - _HALF_WAY)
    r = F(x - F(whole) * _LN2_HIGH)
    r = F(r - F(whole) * _LN2_LOW)
    square = F(r * r)
    low = (_EXP[4] * r + _EXP[5]) + (_EXP[2] * r + _EXP[3]) * square
    y = (_EXP[0] * r + _EXP[1]) * F(square * square) + low
    y = y * square + (r + F(1.0))
    return F(y * I32(I32(whole + _BIAS) << _MANTISSA).view(np.float32))


@njit(forceinline=True, fastmath=FAST, error_model="numpy")
def soft32(x):
    """ln(1 + exp(x)) of a float32, without overflow."""
    t = exp32(-abs(F(x)))
    return F(t * _degree8(_LOG1P, t, F(t * t)) + max(F(x), F(0.0)))


@njit(forceinline=True, fastmath=FAST, error_model="numpy")
def normal32(word):
    """Standard normal float32 from a uint32 by the inverse CDF of (word + 0.5) / 2**32.

    Works on the distance to the nearer end, so both tails are as exact as the centre.
    """
    upper = word >= _TOP_BIT
    near = np.uint32(~word) if upper else np.uint32(word)
    tail = (F(near) + F(0.5)) * _WORD
    depth = F(-log32(F(4.0) * tail * (F(1.0) - tail)))
    centre = F(depth - F(2.5))
    p = _degree8(_CENTRE, centre, F(centre * centre))
    far = F(F(np.sqrt(depth)) - _TAIL_SHIFT)
    q = _degree8(_TAIL, far, F(far * far))
    size = (p if depth < F(5.0) else q) * (F(1.0) - F(2.0) * tail) * _SQRT2
    return F(size if upper else -size)


@njit(forceinline=True, fastmath=FAST, error_model="numpy")
def uniform32(word):
    """Uniform float32 in (0, 1) from a uint32: 23 bits, centred, so that 0 and 1 never come."""
    return F((F(word >> np.uint32(9)) + F(0.5)) * F(2.0**-23))
