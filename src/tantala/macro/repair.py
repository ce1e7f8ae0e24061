"""Yield of a repairable array: clustered defects, spare lines, tails of cells and amplifiers.

Defects per area follow a negative binomial law (a Poisson law whose density varies from die to die
as a gamma variable with clustering parameter alpha), the usual yield model of integrated circuits.
Given the density, faults in the sub-arrays are independent Poisson variables, and a sub-array
survives if its spares cover its faults.
"""

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Faults:
    """Mean numbers of faults in one sub-array at the average defect density.

    Attributes:
        rows: faults which cost a whole row (word-line shorts and opens).
        columns: faults which cost a whole column (bit-line shorts and opens).
        cells: single faulty cells from defects; any spare line mends one.
        weak_cells: single cells that fail by their own distribution; does not vary with the defect
            density.
    """

    rows: float
    columns: float
    cells: float
    weak_cells: float


@functools.lru_cache(maxsize=16)
def gamma_nodes(alpha: float, n: int = 24) -> tuple[Array, Array]:
    """Nodes and weights that integrate over a gamma variable of mean 1 and shape ``alpha``.

    Generalised Gauss-Laguerre quadrature for the density x^(alpha-1) e^(-alpha x), from the
    eigenvalues of its Jacobi matrix (Golub and Welsch).
    """
    k = np.arange(n, dtype=float)
    diagonal = 2 * k + alpha
    off = np.sqrt(k[1:] * (k[1:] + alpha - 1))
    values, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(off, 1) + np.diag(off, -1))
    return values / alpha, vectors[0] ** 2


def _poisson(mean: Array, k: int) -> Array:
    """Poisson probabilities of 0..k; shape of ``mean`` plus a last axis of k + 1."""
    safe = np.maximum(mean, 1e-300)[..., None]
    return np.exp(np.arange(k + 1) * np.log(safe) - safe - _log_factorials(k))


@functools.lru_cache(maxsize=16)
def _log_factorials(k: int) -> Array:
    """ln of 0! to k!."""
    return np.array([math.lgamma(count + 1.0) for count in range(k + 1)])


def survival(faults: Faults, spare_rows: int, spare_columns: int, density: Array) -> Array:
    """Probability that one sub-array can be repaired, for each relative defect density.

    Row faults need spare rows, column faults need spare columns, and single cells take whatever is
    left.
    """
    row = _poisson(faults.rows * density, spare_rows)
    column = _poisson(faults.columns * density, spare_columns)
    spares = spare_rows + spare_columns
    cell = np.cumsum(_poisson(faults.cells * density + faults.weak_cells, spares), axis=-1)
    result = np.zeros_like(density)
    for r in range(spare_rows + 1):
        for c in range(spare_columns + 1):
            result += row[..., r] * column[..., c] * cell[..., spares - r - c]
    return result


def repaired_yield(
    faults: Faults,
    spare_rows: int,
    spare_columns: int,
    subarrays: float,
    fatal: float,
    alpha: float,
) -> float:
    """Die yield: every sub-array repairable and no fatal defect in the periphery.

    Args:
        faults: mean faults of one sub-array at the average defect density.
        spare_rows, spare_columns: spares of one sub-array.
        subarrays: number of sub-arrays on the die.
        fatal: mean number of unrepairable periphery defects at the average density.
        alpha: clustering parameter of the defect density; large values approach a Poisson law.
    """
    density, weight = gamma_nodes(alpha)
    good = survival(faults, spare_rows, spare_columns, density)
    log_good = subarrays * np.log(np.maximum(good, 1e-300)) - fatal * density
    return float(weight @ np.exp(log_good))
