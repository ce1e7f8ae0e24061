"""The cells of a die: a population that is born and grows older where it is touched.

Nothing of a cell is known before somebody looks at it, and all its draws are addressed, so a block
of words is formed, written and tested at its first use as well as at the factory. Likewise a wait
only moves clocks: a block is aged, from what each cell was last written to, when it is next used.

Cells written between two waits have one age. So a cell keeps the number of its epoch, two bytes,
and the age of each epoch stands in one table.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tantala.cell import Cell
from tantala.cell.ageing import ageing_of
from tantala.cell.ageing_kernel import grown_older, tables_of
from tantala.cell.population import FORMED, Population
from tantala.cell.retention import check_front

MOST_EPOCHS = 60_000
MERGED_EPOCHS = 4096


class DieCells(Population):
    """A population of `count` cells in which `age` holds epochs, uint16.

    `ages`: s at 25 degC of each epoch so far. `aged` (blocks,): epoch up to which the conductances
    of a block of `block` cells are true.
    """

    def __init__(self, cell: Cell, count: int, seed: int, block: int) -> None:
        super().__init__(cell, 1, seed)
        # Zeros take no memory before they are written.
        for name in ("conductance", "written", "writes", "cycles", "damage", "flags"):
            setattr(self, name, np.zeros(count, getattr(self, name).dtype))
        self.age = np.zeros(count, np.uint16)
        self.ages: NDArray[np.float32] = np.zeros(1, np.float32)
        self.block = block
        self.aged = np.zeros(-(-count // block), np.uint16)

    @property
    def now(self) -> Any:
        """The epoch of a cell written now."""
        return np.uint16(len(self.ages) - 1)

    def bring_up(self, first: int, last: int) -> None:
        """Form the cells first ... last - 1, and SET them once."""
        at = np.arange(first, last)
        self.flags[first:last] |= FORMED
        self.conductance[first:last] = self.cell.nominal.high_resistance
        self.set_pulse(where=at)

    def elapse(self, seconds: float, kelvin: float, extrapolate: bool) -> None:
        """Let all cells stand. Raises RangeViolation beyond the law unless `extrapolate`."""
        law = ageing_of(self.cell)
        later = grown_older(self.ages, seconds, kelvin, law.relaxation.attempt_rate)
        check_front(law, float(later.max()), seconds, kelvin, extrapolate, self)
        self.ages = np.append(later, np.float32(0.0))
        if len(self.ages) > MOST_EPOCHS:
            self._merge()

    def disturb(self, at: NDArray[np.intp]) -> None:
        """Let these cells fall into the low-resistance state, as if written to it."""
        low = np.float32(self.cell.nominal.low_resistance)
        self.conductance[at] = self.written[at] = low
        self.writes[at] += np.uint32(1)
        self.age[at] = self.now

    def refresh(self, blocks: NDArray[np.intp]) -> None:
        """Make the conductances of these blocks, in rising order, true."""
        tables = tables_of(ageing_of(self.cell))
        old = blocks[self.aged[blocks] != self.now]
        # Neighbours together: each call waits for all cores once, which are busy elsewhere too.
        runs = np.split(old, np.flatnonzero(np.diff(old) > 1) + 1) if len(old) else []
        for run in runs:
            part = slice(run[0] * self.block, min((run[-1] + 1) * self.block, len(self)))
            tables.age(
                self.conductance[part],
                self.written[part],
                self.ages[self.age[part]],
                self.writes[part],
                part.start,
                self.seed,
            )
            self.aged[run] = self.now

    def _merge(self) -> None:
        """Epochs of nearly one age become one; their front is a logarithm of the age."""
        edges = np.geomspace(1e-9, max(float(self.ages.max()), 1e-6), MERGED_EPOCHS)
        groups, first, to = np.unique(
            np.searchsorted(edges, self.ages), return_index=True, return_inverse=True
        )
        # In order of time: the youngest epoch, of age 0, is the last.
        order = np.arange(len(groups))[::-1].astype(np.uint16)
        self.age = order[to][self.age]
        self.aged = order[to][self.aged]
        self.ages = self.ages[first][::-1].copy()
