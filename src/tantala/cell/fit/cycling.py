"""Fit of the split of spread: what stays with a cell, what drifts over cycles, what is white.

From a table of a few cycles of many cells, and a long trace of one cell or more. Correlations are
of ln R; cycles with a failed RESET are left out. The drift's autocorrelation at lag n is known
(`variability`), so each measured correlation is a sum of shares.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from tantala.base.errors import FitError, Problem
from tantala.cell.fit.held import held
from tantala.cell.fit.reset_state import FAILED
from tantala.cell.fit.result import Curve, FitResult, FittedNumber, Goodness
from tantala.cell.fit.tables import MeasurementTable
from tantala.cell.variability import drift_autocorrelation

Array = NDArray[np.float64]
PERIOD = held().cycling.drift_period  # cycles
LAGS = np.array([1, 2, 5, 10, 30, 100])


def fit_cycling(cells: MeasurementTable, trace: MeasurementTable) -> FitResult:
    """Fit the shares of `VariabilityLaw` to two tables of kind ``cycling``.

    `cells` has two cycles or more of many cells, `trace` many cycles of few. Raises FitError when
    they have not.
    """
    address, pair = _pairs(cells)
    numbers, curves, goodness = [], [], []
    lag = float(np.diff(np.unique(cells["cycle"])[:2])[0])
    step = float(
        np.median(np.diff(np.sort(trace["cycle"][trace["address"] == trace["address"][0]])))
    )
    extent = {"cycles": (1.0, float(trace["cycle"].max()), "1")}
    for state, column in (("low", "resistance_low"), ("high", "resistance_high")):
        values = np.log(np.stack([cells[column][pair[0]], cells[column][pair[1]]]))
        between = float(np.corrcoef(values)[0, 1])
        measured = _autocorrelation(np.log(trace[column]), trace["cycle"], LAGS)
        # Two equations in the cell and the drift share, neither negative:
        #   between cells, over `lag` cycles   a + d rho(lag) = between
        #   within a cell, over `step` cycles  d rho(step) / (1 - a) = within
        within = float(np.clip(measured[0], 0.0, 0.95))
        rho = drift_autocorrelation([lag, step], PERIOD)
        (cell, drift), _ = nnls(
            np.array([[1.0, rho[0]], [within, rho[1]]]), np.array([max(between, 0.0), within])
        )
        drift = min(drift, 1.0 - cell)
        error = (1.0 - between**2) / np.sqrt(len(address))
        numbers += [
            FittedNumber(f"variability.{state}_cell_share", float(cell), "1", float(error), extent),
            FittedNumber(f"variability.{state}_drift_share", float(drift), "1",
                         float(2.0 / np.sqrt(len(trace["cycle"]))), extent),
        ]  # fmt: skip
        curves.append(
            Curve("autocorrelation of ln R within a cell", f"{state} state", "lag [cycles]",
                  "autocorrelation", LAGS * step, measured,
                  drift / (1.0 - cell) * drift_autocorrelation(LAGS * step, PERIOD),
                  x_log=True)
        )  # fmt: skip
        goodness.append(
            Goodness(f"correlation of two cycles, {state} state", between, "1", len(address))
        )
    return FitResult(
        law="variability",
        numbers=tuple(numbers),
        goodness=tuple(goodness),
        curves=tuple(curves),
        where=f"cycles with R_high above {FAILED / 1e3:g} kohm; a trace of every {step:g} cycles",
        not_identified=("variability.barrier_cell_share", "variability.drift_period"),
    )


@dataclass(frozen=True)
class WeakCells:
    """`fraction` of weak cells, its standard error, and the fraction `failed` in one cycle."""

    fraction: float
    error: float
    failed: float


def weak_cells(cells: MeasurementTable) -> WeakCells:
    """Weak cells from who failed in RESET: with failures of weak cells only, P1**2 / P11.

    P1 is the chance to fail in a cycle, P11 that to fail in two. Raises FitError for one cycle.
    """
    cycles = _two_cycles(cells)
    failed = cells["resistance_high"] <= FAILED
    rows = [np.flatnonzero(cells["cycle"] == c) for c in cycles]
    _, first, second = np.intersect1d(
        cells["address"][rows[0]], cells["address"][rows[1]], return_indices=True
    )
    both = float(np.mean(failed[rows[0][first]] & failed[rows[1][second]]))
    once = float(np.mean(failed))
    fraction = min(once**2 / both, 1.0) if both > 0.0 else once
    error = fraction * float(
        np.sqrt(4.0 / max(once * len(failed), 1.0) + 1.0 / max(both * len(first), 1.0))
    )
    return WeakCells(fraction, error, once)


def _two_cycles(cells: MeasurementTable) -> Array:
    cycles = np.unique(cells["cycle"])
    if len(cycles) < 2:
        raise FitError(Problem("one cycle only", str(cells.path), allowed="two or more a cell"))
    return cycles[:2]


def _pairs(cells: MeasurementTable) -> tuple[Array, tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Addresses with a good RESET in the first two cycles, and the rows of each."""
    cycles = _two_cycles(cells)
    good = cells["resistance_high"] > FAILED
    rows = [np.flatnonzero(good & (cells["cycle"] == c)) for c in cycles]
    common, first, second = np.intersect1d(
        cells["address"][rows[0]], cells["address"][rows[1]], return_indices=True
    )
    if len(common) < 30:
        raise FitError(
            Problem("too few cells with two good cycles", str(cells.path), str(len(common)), "30")
        )
    return common, (rows[0][first], rows[1][second])


def _autocorrelation(values: Array, cycle: Array, lags: NDArray[np.intp]) -> Array:
    """At lags in samples, after a line over the logarithm of the cycle: wear is no drift."""
    slope, level = np.polyfit(np.log(cycle), values, 1)
    values = values - level - slope * np.log(cycle)
    variance = float(np.mean(values**2))
    return np.array([float(np.mean(values[n:] * values[:-n])) / variance for n in lags])
