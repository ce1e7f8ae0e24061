"""What a macro needs to know of its memory cell, compiled once from the cell model.

Distributions are those of the cell's own laws (`Cell.levels`), tabulated at two ages: freshly
written, and at the end of the required life. Nothing here is fitted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tantala.cell import Cell
from tantala.macro.levels import Level
from tantala.macro.write_verify import PulseTrain


@dataclass(frozen=True, slots=True)
class Levels:
    """Both states of a cell at one age, and the cells that have left them.

    worn: share of cells that wear has stuck in the low-resistance state by then. unwritten: share
    of other cells which wrote when they were new and which no pulse brings into a level any more.
    """

    low: Level
    high: Level
    worn: float = 0.0
    unwritten: float = 0.0

    @property
    def failed(self) -> float:
        """Share of cells that failed in use: stuck in one state, wrong for half of the data."""
        return self.worn + self.unwritten


@dataclass(frozen=True, slots=True)
class BitCell:
    """One 1T1R cell as the macro sees it.

    Attributes:
        name: library name, or that of a published row.
        width, height: pitch along the word line and along the bit line, m.
        access_width: width of the access transistor, m.
        read_voltage: bit-line voltage of a read, V.
        read_gate_voltage: word-line voltage of a read, V.
        fresh, aged: levels right after write-verify, and at the end of life.
        set, reset: pulse trains of the write scheme.
        stuck: share of cells that the write scheme leaves unfinished when they are new.
        records: the cited numbers behind it.
        model: the cell model it was compiled from, if it was.
    """

    name: str
    width: float
    height: float
    access_width: float
    read_voltage: float
    read_gate_voltage: float
    fresh: Levels
    aged: Levels
    set: PulseTrain
    reset: PulseTrain
    stuck: float
    records: tuple[Any, ...] = ()
    model: Cell | None = None

    @property
    def area(self) -> float:
        """Cell area, m^2."""
        return self.width * self.height
