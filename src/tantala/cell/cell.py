"""A cell: the laws of one technology, each bound to the cited numbers of one library file.

A law is a frozen dataclass of `quantity` fields; a file that has no numbers under a law's prefix
gives None there, and what needs the law says so (`Cell.law`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tantala.base.binding import bind, quantity
from tantala.base.errors import InputError, Problem, RangeViolation, raise_if
from tantala.base.library import load_item
from tantala.base.quantity import format_si
from tantala.base.record import Item
from tantala.cell.conduction import Conduction
from tantala.cell.disturb import DisturbLaw
from tantala.cell.endurance import EnduranceLaw
from tantala.cell.forming import FormingLaw
from tantala.cell.noise import NoiseLaw
from tantala.cell.relaxation import RelaxationLaw
from tantala.cell.retention import RetentionLaw
from tantala.cell.switching import ResetLaw, SetLaw
from tantala.cell.variability import VariabilityLaw

if TYPE_CHECKING:
    from tantala.cell.compact import Transient
    from tantala.cell.levels import LevelDistribution
    from tantala.cell.population import Population
    from tantala.cell.write_statistics import WriteStatistics


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


# Attribute of Cell, which is also the prefix in the file -> law.
LAWS: dict[str, type] = {
    "conduction": Conduction,
    "set": SetLaw,
    "reset": ResetLaw,
    "variability": VariabilityLaw,
    "forming": FormingLaw,
    "endurance": EnduranceLaw,
    "relaxation": RelaxationLaw,
    "retention": RetentionLaw,
    "noise": NoiseLaw,
    "disturb": DisturbLaw,
}
_BOUND = {"nominal": NominalPulses, **LAWS}
# Conditions that a number's range may limit, and their units.
CONDITIONS = {
    "bitline": "V",
    "sourceline": "V",
    "wordline": "V",
    "voltage": "V",
    "pulse_width": "s",
    "temperature": "K",
    "cycles": "1",
    "time": "s",
    "conductance": "S",
}


@dataclass(frozen=True)
class Cell:
    """One technology's cell. `item` holds every number with its source.

    `limits` maps (law, condition) to the SI (low, high) in which all of the law's numbers hold.
    """

    item: Item
    nominal: NominalPulses
    conduction: Conduction | None = None
    set: SetLaw | None = None
    reset: ResetLaw | None = None
    variability: VariabilityLaw | None = None
    forming: FormingLaw | None = None
    endurance: EnduranceLaw | None = None
    relaxation: RelaxationLaw | None = None
    retention: RetentionLaw | None = None
    noise: NoiseLaw | None = None
    disturb: DisturbLaw | None = None
    limits: Mapping[tuple[str, str], tuple[float, float]] = field(default_factory=dict)

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
                    allowed=", ".join(n for n in LAWS if getattr(self, n) is not None),
                    because="its file gives no numbers for it",
                )
            )
        return law

    def outside(self, law: str, **conditions: tuple[float, float]) -> list[Problem]:
        """A problem for each condition, (lowest, highest) in SI, outside the range of `law`."""
        problems = []
        for name, (low, high) in conditions.items():
            limits = self.limits.get((law, name))
            if limits is None:
                continue
            slack = 1e-6 * max(abs(limits[0]), abs(limits[1]))
            if low < limits[0] - slack or high > limits[1] + slack:
                unit = CONDITIONS[name]
                worst = low if low < limits[0] - slack else high
                problems.append(
                    Problem(
                        f"{name.replace('_', ' ')} outside the range of the {law} law",
                        self.item.path.name,
                        got=format_si(worst, unit),
                        allowed=f"{format_si(limits[0], unit)} to {format_si(limits[1], unit)}",
                        because="no measurement constrains the law there",
                        hint="extrapolate=True",
                    )
                )
        return problems

    def require(self, law: str, **conditions: tuple[float, float]) -> None:
        """Raise RangeViolation unless every condition lies in the range of `law`."""
        problems = self.outside(law, **conditions)
        if problems:
            raise RangeViolation(problems)

    def sample(
        self, count: int, seed: int, first_address: int = 0, backend: str = "numba"
    ) -> Population:
        """`count` cells with addresses first_address ..., formed, in the low-resistance state.

        The same addresses are the same cells, whatever the chunking.
        """
        from tantala.cell.population import Population

        return Population.sample(self, count, seed, first_address, backend)

    def levels(self, state: str, **conditions: Any) -> LevelDistribution:
        """A level after write-verify and ageing; see `tantala.cell.levels.levels`."""
        from tantala.cell.levels import levels

        return levels(self, state, **conditions)

    def write_statistics(self, scheme: str = "ispp", **options: Any) -> WriteStatistics:
        """Pulses and energy of a write; see `tantala.cell.write_statistics`."""
        from tantala.cell.write_statistics import write_statistics

        return write_statistics(self, scheme, **options)

    def pristine(
        self, count: int, seed: int, first_address: int = 0, backend: str = "numba"
    ) -> Population:
        """`count` cells as made, before forming."""
        from tantala.cell.population import Population

        return Population(self, count, seed, first_address, backend)


@dataclass(frozen=True)
class CompactCell(Cell):
    """A cell whose pulses and waiting follow a compact model behind a select transistor."""

    model: Any = None
    transistor: Any = None

    def sample(
        self, count: int, seed: int, first_address: int = 0, backend: str = "numba"
    ) -> Population:
        """`count` equal cells at the low-resistance end of the model; there is one backend."""
        from tantala.cell.compact.population import CompactPopulation

        return CompactPopulation(self, count, seed, first_address)

    def transient(self, voltage: Any, duration: Any = None, **options: Any) -> Transient:
        """Traces under a voltage or waveform; see `CompactModel.transient`."""
        return self.model.transient(voltage, duration, **options)


def load_cell(name: str | Path) -> Cell:
    """A cell by library name or path of a TOML file. Raises InputError with every problem."""
    return cell_from(load_item("cell", name))


def cell_from(item: Item) -> Cell:
    """The cell of an item already read (for instance with changed values)."""
    if item.has("compact"):
        return _compact(item)
    needed = [name for name in ("nominal", "conduction") if not item.has(name)]
    if needed:
        raise InputError([Problem("missing table", f"{item.path.name}: {name}") for name in needed])
    bound: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, law in _BOUND.items():
        if item.has(name):
            try:
                bound[name] = bind(law, item, name)
            except InputError as error:
                problems.extend(error.problems)
    raise_if(problems)
    return Cell(item=item, limits=_limits(item), **bound)


def cell_near(cell: Cell, item: Item, table: str) -> Cell:
    """The cell of `item`, which differs from `cell`'s own in values under `table` alone.

    As `cell_from(item)`, but only the law of that name is bound again: the others do not read it,
    and limits are no values.
    """
    if item.has("compact"):
        return cell_from(item)
    law = _BOUND.get(table)
    changed = {} if law is None else {table: bind(law, item, table)}
    return replace(cell, item=item, **changed)


def _compact(item: Item) -> CompactCell:
    """The cell of a file that holds a compact model (`compact`) and its transistor."""
    from tantala.cell.compact import CompactModel, SelectTransistor

    return CompactCell(
        item=item,
        nominal=bind(NominalPulses, item, "nominal"),
        model=CompactModel.of(item, "compact"),
        transistor=bind(SelectTransistor, item, "transistor"),
    )


def _limits(item: Item) -> dict[tuple[str, str], tuple[float, float]]:
    """The tightest range each law's numbers state for each condition."""
    limits: dict[tuple[str, str], tuple[float, float]] = {}
    for path, number in item.numbers.items():
        law = path.split(".", 1)[0]
        for name in number.range:
            if law not in LAWS or name not in CONDITIONS:
                continue
            stated = number.limits(name, CONDITIONS[name])
            if stated is not None:
                low, high = limits.get((law, name), (-float("inf"), float("inf")))
                limits[law, name] = (max(low, stated[0]), min(high, stated[1]))
    return limits
