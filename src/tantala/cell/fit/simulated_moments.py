"""Method of simulated moments: an optimum and standard errors that simulation noise cannot fake.

Moments (quantiles, shares) of a simulated sample are staircases in the parameters. Differences over
a small step see the stairs, not the slope, and their noise looks like information: along a valley
where parameters trade against each other the stated errors become far too small, and a search stops
where it stands. Here derivatives are taken along the eigenvectors of the information matrix, each
over a step of a few of its own standard errors, so that a valley is walked far enough to see it.

Errors are those of the estimator (McFadden, Econometrica 57, 995, 1989): the covariance of the
measured moments is resampled from the rows, correlations included, and the simulation adds its own
share. Weights of residuals steer the fit, but do not enter its errors as if they were data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tantala.cell.fit.matching import Groups

Array = NDArray[np.float64]
Residual = Callable[[Array], Array]
KNEE = 3.0  # residuals beyond it count with their size, not their square, as in `matching.solve`
_REACH = 3.0  # step of a derivative, in standard errors of its direction
_LONGEST = 0.3  # step at most, in units of the parameters' starts
_AXIS_STEP = 0.02  # first step along every axis, likewise
_ROUNDS = 12
_DAMPING = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
_RESAMPLES = 100
_WALK = (2.0, 2.8, 4.0, 5.7, 8.0, 11.0, 16.0)  # in standard errors


@dataclass(frozen=True)
class Optimum:
    """Parameters, their residuals, and the Jacobian there [residual, parameter]."""

    x: Array
    values: Array
    jacobian: Array

    @property
    def cost(self) -> float:
        """Robust sum of squares of the residuals."""
        return cost(self.values)

    def of(self, free: NDArray[np.bool_]) -> Optimum:
        """The same with some of the parameters only."""
        return Optimum(self.x[free], self.values, self.jacobian[:, free])


def cost(values: Array) -> float:
    """Robust sum of squares: quadratic up to `KNEE`, linear beyond."""
    return float(np.sum(2.0 * KNEE**2 * (np.sqrt(1.0 + (values / KNEE) ** 2) - 1.0)))


def _weights(values: Array) -> Array:
    return 1.0 / np.sqrt(1.0 + (values / KNEE) ** 2)


def _information(jacobian: Array, values: Array) -> Array:
    return jacobian.T @ (jacobian * _weights(values)[:, None])


def _directions(information: Array | None, count: int) -> tuple[Array, Array]:
    """(orthonormal directions as columns, step along each)."""
    if information is None:
        return np.eye(count), np.full(count, _AXIS_STEP)
    curvature, directions = np.linalg.eigh(information)
    steps = _REACH / np.sqrt(np.maximum(curvature, 1e-12))
    return directions, np.minimum(steps, _LONGEST / np.max(np.abs(directions), axis=0))


def derivatives(
    residual: Residual, x: Array, low: Array, high: Array, information: Array | None
) -> Array:
    """Jacobian by differences along the directions of `information` (None: along the axes).

    Where a bound cuts a step short, the difference is over what is left of it.
    """
    directions, steps = _directions(information, len(x))
    columns = []
    for direction, step in zip(directions.T, steps, strict=True):
        ahead = np.clip(x + step * direction, low, high)
        behind = np.clip(x - step * direction, low, high)
        length = max(float((ahead - behind) @ direction), 1e-9)
        columns.append((residual(ahead) - residual(behind)) / length)
    return np.stack(columns, axis=1) @ directions.T


def measure(residual: Residual, x: Array, low: Array, high: Array) -> Optimum:
    """The Jacobian at `x`, without a search."""
    values, information = residual(x), None
    jacobian = np.empty((0, 0))
    for _ in range(3):
        jacobian = derivatives(residual, x, low, high, information)
        information = _information(jacobian, values)
    return Optimum(x, values, jacobian)


def refine(residual: Residual, start: Array, low: Array, high: Array) -> Optimum:
    """Damped Gauss-Newton search from `start`; parameters of order 1, with bounds."""
    x, values = start, residual(start)
    best, information = cost(values), None
    for _ in range(_ROUNDS):
        jacobian = derivatives(residual, x, low, high, information)
        information = _information(jacobian, values)
        gradient = jacobian.T @ (values * _weights(values))
        before = best
        for damping in _DAMPING:
            matrix = information + damping * np.diag(np.diag(information) + 1e-9)
            step = np.clip(-np.linalg.solve(matrix, gradient), -_LONGEST, _LONGEST)
            trial = np.clip(x + step, low, high)
            found = residual(trial)
            if cost(found) < best:
                x, values, best = trial, found, cost(found)
                break
        if before - best < 3e-3 * best:
            break
    return measure(residual, x, low, high)


def resampled_covariance(
    moments: Callable[[Array], Array], outcome: Array, strata: Groups, seed: int
) -> Array:
    """Sampling covariance of `moments` of the `outcome`, rows drawn anew in each stratum."""
    generator = np.random.default_rng(seed)
    drawn = []
    for _ in range(_RESAMPLES):
        again = outcome.copy()
        for rows in strata:
            again[rows] = outcome[generator.choice(rows, len(rows))]
        drawn.append(moments(again))
    return np.cov(np.array(drawn), rowvar=False)


def estimator_covariance(optimum: Optimum, covariance: Array, reduced: float) -> Array:
    """Covariance of the parameters when the residuals have this `covariance`.

    Wider by `reduced`, the reduced chi square, where that is above 1.
    """
    weighted = optimum.jacobian * _weights(optimum.values)[:, None]
    bread = np.linalg.pinv(_information(optimum.jacobian, optimum.values), hermitian=True)
    return bread @ (weighted.T @ covariance @ weighted) @ bread * max(reduced, 1.0)


def standard_errors(covariance: Array) -> Array:
    """Square roots of the diagonal."""
    return np.sqrt(np.maximum(np.diag(covariance), 0.0))


def walked_errors(
    residual: Residual, optimum: Optimum, covariance: Array, low: Array, high: Array
) -> Array:
    """Standard errors after a walk: half the distance at which the cost has risen as two foretell.

    Each parameter is walked both ways, the others following as `covariance` says, and the longer
    way counts. So a number that the rows bound on one side only is not called known.
    """
    errors = standard_errors(covariance)
    information = _information(optimum.jacobian, optimum.values)
    walked = errors.copy()
    for at, error in enumerate(errors):
        if not error > 0.0:
            continue
        path = covariance[:, at] / error
        rise = max(float(path @ information @ path), 1.0) * _WALK[0] ** 2
        for way in (path, -path):
            reached = 0.0
            for length in _WALK:
                place = np.clip(optimum.x + length * way, low, high)
                reached = abs(place[at] - optimum.x[at])
                if cost(residual(place)) - optimum.cost >= rise or reached < length * error * 0.999:
                    break
            walked[at] = max(walked[at], reached / _WALK[0])
    return walked


def reduced_chi_square(values: Array, variance: Array, parameters: int) -> float:
    """Robust chi square per degree of freedom of residuals with their own `variance`."""
    freedom = max(values.size - parameters, 1)
    return cost(values / np.sqrt(variance)) / freedom
