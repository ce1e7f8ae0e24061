"""Wear by the pulses that a write scheme really gives: how many, and at which word lines.

A scheme's ladder gives some cells more pulses at higher word lines, and wear rises exponentially
with the word line. Such a cell needs them again and again through its fixed traits, and now and
then by the draws of single pulses. So the share of cells stuck after N writes is a mean over cells

    P(stuck) = E[ w (1 - exp(-(N d)**beta)) ],    d = E[sum of 1 / eta(V_WL) over one write | cell]

with w the chance that the cell could be written when it was new (others are counted as unwritten),
and the cells' own Weibull lives integrated by the law instead of drawn. N damages add up to N times
their mean d: what scatters from write to write falls as 1/sqrt(N).

Method. All cells get one SET in which every pulse draw is at its median: what is left is the
cell's own, and its conductance ranks the cells. Strata by rank, finer towards the slow end, each
give a few cells, which the write loop then writes `WRITES` times in a row at each of `REPEATS`
times that lie far apart in the cell's slow drift. The rank decides only where cells are taken, so
the result leans on no fit.

Drift goes on with every SET pulse, so a cell leaves a bad state sooner, counted in writes, than a
good one: over a life a repeat stands for writes in inverse proportion to the pulses that it took.
Every write begins at event numbers of its own, so two cells that differ a little in a law meet the
same draws, pulse by pulse, and their wear can be compared.

A cell's mean damage over so few writes still scatters, which would inflate a convex law: within
each stratum the means are drawn together until their variance is the covariance of two halves of
the repeats, the part that comes again.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tantala.base.quantity import to_si
from tantala.cell.population import FORMED, Population
from tantala.cell.variability import STEP_RATIO, STEPS
from tantala.cell.write_loop import write_loop
from tantala.cell.write_scheme import Scheme

if TYPE_CHECKING:
    from tantala.cell.cell import Cell
    from tantala.cell.endurance import EnduranceLaw

Floats = NDArray[np.float64]
CELLS = 1_000_000
EDGES = (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 1.0)  # ranks that end a stratum, slow first
TAKEN = 128  # cells of a stratum that are written, at most
REPEATS = 8
WRITES = 16  # in a row: enough to leave a state of the shortest drift step
EVENTS = 1 << 20  # event numbers set aside for a repeat
LOOP_EVENTS = 1 << 12  # of them, for one SET or RESET with its pulses
TELLABLE = 1e-4  # V; word lines closer than that count as one
UNWORN = 1e300  # life of cells whose pulses are only counted


@dataclass(frozen=True)
class WriteWear:
    """SET pulses of one write, cell by cell, of cells that stand for a population.

    stratum: of each cell, (n,). share: of the population that each cell stands for, (n,).
    wordline: V, (v,). pulses: mean number in a write at each word line, in two halves of the
        repeats, (2, n, v). written: share of the writes that passed, (n,).
    cells: size of the population that was ranked.
    """

    stratum: NDArray[np.intp]
    share: Floats
    wordline: Floats
    pulses: Floats
    written: Floats
    cells: int

    def damage(self, law: EnduranceLaw) -> Floats:
        """Life that a write uses up on average, in the two halves of the repeats, (2, n)."""
        return self.pulses @ (1.0 / law.characteristic_life(self.wordline))

    def stuck(self, law: EnduranceLaw, writes: float) -> tuple[float, float]:
        """Share of cells stuck low after `writes` that could be written when new, and its
        standard error.
        """
        halves = self.damage(law)
        share = error = 0.0
        # Cells of a stratum follow each other.
        ends = np.flatnonzero(np.diff(self.stratum)) + 1
        for start, end in zip([0, *ends], [*ends, len(self.stratum)], strict=True):
            of = slice(start, end)
            life_used = writes * _repeating(*halves[:, of])
            stuck = -np.expm1(-(life_used**law.life_shape)) * self.written[of]
            whole = float(self.share[of].sum())
            share += whole * float(stuck.mean())
            # Of the cells taken from a stratum, and of the population itself.
            error += whole**2 * float(stuck.var()) / len(stuck)
            error += whole * float(np.mean(stuck**2)) / self.cells
        return share, float(np.sqrt(error))


def write_wear(
    cell: Cell,
    scheme: str = "ispp",
    temperature: float | str = "25 degC",
    seed: int = 0,
    cells: int = CELLS,
    taken: int = TAKEN,
    repeats: int = REPEATS,
    writes: int = WRITES,
    backend: str = "numba",
    ranked_as: Cell | None = None,
) -> WriteWear:
    """The SET pulses of writing one bit a cell by `scheme`, over `cells` cells of `seed`.

    `taken` cells of a stratum are written `writes` times at each of `repeats` times, two or more.
    Of cells beyond the slowest of `cells` nothing is known: at most 1 / `cells` of all.
    `ranked_as`: a cell much like this one whose ranks are taken, so that two cells are compared at
    the same addresses.
    """
    kelvin = to_si(temperature, "K", name="temperature")
    fresh = cell
    if cell.endurance is not None:
        law = dataclasses.replace(cell.endurance, life=UNWORN)
        fresh = dataclasses.replace(cell, endurance=law)
    address, stratum, share = _strata(_ranks(ranked_as or cell, cells, seed, backend), taken)
    count = len(address)
    population = _Repeated(fresh, address, repeats, seed, backend)
    counted, passed = _written(population, Scheme.of(cell, scheme), kelvin, writes)
    wordline = np.array(sorted(counted)) * TELLABLE
    of_run = np.stack([counted[key] for key in sorted(counted)], -1)
    of_run, passed = of_run.reshape(repeats, count, -1), passed.reshape(repeats, count)
    # Runs stand for writes in inverse proportion to their pulses.
    weight = 1.0 / np.maximum(of_run.sum(-1), 1.0)
    pulses = np.stack([_weighted(of_run[half::2], weight[half::2]) for half in (0, 1)])
    written = _weighted(passed[..., None], weight)[:, 0]
    return WriteWear(stratum, share, wordline, pulses / writes, written / writes, cells)


def _weighted(runs: Floats, weight: Floats) -> Floats:
    """Mean of `runs` (r, n, v) over the first axis by `weight` (r, n)."""
    return np.einsum("rnv,rn->nv", runs, weight) / weight.sum(0)[:, None]


def _repeating(first: Floats, second: Floats) -> Floats:
    """The cells' means, drawn together until their variance is that of what comes again."""
    mean = 0.5 * (first + second)
    centre, variance = mean.mean(), mean.var()
    again = np.mean((first - first.mean()) * (second - second.mean()))
    if variance <= 0.0 or again <= 0.0:
        return np.full_like(mean, centre)
    return centre + np.sqrt(min(again / variance, 1.0)) * (mean - centre)


def _ranks(cell: Cell, *of: Any) -> NDArray[np.intp]:
    """`_ranked`, kept with the cell object."""
    memo: dict[Any, NDArray[np.intp]] = cell.__dict__.setdefault("_ranks", {})
    if of not in memo:
        memo[of] = _ranked(cell, *of)
    return memo[of]


def _ranked(cell: Cell, cells: int, seed: int, backend: str) -> NDArray[np.intp]:
    """Addresses in the order of the conductance after the nominal SET, lowest first, where the
    draws of the pulse stand at their median.
    """
    if cell.set is None or cell.variability is None:
        return np.arange(cells)
    median = dataclasses.replace(cell, variability=cell.variability.of_cells, endurance=None)
    conductance = median.sample(cells, seed=seed, backend=backend).conductance
    # Positive floats are ordered as their bits; with the address below them, equals keep an order.
    key = conductance.view(np.uint32).astype(np.uint64) << np.uint64(32)
    key |= np.arange(cells, dtype=np.uint64)
    key.sort()
    return (key & np.uint64(0xFFFFFFFF)).astype(np.intp)


def _strata(
    rank: NDArray[np.intp], taken: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    """(address, stratum, share of the population) of the cells to be written."""
    ends = sorted({max(1, round(edge * len(rank))) for edge in EDGES})
    chosen: list[tuple[Any, int, float]] = []
    for number, (start, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
        size = min(end - start, taken)
        # Evenly spaced in rank: of all that a stratum holds, as much as of its slow end.
        places = start + ((np.arange(size) + 0.5) * (end - start) / size).astype(np.intp)
        chosen.append((rank[places], number, (end - start) / len(rank) / size))
    address = np.concatenate([part for part, _, _ in chosen])
    stratum = np.concatenate([np.full(len(part), number) for part, number, _ in chosen])
    share = np.concatenate([np.full(len(part), each) for part, _, each in chosen])
    return address, stratum, share


def _written(
    population: _Repeated, scheme: Scheme, temperature: float, writes: int
) -> tuple[dict[int, Floats], Floats]:
    """Over `writes` verified RESETs and SETs, of each cell: (number of SET pulses at each word line
    in units of TELLABLE, number of writes that passed).
    """
    settings, count = scheme.settings, len(population)
    index = np.arange(count)
    down, up = (0.0, settings.high_resistance_verify), (settings.low_resistance_verify, np.inf)
    counted: dict[int, Floats] = {}
    passed = np.zeros(count)
    first = np.array(population.writes)
    for number in range(writes):
        population.writes[:] = first + np.uint32(2 * number * LOOP_EVENTS)
        reset, _ = write_loop(population, scheme, index, down, temperature)
        population.writes[:] = first + np.uint32((2 * number + 1) * LOOP_EVENTS)
        done, log = write_loop(population, scheme, index, up, temperature, logging=True)
        passed += done.ok & reset.ok
        rising = log.direction > 0
        gates = np.round(log.gate[rising] / TELLABLE).astype(np.intp)
        pulsed = log.cell[rising]
        for key in np.flatnonzero(np.bincount(gates)):
            counted.setdefault(int(key), np.zeros(count))
            counted[int(key)] += np.bincount(pulsed[gates == key], minlength=count)
    return counted, passed


class _Repeated(Population):
    """Cells at chosen addresses, each `repeats` times: at other events, and so far apart in cycles
    that the slow drift of one repeat tells nothing of the next.
    """

    def __init__(
        self, cell: Cell, address: ArrayLike, repeats: int, seed: int, backend: str
    ) -> None:
        chosen = np.tile(np.asarray(address, np.uint64), repeats)
        super().__init__(cell, len(chosen), seed, backend=backend)
        self._chosen = chosen
        repeat = np.repeat(np.arange(repeats, dtype=np.uint32), len(chosen) // repeats)
        self.writes += repeat * np.uint32(EVENTS)
        if cell.variability is not None:
            longest = cell.variability.drift_shift + STEP_RATIO * (STEPS - 1)
            self.cycles += repeat << np.uint32(longest)
        self.flags |= FORMED
        self.conductance[:] = cell.nominal.high_resistance
        self.set_pulse()

    @property
    def address(self) -> NDArray[np.uint64]:
        """The address of each cell; that of a cell comes once a repeat."""
        return self._chosen

    def addresses(self, at: Any) -> NDArray[np.uint64]:
        return self._chosen[at]
