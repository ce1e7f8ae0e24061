"""Disturb of an array's cells by the reads and writes of others, cell by cell.

Each access puts some voltage across every cell (`bias`); the cell's disturb law turns voltage and
time into the probability that a high-resistance cell has changed. The stress of all accesses adds
as time over life, which is how the law adds it:

    P = 1 - exp(-(sum_k n_k t_k / life(V_k))^shape)

Only voltages of the SET polarity act, and only on cells in their high-resistance state. A read
stresses its own cell too; a write gives its cell a new state, so its own stress is no disturb.
The law is an assumption of the cell's file (`cell.disturb`), and the map carries that label:
`basis` tells the kind and note of each of its numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tantala.array.bias import (
    AnyArray,
    AnyBias,
    Scheme,
    Solving,
    bias_of,
    extrapolated_by,
    full_voltage,
    positions_of,
    solving_of,
)
from tantala.base.errors import InputError, Problem, RangeViolation, raise_if, unknown
from tantala.base.quantity import format_si, to_si
from tantala.cell.cell import Cell

Vector = NDArray[np.float64]
KINDS = ("read", "write")
Accesses = Mapping[tuple[int, int], float] | Sequence[tuple[int, int]] | str


@dataclass(frozen=True)
class DisturbMap:
    """What accesses did to the cells of an array; made by `disturb_map`.

    probability    (N, M)  that a cell, were it in its high-resistance state, has changed
    worst_voltage  (N, M)  V, the largest of the SET polarity that counts for a cell
    accessed       (N, M)  accesses of the cell itself
    basis          a text a number of the law: value, kind, source and note
    extrapolated   ranges that the cells' law or the disturb law leave, by consent
    """

    kind: str
    scheme: AnyBias
    voltage: float
    width: float
    probability: Vector
    worst_voltage: Vector
    accessed: Vector
    basis: tuple[str, ...]
    extrapolated: tuple[str, ...] = ()

    def __repr__(self) -> str:
        row, column = self.worst
        parts = [
            f"{self.probability.shape[0]} x {self.probability.shape[1]} cells",
            f"{self.accessed.sum():g} {self.kind} accesses, {self.scheme.name} at "
            f"{format_si(self.voltage, 'V')} for {format_si(self.width, 's')}",
            f"largest probability {self.probability.max():.3g} at ({row}, {column}), "
            f"{format_si(float(self.worst_voltage[row, column]), 'V')}; assumed law",
        ]
        if self.extrapolated:
            parts.append(f"extrapolated: {'; '.join(self.extrapolated)}")
        return f"DisturbMap({', '.join(parts)})"

    @property
    def worst(self) -> tuple[int, int]:
        """(row, column) of the cell that is likeliest disturbed."""
        row, column = np.unravel_index(np.argmax(self.probability), self.probability.shape)
        return int(row), int(column)

    def expected(self, high: Any) -> float:
        """Expected number of disturbed cells with `high` (N, M), true where high-resistance."""
        return float(self.probability[np.asarray(high, bool)].sum())


def disturb_map(
    array: AnyArray,
    cell: Cell,
    accesses: Accesses,
    voltage: float | str,
    width: float | str,
    kind: str = "write",
    scheme: Scheme = None,
    set_polarity: int = 1,
    extrapolate: bool = False,
    solving: Solving = None,
) -> DisturbMap:
    """Disturb of every cell of `array` after accesses, each of `voltage` for `width`.

    accesses      {(row, column): count}; positions, or "all" or "corners", count once each
    voltage       V or text, of the selected row over the selected column, or of the source over the
                  bit rail
    width         s or text, of one access
    kind          "read" or "write": whether the accessed cell's own stress is disturb
    scheme        of `bias`; "V/2" by default, of gated arrays "single"
    set_polarity  1 where a cell is SET by a positive voltage as above, else -1
    solving       options of `CompiledArray.solve`

    Raises InputError for bad input or a cell without a disturb law, RangeViolation outside the
    range of that law, or of the law of the array's cells, unless `extrapolate`.
    """
    bias, volts = bias_of(scheme, array, "V/2"), full_voltage(voltage)
    if kind not in KINDS:
        raise InputError(unknown("kind of access", str(kind), KINDS))
    seconds = to_si(width, "s", name="width")
    if seconds <= 0.0:
        raise InputError(Problem("an access without width", got=repr(width), allowed="above 0 s"))
    if set_polarity not in (1, -1):
        raise InputError(Problem("no polarity", got=repr(set_polarity), allowed="1 or -1"))
    law = cell.law("disturb")
    solving, beyond = solving_of(array, solving, extrapolate), {}
    counts = _counts(accesses, array.shape)
    consumed, worst = np.zeros(array.shape), np.zeros(array.shape)
    accessed = np.zeros(array.shape)
    for (row, column), count in counts.items():
        answer = bias.solve(array, row, column, volts, solving)
        beyond.update(dict.fromkeys(extrapolated_by(answer)))
        seen = set_polarity * answer.cell_voltages
        if kind == "write":
            seen[row, column] = 0.0
        seen = np.maximum(seen, 0.0)
        np.maximum(worst, seen, out=worst)
        consumed += np.where(seen > 0.0, count * seconds / law.life_at(seen), 0.0)
        accessed[row, column] += count
    problems = cell.outside("disturb", voltage=(float(worst.min()), float(worst.max())))
    if not extrapolate:
        raise_if(problems, RangeViolation)
    beyond.update(dict.fromkeys(problem.what for problem in problems))
    # At its own voltage the law's life is `life`: stress there that consumes as much.
    probability = law.disturbed(law.voltage, law.life * consumed)
    return DisturbMap(
        kind, bias, volts, seconds, probability, worst, accessed, _basis(cell), tuple(beyond)
    )


def _counts(accesses: Accesses, shape: tuple[int, int]) -> dict[tuple[int, int], float]:
    """Accesses of each position, checked."""
    if not isinstance(accesses, Mapping):
        counts: dict[tuple[int, int], float] = {}
        for position in positions_of(accesses, shape):
            counts[position] = counts.get(position, 0.0) + 1.0
        return counts
    places = positions_of(list(accesses), shape)
    numbers = [float(count) for count in accesses.values()]
    for place, number in zip(places, numbers, strict=True):
        if not (np.isfinite(number) and number >= 0.0):
            raise InputError(
                Problem(
                    f"accesses of cell {place} are no count", got=repr(number), allowed="0 or more"
                )
            )
    return dict(zip(places, numbers, strict=True))


def _basis(cell: Cell) -> tuple[str, ...]:
    """Where the numbers of the law come from, one text each."""
    return tuple(
        f"{path} = {number.value:g} {number.unit}, {number.kind} ({number.source}: {number.where})"
        + (f": {number.note}" if number.note else "")
        for path, number in cell.item.numbers.items()
        if path.startswith("disturb.")
    )
