"""Populations of cells: compact state, pulses, cycles, waiting and reading.

The traits of a cell (barrier, compliance, depth) are not stored: they are addressed draws, made
again at each use. What is stored is listed in `Population`; `bytes_per_cell` counts it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tantala.base.errors import InputError, Problem, RangeViolation, raise_if, unknown
from tantala.base.quantity import to_si
from tantala.base.random import seed_words
from tantala.cell import endurance, pulses
from tantala.cell.cell import Cell
from tantala.cell.pulse_inputs import (
    Quantity,
    entries,
    extents,
    line_of,
    non_negative,
    pulse_values,
)
from tantala.cell.write_state import CellState

FORMED = np.uint8(1)
STUCK_LOW = np.uint8(2)
ROOM = "25 degC"
CHUNK = 32_768  # cells a pass: what a pass touches stays in the second-level cache
# Cycles simulated one by one at the end of `cycle`: a failed RESET is remembered by the next SET
# only, so the chance that a cell remembers longer is a power of the failure rate.
REMEMBERED_CYCLES = 4
LARGEST_CONDUCTANCE = 0.1  # S; a cell of 10 ohm: a value in the wrong unit, not a cell
Selection = NDArray[Any] | None


@dataclass(frozen=True)
class PulseOutcome:
    """What one pulse did: energy [J] and whether the state changed, one entry a selected cell."""

    energy: NDArray[np.float32]
    switched: NDArray[np.bool_]


@dataclass(frozen=True)
class CycleOutcome:
    """The last cycle: conductance after RESET and after SET [S], and its energy [J] a cell."""

    high_resistance: NDArray[np.float32]
    low_resistance: NDArray[np.float32]
    energy: NDArray[np.float32]


class Population:
    """Cells with addresses first_address ... first_address + len - 1 of one seed.

    conductance       float32, S, now, without read noise
    written           float32, S, right after the last write
    age               float32, s at 25 degC since the last write (see `relaxation.aged`)
    writes            uint32, event number: pulses and placements so far
    reads             int, reads with noise so far, the event number of their draws
    cycles            uint32, SET pulses so far: the abscissa of the slow drift and of wear
    damage            float32, used endurance in units of the characteristic life
    flags             uint8, FORMED | STUCK_LOW
    """

    def __init__(
        self, cell: Cell, count: int, seed: int, first_address: int = 0, backend: str = "numba"
    ) -> None:
        problems = []
        for name, value, low in (("count", count, 1), ("first_address", first_address, 0)):
            whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
            if not whole or not low <= value < 2**48:
                allowed = f"a whole number, {low} to 2**48-1"
                problems.append(Problem(f"bad {name}", got=repr(value), allowed=allowed))
        if backend not in pulses.SET:
            problems.append(unknown("backend", backend, pulses.SET))
        raise_if(problems)
        self.cell = cell
        self.seed = seed
        self.key = seed_words(seed)
        self.first_address = int(first_address)
        self.backend = backend
        self.extrapolated: set[str] = set()
        # A cell without a forming law has no state of its own before forming: an open gap.
        unformed = cell.nominal.high_resistance
        pristine = cell.forming.pristine_conductance if cell.forming else unformed
        self.conductance = np.full(count, pristine, np.float32)
        self.written = self.conductance.copy()
        self.age = np.zeros(count, np.float32)
        self.writes = np.zeros(count, np.uint32)
        self.reads = 0
        self.cycles = np.zeros(count, np.uint32)
        self.damage = np.zeros(count, np.float32)
        self.flags = np.zeros(count, np.uint8)

    @classmethod
    def sample(
        cls, cell: Cell, count: int, seed: int, first_address: int = 0, backend: str = "numba"
    ) -> Population:
        """Formed cells in the low-resistance state, right after the cell's nominal SET."""
        population = cls(cell, count, seed, first_address, backend)
        population.flags |= FORMED
        population.conductance[:] = cell.nominal.high_resistance
        if cell.set is None:
            population.conductance[:] = cell.nominal.low_resistance
            population.written_at(slice(None))
        else:
            population.set_pulse()
        return population

    @property
    def now(self) -> Any:
        """What `age` says of a cell just written."""
        return np.float32(0.0)

    def copy(self) -> Population:
        """Another population in the same state: what happens to one does not touch the other."""
        other = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, (np.ndarray, set)):
                setattr(other, name, value.copy())
        return other

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

    def select(self, where: Selection) -> NDArray[np.intp]:
        """Positions of the selected cells: all, a boolean mask, or positions as given."""
        if where is None:
            return np.arange(len(self))
        chosen = np.asarray(where)
        if chosen.dtype == np.bool_ and chosen.shape == (len(self),):
            return np.flatnonzero(chosen)
        whole = chosen.dtype.kind in "iu" and chosen.ndim == 1
        if whole and (not len(chosen) or (chosen.min() >= 0 and chosen.max() < len(self))):
            return chosen.astype(np.intp, copy=False)
        raise InputError(
            Problem(
                "where selects no cells",
                got=f"{chosen.dtype} array of shape {chosen.shape}",
                allowed=f"a boolean mask of {len(self)} cells, or positions below {len(self)}",
            )
        )

    def written_at(self, index: Any) -> None:
        """Start the clocks of the cells at `index` (positions or a slice) after a write."""
        self.written[index] = self.conductance[index]
        self.age[index] = self.now
        self.writes[index] += np.uint32(1)

    def set_pulse(
        self,
        bitline: Quantity | ArrayLike | None = None,
        wordline: Quantity | ArrayLike | None = None,
        width: Quantity | ArrayLike | None = None,
        temperature: Quantity = ROOM,
        where: Selection = None,
        extrapolate: bool = False,
    ) -> PulseOutcome:
        """One SET pulse on the selected cells, nominal where not given.

        Voltages in V and width in s, one or one a selected cell.
        Raises InputError for values that are no pulse, RangeViolation outside the law's range.
        """
        nominal = self.cell.nominal
        given = {
            "bitline": nominal.set_bitline if bitline is None else bitline,
            "wordline": nominal.set_wordline if wordline is None else wordline,
            "pulse_width": nominal.set_width if width is None else width,
        }
        return self._pulse("set", given, temperature, where, extrapolate)

    def reset_pulse(
        self,
        sourceline: Quantity | ArrayLike | None = None,
        wordline: Quantity | ArrayLike | None = None,
        width: Quantity | ArrayLike | None = None,
        temperature: Quantity = ROOM,
        where: Selection = None,
        extrapolate: bool = False,
    ) -> PulseOutcome:
        """One RESET pulse on the selected cells, nominal where not given; as `set_pulse`."""
        nominal = self.cell.nominal
        given = {
            "sourceline": nominal.reset_sourceline if sourceline is None else sourceline,
            "wordline": nominal.reset_wordline if wordline is None else wordline,
            "pulse_width": nominal.reset_width if width is None else width,
        }
        return self._pulse("reset", given, temperature, where, extrapolate)

    def _pulse(
        self, law: str, given: dict[str, Any], temperature: Quantity, where: Selection, beyond: bool
    ) -> PulseOutcome:
        self.cell.law(law)
        positions = None if where is None else self.select(where)
        count = len(self) if positions is None else len(positions)
        kelvin = to_si(temperature, "K", name="temperature")
        values = pulse_values(given, count, kelvin)
        self.check(law, beyond, temperature=(kelvin, kelvin), **extents(values))
        driven = next(iter(values.values()))
        if driven.ndim == 0 and driven == 0.0:
            # The laws are of driven cells: without a voltage there is no pulse, and no write.
            return PulseOutcome(np.zeros(count, np.float32), np.zeros(count, np.bool_))
        energy = np.empty(count, np.float32)
        switched = np.empty(count, np.bool_)
        kernel = (pulses.SET if law == "set" else pulses.RESET)[self.backend]
        unmovable = np.uint8(0) if law == "set" else STUCK_LOW
        lines = [line_of(value, min(count, CHUNK)) for value in values.values()]
        for chunk, at in self._chunks(positions):
            cells = pulses.Cells(
                np.ascontiguousarray(self.conductance[at]),
                self.addresses(at),
                np.ascontiguousarray(self.writes[at]),
                np.ascontiguousarray(self.cycles[at]),
                (self.flags[at] & (FORMED | unmovable)) == FORMED,
            )
            length = chunk.stop - chunk.start
            parts = [line[:length] if len(line) <= CHUNK else line[chunk] for line in lines]
            pulse = pulses.Pulse(parts[0], parts[1], parts[2], kelvin)
            energy[chunk], switched[chunk] = kernel(self.cell, self.seed, cells, pulse)
            if positions is not None:
                self.conductance[at] = cells.conductance
            if law == "set":
                self.cycles[at] += np.uint32(1)
                gate = values["wordline"] if values["wordline"].ndim == 0 else parts[1]
                self._wear(at, cells.address, gate)
            self.written_at(at)
        return PulseOutcome(energy, switched)

    def _chunks(self, positions: NDArray[np.intp] | None) -> Iterator[tuple[slice, Any]]:
        """(slice of the selection, index into the arrays) of each pass."""
        count = len(self) if positions is None else len(positions)
        for start in range(0, count, CHUNK):
            chunk = slice(start, min(start + CHUNK, count))
            yield chunk, chunk if positions is None else positions[chunk]

    def addresses(self, at: Any) -> NDArray[np.uint64]:
        """Addresses of the cells at positions or a slice."""
        first = self.first_address
        if isinstance(at, slice):
            return np.arange(first + at.start, first + at.stop, dtype=np.uint64)
        return at.astype(np.uint64) + np.uint64(first)

    def _wear(
        self, at: Any, address: NDArray[np.uint64], wordline: ArrayLike, count: int = 1
    ) -> None:
        """Use up life by `count` SET pulses at `wordline` [V], and mark cells that end stuck.

        `address` are the addresses of the cells `at`.
        """
        law = self.cell.endurance
        if law is None:
            return
        used = np.full(len(address), count / law.characteristic_life(wordline))
        damage, flags = self.damage[at], self.flags[at]
        low, high = (np.uint32(word) for word in self.key)
        endurance.use_up(damage, flags, address, self.writes[at], used, law.life_shape, low, high)
        if not isinstance(at, slice):  # copies
            self.damage[at], self.flags[at] = damage, flags

    def state(self) -> CellState:
        """The arrays themselves, for kernels."""
        return CellState(
            self.conductance,
            self.written,
            self.age,
            self.writes,
            self.cycles,
            self.damage,
            self.flags,
        )

    def check(self, law: str, extrapolate: bool, **conditions: tuple[float, float]) -> None:
        """Raise RangeViolation outside the range of `law`, or note it in `extrapolated`."""
        problems = self.cell.outside(law, **conditions)
        if problems and not extrapolate:
            raise RangeViolation(problems)
        self.extrapolated.update(f"{law}: {problem.what}" for problem in problems)

    def forming_voltage(self, width: Quantity | None = None) -> NDArray[np.float64]:
        """The bit-line voltage [V] that forms each cell, in pulses of `width` (the law's own)."""
        law = self.cell.law("forming")
        return law.voltages(
            self.seed, self.address, law.width if width is None else to_si(width, "s", name="width")
        )

    def form(
        self,
        bitline: Quantity,
        wordline: Quantity,
        width: Quantity,
        temperature: Quantity = ROOM,
        extrapolate: bool = False,
    ) -> NDArray[np.bool_]:
        """One forming pulse on all cells; returns which cells are formed now."""
        law = self.cell.law("forming")
        volts, seconds = to_si(bitline, "V"), to_si(width, "s", name="width")
        self.check("forming", extrapolate, bitline=(volts, volts), pulse_width=(seconds, seconds))
        formed_before = self.flags & FORMED
        forms = law.voltages(self.seed, self.address, seconds) <= volts
        new = np.flatnonzero(forms & (formed_before == 0))
        self.flags[new] |= FORMED
        if len(new):
            self.set_pulse(volts, wordline, seconds, temperature, where=new, extrapolate=True)
        return (self.flags & FORMED) != 0

    def place(self, conductance: ArrayLike, where: Selection = None) -> None:
        """Put cells at `conductance` (S, one or one a selected cell), as if written and verified.

        Raises InputError unless every value is positive and a conductance of a cell.
        """
        positions = None if where is None else self.select(where)
        index = slice(None) if positions is None else positions
        count = len(self) if positions is None else len(positions)
        values = entries(conductance, "S", "conductance", count)
        bad = ~((values > 0.0) & (values <= LARGEST_CONDUCTANCE))
        if bad.any():
            raise InputError(
                Problem(
                    "a conductance that no cell has",
                    got=f"{np.atleast_1d(values)[np.atleast_1d(bad)][0]:g} S"
                    f" ({int(bad.sum())} of {values.size} values)",
                    allowed=f"above 0 to {LARGEST_CONDUCTANCE:g} S",
                    hint="conductances in S, 100e-6 or '100 uS'",
                )
            )
        self.conductance[index] = values
        self.written_at(index)

    def cycle(
        self,
        count: int = 1,
        *,
        set_bitline: Quantity | None = None,
        set_wordline: Quantity | None = None,
        set_width: Quantity | None = None,
        reset_sourceline: Quantity | None = None,
        reset_wordline: Quantity | None = None,
        reset_width: Quantity | None = None,
        temperature: Quantity = ROOM,
        extrapolate: bool = False,
    ) -> CycleOutcome:
        """`count` full cycles, RESET then SET, nominal where not given; ends in the low state.

        A million cycles cost as much as a few: all draws are addressed by the cycle, so only the
        last REMEMBERED_CYCLES are simulated, after the counters and the wear have been advanced.
        """
        if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 1:
            raise InputError(Problem("bad count of cycles", got=repr(count), allowed="1 or more"))
        if int(self.cycles.max()) + count >= 2**31:
            raise InputError(Problem("too many cycles", got=str(count), allowed="below 2**31"))
        self.check("endurance", extrapolate, cycles=(1.0, float(count)))
        nominal = self.cell.nominal
        gate = nominal.set_wordline if set_wordline is None else to_si(set_wordline, "V")
        skipped = count - min(count, REMEMBERED_CYCLES)
        if skipped:
            self.cycles += np.uint32(skipped)
            self.writes += np.uint32(2 * skipped)
            for _, at in self._chunks(None):
                self._wear(at, self.addresses(at), gate, skipped)
        high = self.conductance
        energy = np.zeros(len(self), np.float32)
        for _ in range(count - skipped):
            reset = self.reset_pulse(
                reset_sourceline, reset_wordline, reset_width, temperature, None, extrapolate
            )
            high = self.conductance.copy()
            done = self.set_pulse(set_bitline, gate, set_width, temperature, None, extrapolate)
            energy = reset.energy + done.energy
        return CycleOutcome(high, self.conductance.copy(), energy)

    def wait(self, time: Quantity, temperature: Quantity = ROOM, extrapolate: bool = False) -> None:
        """Relaxation and retention for `time` at `temperature`."""
        from tantala.cell import retention

        seconds = non_negative(time, "s", "time")
        kelvin = to_si(temperature, "K", name="temperature")
        retention.age(self, seconds, kelvin, extrapolate)

    def read(
        self,
        voltage: Quantity | None = None,
        noise: bool = True,
        where: Selection = None,
        extrapolate: bool = False,
    ) -> NDArray[np.float32]:
        """Read current [A], one a selected cell; `noise=False` for the mean current.

        A cell whose file gives no noise law reads without noise. Raises RangeViolation for a
        voltage at which no current was measured, unless `extrapolate`.
        """
        volts = self.cell.nominal.read_voltage if voltage is None else voltage
        volts = non_negative(volts, "V", "read voltage")
        self.check("conduction", extrapolate, voltage=(volts, volts))
        index = self.select(where)
        if noise and self.cell.noise is not None:
            from tantala.cell.noise import read_current

            return read_current(self, volts, index)
        law = self.cell.law("conduction")
        return law.current(self.conductance[index], volts).astype(np.float32)

    def write_verify(
        self, low: ArrayLike | str, high: ArrayLike | str, scheme: Any = "ispp", **options: Any
    ) -> Any:
        """Write cells into the window low ... high; see `tantala.cell.write_verify`."""
        from tantala.cell.write_verify import write_verify

        return write_verify(self, low, high, scheme, **options)
