"""Moments of a table of single SET pulses, and their simulation by the law of SET.

Every row is simulated with the law of `SetLaw` from its own resistance before the pulse, and
quantiles of the resistance after are matched in groups of like voltage, compliance and width. The
probability of switching, the partial SET and the compliance therefore constrain one set of numbers.
Reads differ from one another even if nothing switches; that part is measured on the pulses at the
lowest bit-line voltage and added to the simulation.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from tantala.base.errors import FitError, Problem
from tantala.cell.fit import matching
from tantala.cell.fit.held import held
from tantala.cell.fit.simulated_moments import resampled_covariance
from tantala.cell.fit.tables import MeasurementTable
from tantala.cell.switching import SetLaw
from tantala.cell.variability import skewed

Array = NDArray[np.float64]
Rows = dict[str, Array]
ROOM = held().pulses.temperature  # K
REFERENCE = held().set.reference_resistance  # ohm
LOG_SET = np.log(held().set.set_below)  # ln ohm
# The few probabilities near threshold count against hundreds of quantiles.
_PROBABILITY_WEIGHT = 0.25
_SPREAD_WEIGHT = 0.3  # likewise: one spread against five quantiles
_MODEL_ERROR = 0.012  # of ln R, for what the law leaves out
_WIDE_GATE = 1.5  # V on the word line: the transistor does not limit the onset
_SIMULATED = 20_000  # pulses at least
_DRAWS = 8  # simulated pulses a row at least, of which a mean is taken
_BESIDE, _BESIDE_ROWS = 1.3, 50  # ratio of R, and rows within it, on each side of a change
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
_NAMES = [name for name, *_ in PARAMETERS]


class SetMoments:
    """A table's moments and their simulation, parameters in units of their starts.

    Two steps. The first weighs by hand: the few probabilities and spreads before the many
    quantiles. The second weighs every moment by its own standard error, as sampling asks for, and
    is for small tables (`is_small`). In a large one the law's own error exceeds sampling, and the
    weights by hand choose what the law must get right.
    """

    def __init__(self, table: MeasurementTable) -> None:
        self.rows = set_rows(table)
        self.read_noise = read_noise_of(table)
        self.groups = alike(self.rows)
        self.after = np.log(self.rows["resistance_after"])
        count = len(self.after)
        # A small table is simulated several times over: its moments are else too rough to follow.
        self.times = -(-_SIMULATED // count)
        self.normals = matching.draws(self.times * count, 4, SEED)
        self.repeated = {k: np.tile(v, self.times) for k, v in self.rows.items()}
        self.start, self.low, self.high = (np.array([p[k] for p in PARAMETERS]) for k in (2, 3, 4))
        self.wide = [at for *_, at in conditions(self.rows) if len(at) >= 50]
        # The spread of the low state counts as a whole, tails and all: quantiles leave them out.
        self.grown = [at for at in self.groups if np.quantile(self.after[at], 0.95) < LOG_SET]
        self.by_hand = self._units_by_hand()
        # In few rows, one that did not switch says nothing of the spread of the low state.
        self.limit = LOG_SET if self.is_small else np.inf
        self.covariance = self._covariance()
        errors = np.sqrt(np.diag(self.covariance))
        self.units = errors if self.is_small else self.by_hand

    def beyond_rows(self, x: Array) -> tuple[str, ...]:
        """Parameters of which the rows cannot tell, whatever the curvature of the fit at `x` says.

        Where closed cells become open ones is told by cells on both sides of it alone.
        """
        before = self.rows["resistance_before"]
        change = x[_NAMES.index("set.closed_resistance")]
        below = np.sum((before < change) & (before > change / _BESIDE))
        above = np.sum((before >= change) & (before < change * _BESIDE))
        told = min(below, above) >= _BESIDE_ROWS
        return () if told else ("set.closed_resistance", "set.closed_exponent")

    @property
    def is_small(self) -> bool:
        """Whether sampling limits the fit."""
        return self.times > 1

    def moments(self, log_r: Array, times: int, limit: float) -> Array:
        """Quantiles and spreads of ln R, and probabilities of SET, of `times` tables.

        A spread counts values up to `limit` (ln ohm).
        """
        groups, grown, wide = (
            matching.repeated(at, len(self.after), times)
            for at in (self.groups, self.grown, self.wide)
        )
        found = matching.quantiles(log_r, groups).ravel()
        spreads = [np.std(np.minimum(log_r[at], limit)) for at in grown]
        whole = np.concatenate([found, spreads, probabilities(log_r, wide)])
        return np.asarray(whole, np.float64)

    def first(self, scaled: Array) -> Array:
        """Residuals of the first step."""
        return self._miss(scaled, np.inf) / self.by_hand

    def second(self, scaled: Array) -> Array:
        """Residuals of the last step: of the second for a small table, else of the first."""
        return self._miss(scaled, self.limit) / self.units

    def _miss(self, scaled: Array, limit: float) -> Array:
        x = scaled * self.start
        simulated = simulate(x, self.repeated, self.normals, self.read_noise)
        measured = self.moments(self.after, 1, limit)
        return self.moments(simulated, self.times, limit) - measured

    def _units_by_hand(self) -> Array:
        error = matching.quantile_errors(self.after, self.groups, _MODEL_ERROR)
        widths = [np.std(self.after[at]) / np.sqrt(len(at)) * _SPREAD_WEIGHT for at in self.grown]
        chance = [_PROBABILITY_WEIGHT * np.sqrt(0.05 / len(at)) for at in self.wide]
        return np.concatenate([error.ravel(), widths, chance])

    def _covariance(self) -> Array:
        """Of the misses: sampling of table and simulation, and what the law leaves out."""
        sampled = resampled_covariance(
            lambda log_r: self.moments(log_r, 1, self.limit), self.after, self.groups, SEED + 2
        )
        # Few rows may not show how far a quantile can jump: it is no surer than a normal one's.
        of_normal = matching.quantile_errors(self.after, self.groups, 0.0).ravel()
        widening = np.ones(len(sampled))
        drawn = np.sqrt(np.diag(sampled)[: len(of_normal)])
        widening[: len(of_normal)] = np.maximum(of_normal / np.maximum(drawn, 1e-9), 1.0)
        sampled = sampled * np.outer(widening, widening)
        of_log_r = len(sampled) - len(self.wide)
        unseen, known = np.zeros(len(sampled)), np.full(len(sampled), _MODEL_ERROR**2)
        known[of_log_r:] = 0.0
        unseen[of_log_r:] = self._unseen()
        return (sampled + np.diag(unseen)) * (1.0 + 1.0 / self.times) + np.diag(known)

    def _unseen(self) -> Array:
        """Variance of probabilities with one outcome only, by the rule of succession."""
        count = np.array([len(at) for at in self.wide], float)
        share = probabilities(self.after, self.wide)
        rarer = np.minimum(share, 1.0 - share) * count
        return np.where(rarer < 1.0, 1.0 / (count + 2.0) ** 2, 0.0)

    def simulate(self, x: Array) -> Array:
        """ln R after each row's pulse, one draw a row."""
        return self.simulate_rows(x, self.rows)

    def simulate_rows(self, x: Array, rows: Rows) -> Array:
        """ln R after pulses of other rows."""
        normals = matching.draws(len(rows["pulse_width"]), 4, SEED)
        return simulate(x, rows, normals, self.read_noise)

    def ranks(self, log_r: Array) -> Array:
        """Share of the table's rows that end below `log_r` (ln ohm)."""
        ordered = np.sort(self.after)
        return np.interp(log_r, ordered, np.linspace(0.0, 1.0, len(ordered)))

    def expected(self, x: Array, rows: Mapping[str, Array], ranked: bool = False) -> Array:
        """Mean ln R after each row's pulse, or mean rank of it."""
        count, times = len(self.after), max(self.times, _DRAWS)
        normals = matching.draws(times * count, 4, SEED + 1)
        repeated = {k: np.tile(v, times) for k, v in rows.items()}
        simulated = simulate(x, repeated, normals, self.read_noise)
        outcome = self.ranks(simulated) if ranked else simulated
        return np.asarray(outcome.reshape(times, count).mean(axis=0), np.float64)


def _law_of(x: Array) -> tuple[SetLaw, dict[str, float]]:
    """The law and the spreads with parameters `x` in the order PARAMETERS."""
    values = dict(zip((p[0].split(".")[1] for p in PARAMETERS), x.tolist(), strict=True))
    spread = {k: values.pop(k) for k in list(values) if k.endswith(("spread", "skewness"))}
    law = SetLaw(attempt_time=held().pulses.attempt_time, reference_resistance=REFERENCE, **values)
    return law, spread


def simulate(x: Array, rows: Rows, normals: Array, read_noise: Array) -> Array:
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


def set_rows(table: MeasurementTable) -> Rows:
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


def alike(rows: Rows) -> matching.Groups:
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


def read_noise_of(table: MeasurementTable) -> Array:
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


def conditions(rows: Rows) -> list[tuple[float, float, NDArray[np.intp]]]:
    """(bit line, width, rows) of open cells with an open transistor, VWL >= 1.5 V."""
    wide = (rows["wordline"] >= _WIDE_GATE - 1e-6) & (rows["resistance_before"] > 0.5 * REFERENCE)
    return [
        (float(volts), float(width), np.flatnonzero(wide & (rows["bitline"] == volts) & at_width))
        for volts in np.unique(rows["bitline"])
        for width in np.unique(rows["pulse_width"])
        for at_width in (rows["pulse_width"] == width,)
    ]


def probabilities(log_r: Array, at: list[NDArray[np.intp]]) -> Array:
    """P(R below the limit of a SET), its edge softened by 5 % so that it has a gradient."""
    return np.array([np.mean(expit((LOG_SET - log_r[rows]) / 0.05)) for rows in at])
