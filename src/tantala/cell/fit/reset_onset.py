"""The onset of RESET: which pulses of a table raised the resistance, by maximum likelihood."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_ndtr

from tantala.cell.fit.reset_state import HEAT, ResetState
from tantala.cell.switching import ResetLaw

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Likelihood = Callable[[Array], float]

PARAMETERS = ("barrier", "lowering", "barrier_spread", "filament_exponent", "follower_offset",
          "follower_softness", "incubation")  # fmt: skip


def fit_onset(state: ResetState, rows: dict[str, Array], switched: Flags) -> None:
    """Maximum likelihood of which rows switched; weak cells are a known mixture."""
    shortest = float(rows["pulse_width"][switched].min())

    def likelihood(x: Array) -> float:
        values = {**state.law, **_onset_values(x, shortest)}
        logs = _onset_log_probability(ResetLaw(**values), state.weak_fraction, rows, switched)
        return -float(np.sum(np.maximum(logs, -20.0)))

    start = np.array([state.law[name] for name in PARAMETERS])
    start[2], start[5] = np.log(start[2]), np.log(start[5])
    start[6] = np.log(min(start[6] / shortest, 0.9) / (1.0 - min(start[6] / shortest, 0.9)))
    fit = minimize(
        likelihood, start, method="Nelder-Mead",
        options={"maxiter": 2500, "maxfev": 2500, "xatol": 1e-4, "fatol": 1e-3, "adaptive": True},
    )  # fmt: skip
    values = _onset_values(fit.x, shortest)
    state.law.update(values)
    state.errors.update(_onset_errors(likelihood, fit.x, values, shortest))


def _onset_values(x: Array, shortest: float) -> dict[str, float]:
    values: dict[str, float] = dict(zip(PARAMETERS, (float(v) for v in x), strict=True))
    values["barrier_spread"] = float(np.exp(np.clip(x[2], -8.0, 1.0)))
    values["follower_softness"] = float(np.exp(np.clip(x[5], -6.0, 1.0)))
    values["incubation"] = shortest / (1.0 + float(np.exp(-np.clip(x[6], -30.0, 30.0))))
    return values


def _onset_log_probability(
    law: ResetLaw, weak_fraction: float, rows: dict[str, Array], on: Flags
) -> Array:
    volts = law.effective_voltage(rows["sourceline"], rows["wordline"])
    # The barrier that this row's pulse could just cross, less the mean barrier, in sigmas.
    ratio = np.log(rows["resistance_before"] / law.reference_resistance)
    time = np.log(np.maximum(rows["pulse_width"] - law.incubation, 1e-15) / law.attempt_time)
    crossed = HEAT * (time + law.filament_exponent * ratio) + law.lowering * volts - law.barrier
    sign = np.where(on, 1.0, -1.0)
    usual = log_ndtr(sign * crossed / law.barrier_spread)
    weak = log_ndtr(sign * (crossed - law.weak_barrier) / law.barrier_spread)
    share = weak_fraction
    return np.logaddexp(np.log1p(-share) + usual, np.log(max(share, 1e-12)) + weak)


def _onset_errors(
    likelihood: Likelihood, x: Array, values: dict[str, float], shortest: float
) -> dict[str, float]:
    """Standard errors from the curvature of the likelihood, parameter by parameter jointly."""
    count = len(x)
    step = np.maximum(2e-3 * np.abs(x), 2e-3)
    hessian = np.empty((count, count))
    for i in range(count):
        for j in range(i, count):
            total = 0.0
            for a, b, sign in ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)):
                at = x.copy()
                at[i] += a * step[i]
                at[j] += b * step[j]
                total += sign * likelihood(at)
            hessian[i, j] = hessian[j, i] = total / (4.0 * step[i] * step[j])
    deviation = np.sqrt(np.maximum(np.diag(np.linalg.pinv(hessian)), 0.0))
    errors: dict[str, float] = dict(zip(PARAMETERS, (float(d) for d in deviation), strict=True))
    errors["barrier_spread"] *= values["barrier_spread"]
    errors["follower_softness"] *= values["follower_softness"]
    share = values["incubation"] / shortest
    errors["incubation"] *= shortest * share * (1.0 - share)
    return errors
