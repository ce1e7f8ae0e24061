"""Read margin of sampled arrays: the sensed currents of many arrays drawn from a cell's levels.

Every cell of every array is drawn from the cell's own level (`cell.levels`, with age, cycles and
the noise of one read), under data of independent bits; the selected cell is read in both states. A
draw is a function of (seed, cell address, array), so that arrays 0 to 99 are the same whether they
are solved together or apart, and whatever else is read of them.

Reads of one position in different arrays are independent; those of different positions of one array
are not, so every interval is of one position. Quantiles have intervals from order statistics and
misread shares from Clopper and Pearson, both exact in binomial probabilities and free of any
assumed distribution. Nothing is said beyond what the number of arrays can show: without a misread
among n arrays the share's upper limit is about 3.7 / n at 95 %.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tantala.array.bias import (
    AnyArray,
    AnyBias,
    Positions,
    Scheme,
    Solving,
    bias_of,
    extrapolated_by,
    full_voltage,
    positions_of,
    solving_of,
)
from tantala.array.pattern import PATTERNS, pattern, random_data
from tantala.base.errors import InputError, Problem, raise_if, unknown
from tantala.base.quantity import format_si
from tantala.base.quantity_table import format_span
from tantala.base.random import TWO_TO_MINUS_32, purpose, words
from tantala.cell.cell import Cell

if TYPE_CHECKING:
    import polars as pl

Vector = NDArray[np.float64]
CONDUCTANCE = purpose("array.conductance")
SELECTED = purpose("array.selected")
STATES = ("low", "high")
RANDOM = "random"


@dataclass(frozen=True)
class Quantile:
    """A quantile of a sensed current, A, with the limits of its interval.

    A limit is None where so few arrays cannot give it: the interval is open on that side.
    """

    value: float
    lowest: float | None
    highest: float | None


@dataclass(frozen=True)
class Share:
    """Misread among all: the share and the limits of its interval."""

    misread: int
    arrays: int
    lowest: float
    highest: float

    @property
    def value(self) -> float:
        """Misread over all."""
        return self.misread / self.arrays


@dataclass(frozen=True)
class ReadStatistics:
    """Sensed currents of sampled arrays; made by `read_statistics`.

    positions      (P, 2)       row and column of the selected cells
    low_current    (arrays, P)  A, selected cell in its low-resistance state
    high_current   (arrays, P)  A, selected cell in its high-resistance state
    residual       largest relative residual of the solutions
    extrapolated   ranges of the law of the array's cells that the reads leave, by consent
    """

    scheme: AnyBias
    voltage: float
    positions: NDArray[np.int64]
    low_current: Vector
    high_current: Vector
    residual: float
    extrapolated: tuple[str, ...] = ()

    def __repr__(self) -> str:
        arrays, positions = self.low_current.shape
        parts = [
            f"{arrays} arrays x {positions} positions",
            f"low {format_span(self.low_current, 'A')}",
            f"high {format_span(self.high_current, 'A')}",
            f"{self.scheme.name} at {format_si(self.voltage, 'V')}",
            f"residual {self.residual:.1e}",
        ]
        if self.extrapolated:
            parts.append(f"extrapolated: {'; '.join(self.extrapolated)}")
        return f"ReadStatistics({', '.join(parts)})"

    def currents(self, state: str, position: int) -> Vector:
        """Currents (arrays,) of one position with the cell in `state` ("low" or "high")."""
        if state not in STATES:
            raise InputError(unknown("state", state, STATES))
        return (self.low_current if state == "low" else self.high_current)[:, position]

    def quantile(
        self, state: str, share: float, position: int = 0, confidence: float = 0.95
    ) -> Quantile:
        """The current that a `share` of the arrays undercuts, with its interval."""
        _check(share, "share")
        _check(confidence, "confidence")
        ranked = np.sort(self.currents(state, position))
        n, tail = ranked.size, 0.5 * (1.0 - confidence)
        from scipy.stats import binom  # takes longer to import than a read to solve

        # Order statistic r is below the quantile with probability P(binomial >= r).
        low = int(binom.ppf(tail, n, share))
        high = int(binom.ppf(1.0 - tail, n, share)) + 1
        return Quantile(
            float(np.quantile(ranked, share)),
            float(ranked[low - 1]) if low >= 1 else None,
            float(ranked[high - 1]) if high <= n else None,
        )

    def misread(
        self, state: str, reference: float, position: int = 0, confidence: float = 0.95
    ) -> Share:
        """Reads of `state` on the wrong side of a `reference` current [A], with their interval."""
        from scipy.special import betaincinv  # as above: memory that a solution does not need

        _check(confidence, "confidence")
        currents = self.currents(state, position)
        wrong = currents <= reference if state == "low" else currents >= reference
        k, n, tail = int(wrong.sum()), currents.size, 0.5 * (1.0 - confidence)
        return Share(
            k,
            n,
            float(betaincinv(k, n - k + 1, tail)) if k else 0.0,
            float(betaincinv(k + 1, n - k, 1.0 - tail)) if k < n else 1.0,
        )

    def margin(self, share: float = 0.01) -> float:
        """Margin that all but a `share` of the reads of either state keep, A.

        One reference for all positions: the lowest `share` quantile of their low-resistance
        currents, less the highest 1 - `share` quantile of the others.
        """
        _check(share, "share")
        low = np.quantile(self.low_current, share, axis=0).min()
        return float(low - np.quantile(self.high_current, 1.0 - share, axis=0).max())

    def table(self, shares: Any = (0.01, 0.5, 0.99), confidence: float = 0.95) -> pl.DataFrame:
        """One row a position, state and quantile, with its interval."""
        import polars as pl

        rows = []
        for place, (row, column) in enumerate(self.positions):
            for state in STATES:
                for share in shares:
                    found = self.quantile(state, share, place, confidence)
                    rows.append(
                        (row, column, state, share, found.value, found.lowest, found.highest)
                    )
        names = ("row", "column", "state", "share", "current_A", "lowest_A", "highest_A")
        return pl.DataFrame(rows, schema=list(names), orient="row")


def read_statistics(
    array: AnyArray,
    cell: Cell,
    arrays: int,
    seed: int,
    voltage: float | str | None = None,
    scheme: Scheme = None,
    positions: Positions = "corners",
    data: str = RANDOM,
    first_array: int = 0,
    extrapolate: bool = False,
    solving: Solving = None,
    **conditions: Any,
) -> ReadStatistics:
    """Reads of `arrays` arrays whose cells are drawn from the levels of `cell`.

    The array gives wires, ends and size; its own conductances are not used.

    voltage      V or text; the cell's nominal read voltage if not given
    scheme       of `bias`; "grounded" by default, of gated arrays "single"
    data         of the other cells: "random", or a name of `pattern.PATTERNS`
    first_array  number of the first array, for chunks of one population
    extrapolate  go on outside the range of the laws of the array's cells and of the levels; the
                 result then tells those of the array's cells
    solving      options of `CompiledArray.solve`
    conditions   of `cell.levels`: time, temperature, cycles, ...; its scheme as `write_scheme`.
                 Noise of one read is in every cell's draw unless sensed=False.

    Raises InputError for bad input, RangeViolation outside the range of the laws unless
    `extrapolate`.
    """
    problems: list[Problem] = []
    for name, count, least in (("arrays", arrays, 1), ("first_array", first_array, 0)):
        if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < least:
            problems.append(Problem(f"bad {name}", got=repr(count), allowed=f"{least} or more"))
    if data not in PATTERNS:
        problems.append(unknown("data pattern", data, PATTERNS))
    raise_if(problems)
    bias = bias_of(scheme, array, "grounded")
    volts = full_voltage(cell.nominal.read_voltage if voltage is None else voltage)
    places = positions_of(positions, array.shape)
    if "write_scheme" in conditions:
        conditions["scheme"] = conditions.pop("write_scheme")
    levels = [cell.levels(state, extrapolate=extrapolate, **conditions) for state in STATES]
    solving, beyond = solving_of(array, solving, extrapolate), {}
    currents, residual = np.empty((2, arrays, len(places))), 0.0
    for k in range(arrays):
        scores = _uniform(seed, CONDUCTANCE, array.shape, first_array + k)
        own = _uniform(seed, SELECTED, array.shape, first_array + k)
        both = np.stack([level.quantile(scores) for level in levels])
        for p, (row, column) in enumerate(places):
            if data == RANDOM:
                mask = random_data(array.shape, seed, first_array + k)
            else:
                mask = pattern(data, array.shape, row, column, True, seed)
            conductance = np.where(mask, both[0], both[1])
            for side, level in enumerate(levels):
                conductance[row, column] = level.quantile(own[row, column])
                filled = replace(array, conductance=conductance.copy())
                answer = bias.solve(filled, row, column, volts, solving)
                currents[side, k, p] = np.sign(volts) * answer.currents[column]
                residual = max(residual, float(np.max(answer.residual)))
                beyond.update(dict.fromkeys(extrapolated_by(answer)))
    return ReadStatistics(
        bias, volts, np.array(places), currents[0], currents[1], residual, tuple(beyond)
    )


def _uniform(seed: int, stream: int, shape: tuple[int, int], array: int) -> Vector:
    """One number in (0, 1) a cell of an array, addressed by its place in the array."""
    word = words(seed, stream, np.arange(shape[0] * shape[1]), array)[0]
    return ((word + 0.5) * TWO_TO_MINUS_32).reshape(shape)


def _check(share: float, name: str) -> None:
    if not 0.0 < share < 1.0:
        raise InputError(
            Problem(f"{name} out of range", got=repr(share), allowed="more than 0, less than 1")
        )
