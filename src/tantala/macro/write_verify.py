"""How many pulses a word needs: the slowest of its bits decides.

From the share of cells that are still unfinished after k pulses (which the cell model gives) follow
the mean and the tail of the number of pulses that a group of bits, written together, needs.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PulseTrain:
    """One direction of a write scheme, as seen by a single cell that must switch.

    Attributes:
        unfinished: share of cells that have not passed verify after k pulses, k = 0 .. k_max;
            starts at 1 and does not rise. Shape (k_max + 1,).
        energy: mean energy in the cell of a pulse with number 1 .. k_max, J. Shape (k_max,).
        charge: mean charge which that pulse draws from the line, C. Shape (k_max,).
        voltage: voltage that the array driver must deliver for the highest pulse, V.
        gate_voltage: word-line voltage of the pulse, V.
        current: 99.9 % quantile over cells of the mean current of a pulse, A; the first moments
            of a RESET, before the cell opens, draw more.
        width: pulse width, s.
        cells: written cells behind it, 0 for a law without any.
        interval: of the residue as it was counted, 95 %.
    """

    unfinished: Floats
    energy: Floats
    charge: Floats
    voltage: float
    gate_voltage: float
    current: float
    width: float
    cells: int = 0
    interval: tuple[float, float] = (0.0, 1.0)

    @functools.cached_property
    def mean_pulses(self) -> float:
        """Mean pulses of one cell: the sum of the unfinished shares before each pulse."""
        return float(self.unfinished[:-1].sum())

    @functools.cached_property
    def cell_energy(self) -> float:
        """Mean energy dissipated in one switched cell over its pulses, J."""
        return float((self.unfinished[:-1] * self.energy).sum())

    @functools.cached_property
    def cell_charge(self) -> float:
        """Mean charge that one switched cell draws from the line over its pulses, C."""
        return float((self.unfinished[:-1] * self.charge).sum())

    @property
    def residue(self) -> float:
        """Share of cells which the last pulse leaves unfinished."""
        return float(self.unfinished[-1])


def group_unfinished(train: PulseTrain, bits: ArrayLike, share: float) -> Floats:
    """Probability that a group of bits is unfinished after k pulses.

    Each of `bits` needs the pulse train with probability `share`, independently, so the group is
    done with probability (1 - share * unfinished_k) ^ bits.

    Returns:
        Shape of `bits` with a last axis of k_max + 1; at k = 0 the chance that any bit is pulsed.
    """
    bits = np.asarray(bits, dtype=float)[..., None]
    with np.errstate(divide="ignore"):
        return -np.expm1(bits * np.log1p(-share * train.unfinished))


def mean_group_pulses(train: PulseTrain, bits: ArrayLike, share: float) -> Floats:
    """Mean number of pulses of a group: E[max over its bits]. Shape of `bits`."""
    if isinstance(bits, float):
        return _mean_group_pulses(train, bits, share)
    return group_unfinished(train, bits, share)[..., :-1].sum(axis=-1)


@functools.lru_cache(maxsize=64)
def _mean_group_pulses(train: PulseTrain, bits: float, share: float) -> Any:
    """The same at every corner and temperature."""
    return float(group_unfinished(train, bits, share)[:-1].sum())


def tail_pulses(train: PulseTrain, bits: float, groups: int, share: float, tail: float) -> int:
    """The number of pulses which the groups of a word exceed, together, with probability <= `tail`.

    Groups are written one after another, so their pulse counts add: the distribution of the sum is
    the `groups`-fold convolution of that of one group.
    """
    beyond = group_unfinished(train, bits, share)
    done = 1.0 - beyond
    done[-1] = 1.0  # the train ends after its last pulse, finished or not
    one = np.diff(done, prepend=0.0)
    whole = np.array([1.0])
    power, rest = one, groups
    while rest:
        if rest & 1:
            whole = np.convolve(whole, power)
        rest >>= 1
        if rest:
            power = np.convolve(power, power)
    above = np.cumsum(whole[::-1])[::-1] - whole  # P(sum > k), summed from the small end
    return int(np.argmax(above <= tail))


def geometric_train(
    success: float,
    pulses: int,
    *,
    energy: float,
    voltage: float,
    gate_voltage: float,
    current: float,
    width: float,
) -> PulseTrain:
    """A train whose every pulse succeeds with the same probability."""
    unfinished = np.power(1.0 - success, np.arange(pulses + 1, dtype=float))
    if not 0.0 < success <= 1.0 or pulses < 1 or not math.isfinite(energy):
        raise ValueError(f"success {success}, pulses {pulses}, energy {energy}")
    return PulseTrain(
        unfinished,
        np.full(pulses, energy),
        np.full(pulses, energy / voltage),
        voltage,
        gate_voltage,
        current,
        width,
    )
