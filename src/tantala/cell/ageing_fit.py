"""Fitting the ageing law: quantiles of the measured changes against the law's own distribution.

Cells are grouped by condition (time, temperature) and by eighth of full scale. In each group the
change of conductance has measured quantiles; the law gives P(change < quantile) without sampling.
The residuals are the differences of the normal scores, so that centre and tails weigh alike, and
those of mean and standard deviation. Second differences of the profiles over state enter as weak
priors, which makes few, smooth parameters of the lists; several starts guard against local minima.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import least_squares
from scipy.special import ndtr, ndtri

from tantala.base.errors import FitError, Problem
from tantala.cell.ageing import Ageing
from tantala.cell.relaxation import aged

Floats = NDArray[np.float64]
EIGHTHS = 8
NODES = 8  # written states that stand for one group
FEWEST = 150  # cells in a group
PROBABILITIES = np.array(
    [0.002, 0.01, 0.03, 0.08, 0.16, 0.3, 0.42, 0.5, 0.58, 0.7, 0.84, 0.92, 0.97, 0.99, 0.998]
)
_HERMITE_X, _HERMITE_W = np.polynomial.hermite_e.hermegauss(7)
_HERMITE_W = _HERMITE_W / _HERMITE_W.sum()


@dataclass(frozen=True)
class AgedCells:
    """Cells read before and after one time [s] at one temperature [K]; conductances in S."""

    before: Floats
    after: Floats
    time: float
    temperature: float
    label: str


@dataclass(frozen=True)
class Groups:
    """All groups of a data set; conductances in S, axes (group,) and node or probability."""

    states: Floats  # written, by node
    time: Floats  # s
    temperature: Floats  # K
    change: Floats  # measured quantiles
    mean: Floats
    deviation: Floats
    count: NDArray[np.int64]
    label: tuple[str, ...]
    eighth: NDArray[np.int64]


def eighths(before: ArrayLike, full_scale: float) -> NDArray[np.int64]:
    """The eighth of full scale of each conductance; what exceeds full scale is in the last."""
    part = np.asarray(before, np.float64) / full_scale * EIGHTHS
    return np.clip(part.astype(np.int64), 0, EIGHTHS - 1)


def group(cells: Iterable[AgedCells], full_scale: float) -> Groups:
    """The measured quantiles. Raises FitError when no group has enough cells."""
    rows: list[tuple[Any, ...]] = []
    for sample in cells:
        good = (sample.before > 0.0) & (sample.before < 1.9 * full_scale)
        good &= np.isfinite(sample.after)
        before, change = sample.before[good], (sample.after - sample.before)[good]
        part = eighths(before, full_scale)
        for eighth in range(EIGHTHS):
            inside = part == eighth
            if inside.sum() < FEWEST:
                continue
            states = np.quantile(before[inside], (np.arange(NODES) + 0.5) / NODES)
            moved = change[inside]
            rows.append(
                (
                    states,
                    sample.time,
                    sample.temperature,
                    np.quantile(moved, PROBABILITIES),
                    moved.mean(),
                    moved.std(),
                    inside.sum(),
                    sample.label,
                    eighth,
                )
            )
    if not rows:
        raise FitError(
            Problem("too few cells to fit ageing", allowed=f"{FEWEST} cells in an eighth of range")
        )
    columns = list(zip(*rows, strict=True))
    arrays = [np.array(column) for column in columns[:7]]
    return Groups(*arrays, label=columns[7], eighth=np.array(columns[8]))


def predicted(law: Ageing, groups: Groups) -> tuple[Floats, Floats, Floats]:
    """P(change < measured quantile) (group, probability), mean and deviation [S] (group,)."""
    rate = law.relaxation.attempt_rate
    ages = aged(0.0, groups.time, groups.temperature, rate)
    mixture = law.mixture(groups.states, ages[:, None])  # (4, group, node)
    target = groups.states[:, :, None] + groups.change[:, None, :]
    shift = law.shift_to(np.maximum(target, 1e-15), groups.states[:, :, None])
    sigma = np.sqrt(mixture.variance)
    score = (shift[None] - mixture.mean[..., None]) / sigma[..., None]
    below = np.sum(mixture.weight[..., None] * ndtr(score), axis=0).mean(axis=1)
    shifts = mixture.mean[..., None] + sigma[..., None] * _HERMITE_X
    moved = law.moved(groups.states[None, :, :, None], shifts) - groups.states[None, :, :, None]
    weight = mixture.weight[..., None] * _HERMITE_W / groups.states.shape[1]
    mean = np.sum(weight * moved, axis=(0, 2, 3))
    square = np.sum(weight * moved**2, axis=(0, 2, 3))
    return below, mean, np.sqrt(np.maximum(square - mean**2, 0.0))


def residuals(law: Ageing, groups: Groups) -> Floats:
    """Differences of scores, means and deviations in units of what they should be known to."""
    below, mean, deviation = predicted(law, groups)
    wanted = ndtri(PROBABILITIES)
    density = np.exp(-0.5 * wanted**2) / np.sqrt(2.0 * np.pi)
    error = np.sqrt(PROBABILITIES * (1.0 - PROBABILITIES) / groups.count[:, None]) / density
    score = np.clip(ndtri(np.clip(below, 1e-9, 1.0 - 1e-9)), -5.0, 5.0)
    return np.concatenate(
        [
            ((score - wanted) / np.hypot(error, 0.02 + 0.05 * np.abs(wanted))).ravel(),
            3.0 * (mean - groups.mean) / (0.08 * groups.deviation),
            3.0 * np.log(deviation / groups.deviation) / 0.08,
        ]
    )


@dataclass(frozen=True)
class Parameter:
    """How one number of a law enters the vector of the fit."""

    law: str  # "relaxation" or "retention"
    name: str
    logarithm: bool
    low: float
    high: float
    stiffness: float = 0.0  # of second differences over state


PARAMETERS = (
    Parameter("relaxation", "verify_delay", True, 1e-5, 3e-2),
    Parameter("relaxation", "amplitude", True, 1e-4, 0.5, 2.0),
    Parameter("relaxation", "amplitude_growth", False, 0.0, 1.0),
    Parameter("relaxation", "events", True, 2.0, 30.0),
    Parameter("relaxation", "barrier", False, 0.2, 2.2, 5.0),
    Parameter("relaxation", "barrier_spread", True, 0.08, 0.6),
    Parameter("relaxation", "bias", False, -1.5, 1.5, 1.0),
    Parameter("relaxation", "flicker", True, 1e-4, 0.2, 2.0),
    Parameter("relaxation", "flicker_growth", False, 0.2, 1.5),
    Parameter("relaxation", "large_event_ratio", True, 1.0, 3.1),
    Parameter("retention", "early_onset", False, 0.9, 1.6),
    Parameter("retention", "early_width", True, 0.1, 0.3),
    Parameter("retention", "early_drift", False, -8.0, 8.0, 0.3),
    Parameter("retention", "early_spread", True, 0.02, 8.0, 1.0),
    Parameter("retention", "late_onset", False, 1.35, 1.95),
    Parameter("retention", "late_width", True, 0.1, 0.3),
    Parameter("retention", "late_drift", False, -20.0, 20.0, 0.3),
    Parameter("retention", "late_spread", True, 0.02, 12.0, 1.0),
)
BY_NAME = {parameter.name: parameter for parameter in PARAMETERS}


def _pack(laws: Mapping[str, Any], free: Sequence[str]) -> Floats:
    parts = []
    for name in free:
        parameter = BY_NAME[name]
        value = np.atleast_1d(np.asarray(getattr(laws[parameter.law], name), np.float64))
        value = np.clip(value, parameter.low, parameter.high)
        parts.append(np.log(value) if parameter.logarithm else value)
    return np.concatenate(parts)


def _unpack(vector: Floats, laws: Mapping[str, Any], free: Sequence[str]) -> Ageing:
    changed: dict[str, dict[str, Any]] = {"relaxation": {}, "retention": {}}
    at = 0
    for name in free:
        parameter = BY_NAME[name]
        present = getattr(laws[parameter.law], name)
        size = len(present) if isinstance(present, tuple) else 1
        part = vector[at : at + size]
        part = np.exp(part) if parameter.logarithm else part
        part = np.clip(part, parameter.low, parameter.high)
        values = tuple(float(value) for value in part)
        changed[parameter.law][name] = values if isinstance(present, tuple) else values[0]
        at += size
    relaxation = dataclasses.replace(laws["relaxation"], **changed["relaxation"])
    retention = laws["retention"]
    if retention is not None:
        retention = dataclasses.replace(retention, **changed["retention"])
    return Ageing(relaxation, retention)


def _bounds(laws: Mapping[str, Any], free: Sequence[str]) -> tuple[Floats, Floats]:
    low, high = [], []
    for name in free:
        parameter = BY_NAME[name]
        present = getattr(laws[parameter.law], name)
        size = len(present) if isinstance(present, tuple) else 1
        for side, value in ((low, parameter.low), (high, parameter.high)):
            side.extend([np.log(value) if parameter.logarithm else value] * size)
    return np.array(low) - 1e-9, np.array(high) + 1e-9


def _prior(law: Ageing, free: Sequence[str]) -> Floats:
    """Second differences of the free profiles, in units in which one is a rough profile."""
    parts = [np.zeros(1)]
    for name in free:
        parameter = BY_NAME[name]
        owner = law.relaxation if parameter.law == "relaxation" else law.retention
        if parameter.stiffness == 0.0:
            continue
        values = np.asarray(getattr(owner, name), np.float64)
        profile = np.log(values) if parameter.logarithm else values
        parts.append(parameter.stiffness * np.diff(profile, 2))
        parts.append(0.1 * parameter.stiffness * np.diff(profile))
    return np.concatenate(parts)


def refine(
    law: Ageing, groups: Groups, free: Sequence[str], evaluations: int = 40
) -> tuple[Ageing, Any]:
    """The law with its `free` numbers moved to least squares from their present values."""
    laws = {"relaxation": law.relaxation, "retention": law.retention}
    low, high = _bounds(laws, free)

    def errors(vector: Floats) -> Floats:
        trial = _unpack(vector, laws, free)
        return np.concatenate([residuals(trial, groups), _prior(trial, free)])

    outcome = least_squares(
        errors,
        np.clip(_pack(laws, free), low + 1e-6, high - 1e-6),
        bounds=(low, high),
        x_scale="jac",
        loss="soft_l1",
        f_scale=3.0,
        max_nfev=evaluations,
    )
    return _unpack(outcome.x, laws, free), outcome


def uncertainties(law: Ageing, free: Sequence[str], outcome: Any) -> dict[str, Any]:
    """One standard error of each free number, from the residuals' slope at the solution."""
    scale = 2.0 * outcome.cost / max(len(outcome.fun) - len(outcome.x), 1)
    inverse = np.linalg.pinv(outcome.jac.T @ outcome.jac, rcond=1e-9)
    error = np.sqrt(np.maximum(np.diag(inverse), 0.0) * max(scale, 1.0))
    found: dict[str, Any] = {}
    at = 0
    for name in free:
        parameter = BY_NAME[name]
        owner = law.relaxation if parameter.law == "relaxation" else law.retention
        value = getattr(owner, name)
        size = len(value) if isinstance(value, tuple) else 1
        part = error[at : at + size]
        if parameter.logarithm:
            part = part * np.atleast_1d(value)
        found[name] = tuple(map(float, part)) if isinstance(value, tuple) else float(part[0])
        at += size
    return found
