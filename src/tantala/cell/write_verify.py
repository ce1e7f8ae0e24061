"""Write-verify: pulses and reads in turn until every cell sits in its window.

Three schemes, after cell.md section 5:

- ``ispp`` (incremental step pulse programming): each failed verify raises one voltage by a step,
  the word line in SET and the source line in RESET; a change of direction starts the train again.
- ``fppv`` (fixed pulse, program and verify): one fixed SET and one fixed RESET pulse. The SET word
  line is the one at which the median cell lands in the window. A SET that ends short of a window
  with two edges is tried afresh after a RESET: the same pulse does no more to a closed cell.
- ``radar`` (coarse, then fine; Levy et al., doi:10.1109/TED.2021.3097975): the word line is the
  coarse knob, from where the median cell lands, until the cell is near its window; then bit line
  (SET) and source line (RESET) move in small steps, and the word line once more when they end. A
  window with one edge cannot be overshot: there the lines stay at their largest voltage.

The verify reads with the cell's read noise, so a cell may pass by a lucky read; and relaxation acts
on the population from each cell's last pulse, so what a verify left inside may be outside later
(``Population.wait``). Left out: disturb of half-selected neighbours, and ageing during the loop
itself, which takes microseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tantala.base.binding import bind, quantity
from tantala.base.errors import InputError, Problem, raise_if, unknown
from tantala.base.quantity import to_si

if TYPE_CHECKING:
    from tantala.cell.cell import Cell
    from tantala.cell.population import Population

Floats = NDArray[np.float64]
SCHEMES = ("ispp", "fppv", "radar")
_CALIBRATION_STEPS = 33
_CALIBRATION_CELLS = 2_000
_CALIBRATION_SEED = 0


@dataclass(frozen=True)
class Knob:
    """A ladder of voltages: start, start + step, ... up to stop."""

    start: float = quantity("V", "first voltage", minimum=0)
    step: float = quantity("V", "increment after a failed verify", minimum=0)
    stop: float = quantity("V", "largest voltage", minimum=0)

    @property
    def steps(self) -> int:
        """Steps from the first voltage to the largest, at least 1."""
        return max(1, round((self.stop - self.start) / self.step)) if self.step else 1

    def at(self, steps: ArrayLike) -> Floats:
        """The voltage after a number of steps, V."""
        return np.minimum(self.start + self.step * np.asarray(steps, float), self.stop)


@dataclass(frozen=True)
class PulseSettings:
    """Widths, times and limits which all schemes share (``write`` in the cell file)."""

    set_width: float = quantity("s", "width of a SET pulse", minimum=0)
    reset_width: float = quantity("s", "width of a RESET pulse", minimum=0)
    verify_time: float = quantity("s", "time of one verify read with its switching", minimum=0)
    max_pulses: float = quantity("1", "pulses after which a cell is given up", minimum=1)
    low_resistance_verify: float = quantity("S", "1 bit a cell: a SET passes above this", minimum=0)
    high_resistance_verify: float = quantity(
        "S", "1 bit a cell: a RESET passes below this", minimum=0
    )


@dataclass(frozen=True)
class Scheme:
    """A write-verify scheme of one cell: its name, shared settings and four voltage ladders."""

    name: str
    settings: PulseSettings
    set_wordline: Knob
    set_bitline: Knob
    reset_wordline: Knob
    reset_sourceline: Knob
    near: float = 1.0

    @classmethod
    def of(cls, cell: Cell, name: str) -> Scheme:
        """The scheme ``name`` with the numbers of the cell file under ``write`` and its own table.

        Raises InputError for an unknown scheme or when the file does not give one of its numbers.
        """
        if name not in SCHEMES:
            raise InputError(unknown("write-verify scheme", name, SCHEMES))
        if not cell.item.has("write"):
            raise InputError(
                Problem(
                    f"cell {cell.name!r} cannot be written by a scheme",
                    cell.item.path.name,
                    because="its file gives no numbers under 'write'",
                    hint="place() puts its cells at a conductance",
                )
            )
        problems: list[Problem] = []
        knobs: dict[str, Knob] = {}
        for knob in ("set_wordline", "set_bitline", "reset_wordline", "reset_sourceline"):
            try:
                knobs[knob] = bind(Knob, cell.item, f"write.{name}.{knob}")
            except InputError as error:
                problems.extend(error.problems)
        raise_if(problems)
        near = cell.item.value("write.radar.near", "1") if name == "radar" else 1.0
        return cls(name, bind(PulseSettings, cell.item, "write"), near=near, **knobs)


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


def write_verify(
    population: Population,
    low: ArrayLike | str,
    high: ArrayLike | str,
    scheme: str | Scheme = "ispp",
    temperature: float | str = "25 degC",
    where: NDArray[Any] | None = None,
    max_pulses: int | None = None,
) -> WriteOutcome:
    """Write cells into the window from ``low`` to ``high``.

    ``low`` and ``high`` are conductances in S (0 and infinity leave a side open), one or one a
    selected cell; or texts such as "8.5 kohm" or "110 uS", in either order. ``scheme`` is a name or
    a `Scheme`; ``max_pulses`` overrides the scheme's limit.

    Raises InputError for a window that is empty or no conductance, and for a negative limit.
    """
    if max_pulses is not None and (not isinstance(max_pulses, (int, np.integer)) or max_pulses < 0):
        raise InputError(
            Problem("bad max_pulses", got=repr(max_pulses), allowed="a whole number, 0 or more")
        )
    index = population.select(where)
    low, high = _window(low, high, len(index))
    if isinstance(scheme, str):
        scheme = Scheme.of(population.cell, scheme)
    limit = int(scheme.settings.max_pulses) if max_pulses is None else max_pulses
    return WriteLoop(population, scheme, index, low, high, to_si(temperature, "K")).run(limit)


def _window(low: Any, high: Any, count: int) -> tuple[Floats, Floats]:
    """(low, high) as conductances of one entry a cell."""
    given = [_conductance(value, name) for value, name in ((low, "low"), (high, "high"))]
    if isinstance(low, str) and isinstance(high, str):
        given.sort(key=float)
    problems: list[Problem] = []
    for name, value in zip(("low", "high"), given, strict=True):
        if np.shape(value) not in ((), (1,), (count,)):
            allowed = f"one number, or {count} numbers"
            problems.append(Problem(f"{name} fits no window", "", str(np.shape(value)), allowed))
        elif np.isnan(value).any() or (value < 0).any():
            problems.append(Problem(f"{name} is no conductance", "", allowed="0 S or more"))
    raise_if(problems)
    edges = np.broadcast_arrays(*given, np.empty(count))[:2]
    if np.isfinite(edges[0]).all() and (edges[0] > 1.0).any():
        raise InputError(
            Problem(
                "low is no conductance of a cell",
                got=f"{edges[0].max():g} S",
                allowed="conductances in S, or texts with a unit",
                hint=f"'{edges[0].max():g} ohm'",
            )
        )
    if (edges[0] >= edges[1]).any():
        raise InputError(
            Problem("an empty window", got="low >= high", allowed="low < high, conductances in S")
        )
    return edges[0], edges[1]


def _conductance(value: Any, name: str) -> Floats:
    if isinstance(value, str):
        if value.rstrip().lower().endswith(("ohm", "Ω")):
            resistance = to_si(value, "ohm", name=name)
            return np.asarray(1.0 / resistance if resistance else np.inf)
        return np.asarray(to_si(value, "S", name=name))
    return np.asarray(value, dtype=float)


@dataclass(frozen=True)
class PulseTrace:
    """One pulse number of a loop: energy [J], line and gate voltage [V] of each pulsed cell."""

    direction: int
    energy: NDArray[np.float32]
    line: Floats
    gate: Floats
    width: float

    @property
    def current(self) -> Floats:
        """Mean current of each cell's pulse, A."""
        return self.energy / np.maximum(self.line * self.width, 1e-30)


class WriteLoop:
    """The state of one write: what each cell has had so far, and which are still active."""

    def __init__(
        self,
        population: Population,
        scheme: Scheme,
        index: NDArray[np.intp],
        low: Floats,
        high: Floats,
        temperature: float,
        tracing: bool = False,
    ) -> None:
        self.tracing = tracing
        self.population = population
        self.scheme = scheme
        self.index = index
        self.low = low.astype(np.float32)
        self.high = high.astype(np.float32)
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
        self.trace: list[PulseTrace] = []
        self.one_edge = np.isinf(self.high) | (self.low == 0.0)
        self.landing = np.zeros(count, np.float32)  # SET word line where the median cell lands, V
        if scheme.name in ("fppv", "radar"):
            self.landing[:] = _landing_wordline(population.cell, scheme, low, high)

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
            self._pulse(active[too_low], conductance[too_low], +1)
            self._pulse(active[~too_low], conductance[~too_low], -1)
        settings = self.scheme.settings
        time = self.sets * settings.set_width + self.resets * settings.reset_width
        return WriteOutcome(
            pulses=self.sets + self.resets,
            set_pulses=self.sets,
            reset_pulses=self.resets,
            ok=self.ok,
            time=(time + self.reads * settings.verify_time).astype(np.float32),
            energy=self.energy,
        )

    def _verify(self, active: NDArray[np.intp]) -> NDArray[np.float32]:
        voltage = np.float32(self.population.cell.nominal.read_voltage)
        current = self.population.read(where=self.index[active])
        self.reads[active] += np.uint32(1)
        self.energy[active] += voltage * current * np.float32(self.scheme.settings.verify_time)
        return current / voltage

    def _pulse(self, cells: NDArray[np.intp], conductance: Any, direction: int) -> None:
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
        if self.tracing:
            width = settings.set_width if direction > 0 else settings.reset_width
            self.trace.append(PulseTrace(direction, outcome.energy, line, gate, width))

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


def _landing_wordline(cell: Cell, scheme: Scheme, low: Floats, high: Floats) -> NDArray[np.float32]:
    """The SET word line at which the median cell lands in the middle of each window, V.

    Found as a laboratory would: SET pulses on a sample of cells over the whole ladder. A window
    open on one side takes the end of the ladder on that side.
    """
    knob, nominal = scheme.set_wordline, cell.nominal
    ladder = np.linspace(knob.start, knob.stop, _CALIBRATION_STEPS)
    cells = cell.sample(_CALIBRATION_CELLS, seed=_CALIBRATION_SEED)
    medians = []
    for gate in ladder:
        cells.place(nominal.high_resistance)
        cells.set_pulse(
            scheme.set_bitline.start, gate, scheme.settings.set_width, nominal.temperature
        )
        medians.append(np.median(cells.conductance))
    rising = np.log(np.maximum.accumulate(medians))
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = 0.5 * (np.log(low) + np.log(high))
    gate = np.interp(np.nan_to_num(middle, posinf=np.inf, neginf=-np.inf), rising, ladder)
    return gate.astype(np.float32)
