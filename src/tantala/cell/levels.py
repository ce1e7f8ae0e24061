"""The two levels of a bit as statistics: conductance after write-verify, then aged.

Method. A sample of cells is cycled and written by the very loop of `write_verify`; the written
conductances that passed become equally probable nodes w_i. Ageing has a conditional distribution in
closed form (`ageing`, equation 1), so with n_i the weights of the nodes

    P(G < g) = sum_i n_i P(G < g | written = w_i, age)                                           (1)

A verify bounds the written conductance on the side that matters, and all that lies beyond the
bound comes from the law of ageing: tails far below 1/sample are the law's, not the count's. Sums
run in logarithms, so that 1e-18 loses no digits. Where counting is possible, `Population.wait` on
the same cells is the check (tests/cell/test_levels.py).

Left out: cells that no pulse brings into their window; they are `failed`, which a controller knows
of and repairs. The sum is over a finite sample, so quantiles between the nodes carry its error.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tantala.base.errors import InputError, Problem, unknown
from tantala.base.quantity import to_si
from tantala.cell.ageing import Ageing, Mixture, ageing_of, log_tail
from tantala.cell.relaxation import aged
from tantala.cell.retention import check_front
from tantala.cell.write_verify import Scheme, WriteLoop

if TYPE_CHECKING:
    from tantala.cell.cell import Cell

Floats = NDArray[np.float64]
STATES = {"low": "low", "lrs": "low", "high": "high", "hrs": "high"}
SAMPLE = 20_000
NODES = 96
SEED = 0


@dataclass(frozen=True)
class LevelDistribution:
    """Conductance of written cells of one state at one age, equation (1).

    written: nodes of the written conductance, S, equally probable; shape (n,).
    age: s at 25 degC. failed: share of the sample that no pulse brought into the window.
    """

    ageing: Ageing
    written: Floats
    age: float
    failed: float

    @functools.cached_property
    def _mixture(self) -> Mixture:
        return self.ageing.mixture(self.written, self.age)

    def log_below(self, conductance: ArrayLike) -> Floats:
        """ln P(G < conductance [S])."""
        return self._log_tail(conductance, upper=False)

    def log_above(self, conductance: ArrayLike) -> Floats:
        """ln P(G >= conductance [S])."""
        return self._log_tail(conductance, upper=True)

    def below(self, conductance: ArrayLike) -> Floats:
        """P(G < conductance [S])."""
        return np.exp(self.log_below(conductance))

    def above(self, conductance: ArrayLike) -> Floats:
        """P(G >= conductance [S])."""
        return np.exp(self.log_above(conductance))

    def _log_tail(self, conductance: ArrayLike, upper: bool) -> Floats:
        g = np.asarray(conductance, np.float64)
        flat = g.reshape(-1, 1)
        if self.age == 0.0:
            inside = (self.written >= flat) if upper else (self.written < flat)
            with np.errstate(divide="ignore"):
                return np.log(inside.mean(axis=1)).reshape(g.shape)
        terms = log_tail(self._mixture, self.ageing.shift_to(flat, self.written), upper)
        largest = np.maximum(terms.max(axis=1, keepdims=True), -1e300)
        total = largest[:, 0] + np.log(np.mean(np.exp(terms - largest), axis=1))
        return total.reshape(g.shape)

    def quantile(self, probability: float) -> float:
        """The conductance [S] that a share `probability` of the cells undercuts."""
        if not 0.0 < probability < 1.0:
            raise InputError(Problem("no probability", got=repr(probability), allowed="0 to 1"))
        if self.age == 0.0:
            return float(np.quantile(self.written, probability))
        from scipy.special import ndtri

        upper = probability > 0.5
        # 1 - 1e-18 is not a float; the quantile of a high probability goes by its complement.
        score = ndtri(probability)
        each = self.ageing.quantile(score, self.written, self.age)
        low, high = np.log(each.min()), np.log(each.max())
        target = np.log1p(-probability) if upper else np.log(probability)
        for _ in range(60):
            middle = 0.5 * (low + high)
            if upper:
                too_low = self.log_above(np.exp(middle)) > target
            else:
                too_low = self.log_below(np.exp(middle)) < target
            low, high = (middle, high) if too_low else (low, middle)
        return float(np.exp(0.5 * (low + high)))

    @functools.cached_property
    def mean(self) -> float:
        """Mean conductance, S."""
        if self.age == 0.0:
            return float(self.written.mean())
        from scipy.special import ndtri

        score = ndtri((np.arange(64) + 0.5) / 64)
        each = self.ageing.quantile(score[:, None], self.written[None, :], self.age)
        return float(each.mean())


def levels(
    cell: Cell,
    state: str,
    time: float | str = 0.0,
    temperature: float | str = "25 degC",
    cycles: int = 0,
    scheme: str = "ispp",
    extrapolate: bool = False,
) -> LevelDistribution:
    """One level of one bit a cell, `time` at `temperature` after a write that followed `cycles`.

    `state` is "low" (low resistance; also "lrs") or "high" ("hrs").

    Raises InputError for an unknown state or scheme or a law that the cell lacks, RangeViolation
    beyond the calibrated age unless `extrapolate`.
    """
    if state not in STATES:
        raise InputError(unknown("state", state, STATES))
    seconds = to_si(time, "s", name="time")
    kelvin = to_si(temperature, "K", name="temperature")
    law = ageing_of(cell)
    age = float(aged(0.0, seconds, kelvin, law.relaxation.attempt_rate))
    check_front(law, age, seconds, kelvin, extrapolate)
    written, failed = written_levels(cell, scheme, cycles)[STATES[state]]
    return LevelDistribution(law, written, age, failed)


def written_levels(cell: Cell, scheme: str, cycles: int = 0) -> dict[str, tuple[Floats, float]]:
    """State -> (nodes of the written conductance [S], failed share), after `cycles` full cycles."""
    settings = Scheme.of(cell, scheme).settings
    population = cell.sample(SAMPLE, seed=SEED)
    if cycles > 0:
        population.cycle(cycles)
    index = np.arange(SAMPLE)
    zero, unlimited = np.zeros(SAMPLE), np.full(SAMPLE, np.inf)
    below = np.full(SAMPLE, settings.high_resistance_verify)
    passes = np.full(SAMPLE, settings.low_resistance_verify)
    found = {}
    for state, low, high in (("high", zero, below), ("low", passes, unlimited)):
        loop = WriteLoop(
            population, Scheme.of(cell, scheme), index, low, high, cell.nominal.temperature
        )
        ok = loop.run(int(settings.max_pulses)).ok
        if not ok.any():
            raise InputError(
                Problem(
                    f"no cell of {cell.name!r} can be written to the {state}-resistance state",
                    cell.item.path.name,
                    got=f"{int(settings.max_pulses)} pulses of {scheme!r}",
                    hint="a wider window, a higher voltage or fewer cycles",
                )
            )
        share = (np.arange(NODES) + 0.5) / NODES
        written = np.quantile(population.written[ok].astype(np.float64), share)
        found[state] = (written, float(np.mean(~ok)))
    return found
