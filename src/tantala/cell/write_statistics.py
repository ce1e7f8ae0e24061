"""What a macro needs to know of writing one bit: pulses, energy and current of SET and RESET.

The figures come from writing a sample of cells with the very loop that `Population.write_verify`
runs, so a macro and a chip never disagree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from tantala.base.quantity import to_si
from tantala.cell.population import STUCK_LOW
from tantala.cell.write_loop import write_loop
from tantala.cell.write_scheme import Scheme
from tantala.cell.write_state import PulseLog

if TYPE_CHECKING:
    from tantala.cell.cell import Cell

_PEAK_QUANTILE = 0.999  # of the currents of single pulses


@dataclass(frozen=True)
class TrainStatistics:
    """One direction of a write, seen by a cell that must switch.

    count: cells that were written in this direction. unfinished: share of them that have not passed
        their verify after k pulses, k = 0 .. k_max, starting at 1. energy: mean energy of pulse
        number 1 .. k_max, J, in cell and transistor (the last known value where no cell needed that
        many); charge: drawn from the line, C, likewise. voltage, gate_voltage: largest line and
        word-line voltage that occurred, V. current: 99.9 % quantile over cells of the mean current
        of a pulse, A. width: of a pulse, s.
    """

    count: int
    unfinished: NDArray[np.float64]
    energy: NDArray[np.float64]
    charge: NDArray[np.float64]
    voltage: float
    gate_voltage: float
    current: float
    width: float

    @property
    def failed(self) -> float:
        """Share of cells which the last pulse leaves unfinished."""
        return float(self.unfinished[-1])

    def interval(self, pulses: int = -1, confidence: float = 0.95) -> tuple[float, float]:
        """Exact binomial (Clopper-Pearson) interval of the share unfinished after `pulses`.

        Also where none was counted: its upper end is then what so many cells cannot exclude.
        """
        seen = round(float(self.unfinished[pulses]) * self.count)
        miss = 0.5 * (1.0 - confidence)
        low = betaincinv(seen, self.count - seen + 1, miss) if seen else 0.0
        high = betaincinv(seen + 1, self.count - seen, 1.0 - miss) if seen < self.count else 1.0
        return float(low), float(high)

    @property
    def mean_pulses(self) -> float:
        """Mean pulses of one cell."""
        return float(self.unfinished[:-1].sum())


@dataclass(frozen=True)
class WriteStatistics:
    """SET and RESET trains of a scheme on a cell; cells: how many were written to find them."""

    scheme: str
    set: TrainStatistics
    reset: TrainStatistics
    verify_time: float
    cells: int


def write_statistics(
    cell: Cell,
    scheme: str = "ispp",
    temperature: float | str = "25 degC",
    seed: int = 0,
    cells: int = 20_000,
    backend: str = "numba",
    cycles: int = 0,
) -> WriteStatistics:
    """Statistics of writing one bit a cell, from ``cells`` written cells after ``cycles`` cycles.

    The smallest share that can be told is 1/cells, with the interval of `TrainStatistics.interval`;
    a million cells take a second or two. Cells that the cycles left stuck are not among those
    written: their share is the endurance law's.
    """
    kelvin = to_si(temperature, "K", name="temperature")
    chosen = Scheme.of(cell, scheme)
    settings = chosen.settings
    population = cell.sample(cells, seed=seed, backend=backend)
    if cycles:
        population.cycle(cycles)
    index = np.flatnonzero((population.flags & STUCK_LOW) == 0)
    count = len(index)
    down, up = (0.0, settings.high_resistance_verify), (settings.low_resistance_verify, np.inf)
    trains: dict[int, TrainStatistics] = {}
    # From the open-loop state of a sample to a verified one: not counted.
    write_loop(population, chosen, index, down, kelvin)
    for direction, window in ((+1, up), (-1, down)):
        outcome, log = write_loop(population, chosen, index, window, kelvin, logging=True)
        width = settings.set_width if direction > 0 else settings.reset_width
        trains[direction] = _train(outcome.pulses, outcome.ok, log, width, settings.max_pulses)
    return WriteStatistics(scheme, trains[+1], trains[-1], settings.verify_time, count)


def _train(
    pulses: NDArray[np.uint32], ok: NDArray[np.bool_], log: PulseLog, width: float, limit: float
) -> TrainStatistics:
    tried, charge = pulses > 0, log.charge
    # Cells that passed with their k-th pulse, k = 0 .. limit; the others never passed.
    passed = np.bincount(pulses[tried & ok], minlength=int(limit) + 1)[: int(limit) + 1]
    cells = np.count_nonzero(tried)
    unfinished = (cells - np.cumsum(passed)) / cells
    return TrainStatistics(
        count=int(cells),
        unfinished=unfinished,
        energy=_each(log, log.energy, int(limit)),
        charge=_each(log, charge, int(limit)),
        voltage=float(log.line.max()),
        gate_voltage=float(log.gate.max()),
        current=float(np.quantile(charge, _PEAK_QUANTILE)) / width,
        width=width,
    )


def _each(log: PulseLog, amounts: NDArray[np.float32], limit: int) -> NDArray[np.float64]:
    """Means of pulse 1 .. limit; the last known one where no cell needed that many."""
    means = np.bincount(log.round, amounts) / np.bincount(log.round)
    return np.append(means, [means[-1]] * (limit - len(means)))
