"""Relaxation after a verified write: activated defects change a cell's conductance, one by one.

Front energy. A defect with barrier E has moved, after a time t at temperature T, if
E < kT ln(1 + nu t): the front of the barriers already crossed (nu: attempt rate). One front serves
all temperatures, so a bake is a long relaxation and Arrhenius equivalents follow:

    front(t, T) = k T ln(1 + nu t)                                                             (1)

The age of a cell is the time at 25 degC that gives its front. The verifying read comes
`verify_delay` after the pulse, so only barriers between front(verify_delay) and
front(age + verify_delay) count in what is seen afterwards.

State coordinate. y(g) = integral of dg / a(g), g = G / full_scale, where a(g) is the change made
by one defect in state g; a(g) ~ g for g -> 0, so no change can make a conductance negative.
In y,

    y(now) - y(written) = flicker + sum of the events of n defects,  n ~ Poisson(lambda)       (2)
    lambda(g, E) = events * [Phi((E - barrier(g)) / barrier_spread)] from front to front
    one event: normal, mean bias(g), variance 1 (a share of 10 % larger by large_event_ratio^2,
    the others smaller so that the variance stays 1), all times
              ((E - front(verify_delay)) / eV)^amplitude_growth: what moves early moves less
    flicker: normal, deviation flicker(g) / a(g) * ((E - front(verify_delay)) / eV)^flicker_growth
             (growth 0.5: variance linear in log time, as 1/f noise gives)

Few strong events make the heavy tails of short times, many make the near-normal distributions of
bakes, and the variance grows with log time. The variance linear in log time is the form of Levy
(bibliography: levy_relaxation: sigma^2 = C1 log t + C2, traps uniform in barrier); the Poisson
count and the state coordinate are ours.

Left out: correlations between cells; the return of a cell to its written state (a defect that goes
back), which the read noise holds; any effect of read voltage (see `disturb`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tantala.base.binding import quantity

Floats = NDArray[np.float64]
BOLTZMANN = 8.617333262e-5  # eV/K, exact since 2019 (SI brochure, 9th edition)
REFERENCE = 298.15  # K; the age of a cell is counted in seconds at this temperature
LARGE_SHARE = 0.1  # part of the events that is larger; the mathematics of the two-part size
OLDEST = 1e36  # s at 25 degC; ages saturate here, so that float32 holds them


def front_energy(time: ArrayLike, temperature: ArrayLike, attempt_rate: float) -> Floats:
    """Equation (1): the highest barrier [eV] crossed in `time` [s] at `temperature` [K]."""
    t = np.asarray(time, dtype=np.float64)
    return BOLTZMANN * np.asarray(temperature) * np.log1p(attempt_rate * t)


def aged(age: ArrayLike, time: ArrayLike, temperature: ArrayLike, attempt_rate: float) -> Floats:
    """The age [s at 25 degC] after `time` [s] at `temperature` [K], from `age`.

    The time at `temperature` that gives the present front, plus `time`, gives the new front: two
    waits at one temperature are one wait of their sum.
    """
    ratio = np.asarray(temperature, dtype=np.float64) / REFERENCE
    before = np.expm1(np.log1p(attempt_rate * np.asarray(age, dtype=np.float64)) / ratio)
    after = np.log1p(before + attempt_rate * np.asarray(time, dtype=np.float64)) * ratio
    return np.minimum(np.expm1(np.minimum(after, 200.0)) / attempt_rate, OLDEST)


@dataclass(frozen=True)
class RelaxationLaw:
    """Numbers of equations (1) and (2); lists run over the states they name, ascending."""

    full_scale: float = quantity("S", "conductance of the highest level", minimum=1e-9)
    attempt_rate: float = quantity("Hz", "attempt rate of the defects", minimum=1e6)
    verify_delay: float = quantity("s", "time from the pulse to the verifying read", minimum=1e-9)
    amplitude_states: tuple[float, ...] = quantity(
        "1", "G / full scale of the amplitudes", minimum=1e-4, several=True
    )
    amplitude: tuple[float, ...] = quantity(
        "1", "change of G / full scale by one defect", minimum=1e-6, several=True
    )
    amplitude_growth: float = quantity("1", "growth of the events with the front", minimum=0)
    events: float = quantity("1", "mean number of defects of a cell", minimum=0)
    states: tuple[float, ...] = quantity(
        "1", "G / full scale of barrier, bias and flicker", minimum=1e-4, several=True
    )
    barrier: tuple[float, ...] = quantity("eV", "median barrier of the defects", several=True)
    barrier_spread: float = quantity("eV", "standard deviation of the barriers", minimum=1e-3)
    bias: tuple[float, ...] = quantity("1", "mean of an event, in amplitudes", several=True)
    flicker: tuple[float, ...] = quantity(
        "1", "fluctuation of G / full scale at 1 eV of front", minimum=0, several=True
    )
    flicker_growth: float = quantity("1", "exponent of the fluctuation's growth", minimum=0)
    large_event_ratio: float = quantity(
        "1", "standard deviation of the larger events", minimum=1, maximum=3.1
    )
    front_limit: float = quantity("eV", "front energy up to which the law holds", minimum=0)

    @property
    def verify_front(self) -> float:
        """The front [eV] at the verifying read, 25 degC."""
        return float(front_energy(self.verify_delay, REFERENCE, self.attempt_rate))

    def front(self, age: ArrayLike) -> Floats:
        """The front [eV] of cells of `age` [s at 25 degC] after the verifying read."""
        return front_energy(
            np.asarray(age, dtype=np.float64) + self.verify_delay, REFERENCE, self.attempt_rate
        )
