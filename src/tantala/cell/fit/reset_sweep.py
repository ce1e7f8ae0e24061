"""Fit of RESET: a table of single RESET pulses, and the high state after the nominal RESET.

Three steps, each on the data that hold it:

onset     which cells switched, by maximum likelihood over all rows (`reset_onset`);
growth    resistance of the cells that switched, and of the cells of a cycling table after their
          nominal RESET, hundreds of onset times long (`reset_growth`);
creep     resistance of the cells that did not switch, in both tables (`reset_growth`).

Onset and growth are repeated once, because weak cells are among those that did not switch.
Which share of the cells is weak follows from who failed twice (`cycling.weak_cells`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tantala.base.errors import FitError, Problem
from tantala.cell.fit.cycling import WeakCells
from tantala.cell.fit.identification import (
    Explained,
    compare,
    nothing_explained,
    null_model,
)
from tantala.cell.fit.reset_growth import cycled_cells, fit_creep, fit_growth
from tantala.cell.fit.reset_onset import fit_onset
from tantala.cell.fit.reset_state import SWITCHED, NominalReset, ResetState, simulate, start
from tantala.cell.fit.result import Curve, FitResult, FittedNumber, Goodness
from tantala.cell.fit.tables import MeasurementTable

Array = NDArray[np.float64]
LOW_STATE = 1.5e4  # ohm: rows that start below it
SEED = 41
_FINE = 41  # points of a model's line
_DRAWS = 8  # simulations of which a mean is taken


def fit_reset(
    table: MeasurementTable, cycling: MeasurementTable, nominal: NominalReset
) -> FitResult:
    """Fit `ResetLaw` and the spread of the high state.

    `table` is of kind ``reset_pulses``, `cycling` of kind ``cycling`` (two cycles or more a cell),
    `nominal` the RESET pulse of the latter. Raises FitError for too few rows, too few
    switched, and a law that explains no more than the state before the pulse.
    """
    rows = _rows(table)
    switched = np.log(rows["resistance_after"] / rows["resistance_before"]) > SWITCHED
    if switched.sum() < 30 or (~switched).sum() < 30:
        raise FitError(
            Problem(
                "RESET pulses that all switch, or none",
                str(table.path),
                got=f"{int(switched.sum())} of {len(switched)} raise R by 40 %",
                allowed="at least 30 of each",
            )
        )
    floor = 0.72 * float(np.quantile(rows["resistance_before"], 0.01))
    cycled = cycled_cells(cycling, nominal)
    state = ResetState(start(floor), {}, weak_fraction=cycled.weak.fraction)
    growth_fit = 0.0
    for _ in range(2):
        fit_onset(state, rows, switched)
        growth_fit = fit_growth(state, rows, switched, cycled)
    creep_fit = fit_creep(state, rows, switched, cycled)
    simulated = simulate(state, rows, SEED)
    said = explained(state, rows)
    if not said.is_better:
        raise FitError(nothing_explained("RESET", said, str(table.path)))
    return FitResult(
        law="reset",
        numbers=_numbers(state, cycled.weak, table, nominal),
        goodness=(
            Goodness("reduced chi square of the growth", growth_fit, "1", int(switched.sum())),
            Goodness("reduced chi square of the creep", creep_fit, "1", int((~switched).sum())),
            _worst_probability(rows, simulated),
        ),
        curves=_curves(rows, state),
        explained=said,
        where=f"cells below {LOW_STATE / 1e3:g} kohm before the pulse",
    )


def explained(state: ResetState, rows: dict[str, Array]) -> Explained:
    """What the law says of ln R after the pulse, beyond the state before it."""
    after = np.log(rows["resistance_after"])
    expected = np.mean([simulate(state, rows, SEED + draw) for draw in range(_DRAWS)], axis=0)
    null = null_model(np.log(rows["resistance_before"]), after)
    return compare(after - expected, null, len(_UNITS) + 2)


def _rows(table: MeasurementTable) -> dict[str, Array]:
    low = table["resistance_before"] < LOW_STATE
    names = ("pulse_width", "wordline", "sourceline", "resistance_before", "resistance_after")
    problems = [
        Problem(f"RESET at fewer than 3 values of {name}", str(table.path), hint="add rows")
        for name in names[:3]
        if len(np.unique(table[name][low])) < 3
    ]
    if problems:
        raise FitError(problems)
    return {name: np.asarray(table[name][low], float) for name in names}


_UNITS = {
    "barrier": "eV", "lowering": "eV/V", "barrier_spread": "eV", "filament_exponent": "1",
    "incubation": "s", "follower_offset": "V", "follower_softness": "V", "jump": "1",
    "growth": "1", "weak_barrier": "eV", "creep_exponent": "1",
    "decrease": "1", "decrease_floor": "ohm", "decrease_time": "s", "decrease_fade": "s",
    "decrease_voltage_scale": "V", "decrease_exponent": "1", "decrease_spread": "1",
}  # fmt: skip


def _numbers(
    state: ResetState, weak: WeakCells, table: MeasurementTable, nominal: NominalReset
) -> tuple[FittedNumber, ...]:
    widths = table["pulse_width"]
    extent = {
        "pulse_width": (float(widths.min()), max(float(widths.max()), nominal.width), "s"),
        "wordline": (float(table["wordline"].min()), float(table["wordline"].max()), "V"),
        "sourceline": (0.0, max(float(table["sourceline"].max()), nominal.sourceline), "V"),
    }
    numbers = [
        FittedNumber(f"reset.{name}", state.law[name], unit, state.errors.get(name), extent)
        for name, unit in _UNITS.items()
    ]
    for name, value in (("high_spread", state.spread), ("high_skewness", state.skewness)):
        numbers.append(FittedNumber(f"variability.{name}", value, "1", state.errors[name], extent))
    numbers.append(
        FittedNumber("variability.weak_fraction", weak.fraction, "1", weak.error, extent)
    )
    return tuple(numbers)


def _conditions(rows: dict[str, Array]) -> list[tuple[float, float, NDArray[np.intp]]]:
    wide = rows["wordline"] >= 2.45
    return [
        (
            float(volts),
            float(width),
            np.flatnonzero(wide & (rows["sourceline"] == volts) & at_width),
        )
        for volts in np.unique(rows["sourceline"])
        for width in np.unique(rows["pulse_width"])
        for at_width in (rows["pulse_width"] == width,)
    ]


def _worst_probability(rows: dict[str, Array], simulated: Array) -> Goodness:
    before = np.log(rows["resistance_before"])
    measured = np.log(rows["resistance_after"])
    conditions = [c for c in _conditions(rows) if len(c[2]) >= 50]
    misses = [
        np.mean(simulated[r] - before[r] > SWITCHED) - np.mean(measured[r] - before[r] > SWITCHED)
        for *_, r in conditions
    ]
    name = "largest error of P(R rises by 40 %)"
    return Goodness(name, float(max(map(abs, misses), default=0.0)), "1", len(conditions))


def _curves(rows: dict[str, Array], state: ResetState) -> tuple[Curve, ...]:
    """Data against model, the model on a fine grid of widths."""
    ratio = np.log(rows["resistance_after"] / rows["resistance_before"])
    curves = []
    for volts in np.unique(rows["sourceline"])[-3:]:
        conditions = [c for c in _conditions(rows) if c[0] == volts and len(c[2])]
        if not conditions:
            continue
        wide = {k: v[np.concatenate([r for *_, r in conditions])] for k, v in rows.items()}
        widths = np.geomspace(conditions[0][1], conditions[-1][1], _FINE)
        modelled = [
            simulate(state, {**wide, "pulse_width": np.full(len(wide["wordline"]), w)}, SEED)
            - np.log(wide["resistance_before"])
            for w in widths
        ]
        curves += [
            Curve(
                f"RESET, word line 2.5 V and above: {label}",
                f"source line {volts:g} V",
                "pulse width [s]",
                "R after / R before",
                np.array([w for _, w, _ in conditions]),
                np.exp([np.quantile(ratio[r], level) for *_, r in conditions]),
                np.exp([np.quantile(one, level) for one in modelled]),
                model_x=widths,
                x_log=True,
            )
            for level, label in ((0.5, "median"), (0.95, "95 %"))
        ]
    return tuple(curves)
