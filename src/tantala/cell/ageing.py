"""Ageing: relaxation and retention as one law of G(now) given G(written) and the age.

y(now) - y(written) is a mixture of four normals (no event; one ordinary event; one larger event;
two or more events, matched in mean and variance), from the equations of `relaxation` and
`retention`. So the conditional distribution is known in closed form, far into its tails:

    P(G < g | written) = sum_k w_k Phi((y(g) - y(written) - m_k) / s_k)                         (1)

A cell is one path of this law through its age: its quantile is a standard normal X(age), a pure
function of (seed, address, write), so that waiting in two steps is waiting once:

    X = cos(a) [cos(p t) n1 + sin(p t) n2] + sin(a) [cos(q t) n3 + sin(q t) n4],
    t = ln(T0 + ln(1 + age / verify_delay)),  n1..n4 standard normal draws                      (2)

X has unit variance at every age, and correlates between ages like a Brownian path in log time,
exp(-|t1 - t2| / 2), within 0.12 for |t1 - t2| <= 4: increments of measured relaxation are
uncorrelated but for the noise of the reads, which is what that says.

The reference below inverts (1) exactly in float64; `ageing_kernel` tabulates the quantile over
(age, state, X) and interpolates in float32.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_ndtr, ndtr, ndtri

from tantala.base.pchip import Pchip
from tantala.base.random import TWO_TO_MINUS_32, purpose, words
from tantala.cell.relaxation import LARGE_SHARE, RelaxationLaw
from tantala.cell.retention import RetentionLaw

if TYPE_CHECKING:
    from tantala.cell.cell import Cell
    from tantala.cell.population import Population

Floats = NDArray[np.float64]
PATH = purpose("ageing path")
PATH_ANGLE, PATH_SLOW, PATH_FAST = 0.51, 0.44, 1.77  # least largest error for (2)
PATH_ORIGIN = 0.1
TOP = 2.0  # highest G / full scale of the state coordinate; conductance saturates there
COORDINATE_NODES = 1025
INVERSE_NODES = 4096
_CONVERGED = 1e-14  # relative step at which a quantile is found


class Mixture(NamedTuple):
    """Normals: weight, mean and variance, each of shape (4, ...)."""

    weight: Floats
    mean: Floats
    variance: Floats


class Coordinate(NamedTuple):
    """Tables of y(g): smooth part over root g, and ln g over y; both grids are uniform."""

    slope: float  # dy / d ln g for g -> 0
    smooth: Floats  # y - slope * ln g at root g = 0 ... root TOP
    lowest: float  # y of the first node of `log_g`
    step: float  # of y
    log_g: Floats


@dataclass(frozen=True)
class Ageing:
    """The law of one cell. Conductances in S, ages in s at 25 degC; arrays broadcast."""

    relaxation: RelaxationLaw
    retention: RetentionLaw | None = None

    @property
    def front_limit(self) -> float:
        """The front energy [eV] up to which the numbers hold."""
        return (self.retention or self.relaxation).front_limit

    @functools.cached_property
    def coordinate(self) -> Coordinate:
        """The state coordinate's tables."""
        law = self.relaxation
        states = np.asarray(law.amplitude_states)
        relative = _profile(states, np.log(np.asarray(law.amplitude) / states))
        log_g = np.linspace(math.log(1e-5), math.log(TOP), 4001)
        inverse = np.exp(-relative(np.exp(log_g)))  # dy / d ln g = g / a(g)
        steps = 0.5 * (inverse[1:] + inverse[:-1]) * np.diff(log_g)
        slope = float(inverse[0])
        y = slope * log_g[0] + np.concatenate(([0.0], np.cumsum(steps)))
        root = np.linspace(0.0, math.sqrt(TOP), COORDINATE_NODES)
        with np.errstate(divide="ignore"):
            at = np.maximum(2.0 * np.log(root), log_g[0])
        smooth = np.interp(at, log_g, y - slope * log_g)
        grid = np.linspace(float(np.interp(math.log(0.004), log_g, y)), y[-1], INVERSE_NODES)
        return Coordinate(
            slope, smooth, float(grid[0]), float(grid[1] - grid[0]), np.interp(grid, y, log_g)
        )

    def y(self, conductance: ArrayLike) -> Floats:
        """The state coordinate of `conductance` [S], in events."""
        g = np.clip(np.asarray(conductance, np.float64) / self.relaxation.full_scale, 1e-30, TOP)
        table = self.coordinate
        root = np.linspace(0.0, math.sqrt(TOP), COORDINATE_NODES)
        return table.slope * np.log(g) + np.interp(np.sqrt(g), root, table.smooth)

    def _log_g(self, y: Floats) -> Floats:
        """ln(G / full scale) at y: piecewise linear; exponential below the table, flat above."""
        table = self.coordinate
        grid = table.lowest + table.step * np.arange(INVERSE_NODES)
        below = table.log_g[0] + (y - table.lowest) / table.slope
        return np.where(y < table.lowest, below, np.interp(y, grid, table.log_g))

    def _y_of_log(self, log_g: Floats) -> Floats:
        """The inverse of `_log_g`; infinite where conductance saturates."""
        table = self.coordinate
        grid = table.lowest + table.step * np.arange(INVERSE_NODES)
        below = table.lowest + (log_g - table.log_g[0]) * table.slope
        inside = np.interp(log_g, table.log_g, grid)
        y = np.where(log_g < table.log_g[0], below, inside)
        return np.where(log_g >= table.log_g[-1], np.inf, y)

    def moved(self, written: ArrayLike, shift: ArrayLike) -> Floats:
        """Conductance [S] of cells written at `written` [S] whose y has changed by `shift`."""
        start = self.y(written)
        change = self._log_g(start + np.asarray(shift)) - self._log_g(start)
        return np.asarray(written, np.float64) * np.exp(change)

    def shift_to(self, conductance: ArrayLike, written: ArrayLike) -> Floats:
        """The change of y that brings `written` [S] to `conductance` [S]: inverse of `moved`."""
        start = self.y(written)
        with np.errstate(divide="ignore"):
            ratio = np.log(np.maximum(np.asarray(conductance, np.float64), 0.0) / written)
        return self._y_of_log(self._log_g(start) + ratio) - start

    def mixture(self, written: ArrayLike, age: ArrayLike) -> Mixture:
        """The distribution of the change of y, for cells written at `written` [S]."""
        law = self.relaxation
        g, front = np.broadcast_arrays(
            np.asarray(written, np.float64) / law.full_scale, law.front(age)
        )
        start = law.verify_front
        states = np.asarray(law.states)
        barrier, bias = _profile(states, law.barrier)(g), _profile(states, law.bias)(g)
        flicker = _profile(states, np.log(np.maximum(law.flicker, 1e-9) / states))(g)
        amplitude_states = np.asarray(law.amplitude_states)
        relative = _profile(amplitude_states, np.log(np.asarray(law.amplitude) / amplitude_states))(
            g
        )
        events = law.events * (
            ndtr((front - barrier) / law.barrier_spread)
            - ndtr((start - barrier) / law.barrier_spread)
        )
        size = np.maximum(front - start, 1e-12) ** law.amplitude_growth
        variance = np.exp(2.0 * (flicker - relative))
        variance = variance * np.maximum(front - start, 1e-12) ** (2.0 * law.flicker_growth)
        mean = np.zeros_like(variance)
        if self.retention is not None:
            drift, spread = _retained(self.retention, g, front, start)
            mean, variance = mean + drift, variance + spread
        return _compound(events, size * bias, size**2, mean, variance, law.large_event_ratio)

    def cdf(self, conductance: ArrayLike, written: ArrayLike, age: ArrayLike) -> Floats:
        """P(G < conductance), equation (1)."""
        return np.exp(self.log_cdf(conductance, written, age))

    def log_cdf(
        self, conductance: ArrayLike, written: ArrayLike, age: ArrayLike, upper: bool = False
    ) -> Floats:
        """ln P(G < conductance); with `upper`, ln P(G >= conductance)."""
        return log_tail(self.mixture(written, age), self.shift_to(conductance, written), upper)

    def quantile(self, score: ArrayLike, written: ArrayLike, age: ArrayLike) -> Floats:
        """The conductance [S] whose P(G < g) is Phi(score): exact inversion of (1)."""
        return self.moved(written, mixture_quantile(self.mixture(written, age), score))

    def path_weights(self, age: ArrayLike) -> Floats:
        """The weights of the four normals in equation (2), shape (4, ...)."""
        scale = np.asarray(age, np.float64) / self.relaxation.verify_delay
        t = np.log(PATH_ORIGIN + np.log1p(scale))
        slow, fast = math.cos(PATH_ANGLE), math.sin(PATH_ANGLE)
        return np.stack(
            [
                slow * np.cos(PATH_SLOW * t),
                slow * np.sin(PATH_SLOW * t),
                fast * np.cos(PATH_FAST * t),
                fast * np.sin(PATH_FAST * t),
            ]
        )

    def sample(
        self, written: ArrayLike, age: ArrayLike, seed: int, address: ArrayLike, write: ArrayLike
    ) -> Floats:
        """Conductances [S] of cells by address and number of the last write: the reference."""
        normals = ndtri((words(seed, PATH, address, write) + 0.5) * TWO_TO_MINUS_32)
        weights = self.path_weights(np.broadcast_to(age, normals.shape[1:]))
        score = np.sum(weights * normals, axis=0)
        aged = self.quantile(score, written, age)
        return np.where(np.asarray(age) > 0.0, aged, written)

    def apply(self, population: Population) -> None:
        """Set the conductances of `population` from `written` and its ages."""
        from tantala.cell.ageing_kernel import tables_of

        if population.backend == "numpy":
            address = np.arange(len(population), dtype=np.uint64) + population.first_address
            population.conductance[:] = self.sample(
                population.written, population.age, population.seed, address, population.writes
            )
            return
        tables_of(self).age(
            population.conductance,
            population.written,
            population.age,
            population.writes,
            population.first_address,
            population.seed,
        )


def ageing_of(cell: Cell) -> Ageing:
    """The ageing law of a cell. Raises InputError if its file gives no relaxation."""
    return _ageing(cell.law("relaxation"), cell.retention)


@functools.lru_cache(maxsize=64)
def _ageing(relaxation: RelaxationLaw, retention: RetentionLaw | None) -> Ageing:
    return Ageing(relaxation, retention)


def _profile(states: Floats, values: Any) -> Any:
    """A smooth monotone curve through values at states, constant outside them."""
    curve = _curve(tuple(states), tuple(values))
    return lambda g: curve(np.clip(g, states[0], states[-1]))


@functools.lru_cache(maxsize=256)
def _curve(states: tuple[float, ...], values: tuple[float, ...]) -> Pchip:
    """One law's curve, made once for all ages."""
    return Pchip(states, values)


def _retained(law: RetentionLaw, g: Floats, front: Floats, start: float) -> tuple[Floats, Floats]:
    """Mean and variance of y by both processes of `retention`."""
    states = np.asarray(law.states)
    mean, variance = np.zeros_like(front), np.zeros_like(front)
    for onset, width, drift, spread in (
        (law.early_onset, law.early_width, law.early_drift, law.early_spread),
        (law.late_onset, law.late_width, law.late_drift, law.late_spread),
    ):
        part = ndtr((front - onset) / width) - ndtr((start - onset) / width)
        mean = mean + _profile(states, drift)(g) * part
        variance = variance + _profile(states, spread)(g) ** 2 * part
    return mean, variance


def _compound(
    events: Floats, bias: Floats, square: Floats, mean: Floats, variance: Floats, large: float
) -> Mixture:
    """The compound Poisson sum as four normals; mean and variance are exact."""
    none, one = np.exp(-events), events * np.exp(-events)
    more = np.maximum(1.0 - none - one, 1e-15)
    count = np.maximum((events - one) / more, 2.0)
    scatter = np.maximum((events + events**2 - one) / more - count**2, 0.0)
    small = (1.0 - LARGE_SHARE * large**2) / (1.0 - LARGE_SHARE)
    zero = np.zeros_like(mean)
    return Mixture(
        np.stack([none, (1.0 - LARGE_SHARE) * one, LARGE_SHARE * one, more]),
        np.stack([mean, mean + bias, mean + bias, mean + bias * count]),
        np.stack(
            [
                variance + zero,
                variance + square * small,
                variance + square * large**2,
                variance + square * count + bias**2 * scatter,
            ]
        )
        + 1e-18,
    )


def log_tail(mixture: Mixture, shift: Floats, upper: bool = False) -> Floats:
    """ln P(y < shift), or ln P(y >= shift): a sum in logarithms, exact far into the tails."""
    z = (shift - mixture.mean) / np.sqrt(mixture.variance)
    terms = np.log(np.maximum(mixture.weight, 1e-300)) + log_ndtr(-z if upper else z)
    largest = np.maximum(terms.max(axis=0), -1e300)
    with np.errstate(divide="ignore"):
        return largest + np.log(np.sum(np.exp(terms - largest), axis=0))


def mixture_quantile(mixture: Mixture, score: ArrayLike) -> Floats:
    """The shift with P(y < shift) = Phi(score): Newton steps kept inside a bisection.

    Solved in ln of the smaller tail, which is nearly a parabola of the shift and loses no digits;
    an upper tail is the lower one of the mirrored mixture.
    """
    shape = np.broadcast(mixture.weight[0], score).shape
    scores = np.broadcast_to(np.asarray(score, np.float64), shape)
    z, sign = -np.abs(scores).ravel(), np.where(scores > 0.0, -1.0, 1.0).ravel()
    weight, mean, variance = (
        np.broadcast_to(part, (4, *scores.shape)).reshape(4, -1) for part in mixture
    )
    log_weight, mean, deviation = np.log(np.maximum(weight, 1e-300)), sign * mean, np.sqrt(variance)
    each = mean + z * deviation
    low, high = each.min(axis=0), each.max(axis=0)
    target, shift = log_ndtr(z), 0.5 * (low + high)
    active = np.arange(z.size)
    for _ in range(100):
        part = (log_weight[:, active], mean[:, active], deviation[:, active])
        value, slope = _lower_tail(*part, shift[active])
        excess, at = value - target[active], shift[active]
        low[active] = np.where(excess > 0.0, low[active], at)
        high[active] = np.where(excess > 0.0, at, high[active])
        near = at - excess / np.maximum(slope, 1e-300)
        inside = (near >= low[active]) & (near <= high[active])
        shift[active] = np.where(inside, near, 0.5 * (low[active] + high[active]))
        moved = np.abs(shift[active] - at)
        active = active[moved > _CONVERGED * (np.abs(at) + part[2].min(axis=0))]
        if not active.size:
            break
    return (sign * shift).reshape(scores.shape)


def _lower_tail(
    log_weight: Floats, mean: Floats, deviation: Floats, shift: Floats
) -> tuple[Floats, Floats]:
    """ln P(y < shift) and its derivative."""
    z = (shift - mean) / deviation
    terms = log_weight + log_ndtr(z)
    largest = terms.max(axis=0)
    tail = largest + np.log(np.sum(np.exp(terms - largest), axis=0))
    density = np.exp(log_weight - 0.5 * z**2 - tail) / (math.sqrt(2.0 * math.pi) * deviation)
    return tail, np.sum(density, axis=0)
