"""The levels of a design's cell at every age and wear that its datasheet shows.

They depend on the cell and on what the design requires, not on the macro, so they can be found
while the macro is still being compiled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from tantala.cell import load_cell
from tantala.cell.ageing import ageing_of
from tantala.cell.relaxation import aged
from tantala.macro.compile_cell import levels_of
from tantala.macro.design import Design
from tantala.report import tails
from tantala.report.figures import Array, TailCheck

if TYPE_CHECKING:
    from tantala.cell import Cell
    from tantala.macro.bit_cell import Levels

HOUR = 3600.0
LONGEST = 100.0 * 365.25 * 86400.0  # s of storage that are shown
HOTTEST = 423.15  # K, 150 degC, the highest temperature of storage that is shown
REFERENCE = 298.15  # K, at which an equivalent age counts
_RESOLUTION = 0.5  # of the levels' quadrature: what a curve in print can show
_NODES = 9  # ages at which levels are computed; between them, error rates are interpolated
_DECADES = (0, 100, 1_000, 10_000, 100_000, 1_000_000)
Key = tuple[float, int]


class AgedLevels:
    """The levels of one cell at any age; each age is computed once.

    Ages beyond the cell's calibration are computed all the same, and told by `calibrated`.
    """

    def __init__(self, design: Design, cell: Cell) -> None:
        need = design.requirements
        self.stated = (need.retention.time, need.retention.temperature, need.endurance)
        self.room = design.environment.temperature_typical
        self.law = ageing_of(cell)
        self._cell = cell
        self._scheme = design.write.scheme
        self._levels: dict[Key, Levels] = {}

    def key(self, time: float, temperature: float, cycles: int) -> Key:
        """What a level depends on; rounded, since one age can be told in several ways."""
        age = self.equivalent(time, temperature) if time else 0.0
        return float(f"{age:.12g}"), cycles

    def equivalent(self, time: float, temperature: float) -> float:
        """The age [s at 25 degC] that `time` [s] at `temperature` [K] amounts to."""
        return float(aged(0.0, time, temperature, self.law.relaxation.attempt_rate))

    def calibrated(self, time: float, temperature: float) -> bool:
        """Whether the cell was measured, or its law constrained, up to this age."""
        front = float(self.law.relaxation.front(self.equivalent(time, temperature)))
        return front <= self.law.front_limit

    @property
    def nodes(self) -> Array:
        """Equivalent ages [s], from an hour at room temperature to the oldest that is shown."""
        oldest = self.equivalent(LONGEST, HOTTEST)
        nodes = np.geomspace(self.equivalent(HOUR, self.room), oldest, _NODES)
        return np.unique(np.append(nodes, self.equivalent(*self.stated[:2])))

    @property
    def counts(self) -> list[int]:
        """Cycles in decades, up to one beyond the stated number, which is among them."""
        stated = self.stated[2]
        return sorted({count for count in _DECADES if count <= 10 * stated} | {stated})

    def at(self, time: float, temperature: float, cycles: int) -> Levels:
        """Both states `time` s at `temperature` K after `cycles` cycles and a verified write."""
        key = self.key(time, temperature, cycles)
        if key not in self._levels:
            condition = (self._scheme, time, temperature, cycles)
            self._levels[key] = levels_of(
                self._cell, *condition, extrapolate=True, resolution=_RESOLUTION
            )
        return self._levels[key]

    def know(self, levels: Mapping[Key, Levels]) -> None:
        """Take levels that were computed elsewhere."""
        self._levels.update(levels)

    def shown(self) -> Iterable[tuple[float, float, int]]:
        """(time, temperature, cycles) of every level in the datasheet but the macro's own."""
        time, kelvin, stated = self.stated
        yield from ((float(age), REFERENCE, stated) for age in self.nodes)
        for count in self.counts:
            yield 0.0, self.room, count
            yield time, kelvin, count


def study(stated: str) -> tuple[dict[Key, Levels], tuple[TailCheck, ...]]:
    """All aged levels of a design (as JSON) and the control of their tails: a job that can be sent.

    The level at the stated age is left out: it is the macro's own.
    """
    design = Design.model_validate_json(stated)
    cell = load_cell(design.cell)
    levels = AgedLevels(design, cell)
    own = levels.key(*levels.stated)
    wanted = {levels.key(*at): at for at in levels.shown()}
    found = {key: levels.at(*at) for key, at in wanted.items() if key != own}
    return found, tails.controls(cell, levels, design)
