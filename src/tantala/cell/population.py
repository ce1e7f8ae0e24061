"""Populations of cells: compact state, pulses, cycles, waiting and reading.

State (33 bytes a cell), one contiguous array each. The traits of a cell (barrier, compliance,
depth) are not stored: they are addressed draws, made again at each use.

How laws plug in (skeleton; the bodies follow):
    pulses        `switching`, `forming`, `endurance`
    wait          `retention.age(population, seconds, kelvin)`: relaxation and retention in one
                  pass; reads `written` and both clocks, writes `conductance` and the clocks
    read          `noise.read_current(population, volts, index, noise) -> A`
    write_verify  `write_verify.write_verify(population, low, high, scheme, **options)`
Every write ends with `written_at(index)`: written = conductance, clocks 0, writes + 1. `writes` is
the event number of all draws that belong to the present write (relaxation, read noise ...).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tantala.base.errors import InputError, Problem
from tantala.base.random import seed_words
from tantala.cell.cell import Cell

FORMED = np.uint8(1)
STUCK_LOW = np.uint8(2)
ROOM = "25 degC"
Quantity = float | str
Selection = NDArray[Any] | None


@dataclass(frozen=True)
class PulseOutcome:
    """What one pulse did: energy [J] and whether the state changed, one entry a selected cell."""

    energy: NDArray[np.float32]
    switched: NDArray[np.bool_]


class Population:
    """Cells with addresses first_address ... first_address + len - 1 of one seed.

    conductance       float32, S, now, without read noise
    written           float32, S, right after the last write
    relaxation_clock  float32, s, since the last write as relaxation counts it
    retention_clock   float32, s, since the last write as retention counts it
    writes            uint32, event number: pulses and placements so far
    cycles            uint32, completed SET events (the abscissa of the slow drift)
    damage            float64, consumed endurance in units of the characteristic life
    flags             uint8, FORMED | STUCK_LOW
    """

    def __init__(self, cell: Cell, count: int, seed: int, first_address: int = 0) -> None:
        problems = []
        for name, value, low in (("count", count, 1), ("first_address", first_address, 0)):
            whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
            if not whole or not low <= value < 2**48:
                allowed = f"a whole number, {low} to 2**48-1"
                problems.append(Problem(f"bad {name}", got=repr(value), allowed=allowed))
        if problems:
            raise InputError(problems)
        self.cell = cell
        self.seed = seed
        self.key = seed_words(seed)
        self.first_address = int(first_address)
        self.extrapolated: set[str] = set()
        self.conductance = np.zeros(count, np.float32)
        self.written = np.zeros(count, np.float32)
        self.relaxation_clock = np.zeros(count, np.float32)
        self.retention_clock = np.zeros(count, np.float32)
        self.writes = np.zeros(count, np.uint32)
        self.cycles = np.zeros(count, np.uint32)
        self.damage = np.zeros(count, np.float64)
        self.flags = np.zeros(count, np.uint8)

    def __len__(self) -> int:
        return len(self.conductance)

    @property
    def address(self) -> NDArray[np.uint64]:
        """The address of each cell, the random streams' first coordinate."""
        return np.arange(len(self), dtype=np.uint64) + np.uint64(self.first_address)

    @property
    def bytes_per_cell(self) -> int:
        """Bytes of state a cell."""
        return sum(a.itemsize for a in vars(self).values() if isinstance(a, np.ndarray))

    @classmethod
    def sample(cls, cell: Cell, count: int, seed: int, first_address: int = 0) -> Population:
        """Formed cells in the low-resistance state, right after the cell's nominal SET."""
        population = cls(cell, count, seed, first_address)
        population.flags |= FORMED
        population.conductance[:] = cell.nominal.high_resistance
        nominal = cell.nominal
        population.set_pulse(nominal.set_bitline, nominal.set_wordline, nominal.set_width)
        return population

    def select(self, where: Selection) -> NDArray[np.intp]:
        """Positions of the selected cells: all, a boolean mask, or positions as given."""
        if where is None:
            return np.arange(len(self))
        chosen = np.asarray(where)
        if chosen.dtype == np.bool_ and chosen.shape == (len(self),):
            return np.flatnonzero(chosen)
        if chosen.dtype.kind in "iu" and chosen.ndim == 1:
            return chosen
        raise InputError(
            Problem(
                "where selects no cells",
                got=f"{chosen.dtype} array of shape {chosen.shape}",
                allowed=f"a boolean mask of {len(self)} cells, or positions",
            )
        )

    def written_at(self, index: Any) -> None:
        """Start the clocks of the cells at `index` (positions or a slice) after a write."""
        self.written[index] = self.conductance[index]
        self.relaxation_clock[index] = 0.0
        self.retention_clock[index] = 0.0
        self.writes[index] += np.uint32(1)

    def set_pulse(
        self,
        bitline: Quantity | ArrayLike,
        wordline: Quantity | ArrayLike,
        width: Quantity | ArrayLike,
        temperature: Quantity = ROOM,
        where: Selection = None,
        extrapolate: bool = False,
    ) -> PulseOutcome:
        """One SET pulse on the selected cells; voltages in V and width in s, one or one a cell."""
        raise NotImplementedError

    def reset_pulse(
        self,
        sourceline: Quantity | ArrayLike,
        wordline: Quantity | ArrayLike,
        width: Quantity | ArrayLike,
        temperature: Quantity = ROOM,
        where: Selection = None,
        extrapolate: bool = False,
    ) -> PulseOutcome:
        """One RESET pulse on the selected cells; voltages in V, width in s, one or one a cell."""
        raise NotImplementedError

    def place(self, conductance: ArrayLike, where: Selection = None) -> None:
        """Put cells at `conductance` (S, one or one a cell), as if just written and verified."""
        raise NotImplementedError

    def cycle(self, count: int, extrapolate: bool = False, **pulses: Any) -> None:
        """`count` full RESET + SET cycles, at the nominal pulses unless given; ends in the LRS."""
        raise NotImplementedError

    def wait(self, time: Quantity, temperature: Quantity = ROOM, extrapolate: bool = False) -> None:
        """Relaxation and retention for `time` at `temperature`."""
        raise NotImplementedError

    def read(
        self, voltage: Quantity | None = None, noise: bool = True, where: Selection = None
    ) -> NDArray[np.float32]:
        """Read current [A], one a selected cell."""
        raise NotImplementedError

    def write_verify(self, low: ArrayLike, high: ArrayLike, scheme: str = "ispp", **options: Any):
        """Write cells into the windows low ... high (S); see `tantala.cell.write_verify`."""
        raise NotImplementedError
