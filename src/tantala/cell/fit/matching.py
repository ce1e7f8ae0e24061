"""Fitting random laws to measured distributions: simulate each measured row, match quantiles.

A measured pulse has random parts that cannot be known, so a law is fitted by drawing them once,
with a fixed stratified sample, and matching quantiles of the outcome within groups of like
conditions. The residuals are in units of their own sampling error, so that their Jacobian gives
standard errors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.special import ndtri

Array = NDArray[np.float64]
Groups = list[NDArray[np.intp]]
LEVELS = (0.05, 0.16, 0.5, 0.84, 0.95)
# Standard error of these quantiles of a normal sample, in units of sigma / sqrt(n).
LEVEL_ERRORS = np.array([2.11, 1.51, 1.25, 1.51, 2.11])


def draws(rows: int, dimensions: int, seed: int) -> Array:
    """Stratified standard normals [dimension, row]: each dimension has its own order of strata."""
    generator = np.random.default_rng(seed)
    strata = (np.arange(rows) + 0.5) / rows
    return ndtri(np.stack([generator.permutation(strata) for _ in range(dimensions)]))


def groups_of(*keys: NDArray[np.generic], smallest: int = 1) -> Groups:
    """Row numbers of each combination of the keys that has at least `smallest` rows."""
    _, label = np.unique(np.stack([np.asarray(k, float) for k in keys], axis=1), axis=0,
                         return_inverse=True)  # fmt: skip
    order = np.argsort(label.ravel(), kind="stable")
    bounds = np.cumsum(np.bincount(label.ravel()))[:-1]
    return [rows for rows in np.split(order, bounds) if len(rows) >= smallest]


def repeated(groups: Groups, rows: int, times: int) -> Groups:
    """The groups in a table of `rows` rows that is repeated `times` times."""
    shifts = rows * np.arange(times)[:, None]
    return groups if times == 1 else [(group + shifts).ravel() for group in groups]


def quantiles(values: Array, groups: Groups, levels: Sequence[float] = LEVELS) -> Array:
    """Quantiles [group, level] of `values` in each group."""
    return np.array([np.quantile(values[rows], levels) for rows in groups])


def quantile_errors(values: Array, groups: Groups, model_error: float) -> Array:
    """Standard errors [group, level]: of sampling, and `model_error` for what a law leaves out."""
    sampling = np.array(
        [np.std(values[rows]) / np.sqrt(len(rows)) * LEVEL_ERRORS for rows in groups]
    )
    return np.hypot(sampling, model_error)


def solve(
    residual: Callable[[Array], Array], start: Array, low: Array, high: Array, evaluations: int
) -> tuple[Array, Array, float]:
    """Robust least squares: (parameters, standard errors, reduced chi square).

    Residuals in units of their errors; one far beyond 3 counts with its size, not its square.
    """
    fit = least_squares(
        residual,
        start,
        bounds=(low, high),
        x_scale=np.maximum(np.abs(start), 1e-3),
        diff_step=4e-3,
        loss="soft_l1",
        f_scale=3.0,
        max_nfev=evaluations,
    )
    values = np.asarray(residual(fit.x))
    freedom = max(values.size - len(start), 1)
    reduced = float(np.sum(18.0 * (np.sqrt(1.0 + (values / 3.0) ** 2) - 1.0)) / freedom)
    return fit.x, errors_of(np.asarray(fit.jac), reduced), reduced


def errors_of(jacobian: Array, reduced: float) -> Array:
    """Standard errors from a Jacobian of residuals in units of their errors."""
    information = jacobian.T @ jacobian
    covariance = np.linalg.pinv(information) * max(reduced, 1.0)
    return np.sqrt(np.maximum(np.diag(covariance), 0.0))
