"""One particular die: its cells, its sense amplifiers, its factory test."""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from tantala.base.random import normal, purpose
from tantala.cell import load_cell
from tantala.cell.noise import LARGEST_DRAW, NoiseConstants, noise_constants
from tantala.cell.write_loop import constants_of
from tantala.cell.write_scheme import Scheme, landing_wordline
from tantala.chip import kernels
from tantala.chip.cells import DieCells
from tantala.chip.read_stress import ReadStress
from tantala.chip.specification import Specification
from tantala.circuit.ecc import Code, make_code

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint64]
Places = NDArray[np.int64]
BLOCK = 512  # words that are born and grow older together
FIRST_READ = 1 << 20  # event numbers below are those of the factory
OFFSET = purpose("chip.amplifier.offset")
EITHER = -1  # bits of either value


@dataclass(frozen=True)
class Sensed:
    """Words as read: data (w, bytes), check bits (w,), syndromes (w,)."""

    data: Bytes
    check: Words
    syndrome: Words


@dataclass(frozen=True)
class Programmed:
    """What writing words took, (w,) each: s, J, pulses of cells, rounds of pulses, and cells that
    did not pass their verify.
    """

    time: NDArray[np.float64]
    energy: NDArray[np.float64]
    pulses: NDArray[np.int64]
    rounds: NDArray[np.int64]
    failed: NDArray[np.int64]


class Die:
    """The cells of a specification. One seed is one die, whatever the order of its use.

    `places` number the words on the die: groups of `set_words` data words and `set_spares` spares.
    """

    def __init__(self, specification: Specification, seed: int, words: int) -> None:
        """`words`: data words, those of the controller's own included."""
        self.specification = specification
        self.groups = specification.groups(words)
        design = specification.design
        self.cell = load_cell(design.cell)
        self.code: Code | None = make_code(design.correction.code, design.word)
        self.k = design.word
        self.n = self.k if self.code is None else self.code.n
        self.bytes = (self.k + 7) // 8
        self.group = specification.set_words + specification.set_spares
        self.words = self.groups * self.group
        self.cells = DieCells(self.cell, self.words * self.n, seed, BLOCK * self.n)
        self.cells.reads = FIRST_READ
        self.born = np.zeros(len(self.cells.aged), np.bool_)
        self.bad = np.zeros(self.words, np.bool_)
        self.stress = ReadStress(
            self.words,
            self.n,
            self.cell.disturb,
            specification.sensing.voltage,
            specification.read_time,
        )
        self.scheme = Scheme.of(self.cell, design.write.scheme)
        self._tables = (
            np.zeros((self.bytes, 256), np.uint64) if self.code is None else self.code.tables
        )
        self._amplifiers = self._drawn(seed)
        self._windows = self._verified()
        directions = specification.set, specification.reset
        self._costs = [kernels.Costs(*astuple(direction)) for direction in directions]
        self._constants = constants_of(self.cells, self.scheme, specification.temperature)

    def _drawn(self, seed: int) -> kernels.Amplifiers:
        """The amplifiers of this die: offsets are traits."""
        sensing, sets = self.specification.sensing, self.groups
        offset = normal(seed, OFFSET, np.arange(sets * self.n, dtype=np.uint64), 0)
        low, high = (edge.reshape(sets, self.n) for edge in sensing.thresholds(offset))
        law, key = self.cell.noise, self.cells.key
        deepest, highest = float(high.min()), float(low.max())
        silent = NoiseConstants._make(np.float32(value) for value in (0.0, 0.0, 1.0, 0.0, 0.0))
        if law is not None:
            g = np.geomspace(0.05 * deepest, 20.0 * highest, 4000)
            current = g * sensing.voltage
            sigma = law.current_deviation(current, g, self.specification.temperature)
            reach = LARGEST_DRAW * sigma / sensing.voltage
            # Beyond these no draw leads to the other side of any threshold.
            unsure = np.flatnonzero((g - reach < highest) & (g + reach > deepest))
            first, last = max(int(unsure[0]) - 1, 0), min(int(unsure[-1]) + 1, len(g) - 1)
            deepest, highest = float(g[first]), float(g[last])
        return kernels.Amplifiers(
            low,
            high,
            self.group,
            highest,
            deepest,
            sensing.voltage,
            silent
            if law is None
            else noise_constants(law, temperature=self.specification.temperature),
            int(key[0]),
            int(key[1]),
        )

    def _verified(self) -> kernels.Windows:
        settings = self.scheme.settings
        passing, blocking = settings.low_resistance_verify, settings.high_resistance_verify
        if self.scheme.name == "ispp":
            return kernels.Windows(passing, blocking, 0.0, 0.0)
        low, high = np.array([passing, 0.0]), np.array([np.inf, blocking])
        one, zero = landing_wordline(self.cell, self.scheme, low, high)
        return kernels.Windows(passing, blocking, float(one), float(zero))

    def prepare(self, places: Places) -> None:
        """Bring the blocks of these words into being and up to date."""
        blocks = places // BLOCK
        if self.born[blocks].all() and (self.cells.aged[blocks] == self.cells.now).all():
            return
        blocks = np.unique(blocks)
        for block in blocks[~self.born[blocks]]:
            self._bear(int(block))
        self.cells.refresh(blocks)

    def ready(self, places: Places) -> bool:
        """Whether these words need no preparation, and the factory found none of them bad."""
        cells = self.cells
        return kernels.ready(places, BLOCK, self.born, cells.aged, cells.now, self.bad)

    def encode(self, data: Bytes) -> Words:
        """The check bits (w,) of `data` (w, bytes)."""
        return kernels.encode(self._tables, data)

    def parts(self, blocks: NDArray[np.intp]) -> list[slice]:
        """Cells of these blocks."""
        size = BLOCK * self.n
        return [slice(b * size, min((b + 1) * size, len(self.cells))) for b in blocks.tolist()]

    def _bear(self, block: int) -> None:
        """Form and test a block at the factory; it is left holding zeros.

        A word with more faulty cells than the code may spend on them is `bad`.
        """
        first, last = block * BLOCK, min((block + 1) * BLOCK, self.words)
        cells, now = self.cells, self.cells.reads
        cells.reads = 0
        cells.bring_up(first * self.n, last * self.n)
        at = np.arange(first * self.n, last * self.n)
        fine = np.ones(len(at), np.bool_)
        for value in (1, 0):
            counts = kernels.write(
                cells.state(),
                at,
                np.full(len(at), value, np.uint8),
                self._windows,
                self._constants._replace(reads=cells.reads, now=cells.now),
                int(self.scheme.settings.max_pulses),
            )
            cells.reads += int(counts.reads.max())
            fine &= counts.ok
        cells.reads = max(now, FIRST_READ)
        allowed = self.specification.design.code.reserved
        self.bad[first:last] = (~fine).reshape(-1, self.n).sum(1) > allowed
        # Whenever it is first looked at: the factory lies before all waits.
        cells.age[at[0] : at[-1] + 1] = 0
        cells.aged[block] = 0
        self.born[block] = True

    def sense(self, places: Places) -> Sensed:
        """Read words; `prepare` them first."""
        count = len(places)
        data, check = np.empty((count, self.bytes), np.uint8), np.empty(count, np.uint64)
        syndrome = np.empty(count, np.uint64)
        event, self.cells.reads = np.uint64(self.cells.reads), self.cells.reads + 1
        disturbed = kernels.sense(
            self.cells.conductance,
            places,
            self.n,
            self.k,
            self._amplifiers,
            event,
            self._tables,
            data,
            check,
            syndrome,
            self.stress.reads,
            self.stress.due,
        )
        if disturbed:
            self.stress.let_fall(self.cells, places)
        return Sensed(data, check, syndrome)

    def program(
        self,
        places: Places,
        data: Bytes,
        check: Words,
        was: Sensed | None = None,
        bits: tuple[int, int] | None = None,
        value: int = EITHER,
        limit: int | None = None,
    ) -> Programmed:
        """Write words by the design's scheme: the bits that differ from `was`, or all if None.

        `bits`, `value`: only those from the first to before the last, and of that value. `limit`:
        pulses after which all ends.
        """
        first, last = (0, self.n) if bits is None else bits
        before = (data, check) if was is None else (was.data, was.check)
        wanted = kernels.Wanted(places, data, check, *before, first, last, value, was is None)
        # The macro has checked that the ladders' voltages lie within the cell's laws.
        cells, parallel = self.cells, self.specification.parallel
        taken, reads = kernels.program(
            cells.state(),
            wanted,
            self.n,
            self.k,
            self._windows,
            self._constants._replace(reads=cells.reads, now=cells.now),
            int(self.scheme.settings.max_pulses) if limit is None else limit,
            parallel,
            *self._costs,
        )
        cells.reads += int(reads)
        time, energy, pulses, rounds, failed = taken
        self.stress.written(places[pulses > 0.0])
        return Programmed(
            time, energy, pulses.astype(np.int64), rounds.astype(np.int64), failed.astype(np.int64)
        )
