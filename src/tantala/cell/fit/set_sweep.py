"""Fit of SET: a table of single SET pulses, resistance before and after.

The moments of `set_moments` are matched; numbers that the table leaves open are held at what stands
elsewhere and the others fitted again; a law that says nothing of the table is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tantala.base.errors import FitError
from tantala.cell.fit import matching
from tantala.cell.fit.identification import (
    Explained,
    columns_without_effect,
    compare,
    largest_errors,
    nothing_explained,
    null_model,
)
from tantala.cell.fit.result import FitResult, FittedNumber, Goodness, Standing, nothing_stands
from tantala.cell.fit.set_curves import curves, largest_miss
from tantala.cell.fit.set_moments import PARAMETERS, SEED, SetMoments
from tantala.cell.fit.simulated_moments import (
    Optimum,
    estimator_covariance,
    measure,
    reduced_chi_square,
    refine,
    standard_errors,
    walked_errors,
)
from tantala.cell.fit.tables import MeasurementTable

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
_PULSE = ("pulse_width", "wordline", "bitline")


def fit_set(table: MeasurementTable, standing: Standing = nothing_stands) -> FitResult:
    """Fit `SetLaw` and the spreads of SET to a table of kind ``set_pulses``.

    A number that the table leaves open (`identification`) is held at what `standing` (path, unit)
    says of it and the others are fitted again; where that is None it stays, with its error.
    Raises FitError when there are too few high-resistance cells, no change of voltage or width, or
    when the law explains the table no better than the state before each pulse does.
    """
    measured = SetMoments(table)
    told = _what_is_told(measured, standing)
    said, warnings = _verdict(measured, told, table)
    worst, count = largest_miss(measured.rows, measured.simulate(told.x))
    return FitResult(
        law="set",
        numbers=_numbers(told, table),
        goodness=(
            Goodness("reduced chi square of quantiles", told.reduced, "1", len(measured.groups)),
            Goodness("largest error of P(R < 20 kohm)", worst, "1", count),
        ),
        curves=curves(measured.rows, lambda rows: measured.simulate_rows(told.x, rows)),
        where="one pulse a cell",
        not_identified=("variability.barrier_cell_share",),
        left_open=tuple(told.left_open.values()),
        explained=said,
        warnings=warnings,
    )


@dataclass(frozen=True)
class _Told:
    """What a table tells: values and standard errors of all parameters, and those left open."""

    x: Array
    errors: Array
    reduced: float
    left_open: dict[str, FittedNumber]


def _what_is_told(measured: SetMoments, standing: Standing) -> _Told:
    """Fit, hold the numbers that are left open where they stand elsewhere, and fit again."""
    start, low, high = measured.start, measured.low / measured.start, measured.high / measured.start
    scaled, _, _ = matching.solve(measured.first, np.ones(len(start)), low, high, 20)
    units = np.outer(measured.units, measured.units)
    free = np.ones(len(start), bool)
    search = refine if measured.is_small else measure
    left_open: dict[str, FittedNumber] = {}
    while True:
        residual = _of_free(measured, scaled, free)
        found = search(residual, scaled[free], low[free], high[free])
        scaled[free] = found.x
        variance = np.diag(measured.covariance) / measured.units**2
        reduced = reduced_chi_square(found.values, variance, len(found.x))
        covariance = estimator_covariance(found, measured.covariance / units, reduced)
        errors = np.zeros(len(start))
        errors[free] = standard_errors(covariance)
        if measured.is_small:
            errors[free] = walked_errors(residual, found, covariance, low[free], high[free])
        newly_open = _open(measured, scaled, errors, free, found, reduced, standing)
        if not newly_open:
            return _Told(scaled * start, errors * start, reduced, left_open)
        for at, value in newly_open.items():
            name, unit = PARAMETERS[at][:2]
            was, error = float(scaled[at] * start[at]), float(errors[at] * start[at])
            left_open[name] = FittedNumber(name, was, unit, error)
            free[at], scaled[at] = False, value / start[at]
        search = refine


def _open(
    measured: SetMoments,
    scaled: Array,
    errors: Array,
    free: Flags,
    found: Optimum,
    reduced: float,
    standing: Standing,
) -> dict[int, float]:
    """Index -> value that stands elsewhere, of the free numbers that the table leaves open.

    One after the other, the most open first: with it held, others may be told.
    """
    limits = largest_errors(scaled * measured.start, measured.low, measured.high) / measured.start
    values = {at: standing(*PARAMETERS[at][:2]) for at in np.flatnonzero(free)}
    units = np.outer(measured.units, measured.units)
    left, newly_open = free.copy(), {}
    beyond = measured.beyond_rows(scaled * measured.start)
    limits[[name in beyond for name, *_ in PARAMETERS]] = 0.0
    while True:
        excess = np.where(left, errors / np.maximum(limits, 1e-12), 0.0)
        worst = max((at for at in values if values[at] is not None and left[at]),
                    key=lambda at: excess[at], default=None)  # fmt: skip
        if worst is None or excess[worst] <= 1.0:
            return newly_open
        newly_open[int(worst)] = values[worst]
        left[worst] = False
        covariance = estimator_covariance(
            found.of(left[free]), measured.covariance / units, reduced
        )
        errors = np.zeros(len(free))
        errors[left] = standard_errors(covariance)


def _of_free(measured: SetMoments, scaled: Array, free: Flags) -> Callable[[Array], Array]:
    """Residuals as a function of the free parameters, the others as they are in `scaled`."""

    def residual(part: Array) -> Array:
        full = scaled.copy()
        full[free] = part
        return measured.second(full)

    return residual


def _most_open(
    measured: SetMoments, x: Array, errors: Array, free: Flags, standing: Standing
) -> tuple[int, float] | None:
    """(index, value that stands elsewhere) of the free number whose error is most too large."""
    excess = np.where(free, errors / largest_errors(x, measured.low, measured.high), 0.0)
    for at in np.argsort(-excess):
        if excess[at] <= 1.0:
            return None
        value = standing(*PARAMETERS[at][:2])
        if value is not None:
            return int(at), value
    return None


def _verdict(
    measured: SetMoments, told: _Told, table: MeasurementTable
) -> tuple[Explained, tuple[str, ...]]:
    """What the law explains, and warnings; FitError when that is nothing."""

    def ranked(rows: Mapping[str, Array]) -> Array:
        return measured.expected(told.x, rows, ranked=True)

    rows, after = measured.rows, measured.after
    null = null_model(np.log(rows["resistance_before"]), after)
    fitted = len(PARAMETERS) - len(told.left_open)
    said = compare(after - measured.expected(told.x, rows), null, fitted)
    if not said.is_better:
        raise FitError(nothing_explained("SET", said, str(table.path)))
    # By ranks: the two states would else outweigh the compliance, which moves the low one alone.
    idle = columns_without_effect(rows, _PULSE, measured.ranks(after), ranked, SEED)
    told_nothing = "the resistance after does not depend on {}: are its values those of these rows?"
    return said, tuple(told_nothing.format(name) for name in idle)


def _numbers(told: _Told, table: MeasurementTable) -> tuple[FittedNumber, ...]:
    extent = {
        name: (float(table[name].min()), float(table[name].max()), unit)
        for name, unit in (("pulse_width", "s"), ("wordline", "V"), ("bitline", "V"))
    }
    # Below the lowest bit-line voltage nothing switches, and the law only falls.
    extent["bitline"] = (0.0, extent["bitline"][1], "V")
    return tuple(
        FittedNumber(name, float(value), unit, float(error), extent)
        for (name, unit, *_), value, error in zip(PARAMETERS, told.x, told.errors, strict=True)
        if name not in told.left_open
    )
