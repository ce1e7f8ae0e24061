"""Write-verify schemes: their voltage ladders and limits, from a cell file.

What each does is told in `write_verify`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tantala.base.binding import bind, quantity
from tantala.base.errors import InputError, Problem, raise_if, unknown
from tantala.cell.write_state import Ladder

if TYPE_CHECKING:
    from tantala.cell.cell import Cell

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

    @property
    def ladder(self) -> Ladder:
        """What the kernel needs of it."""
        return Ladder(self.start, self.step, self.stop, float(self.steps))

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


def landing_wordline(cell: Cell, scheme: Scheme, low: Floats, high: Floats) -> NDArray[np.float32]:
    """The SET word line at which the median cell lands in the middle of each window, V.

    Found as a laboratory would: SET pulses on a sample of cells over the whole ladder. A window
    open on one side takes the end of the ladder on that side.
    """
    ladder, rising = _landings(cell, scheme)
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = 0.5 * (np.log(low) + np.log(high))
    gate = np.interp(np.nan_to_num(middle, posinf=np.inf, neginf=-np.inf), rising, ladder)
    return gate.astype(np.float32)


def _landings(cell: Cell, scheme: Scheme) -> tuple[Floats, Floats]:
    """SET word lines [V] and ln of the median conductance after each, kept with the cell object."""
    memo: dict[Scheme, tuple[Floats, Floats]] = cell.__dict__.setdefault("_landings", {})
    if scheme in memo:
        return memo[scheme]
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
    memo[scheme] = ladder, np.log(np.maximum.accumulate(medians))
    return memo[scheme]
