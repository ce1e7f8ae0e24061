"""Search over organisations: the true optimum of the space, and its Pareto front.

Every candidate is evaluated. What makes that cheap is that a block's cost depends on few choices:
the equations run on small broadcast axes, and only the last additions and products see every
candidate. They are the same equations, in the same order, that evaluate a single macro.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tantala.base.errors import InputError, Problem
from tantala.macro.design import Aim
from tantala.macro.metrics import METRICS
from tantala.macro.pareto import Front
from tantala.macro.plan import Plan, Space

Floats = NDArray[np.float64]
Figures = Callable[[Plan], Mapping[str, Any]]

AIMED = {
    "area": "area_m2",
    "read_latency": "read_latency_s",
    "read_energy": "read_energy_per_bit_J",
    "write_time": "write_time_s",
    "write_energy": "write_energy_per_bit_J",
    "standby": "standby_W",
}
BLOCK = 256  # structures at a time: the temporaries of a block stay in the cache


@dataclass(frozen=True, slots=True)
class Found:
    """Outcome of a search.

    Attributes:
        plan: the optimum.
        score: its weighted product of figures, the least of all feasible candidates.
        index: its position in the enumeration of the space; of equals the first.
        figures: metric names of the front's columns.
        front: Pareto-optimal values in SI, shape (n, len(figures)).
        front_index: positions of the front's candidates in the enumeration, shape (n,).
        candidates: candidates evaluated.
        feasible: candidates within the limits.
    """

    plan: Plan
    score: float
    index: int
    figures: tuple[str, ...]
    front: Floats
    front_index: NDArray[np.int64]
    candidates: int
    feasible: int


def weights(aim: Aim) -> dict[str, float]:
    """Metric name -> exponent, for the figures that the aim weighs."""
    return {AIMED[key]: weight for key, weight in aim.model_dump().items() if weight > 0.0}


def score(figures: Mapping[str, Any], exponents: Mapping[str, float]) -> Any:
    """Weighted product of figures: what the search minimises; number or array."""
    product: Any = 1.0
    for name, exponent in exponents.items():
        value = figures[name] if exponent == 1.0 else figures[name] ** exponent
        product = product * value
    return product


def within(figures: Mapping[str, Any], limits: Mapping[str, float]) -> Any:
    """Whether figures meet every limit; None if there is no limit on these figures."""
    mask = None
    for name, limit in limits.items():
        good = figures[name] <= limit if METRICS[name].better == "lower" else figures[name] >= limit
        mask = good if mask is None else mask & good
    return mask


def search(
    space: Space,
    figures: Figures,
    exponents: Mapping[str, float],
    limits: Mapping[str, float] | None = None,
    front: bool = True,
) -> Found:
    """The candidate of least score within the limits, and the front over the aimed figures.

    Args:
        space: the candidates.
        figures: the macro's equations: a plan of any shape -> metric arrays that broadcast to it,
            and under "feasible" which candidates can be built.
        exponents: metric -> weight of the aim; see `weights`.
        limits: metric -> limit; candidates beyond one are infeasible.
        front: also collect the Pareto front of the aimed figures over feasible candidates.

    Raises:
        InputError: no candidate meets the limits; says which limit is out of reach of all.
    """
    limits = dict(limits or {})
    names = tuple(exponents)
    best, best_index, feasible = np.inf, -1, 0
    collected = Front(len(names))
    reach = {name: [] for name in limits}
    per_structure = space.size // space.structures
    for start in range(0, space.structures, BLOCK):
        stop = min(start + BLOCK, space.structures)
        plan = space.block(start, stop)
        values = figures(plan)
        shape = (stop - start, *space.shape)
        result = np.broadcast_to(score(values, exponents), shape)
        feasible_here = values["feasible"]
        mask = within(values, limits)
        for name in limits:
            better = METRICS[name].better == "lower"
            reachable = np.where(feasible_here, values[name], np.inf if better else -np.inf)
            reach[name].append(np.min(reachable) if better else np.max(reachable))
        good = np.broadcast_to(feasible_here if mask is None else feasible_here & mask, shape)
        count = int(np.count_nonzero(good))
        if not count:
            continue
        feasible += count
        masked = result if count == good.size else np.where(good, result, np.inf)
        here = int(np.argmin(masked))
        base = start * per_structure
        if masked.flat[here] < best:
            best, best_index = float(masked.flat[here]), base + here
        if front:
            _collect(collected, values, names, shape, good, count, base)
    if best_index < 0:
        raise InputError(_unreachable(limits, reach))
    points, index = collected.result() if front else (np.empty((0, len(names))), np.empty(0, int))
    return Found(
        space.candidate(best_index), best, best_index, names, points, index, space.size, feasible
    )


def _collect(
    front: Front,
    values: Mapping[str, Any],
    names: tuple[str, ...],
    shape: tuple[int, ...],
    good: NDArray[np.bool_],
    count: int,
    base: int,
) -> None:
    """Fold a block's feasible points into the front, best first in each figure's own order."""
    points = np.empty((*shape, len(names)))
    for column, name in enumerate(names):
        sign = 1.0 if METRICS[name].better == "lower" else -1.0
        points[..., column] = sign * values[name]
    points = points.reshape(-1, len(names))
    if count == good.size:
        front.add(points, base)
        return
    points[~good.reshape(-1)] = np.inf
    front.add(points, base)


def _unreachable(limits: Mapping[str, float], reach: Mapping[str, list[Any]]) -> list[Problem]:
    problems = []
    for name, limit in limits.items():
        metric = METRICS[name]
        best = float(min(reach[name]) if metric.better == "lower" else max(reach[name]))
        if not metric.meets(best, limit):
            problems.append(
                Problem(
                    "no organisation meets the limit",
                    name,
                    f"{limit:.4g} {metric.unit}",
                    f"{best:.4g} {metric.unit} is the best of the space",
                )
            )
    if not limits:
        return [Problem("no organisation of the space can be both read and written")]
    return problems or [Problem("no organisation meets all limits together", ", ".join(limits))]
