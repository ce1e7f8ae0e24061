"""The loop of reads and pulses behind `write_verify`: its outcome, log and two backends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tantala.cell import write_kernels, write_state
from tantala.cell.noise import REACHES, READ, noise_constants, reach
from tantala.cell.pulses import reset_constants, set_constants
from tantala.cell.write_scheme import SCHEMES, Knob, Scheme, landing_wordline
from tantala.cell.write_state import PulseLog

if TYPE_CHECKING:
    from tantala.cell.cell import Cell
    from tantala.cell.population import Population

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class WriteOutcome:
    """What a write took, one entry a selected cell.

    pulses: uint32, SET and RESET pulses together; set_pulses, reset_pulses: uint32.
    ok: bool, the last verify found the cell in its window.
    time: float32, s, pulses and verifies. energy: float32, J, dissipated in cell and transistor.
    """

    pulses: NDArray[np.uint32]
    set_pulses: NDArray[np.uint32]
    reset_pulses: NDArray[np.uint32]
    ok: NDArray[np.bool_]
    time: NDArray[np.float32]
    energy: NDArray[np.float32]


def write_loop(
    population: Population,
    scheme: Scheme,
    index: NDArray[np.intp],
    window: tuple[ArrayLike, ArrayLike],
    temperature: float,
    limit: int | None = None,
    logging: bool = False,
) -> tuple[WriteOutcome, PulseLog]:
    """Write the cells at `index` into `window`, (low, high) [S]; what it took, and its pulses.

    The log is empty unless `logging`; `limit` [pulses]: the scheme's own if None.
    """
    edges = np.broadcast_arrays(*window, np.empty(len(index)))[:2]
    low, high = (edge.astype(np.float32) for edge in edges)
    limit = int(scheme.settings.max_pulses) if limit is None else limit
    landing = np.zeros(len(index), np.float32)
    if scheme.name in ("fppv", "radar"):
        landing[:] = landing_wordline(population.cell, scheme, *edges)
    if population.backend == "numpy":
        loop = ReferenceLoop(population, scheme, index, low, high, landing, temperature)
        return loop.run(limit), loop.log()
    return _compiled(population, scheme, index, low, high, landing, temperature, limit, logging)


def _outcome(
    scheme: Scheme,
    sets: NDArray[np.uint32],
    resets: NDArray[np.uint32],
    reads: NDArray[np.uint32],
    ok: NDArray[np.bool_],
    energy: NDArray[np.float32],
) -> WriteOutcome:
    settings = scheme.settings
    time = sets * settings.set_width + resets * settings.reset_width + reads * settings.verify_time
    return WriteOutcome(sets + resets, sets, resets, ok, time.astype(np.float32), energy)


def _compiled(
    population: Population,
    scheme: Scheme,
    index: NDArray[np.intp],
    low: NDArray[np.float32],
    high: NDArray[np.float32],
    landing: NDArray[np.float32],
    temperature: float,
    limit: int,
    logging: bool,
) -> tuple[WriteOutcome, PulseLog]:
    """As `ReferenceLoop`, by its kernel."""
    count = len(index)
    sets, resets, reads = (np.zeros(count, np.uint32) for _ in range(3))
    ok, energy = np.zeros(count, np.bool_), np.zeros(count, np.float32)
    counts = write_state.Counts(sets, resets, reads, ok, energy)
    log, used, extents = write_kernels.write_cells(
        population.state(),
        write_state.Task(index, population.addresses(index), low, high, landing),
        constants_of(population, scheme, temperature),
        limit,
        counts,
        write_kernels.empty_log(0),
        logging,
    )
    population.reads += int(reads.max(initial=0))
    _check(population, scheme, temperature, extents)
    return _outcome(scheme, *counts), PulseLog(*(column[:used] for column in log))  # pyright: ignore[reportArgumentType]


def _check(population: Population, scheme: Scheme, temperature: float, extents: Floats) -> None:
    """Raise RangeViolation where the voltages lay outside the laws' ranges."""
    settings = scheme.settings
    pulses = (
        ("set", "bitline", write_kernels.SET_WORDLINE, write_kernels.SET_BITLINE),
        ("reset", "sourceline", write_kernels.RESET_WORDLINE, write_kernels.RESET_SOURCELINE),
    )
    for law, line_name, gate, line in pulses:
        if np.isfinite(extents[gate]).all():
            width = settings.set_width if law == "set" else settings.reset_width
            population.check(
                law,
                False,
                temperature=(temperature, temperature),
                wordline=tuple(extents[gate]),
                pulse_width=(width, width),
                **{line_name: tuple(extents[line])},
            )


def constants_of(
    population: Population, scheme: Scheme, temperature: float
) -> write_state.WriteConstants:
    """What the kernel needs of the cells' laws and a scheme at `temperature` [K]."""
    cell, settings = population.cell, scheme.settings
    conduction, worn = cell.law("conduction"), cell.endurance
    silent = (0.0, 0.0, 1.0, 0.0, 0.0)
    return write_state.WriteConstants(
        kind=SCHEMES.index(scheme.name),
        set_wordline=scheme.set_wordline.ladder,
        set_bitline=scheme.set_bitline.ladder,
        reset_wordline=scheme.reset_wordline.ladder,
        reset_sourceline=scheme.reset_sourceline.ladder,
        near=scheme.near,
        set_width=settings.set_width,
        reset_width=settings.reset_width,
        read_voltage=cell.nominal.read_voltage,
        verify_time=settings.verify_time,
        conduction=(
            conduction.reference_voltage,
            conduction.gap_voltage,
            conduction.closed_conductance,
            conduction.closing_exponent,
        ),
        noise=np.array(noise_constants(cell.noise) if cell.noise else silent, np.float32),
        noisy=cell.noise is not None,
        set=np.array(set_constants(cell, temperature), np.float32),
        reset=np.array(reset_constants(cell, temperature), np.float32),
        wears=worn is not None,
        life=(
            (worn.life, worn.life_voltage, worn.life_voltage_scale, worn.life_shape)
            if worn
            else (1.0, 0.0, 1.0, 1.0)
        ),
        now=population.now,
        drift=cell.law("variability").drift_shift,
        read_purpose=READ,
        reads=population.reads,
        reach=_reach(cell, scheme),
        k0=int(population.key[0]),
        k1=int(population.key[1]),
    )


def _reach(cell: Cell, scheme: Scheme) -> NDArray[np.float32]:
    """How far noise may carry what a verify decides by; without bounds where that is more than the
    conductance: RADAR steps by what it read, and at another voltage the current is another.
    """
    voltage, conduction = cell.nominal.read_voltage, cell.law("conduction")
    if scheme.name == "radar" or voltage != conduction.reference_voltage:
        return np.full(REACHES, np.inf, np.float32)
    return reach(cell.noise, voltage) if cell.noise else np.zeros(REACHES, np.float32)


class ReferenceLoop:
    """The reference: a write in plain numpy, one read and one pulse of all that need it in turn."""

    def __init__(
        self,
        population: Population,
        scheme: Scheme,
        index: NDArray[np.intp],
        low: NDArray[np.float32],
        high: NDArray[np.float32],
        landing: NDArray[np.float32],
        temperature: float,
    ) -> None:
        self.population = population
        self.scheme = scheme
        self.index = index
        self.low = low
        self.high = high
        self.temperature = temperature
        count = len(index)
        self.sets = np.zeros(count, np.uint32)
        self.resets = np.zeros(count, np.uint32)
        self.reads = np.zeros(count, np.uint32)
        self.energy = np.zeros(count, np.float32)
        self.ok = np.zeros(count, np.bool_)
        # Steps of the running train, by knob; direction +1 SET, -1 RESET, 0 not yet pulsed.
        self.direction = np.zeros(count, np.int8)
        self.coarse = np.zeros(count, np.float32)
        self.fine = np.zeros(count, np.float32)
        self.one_edge = np.isinf(self.high) | (self.low == 0.0)
        self.landing = landing.copy()  # SET word line where the median cell lands, V
        self._log: list[tuple[Any, ...]] = []

    def log(self) -> PulseLog:
        """Every pulse so far."""
        log = write_kernels.empty_log(sum(len(part[0]) for part in self._log))
        for column, parts in zip(log, zip(*self._log, strict=True), strict=False):
            np.concatenate(parts, out=column, casting="unsafe")
        return log

    def run(self, limit: int) -> WriteOutcome:
        """Verify and pulse until all cells are in, or have had ``limit`` pulses."""
        active = np.arange(len(self.index))
        for attempt in range(limit + 1):
            conductance = self._verify(active)
            too_low = conductance < self.low[active]
            too_high = conductance > self.high[active]
            out = too_low | too_high
            self.ok[active[~out]] = True
            active, too_low, conductance = active[out], too_low[out], conductance[out]
            if not len(active) or attempt == limit:
                break
            if self.scheme.name == "fppv":
                too_low &= (self.direction[active] <= 0) | self.one_edge[active]
            self._pulse(active[too_low], conductance[too_low], +1, attempt)
            self._pulse(active[~too_low], conductance[~too_low], -1, attempt)
        return _outcome(self.scheme, self.sets, self.resets, self.reads, self.ok, self.energy)

    def _verify(self, active: NDArray[np.intp]) -> NDArray[np.float32]:
        voltage = np.float32(self.population.cell.nominal.read_voltage)
        # The energy is that of the mean current: noise takes as much as it gives.
        mean = self.population.read(where=self.index[active], noise=False)
        current = self.population.read(where=self.index[active])
        self.reads[active] += np.uint32(1)
        self.energy[active] += voltage * mean * np.float32(self.scheme.settings.verify_time)
        return current / voltage

    def _pulse(
        self, cells: NDArray[np.intp], conductance: Any, direction: int, attempt: int
    ) -> None:
        """One pulse in one direction on ``cells`` (positions among the selected)."""
        if not len(cells):
            return
        turned = self.direction[cells] != direction
        self.direction[cells] = direction
        self.coarse[cells[turned]] = 0.0
        self.fine[cells[turned]] = 0.0
        if self.scheme.name == "radar" and direction < 0:
            # These overshot: their next coarse search starts a step lower.
            knob = self.scheme.set_wordline
            self.landing[cells[turned]] = np.maximum(
                self.landing[cells[turned]] - np.float32(knob.step), np.float32(knob.start)
            )
        gate, line = self._voltages(cells, conductance, direction)
        where, population, settings = self.index[cells], self.population, self.scheme.settings
        if direction > 0:
            outcome = population.set_pulse(
                line, gate, settings.set_width, self.temperature, where=where
            )
            self.sets[cells] += np.uint32(1)
        else:
            outcome = population.reset_pulse(
                line, gate, settings.reset_width, self.temperature, where=where
            )
            self.resets[cells] += np.uint32(1)
        self.energy[cells] += outcome.energy
        same = np.full((2, len(cells)), [[attempt], [direction]])
        self._log.append((cells, *same, outcome.energy, line, gate))

    def _voltages(
        self, cells: NDArray[np.intp], conductance: Any, direction: int
    ) -> tuple[Floats, Floats]:
        """(word line, bit or source line) of the next pulse, and the step of the knobs after it."""
        scheme = self.scheme
        gate_knob = scheme.set_wordline if direction > 0 else scheme.reset_wordline
        line_knob = scheme.set_bitline if direction > 0 else scheme.reset_sourceline
        if scheme.name == "fppv":
            gate = self.landing[cells] if direction > 0 else gate_knob.at(np.zeros(len(cells)))
            return np.asarray(gate, float), line_knob.at(np.zeros(len(cells)))
        if scheme.name == "ispp":
            steps = self.coarse[cells].copy()
            self.coarse[cells] += 1
            if direction > 0:
                return gate_knob.at(steps), line_knob.at(np.zeros(len(cells)))
            return gate_knob.at(np.zeros(len(cells))), line_knob.at(steps)
        return self._radar(cells, conductance, direction, gate_knob, line_knob)

    def _radar(
        self,
        cells: NDArray[np.intp],
        conductance: Any,
        direction: int,
        gate_knob: Knob,
        line_knob: Knob,
    ) -> tuple[Floats, Floats]:
        """Coarse word-line steps while a cell is far from its window, fine line steps when near."""
        near, open_ended = self.scheme.near, self.one_edge[cells]
        if direction > 0:
            far = (conductance < self.low[cells] / near) | open_ended
            first = self.landing[cells].astype(float)
        else:
            far = (conductance > self.high[cells] * near) | open_ended
            first = np.full(len(cells), gate_knob.start)
        rounds, step = np.divmod(self.fine[cells], line_knob.steps)
        # The coarse search stops where it is when the cell comes near, and where the word line
        # ends it goes on with the other line.
        coarse = self.coarse[cells] + rounds
        gate = np.minimum(first + gate_knob.step * coarse, gate_knob.stop)
        beyond = np.maximum(coarse - (gate_knob.stop - first) / max(gate_knob.step, 1e-9), 0.0)
        line = line_knob.at(np.where(far, beyond, step + 1.0))
        line = np.where(open_ended, line_knob.stop, line)
        self.coarse[cells[far]] += 1
        self.fine[cells[~far]] += 1
        return gate, line
