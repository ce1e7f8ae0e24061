"""Which numbers a table determines, and whether its law says more than no law at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tantala.base.errors import Problem

Array = NDArray[np.float64]
Expected = Callable[[Mapping[str, Array]], Array]
_LARGEST_ERROR = 0.5  # of the value, and of the allowed span
_SMALL = 0.04  # of the span: a number that may be zero is known when it is known to be this small
_STATES = 20  # bins of the state before, in which the null model takes its means
_SIGNIFICANT = 3.0  # standard errors


def largest_errors(values: Array, low: Array, high: Array) -> Array:
    """The standard error beyond which a number counts as left open, one a number.

    Half its value, and never more than half the allowed span `low` to `high`. A number that may be
    zero is also determined when its error is below 2 % of the span.
    """
    span = high - low
    scale = np.where(low <= 0.0, np.maximum(np.abs(values), _SMALL * span), np.abs(values))
    return _LARGEST_ERROR * np.minimum(scale, span)


@dataclass(frozen=True)
class Explained:
    """What a law explains of the spread that a poorer model leaves, by squared errors of ln R.

    `share` is 1 minus the ratio of both mean squared errors: 1 for a law that foretells every row,
    0 for one that says no more than the poorer model, negative for one that says less. Random
    switching keeps a right law below 1. `error` is its standard error; `parameters` of `rows` is
    what a fit of noise alone gains.
    """

    share: float
    error: float
    rows: int
    parameters: int = 0

    @property
    def is_better(self) -> bool:
        """Whether the law says more than the poorer model, beyond chance."""
        chance = 2.0 * self.parameters / self.rows
        return self.share > chance + _SIGNIFICANT * self.error


def compare(law: Array, poorer: Array, parameters: int = 0) -> Explained:
    """The comparison of two models by their misses [row]."""
    total = float(np.mean(poorer**2))
    if total <= 0.0:
        return Explained(0.0, 0.0, len(law), parameters)
    ratio = float(np.mean(law**2)) / total
    error = float(np.std(law**2 - ratio * poorer**2)) / total / np.sqrt(len(law))
    return Explained(1.0 - ratio, float(error), len(law), parameters)


def null_model(before: Array, after: Array) -> Array:
    """Misses of the null model: it knows ln R `before` in bins and nothing of the pulse."""
    edges = np.quantile(before, np.linspace(0.0, 1.0, _STATES + 1)[1:-1])
    state = np.digitize(before, edges)
    rows = np.bincount(state, minlength=_STATES)
    means = np.bincount(state, after, minlength=_STATES) / np.maximum(rows, 1)
    return after - means[state]


def columns_without_effect(
    rows: Mapping[str, Array], names: Sequence[str], after: Array, expected: Expected, seed: int
) -> tuple[str, ...]:
    """Columns that could be any other row's: with them permuted the law foretells as well.

    `expected` gives the law's mean outcome of rows, `after` is the measured one.
    """
    law = after - expected(rows)
    generator = np.random.default_rng(seed)
    without = []
    for name in names:
        permuted = {**rows, name: generator.permutation(rows[name])}
        if not compare(law, after - expected(permuted)).is_better:
            without.append(name)
    return tuple(without)


def nothing_explained(law: str, said: Explained, where: str) -> Problem:
    """The problem of a law that says no more than the null model."""
    return Problem(
        f"the law of {law} explains this table no better than a model without any pulse",
        where,
        got=f"{said.share:.1%} of the spread of ln R (standard error {said.error:.1%})",
        allowed="more than the state before the pulse alone foretells, beyond chance",
        hint="look for columns that are swapped, shifted by rows, or in another unit",
    )
