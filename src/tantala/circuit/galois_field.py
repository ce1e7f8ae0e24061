"""Arithmetic in GF(2^m) on integer arrays, by logarithm tables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

# Primitive polynomials with few terms (Lin and Costello 2004, table 2.7), bit i for x^i.
PRIMITIVE = {
    4: 0b10011,
    5: 0b100101,
    6: 0b1000011,
    7: 0b10001001,
    8: 0b100011101,
    9: 0b1000010001,
    10: 0b10000001001,
    11: 0b100000000101,
    12: 0b1000001010011,
    13: 0b10000000011011,
}


@dataclass(frozen=True, eq=False)
class GaloisField:
    """GF(2^degree); `order` is 2^degree - 1. Bit i of an element is the coefficient of x^i."""

    degree: int
    order: int
    exponential: NDArray[np.int64]
    logarithm: NDArray[np.int64]

    @staticmethod
    @cache
    def of(degree: int) -> GaloisField:
        """The field of a degree from 4 to 13."""
        order = (1 << degree) - 1
        exponential = np.zeros(order, np.int64)
        value = 1
        for power in range(order):
            exponential[power] = value
            value <<= 1
            if value >> degree:
                value ^= PRIMITIVE[degree]
        logarithm = np.zeros(order + 1, np.int64)
        logarithm[exponential] = np.arange(order)
        return GaloisField(degree, order, exponential, logarithm)

    def power(self, exponent: int) -> int:
        """alpha^exponent."""
        return int(self.exponential[exponent % self.order])

    def multiply(self, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
        """Product, element by element."""
        product = self.exponential[(self.logarithm[a] + self.logarithm[b]) % self.order]
        return np.where((a == 0) | (b == 0), 0, product)

    def divide(self, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
        """Quotient, element by element; zero where `b` is zero (callers mask those)."""
        quotient = self.exponential[(self.logarithm[a] - self.logarithm[b]) % self.order]
        return np.where((a == 0) | (b == 0), 0, quotient)

    def times_power(self, a: NDArray[np.int64], exponent: NDArray[np.int64]) -> NDArray[np.int64]:
        """a alpha^exponent, broadcast."""
        shifted = self.exponential[(self.logarithm[a] + exponent) % self.order]
        return np.where(a == 0, 0, shifted)

    def minimal_polynomial(self, power: int) -> int:
        """Minimal polynomial over bits of alpha^power, bit i for x^i."""
        orbit = sorted({power * 2**j % self.order for j in range(self.degree)})
        coefficients = [1]
        for exponent in orbit:
            scaled = self.times_power(np.array(coefficients), np.array(exponent))
            coefficients = [
                a ^ int(b) for a, b in zip([0, *coefficients], [*scaled, 0], strict=True)
            ]
        return sum(bit << place for place, bit in enumerate(coefficients))

    def constant_weight(self, exponent: int) -> int:
        """Ones in the binary matrix of multiplication by alpha^exponent, for counting XOR gates."""
        return sum(self.power(exponent + bit).bit_count() for bit in range(self.degree))
