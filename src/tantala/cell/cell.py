"""A cell: the laws of one technology, each bound to the cited numbers of one library file.

A law is a frozen dataclass of `quantity` fields; a file that has no numbers under a law's prefix
gives None there, and what needs the law says so (`Cell.law`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tantala.base.binding import bind, quantity
from tantala.base.errors import InputError, Problem
from tantala.base.library import load_item
from tantala.base.record import Item

if TYPE_CHECKING:
    from tantala.cell.population import Population


@dataclass(frozen=True)
class NominalPulses:
    """The pulses of one full cycle when none are given, and the read condition (`nominal`)."""

    set_bitline: float = quantity("V", "bit-line voltage of the nominal SET", minimum=0)
    set_wordline: float = quantity("V", "word-line voltage of the nominal SET", minimum=0)
    set_width: float = quantity("s", "width of the nominal SET pulse", minimum=0)
    reset_sourceline: float = quantity("V", "source-line voltage of the nominal RESET", minimum=0)
    reset_wordline: float = quantity("V", "word-line voltage of the nominal RESET", minimum=0)
    reset_width: float = quantity("s", "width of the nominal RESET pulse", minimum=0)
    read_voltage: float = quantity("V", "bit-line voltage of a read", minimum=0)
    temperature: float = quantity("K", "temperature of all these", minimum=0)
    low_resistance: float = quantity("S", "median conductance after the nominal SET", minimum=0)
    high_resistance: float = quantity("S", "median conductance after the nominal RESET", minimum=0)


# Attribute of Cell = prefix in the file -> law.
LAWS: dict[str, type] = {}  # each law is entered here as its module lands


@dataclass(frozen=True)
class Cell:
    """One technology's cell. `item` holds every number with its source."""

    item: Item
    nominal: NominalPulses
    conduction: Any = None
    set: Any = None
    reset: Any = None
    variability: Any = None
    forming: Any = None
    endurance: Any = None
    relaxation: Any = None
    retention: Any = None
    noise: Any = None
    disturb: Any = None

    @property
    def name(self) -> str:
        """The library name."""
        return self.item.name

    def law(self, name: str) -> Any:
        """The law `name`. Raises InputError if this cell's file does not give it."""
        law = getattr(self, name)
        if law is None:
            raise InputError(
                Problem(
                    f"cell {self.name!r} has no {name} law",
                    self.item.path.name,
                    because="not measured" if name in self.item.not_measured else "not given",
                    allowed=", ".join(n for n in LAWS if getattr(self, n) is not None),
                )
            )
        return law

    def sample(self, count: int, seed: int, first_address: int = 0) -> Population:
        """`count` cells with addresses first_address ..., formed, in the low-resistance state.

        The same addresses are the same cells, whatever the chunking.
        """
        from tantala.cell.population import Population

        return Population.sample(self, count, seed, first_address)


def load_cell(name: str | Path) -> Cell:
    """A cell by library name or path of a TOML file. Raises InputError with every problem."""
    return cell_from(load_item("cell", name))


def cell_from(item: Item) -> Cell:
    """The cell of an item already read (for instance with changed values)."""
    laws = {name: bind(law, item, name) for name, law in LAWS.items() if item.has(name)}
    return Cell(item=item, nominal=bind(NominalPulses, item, "nominal"), **laws)
