"""Growth after the onset of RESET and creep before it, by matching quantiles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import ndtr

from tantala.cell.fit import matching
from tantala.cell.fit.cycling import WeakCells, weak_cells
from tantala.cell.fit.reset_state import FAILED, SWITCHED, NominalReset, ResetState, simulate
from tantala.cell.fit.tables import MeasurementTable

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
SEED = 31
CYCLED = 20_000  # simulated cells of the cycling table
CYCLES = 3  # after which the rate of failed RESETs has settled to a part in a hundred
_HIGH_LEVELS = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
_GROWN_LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
_CREPT_LEVELS = (0.16, 0.5, 0.84)

_CREEP = ("creep_exponent", "decrease", "decrease_time", "decrease_fade",
          "decrease_voltage_scale", "decrease_exponent", "decrease_spread")  # fmt: skip
_GROWTH = ("jump", "growth", "high_spread", "high_skewness", "weak_barrier")


@dataclass(frozen=True)
class Cycled:
    """A cycling table as the fits use it.

    `rows` is its RESET on simulated cells that had a good one before, `after_failed` the low state
    [ohm] of the same number of cells that had a failed one; `high_quantiles` are of ln R_high of
    the good RESETs, `held_quantiles` of the failed ones (None if there are few).
    """

    rows: dict[str, Array]
    after_failed: Array
    weak: WeakCells
    high_quantiles: Array
    held_quantiles: Array | None


def cycled_cells(table: MeasurementTable, nominal: NominalReset) -> Cycled:
    """The cycling table's cells under its `nominal` RESET."""
    high = np.log(table["resistance_high"])
    failed = high <= np.log(FAILED)
    rng, low, held = np.random.default_rng(SEED), table["resistance_low"], high[failed]
    drawn = rng.choice(low[~failed], CYCLED)
    return Cycled(
        nominal.rows(drawn),
        rng.choice(low[failed], CYCLED) if len(held) >= 20 else drawn,
        weak_cells(table),
        np.quantile(high[~failed], _HIGH_LEVELS),
        np.quantile(held, _CREPT_LEVELS) if len(held) >= 20 else None,
    )


def _cycle(state: ResetState, cycled: Cycled) -> Array:
    """ln R after the nominal RESET of cells that have been cycled: some failed the time before.

    A SET after a failed RESET finds the cell closed and leaves it higher, so that the next RESET
    fails less often: the rate of failure is that of a chain, and it settles within a few cycles.
    """
    draws = matching.draws(CYCLED, 1, SEED + 10)[0]
    weak, rows = ndtr(draws) < state.weak_fraction, dict(cycled.rows)
    after = simulate(state, rows, SEED + 11, weak)
    for cycle in range(1, CYCLES):
        failed = after <= np.log(FAILED)
        before = cycled.rows["resistance_before"]
        rows["resistance_before"] = np.where(failed, cycled.after_failed, before)
        after = simulate(state, rows, SEED + 11 + cycle, weak)
    return after


def fit_growth(
    state: ResetState,
    rows: dict[str, Array],
    switched: Flags,
    cycled: Cycled,
) -> float:
    """Growth of the switched rows, and the high state of the cycling table; returns chi square."""
    ratio = np.log(rows["resistance_after"] / rows["resistance_before"])
    wide = rows["wordline"] >= 2.45
    groups = [
        np.flatnonzero(wide & (rows["sourceline"] == v) & (rows["pulse_width"] == w))
        for v in np.unique(rows["sourceline"])
        for w in np.unique(rows["pulse_width"])
    ]
    groups = [g for g in groups if switched[g].sum() >= 20]
    measured = [np.quantile(ratio[g][switched[g]], _GROWN_LEVELS) for g in groups]

    def residual(x: Array) -> Array:
        trial = replace(state, law={**state.law}, spread=float(x[2]), skewness=float(x[3]))
        trial.law.update(jump=x[0], growth=x[1], weak_barrier=x[4])
        simulated = simulate(trial, rows, SEED + 1)
        out = []
        for rows_at, quantile in zip(groups, measured, strict=True):
            values = simulated[rows_at] - np.log(rows["resistance_before"][rows_at])
            on = values[values > SWITCHED]
            if len(on) < 5:
                on = values
            error = 0.3 * matching.LEVEL_ERRORS / np.sqrt(switched[rows_at].sum()) + 0.03
            out.append((np.quantile(on, _GROWN_LEVELS) - quantile) / error)
        after = _cycle(trial, cycled)
        on = after[after > np.log(FAILED)]
        error = np.array([0.3, 0.15, 0.06, 0.05, 0.06, 0.15, 0.3])
        out.append((np.quantile(on, _HIGH_LEVELS) - cycled.high_quantiles) / error)
        out.append([(np.mean(after <= np.log(FAILED)) - cycled.weak.failed) / 0.006])
        return np.concatenate(out)

    law = state.law
    start = np.array(
        [law["jump"], law["growth"], state.spread, state.skewness, law["weak_barrier"]]
    )
    fit = minimize(
        lambda x: _cost(residual, x), start, method="Nelder-Mead",
        options={"maxiter": 500, "maxfev": 700, "xatol": 1e-3, "fatol": 1e-2, "adaptive": True},
    )  # fmt: skip
    x = np.asarray(fit.x)
    state.law.update(jump=float(x[0]), growth=float(x[1]), weak_barrier=float(x[4]))
    state.spread, state.skewness = float(x[2]), float(x[3])
    values = residual(x)
    chi = float(np.mean(values**2))
    jacobian = np.stack([(residual(x + d) - residual(x - d)) / (2.0 * d.sum())
                         for d in np.diag(0.05 * np.abs(x))], axis=1)  # fmt: skip
    state.errors.update(zip(_GROWTH, matching.errors_of(jacobian, chi).tolist(), strict=True))
    return chi


def _cost(residual: Callable[[Array], Array], x: Array) -> float:
    if x[0] < 1.05 or x[1] < 0.05 or not 0.02 < x[2] < 1.0 or not 0.001 < x[3] < 1.5 or x[4] < 0.0:
        return 1e9
    values = residual(x)
    return float(np.sum(16.0 * np.arctan((values / 4.0) ** 2)))


def fit_creep(
    state: ResetState,
    rows: dict[str, Array],
    switched: Flags,
    cycled: Cycled,
) -> float:
    """What happens before the onset: quantiles of the rows that did not switch; returns chi square.

    The failed RESETs of the cycling table show it at long times.
    """
    before = np.log(rows["resistance_before"])
    ratio = np.log(rows["resistance_after"]) - before
    quiet = ratio[rows["sourceline"] <= 1.0]
    noise = 0.5 * float(np.diff(np.quantile(quiet, (0.16, 0.84)))[0]) if len(quiet) else 0.0
    offset = float(np.median(quiet)) if len(quiet) else 0.0
    groups = _driven(rows, switched)
    measured = matching.quantiles(ratio, groups, _CREPT_LEVELS)
    error = np.array([np.std(ratio[g]) / np.sqrt(len(g)) for g in groups])[:, None]
    error = np.hypot(error * np.array([1.5, 1.25, 1.5]), 0.006)
    extra = matching.draws(len(ratio), 1, SEED + 5)[0] * noise + offset

    def residual(x: Array) -> Array:
        trial = replace(state, law={**state.law})
        trial.law.update(zip(_CREEP, np.exp(x).tolist(), strict=True))
        after = simulate(trial, rows, SEED + 3) - before
        # Of the simulated cells too, only those that did not switch.
        after = np.where(after > SWITCHED, np.nan, after) + extra
        found = np.array([np.nanquantile(after[g], _CREPT_LEVELS) for g in groups])
        out = ((found - measured) / error).ravel()
        if cycled.held_quantiles is None:
            return out
        log_r = _cycle(trial, cycled)
        held = log_r[log_r <= np.log(FAILED)]
        return np.append(out, (np.quantile(held, _CREPT_LEVELS) - cycled.held_quantiles) / 0.01)

    start = np.log([state.law[name] for name in _CREEP])
    margin = np.array([2.0, 2.0, 3.0, 2.0, 1.2, 1.2, 1.0])
    x, errors, chi = matching.solve(residual, start, start - margin, start + margin, 30)
    state.law.update(zip(_CREEP, np.exp(x).tolist(), strict=True))
    state.errors.update(zip(_CREEP, (errors * np.exp(x)).tolist(), strict=True))
    return chi


def _driven(rows: dict[str, Array], switched: Flags) -> matching.Groups:
    """Rows without onset, of pulses strong enough to move a cell, by condition."""
    driven = (rows["sourceline"] >= 1.5) & (rows["wordline"] >= 1.9)
    gate = np.where(driven, np.digitize(rows["wordline"], (2.2, 2.5, 2.8)), -1)
    groups = matching.groups_of(gate, rows["sourceline"], rows["pulse_width"], smallest=40)
    kept = [group[~switched[group]] for group in groups if driven[group[0]]]
    return [group for group in kept if len(group) >= 30]
