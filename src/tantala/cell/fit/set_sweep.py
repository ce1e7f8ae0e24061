"""Fit of SET: a table of single SET pulses, resistance before and after.

Every row is simulated with the law of `SetLaw` from its own resistance before the pulse, and
quantiles of the resistance after are matched in groups of like voltage, compliance and width. The
probability of switching, the partial SET and the compliance therefore constrain one set of numbers.
Reads differ from one another even if nothing switches; that part is measured on the pulses at the
lowest bit-line voltage and added to the simulation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from tantala.base.errors import FitError, Problem
from tantala.cell.fit import matching
from tantala.cell.fit.held import held
from tantala.cell.fit.result import Curve, FitResult, FittedNumber, Goodness
from tantala.cell.fit.tables import MeasurementTable
from tantala.cell.switching import SetLaw
from tantala.cell.variability import skewed

Array = NDArray[np.float64]
ROOM = held().pulses.temperature  # K
REFERENCE = held().set.reference_resistance  # ohm
# The few probabilities near threshold count against hundreds of quantiles.
_PROBABILITY_WEIGHT = 0.25
_SPREAD_WEIGHT = 0.3  # likewise: one spread against five quantiles
_LOG_SET = np.log(held().set.set_below)  # ln ohm
SEED = 20
_EDGES = np.array([0.55, 0.65, 0.75, 0.85, 0.95, 1.05, 1.15, 1.25, 1.45, 1.75, 2.05, 2.55])
_STATES = np.array([8e3, 9e3, 1.05e4, 1.4e4, 2.2e4, 5e4])  # ohm before the pulse
# name, unit, start, low, high
PARAMETERS = (
    ("set.barrier", "eV", 1.58, 0.3, 4.0),
    ("set.lowering", "eV/V", 1.15, 0.1, 5.0),
    # Above 0.1 eV the low state would follow the high one, which it does not.
    ("set.barrier_slope", "eV", 0.05, 0.0, 0.1),
    ("set.minimum_resistance", "ohm", 5300.0, 0.0, 5e4),
    ("set.series_resistance", "ohm", 600.0, 0.0, 2e4),
    ("set.closed_lift", "1", 0.28, 0.0, 1.5),
    ("set.closed_resistance", "ohm", 1.15e4, 1e3, 1e5),
    ("set.closed_exponent", "1", 10.0, 1.0, 40.0),
    ("set.transistor_gain", "A/V^2", 6e-4, 1e-6, 1e-1),
    ("set.transistor_threshold", "V", 0.52, 0.0, 2.0),
    ("set.transistor_slope", "1", 1.0, 0.7, 2.5),
    ("set.transistor_softness", "V", 0.058, 0.01, 0.3),
    ("set.transistor_dibl", "V/V", 0.08, 0.0, 0.5),
    ("variability.barrier_spread", "eV", 0.075, 0.0, 0.5),
    ("variability.threshold_spread", "V", 0.06, 0.0, 0.3),
    ("variability.low_spread", "1", 0.05, 0.0, 0.5),
    ("variability.low_skewness", "1", 0.35, 0.001, 1.5),
)


def fit_set(table: MeasurementTable) -> FitResult:
    """Fit `SetLaw` and the spreads of SET to a table of kind ``set_pulses``.

    Raises FitError when there are too few high-resistance cells, or no change of voltage or width.
    """
    rows = _rows(table)
    read_noise = _read_noise(table)
    groups = _groups(rows)
    after = np.log(rows["resistance_after"])
    measured = matching.quantiles(after, groups)
    error = matching.quantile_errors(after, groups, 0.012)
    normals = matching.draws(len(after), 4, SEED)
    start, low, high = (np.array([p[k] for p in PARAMETERS]) for k in (2, 3, 4))
    scale = start.copy()

    wide = [at for *_, at in _conditions(rows) if len(at) >= 50]
    switched = _probabilities(after, wide)
    switched_error = np.array([_PROBABILITY_WEIGHT * np.sqrt(0.05 / len(at)) for at in wide])

    # The spread of the low state counts as a whole, tails and all: quantiles leave them out.
    grown = [at for at in groups if np.quantile(after[at], 0.95) < _LOG_SET]
    spread = np.array([np.std(after[at]) for at in grown])
    spread_error = np.array([np.std(after[at]) / np.sqrt(len(at)) for at in grown])
    spread_error *= _SPREAD_WEIGHT

    def residual(x: Array) -> Array:
        simulated = simulate(x * scale, rows, normals, read_noise)
        misses = (matching.quantiles(simulated, groups) - measured) / error
        widths = (np.array([np.std(simulated[at]) for at in grown]) - spread) / spread_error
        chances = (_probabilities(simulated, wide) - switched) / switched_error
        return np.concatenate([misses.ravel(), widths, chances])

    found, errors, reduced = matching.solve(residual, start / scale, low / scale, high / scale, 20)
    x, errors = found * scale, errors * scale
    simulated = simulate(x, rows, normals, read_noise)
    return FitResult(
        law="set",
        numbers=_numbers(x, errors, table),
        goodness=_goodness(rows, simulated, reduced, len(groups)),
        curves=_curves(rows, simulated),
        where="one pulse a cell",
        not_identified=("variability.barrier_cell_share",),
    )


def _law_of(x: Array) -> tuple[SetLaw, dict[str, float]]:
    """The law and the spreads with parameters `x` in the order PARAMETERS."""
    values = dict(zip((p[0].split(".")[1] for p in PARAMETERS), x.tolist(), strict=True))
    spread = {k: values.pop(k) for k in list(values) if k.endswith(("spread", "skewness"))}
    law = SetLaw(attempt_time=held().pulses.attempt_time, reference_resistance=REFERENCE, **values)
    return law, spread


def simulate(x: Array, rows: dict[str, Array], normals: Array, read_noise: Array) -> Array:
    """ln R read after each row's pulse, by the law with parameters `x`."""
    law, spread = _law_of(x)
    before = rows["resistance_before"]
    excess = spread["barrier_spread"] * normals[0]
    shift = spread["threshold_spread"] * normals[1]
    target = law.target(
        before, rows["bitline"], rows["wordline"], rows["pulse_width"], ROOM, excess, shift
    )
    lifted = spread["low_spread"] * skewed(normals[2], spread["low_skewness"])
    after = np.log(np.minimum(before, target * np.exp(lifted)))
    noise = np.interp(after, read_noise[0], read_noise[1])
    # Where nothing switched, the read before was noisy as well.
    noise = np.where(after < np.log(before) - 0.1, noise / np.sqrt(2.0), noise)
    return after + noise * normals[3]


def _rows(table: MeasurementTable) -> dict[str, Array]:
    """All rows, after a check that they hold the law."""
    names = ("pulse_width", "wordline", "bitline")
    high = table["resistance_before"] > 0.5 * REFERENCE
    problems = []
    if high.sum() < 200:
        problems.append(
            Problem(
                "too few cells in the high-resistance state",
                str(table.path),
                got=str(int(high.sum())),
                allowed=f"at least 200 rows with R before above {0.5 * REFERENCE:g} ohm",
            )
        )
    for name in names:
        if len(np.unique(table[name][high])) < 3:
            problems.append(
                Problem(f"SET at fewer than 3 values of {name}", str(table.path), hint="add rows")
            )
    if problems:
        raise FitError(problems)
    columns = (*names, "resistance_before", "resistance_after")
    return {name: np.asarray(table[name], float) for name in columns}


def _groups(rows: dict[str, Array]) -> matching.Groups:
    """Rows of like conditions: open cells by voltages and width, others by state and voltages."""
    state = np.digitize(rows["resistance_before"], _STATES)
    wordline = np.digitize(rows["wordline"], _EDGES)
    is_open = state == len(_STATES)
    of_open = matching.groups_of(
        np.where(is_open, wordline, -1), rows["bitline"], rows["pulse_width"], smallest=12
    )
    coarse = np.digitize(rows["wordline"], _EDGES[[4, 9]])
    of_others = matching.groups_of(
        np.where(is_open, -1, state), coarse, rows["bitline"], smallest=12
    )
    return [g for g in of_open if is_open[g[0]]] + [g for g in of_others if not is_open[g[0]]]


def _read_noise(table: MeasurementTable) -> Array:
    """Spread of ln(R after / R before) without switching: [ln R, sigma], two states."""
    quiet = table["bitline"] == table["bitline"].min()
    before = np.log(table["resistance_before"][quiet])
    ratio = np.log(table["resistance_after"][quiet]) - before
    points = []
    for rows in (before < np.log(1.5e4), before > np.log(0.5 * REFERENCE)):
        if rows.sum() >= 20:
            low, high = np.quantile(ratio[rows], (0.16, 0.84))
            points.append((float(np.median(before[rows])), 0.5 * float(high - low)))
    return np.array(points).T if points else np.array([[0.0], [0.0]])


def _numbers(x: Array, errors: Array, table: MeasurementTable) -> tuple[FittedNumber, ...]:
    extent = {
        name: (float(table[name].min()), float(table[name].max()), unit)
        for name, unit in (("pulse_width", "s"), ("wordline", "V"), ("bitline", "V"))
    }
    # Below the lowest bit-line voltage nothing switches, and the law only falls.
    extent["bitline"] = (0.0, extent["bitline"][1], "V")
    return tuple(
        FittedNumber(name, float(value), unit, float(error), extent)
        for (name, unit, *_), value, error in zip(PARAMETERS, x, errors, strict=True)
    )


def _conditions(rows: dict[str, Array]) -> list[tuple[float, float, NDArray[np.intp]]]:
    """(bit line, width, rows) of open cells with an open transistor, VWL >= 1.5 V."""
    wide = (rows["wordline"] >= 1.5 - 1e-6) & (rows["resistance_before"] > 0.5 * REFERENCE)
    return [
        (float(volts), float(width), np.flatnonzero(wide & (rows["bitline"] == volts) & at_width))
        for volts in np.unique(rows["bitline"])
        for width in np.unique(rows["pulse_width"])
        for at_width in (rows["pulse_width"] == width,)
    ]


def _probabilities(log_r: Array, conditions: list[NDArray[np.intp]]) -> Array:
    """P(R < 20 kohm) of each condition, its edge softened by 5 % so that it has a gradient."""
    return np.array([np.mean(expit((_LOG_SET - log_r[rows]) / 0.05)) for rows in conditions])


def _goodness(
    rows: dict[str, Array], simulated: Array, reduced: float, groups: int
) -> tuple[Goodness, ...]:
    measured = np.log(rows["resistance_after"])
    conditions = [c for c in _conditions(rows) if len(c[2]) >= 50]
    misses = [
        np.mean(simulated[r] < _LOG_SET) - np.mean(measured[r] < _LOG_SET) for *_, r in conditions
    ]
    worst = max(map(abs, misses), default=0.0)
    return (
        Goodness("reduced chi square of quantiles", reduced, "1", groups),
        Goodness("largest error of P(R < 20 kohm)", float(worst), "1", len(conditions)),
    )


def _curves(rows: dict[str, Array], simulated: Array) -> tuple[Curve, ...]:
    measured = np.log(rows["resistance_after"])
    curves = []
    for volts in np.unique(rows["bitline"])[:4]:
        conditions = [c for c in _conditions(rows) if c[0] == volts]
        curves.append(
            Curve(
                "probability of SET",
                f"bit line {volts:g} V",
                "pulse width [s]",
                "P(R < 20 kohm)",
                np.array([w for _, w, _ in conditions]),
                np.array([np.mean(measured[r] < _LOG_SET) for _, _, r in conditions]),
                np.array([np.mean(simulated[r] < _LOG_SET) for _, _, r in conditions]),
                x_log=True,
            )
        )
    gates = np.unique(rows["wordline"])
    wide = (rows["bitline"] >= 2.0) & (rows["resistance_before"] > 0.5 * REFERENCE)
    for level, label in ((0.05, "5 %"), (0.5, "median"), (0.95, "95 %")):
        curves.append(
            Curve(
                "resistance after SET against compliance, bit line 2 V and above",
                label,
                "word line [V]",
                "R [ohm]",
                gates,
                _quantiles(measured, rows["wordline"], wide, gates, level),
                _quantiles(simulated, rows["wordline"], wide, gates, level),
                y_log=True,
            )
        )
    return tuple(curves)


def _quantiles(
    log_r: Array, wordline: Array, wide: NDArray[np.bool_], gates: Array, level: float
) -> Array:
    at = [wide & (wordline == gate) for gate in gates]
    return np.array(
        [np.exp(np.quantile(log_r[rows], level)) if rows.any() else np.nan for rows in at]
    )
