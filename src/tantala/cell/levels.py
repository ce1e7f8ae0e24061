"""The two levels of a bit as distributions, from right after write-verify to the end of life.

Method. A written level is a quantile function G0(z) of a standard normal score z: the ranks of
cells written by the same loop as `Population.write_verify`, continued beyond the last ten of either
end with ln G linear in z. Ageing is the law that populations sample, as its conditional
distribution (`ageing`, equation 1); sensing adds the read noise of one read, normal:

    P(G < g) = integral phi(z) P(G < g | G0(z), age) dz                                        (1)
    P(sensed < x) = integral phi(n) P(G (1 + r(G) n) < x) dn                                   (2)

Both integrals are sums over equal steps of the score from -10 to 10 (the trapezoid rule converges
exponentially for such integrands), each for both tails: sums of numbers of one sign, so that tails
of 1e-18 keep their digits; what a step of z spans in G0 enters as a variance. The result is stored
as normal score over ln G, which is near a straight line and interpolates to 1e-3 of a score.

What a tail of 1e-18 means: the law, and the written distribution, were seen on about 12,000 cells.
Below 1e-4 the numbers are what these laws imply, not what was counted. Cells that write-verify gave
up are not in the level (the macro counts them apart). Checked against counting in the tests.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_ndtr, ndtr, ndtri

from tantala.base.errors import InputError, Problem, unknown
from tantala.base.pchip import Pchip
from tantala.base.quantity import to_si
from tantala.cell.ageing import Ageing, Mixture, ageing_of, mixture_quantile
from tantala.cell.noise import NoiseLaw
from tantala.cell.relaxation import aged
from tantala.cell.retention import check_front
from tantala.cell.sensed_kernel import true_of_sensed

if TYPE_CHECKING:
    from tantala.cell.cell import Cell
    from tantala.cell.population import Population
    from tantala.cell.write_scheme import Scheme

Floats = NDArray[np.float64]
Start = Callable[[Floats], Floats]  # conductance [S] at a normal score
STATES = {"low": "low", "lrs": "low", "high": "high", "hrs": "high"}
SCORE_LIMIT = 10.0
START_STEP = 0.025
NOISE_STEP = 0.2
POINTS = 400
SEEN = 10  # written cells at either end beyond which the distribution is continued
CELLS = 20_000
LOWEST_CONDUCTANCE = 1e-15  # S
BLOCK = 16  # conductances a pass: what a pass touches stays in the second-level cache


@dataclass(frozen=True)
class LevelDistribution:
    """A distribution of conductance, as normal score over ln G (both ascending, shape (n,)).

    failed: share of the cells that no pulse brought into the level's window; they are not in it.
    """

    log_g: Floats
    score: Floats
    failed: float = 0.0

    @functools.cached_property
    def _curve(self) -> Pchip:
        return Pchip(self.log_g, self.score)

    def score_at(self, conductance: ArrayLike) -> Floats:
        """Normal score of P(G < conductance); conductance in S."""
        at = np.log(np.maximum(np.asarray(conductance, np.float64), 1e-300))
        inside = self._curve(np.clip(at, self.log_g[0], self.log_g[-1]))
        slopes = np.diff(self.score)[[0, -1]] / np.diff(self.log_g)[[0, -1]]
        below = np.minimum(at - self.log_g[0], 0.0) * slopes[0]
        return inside + below + np.maximum(at - self.log_g[-1], 0.0) * slopes[1]

    @functools.cached_property
    def _inverse(self) -> tuple[Floats, Floats, Pchip]:
        """Scores that rise, ln G at them, and the curve through both."""
        keep = np.concatenate(([True], np.diff(self.score) > 1e-9))
        grid, values = self.score[keep], self.log_g[keep]
        return grid, values, Pchip(grid, values)

    def _at_score(self, score: ArrayLike) -> Floats:
        z = np.asarray(score, np.float64)
        grid, values, curve = self._inverse
        slopes = np.diff(values)[[0, -1]] / np.diff(grid)[[0, -1]]
        inside = curve(np.clip(z, grid[0], grid[-1]))
        below = np.minimum(z - grid[0], 0.0) * slopes[0]
        return np.exp(inside + below + np.maximum(z - grid[-1], 0.0) * slopes[1])

    def below(self, conductance: ArrayLike) -> Floats:
        """P(G < conductance); conductance in S."""
        return ndtr(self.score_at(conductance))

    def above(self, conductance: ArrayLike) -> Floats:
        """P(G >= conductance); small tails keep their digits."""
        return ndtr(-self.score_at(conductance))

    def log_below(self, conductance: ArrayLike) -> Floats:
        """ln P(G < conductance)."""
        return log_ndtr(self.score_at(conductance))

    def log_above(self, conductance: ArrayLike) -> Floats:
        """ln P(G >= conductance)."""
        return log_ndtr(-self.score_at(conductance))

    def quantile(self, p: ArrayLike) -> Floats:
        """The conductance [S] that a share `p` of the cells undercuts, 0 < p < 1."""
        return self._at_score(ndtri(_share(p)))

    def upper_quantile(self, p: ArrayLike) -> Floats:
        """The conductance [S] that a share `p` of the cells exceeds, 0 < p < 1."""
        return self._at_score(-ndtri(_share(p)))

    def pdf(self, conductance: ArrayLike) -> Floats:
        """Probability density [1/S]."""
        g = np.asarray(conductance, np.float64)
        at = np.log(np.maximum(g, 1e-300))
        slope = self._curve.slope(np.clip(at, self.log_g[0], self.log_g[-1]))
        z = self.score_at(g)
        return np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi) * slope / g

    @property
    def mean(self) -> float:
        """Mean conductance, S."""
        z, weight = _nodes(START_STEP)
        return float(np.sum(weight * self._at_score(z)))


def levels(
    cell: Cell,
    state: str,
    time: float | str = 0.0,
    temperature: float | str = "25 degC",
    cycles: int = 0,
    scheme: str = "ispp",
    sensed: bool = True,
    extrapolate: bool = False,
    seed: int = 0,
    cells: int = CELLS,
    resolution: float = 1.0,
    backend: str = "numba",
) -> LevelDistribution:
    """The level `state` ("low" or "high" resistance, "lrs", "hrs") of a bit.

    Cells have done `cycles` nominal cycles, are written and verified by `scheme`, and have stood
    for `time` (s or text) at `temperature` (K or text). `sensed`: with the noise of one read.
    `resolution`: of the quadrature; 0.5 takes a quarter of the time, for 5 % in a tail of 1e-18.
    `backend`: that of the written cells; see `written_level`.

    Raises InputError for an unknown state or a law the cell lacks, RangeViolation beyond the range
    of the ageing law unless `extrapolate`.
    """
    if state not in STATES:
        raise InputError(unknown("state", state, STATES))
    seconds = to_si(time, "s", name="time")
    kelvin = to_si(temperature, "K", name="temperature")
    if seconds < 0.0:
        raise InputError(Problem("negative time", got=repr(time), allowed="0 s or more"))
    start, failed = written_level(cell, STATES[state], scheme, cycles, seed, cells, backend)
    law: Ageing | None = None
    age = 0.0
    if seconds > 0.0:
        law = ageing_of(cell)
        age = float(aged(0.0, seconds, kelvin, law.relaxation.attempt_rate))
        check_front(law, age, seconds, kelvin, extrapolate)
    noise = cell.law("noise") if sensed and cell.noise is not None else None
    return replace(level_of(start, law, age, noise, resolution), failed=failed)


def written_level(
    cell: Cell,
    state: str,
    scheme: str,
    cycles: int,
    seed: int = 0,
    cells: int = CELLS,
    backend: str = "numba",
) -> tuple[Start, float]:
    """Quantile function of a level right after its verify, and the share that failed it.

    Kept, because every age of a level starts from it, and so does every cell that differs only in
    how it ages.
    """
    from tantala.cell.write_scheme import Scheme

    laws = (cell.conduction, cell.set, cell.reset, cell.variability, cell.noise, cell.endurance)
    limits = tuple(sorted(cell.limits.items()))
    writing = _Writing(cell, Scheme.of(cell, scheme), (type(cell), cell.nominal, *laws, limits))
    return _written(writing, state, cycles, seed, cells, backend)


@dataclass(frozen=True)
class _Writing:
    """A cell and its scheme; equal to another one that is written alike, however it ages."""

    cell: Cell = field(compare=False)
    scheme: Scheme
    laws: tuple[Any, ...]


@functools.lru_cache(maxsize=64)
def _written(
    writing: _Writing, state: str, cycles: int, seed: int, cells: int, backend: str
) -> tuple[Start, float]:
    sample = _write(writing, state, cycles, seed, cells, backend)
    return from_samples(sample), 1.0 - len(sample) / cells


@functools.lru_cache(maxsize=1)
def _cycled(writing: _Writing, cycles: int, seed: int, cells: int, backend: str) -> Population:
    """Cells after their cycles, from which both states are written."""
    population = writing.cell.sample(cells, seed=seed, backend=backend)
    if cycles:
        population.cycle(cycles)
    return population


def _write(
    writing: _Writing, state: str, cycles: int, seed: int, cells: int, backend: str
) -> NDArray[np.float32]:
    """Conductances [S] of cells just written to one state, those that passed their verify."""
    scheme, settings = writing.scheme, writing.scheme.settings
    population = _cycled(writing, cycles, seed, cells, backend).copy()
    passes, below = settings.low_resistance_verify, settings.high_resistance_verify
    # The other state first: a level is written over data, not over the state of a sample.
    windows = {"low": (passes, np.inf), "high": (0.0, below)}
    population.write_verify(*windows["high" if state == "low" else "low"], scheme=scheme)
    outcome = population.write_verify(*windows[state], scheme=scheme)
    if outcome.ok.sum() < 100:
        raise InputError(
            Problem(
                f"{writing.cell.name}: hardly a cell can be written to the {state}-resistance"
                " level",
                got=f"{int(outcome.ok.sum())} of {cells} after {cycles} cycles",
                allowed="at least 100",
            )
        )
    return population.conductance[outcome.ok]


def from_samples(conductance: ArrayLike) -> Start:
    """A quantile function of the normal score from conductances [S] of at least 100 cells.

    Between the `SEEN`-th cells of both ends: their ranks. Beyond: ln G linear in the score, with
    the slope over the outermost five hundredths of the cells on that side.
    """
    ranked = np.sort(np.log(np.maximum(np.asarray(conductance, np.float64), LOWEST_CONDUCTANCE)))
    count = ranked.size
    score = ndtri((np.arange(count) + 0.5) / count)
    seen = slice(SEEN, count - SEEN)
    edge = max(2 * SEEN, count // 20)
    rises = []
    for side in (slice(SEEN, edge), slice(count - edge, count - SEEN)):
        rises.append(max(float(np.polyfit(score[side], ranked[side], 1)[0]), 1e-6))
    inner_score, inner = score[seen], ranked[seen]

    def quantile(z: Floats) -> Floats:
        low = np.minimum(z - inner_score[0], 0.0) * rises[0]
        high = np.maximum(z - inner_score[-1], 0.0) * rises[1]
        return np.exp(np.interp(z, inner_score, inner) + low + high)

    return quantile


def level_of(
    start: Start,
    law: Ageing | None = None,
    age: float = 0.0,
    noise: NoiseLaw | None = None,
    resolution: float = 1.0,
) -> LevelDistribution:
    """The distribution of a written level `start` after `age` [s at 25 degC], with read noise.

    `start` maps normal scores to conductance [S], ascending. This is equations (1) and (2).
    """
    points = round(resolution * POINTS)
    z, weight = _nodes(START_STEP / resolution)
    written = np.maximum(start(z), LOWEST_CONDUCTANCE)
    if law is None or age <= 0.0:
        level = _table(np.log(written), z)
    else:
        level = _aged(law, age, z, weight, written, points)
    return level if noise is None else _sensed(level, noise, points)


def _nodes(step: float) -> tuple[Floats, Floats]:
    """Scores and weights of the trapezoid rule for integrals over a standard normal."""
    z = np.arange(-SCORE_LIMIT, SCORE_LIMIT + 0.5 * step, step)
    return z, np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi) * step


def _spread(law: Ageing, mixture: Mixture, written: Floats) -> Mixture:
    """A node stands for all starts within its step: the variance of a uniform over its span."""
    span = np.gradient(law.y(written))
    return Mixture(mixture.weight, mixture.mean, mixture.variance + span**2 / 12.0)


def _tails(
    law: Ageing, spread: Mixture, weight: Floats, written: Floats, conductance: Floats
) -> tuple[Floats, Floats]:
    """P(G < g) and P(G >= g) at each g of `conductance` [S], shape (n,)."""
    share = (spread.weight * weight).ravel()
    mean, deviation = spread.mean[..., None], np.sqrt(spread.variance)[..., None]
    low, high = np.empty(conductance.size), np.empty(conductance.size)
    for first in range(0, conductance.size, BLOCK):
        block = slice(first, first + BLOCK)
        z = (law.shift_to(conductance[block], written[:, None]) - mean) / deviation
        low[block] = below = share @ ndtr(z).reshape(share.size, -1)
        # The smaller tail holds the digits; the larger is its complement, and half the work.
        high[block] = 1.0 - below
        rest = below >= 0.5
        if rest.any():
            high[block][rest] = share @ ndtr(-z[..., rest]).reshape(share.size, -1)
    return low, high


def _aged(
    law: Ageing, age: float, z: Floats, weight: Floats, written: Floats, points: int
) -> LevelDistribution:
    """Equation (1) on a grid of conductance that spans all aged cells."""
    mixture = law.mixture(written, age)
    spread = _spread(law, mixture, written)
    each = Mixture(*(part[:, None] for part in mixture))
    ends = law.moved(written, mixture_quantile(each, [[-SCORE_LIMIT], [SCORE_LIMIT]]))
    grid = np.linspace(np.log(ends[0].min()), np.log(ends[1].max()), points)
    return _from_tails(grid, *_tails(law, spread, weight, written, np.exp(grid)))


def _sensed(level: LevelDistribution, noise: NoiseLaw, points: int) -> LevelDistribution:
    """Equation (2): one read's noise on every cell."""
    n, weight = _nodes(NOISE_STEP)
    wide = float(noise.relative_deviation(np.exp(level.log_g[0]))) * SCORE_LIMIT
    top = float(noise.relative_deviation(np.exp(level.log_g[-1]))) * SCORE_LIMIT
    low_end = level.log_g[0] + np.log(max(1.0 - wide, 1e-3))
    grid = np.linspace(low_end, level.log_g[-1] + np.log1p(top), points)
    fine = np.linspace(low_end - 12.0, grid[-1] + 1.0, 8 * points)
    true = np.exp(fine)
    relative = noise.relative_deviation(true)
    at = np.empty((len(n), points))
    true_of_sensed(np.exp(grid), true, relative, n, at)
    score = level.score_at(at)
    return _from_tails(grid, weight @ ndtr(score), weight @ ndtr(-score))


def _from_tails(grid: Floats, low: Floats, high: Floats) -> LevelDistribution:
    """A level from P(below) and P(above) over ln G; the smaller tail holds the digits."""
    score = ndtri(np.minimum(low, high))
    return _table(grid, np.where(low < high, score, -score))


def _table(log_g: Floats, score: Floats) -> LevelDistribution:
    """Ascending in both; points that do not rise are left out."""
    good = np.isfinite(score) & (np.abs(score) < 3.0 * SCORE_LIMIT)
    log_g, score = log_g[good], score[good]
    log_g = log_g + 1e-12 * np.arange(log_g.size)
    rising = np.concatenate(([True], score[1:] > np.maximum.accumulate(score)[:-1] + 1e-12))
    rising &= np.concatenate(([True], log_g[1:] > np.maximum.accumulate(log_g)[:-1]))
    return LevelDistribution(log_g[rising], score[rising])


def _share(p: ArrayLike) -> Floats:
    share = np.asarray(p, np.float64)
    if not (np.all(share > 0.0) and np.all(share < 1.0)):
        raise InputError(
            Problem("share of cells out of range", got=repr(p), allowed="more than 0, less than 1")
        )
    return share
