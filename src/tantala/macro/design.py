"""The design file of a chip: what is wanted, from capacity to requirements, as one frozen value.

A design states intentions, so its numbers need no source; everything about the physical world is
named (technology, cell, circuits) and comes from cited library files.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from tantala.base.errors import InputError, Problem, nearest, raise_if
from tantala.base.library import locate, names, read_toml
from tantala.base.schema import (
    Ampere,
    Bits,
    FileModel,
    Fraction,
    Hertz,
    Joule,
    Kelvin,
    Second,
    SquareMetre,
    Volt,
    Watt,
    validate_model,
)
from tantala.macro.coding import Code, code
from tantala.macro.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tantala.macro.macro import Macro

AUTO = "auto"
Auto = Literal["auto"]
T = TypeVar("T")


def _technology(name: str) -> Any:
    from tantala.technology import load_technology

    return load_technology(name)


def _corner(name: str) -> str:
    from tantala.technology import CORNERS

    if name not in CORNERS:
        text = f"unknown corner; allowed: {', '.join(CORNERS)}. Try: {nearest(name, CORNERS)}"
        raise PydanticCustomError("tantala.name", "{text}", {"text": text})
    return name


def _known(kind: str, find: Callable[[str], Any] | None = None) -> AfterValidator:
    """A library name of `kind` that `find` can find, or a path to a file of the user's own."""

    def check(name: str) -> str:
        try:
            locate(kind, name) if find is None else find(name)
        except InputError as error:
            problem = error.problems[0]
            hint = f". Try: {problem.hint}" if problem.hint else ""
            text = f"{problem.what}; allowed: {', '.join(names(kind)) or 'none shipped'}{hint}"
            raise PydanticCustomError("tantala.name", "{text}", {"text": text}) from None
        return name

    return AfterValidator(check)


Supply = Annotated[Volt, Field(gt=0.0, le=10.0)]
Temperature = Annotated[Kelvin, Field(ge=200.0, le=500.0)]
Probability = Annotated[Fraction, Field(gt=0.0, lt=1.0)]
Share = Annotated[Fraction, Field(gt=0.0, le=1.0)]
Weight = Annotated[float, Field(ge=0.0, le=100.0)]
Count = Annotated[int, Field(gt=0, le=1 << 40, strict=True)]
Spares = Annotated[int, Field(ge=0, le=256, strict=True)]
AutoCount = Auto | Count


class Organisation(FileModel):
    """How the cells are cut into banks and sub-arrays; `auto` is found by search.

    `rows` and `columns` are those of one sub-array: rows along its bit lines, columns along its
    word lines (data and check bits, without spares). `subarrays` counts those of one bank. `mux`
    columns share a sense amplifier.
    """

    banks: AutoCount = AUTO
    subarrays: AutoCount = AUTO
    rows: AutoCount = AUTO
    columns: AutoCount = AUTO
    mux: AutoCount = AUTO
    spare_rows: Spares = 2
    spare_columns: Spares = 2


class Aim(FileModel):
    """What the search minimises: the weighted sum of the logarithms of these figures.

    A weighted sum of logarithms is a weighted product, so it needs no units and no reference
    point; two equal weights on energy and latency are the energy-delay product.
    """

    area: Weight = 1.0
    read_latency: Weight = 1.0
    read_energy: Weight = 1.0
    write_time: Weight = 1.0
    write_energy: Weight = 0.0
    standby: Weight = 0.0


class Correction(FileModel):
    """Error-correcting code over one word."""

    code: Literal["none", "secded", "bch2", "bch3"] = "secded"


class Write(FileModel):
    """Write scheme and how many bits are pulsed at once."""

    scheme: str = "ispp"
    parallel_bits: AutoCount = AUTO
    changed: Share = 1.0  # of a word's bits on average need a pulse; half of them SET, half RESET


class Supplies(FileModel):
    """Supply voltages; the pumps run from `high`, logic and sensing from `core`."""

    core: Supply
    high: Supply
    tolerance: Annotated[Fraction, Field(ge=0.0, lt=0.5)] = 0.1


class Environment(FileModel):
    """Corners and junction temperatures over which every requirement must hold."""

    corners: tuple[Annotated[str, AfterValidator(_corner)], ...] = ("slow", "typical", "fast")
    temperature_min: Temperature
    temperature_typical: Temperature
    temperature_max: Temperature


class Retention(FileModel):
    """How long data must last, and how hot."""

    time: Annotated[Second, Field(gt=0.0, le=3.2e10)]
    temperature: Temperature


class Limit(FileModel, Generic[T]):
    """A requirement on one figure: an upper or a lower limit."""

    max: T | None = None
    min: T | None = None

    @model_validator(mode="after")
    def _one_side(self) -> Limit[T]:
        if (self.max is None) == (self.min is None):
            raise PydanticCustomError("tantala.limit", "exactly one of max and min is needed", {})
        return self

    @property
    def value(self) -> T:
        """The limit itself."""
        return self.max if self.max is not None else self.min  # type: ignore[return-value]


# Requirement key -> the figure which must meet it.
REQUIRED_METRICS = {
    "uber": "uber",
    "raw_bit_error_rate": "raw_bit_error_rate",
    "read_latency": "read_latency_s",
    "read_cycle": "read_cycle_s",
    "read_energy_per_bit": "read_energy_per_bit_J",
    "write_time": "write_time_s",
    "write_time_tail": "write_time_tail_s",
    "write_energy_per_bit": "write_energy_per_bit_J",
    "area": "area_m2",
    "array_efficiency": "array_efficiency",
    "leakage_power": "leakage_W",
    "standby_power": "standby_W",
    "yield": "yield",
    "page_write_time": "page_write_time_s",
    "serial_read_current": "serial_read_current_A",
}


class Requirements(FileModel):
    """What the chip must do; every limit is checked at the worst corner and temperature."""

    retention: Retention
    endurance: Annotated[int, Field(ge=1, le=10**16, strict=True)]
    uber: Limit[Probability]
    raw_bit_error_rate: Limit[Probability] | None = None
    read_latency: Limit[Second] | None = None
    read_cycle: Limit[Second] | None = None
    read_energy_per_bit: Limit[Joule] | None = None
    write_time: Limit[Second] | None = None
    write_time_tail: Limit[Second] | None = None
    write_energy_per_bit: Limit[Joule] | None = None
    area: Limit[SquareMetre] | None = None
    array_efficiency: Limit[Share] | None = None
    leakage_power: Limit[Watt] | None = None
    standby_power: Limit[Watt] | None = None
    yield_: Annotated[Limit[Share] | None, Field(alias="yield")] = None
    page_write_time: Limit[Second] | None = None
    serial_read_current: Limit[Ampere] | None = None

    def limits(self) -> dict[str, float]:
        """Metric name -> limit, for the requirements that are stated."""
        stated = {}
        for key, metric in REQUIRED_METRICS.items():
            limit = getattr(self, "yield_" if key == "yield" else key)
            if limit is not None:
                stated[metric] = limit.value
        return stated


class Interface(FileModel):
    """Serial interface of a stand-alone chip."""

    clock: Annotated[Hertz, Field(gt=0.0, le=1e9)]
    lines: Literal[1, 2, 4] = 1
    page: Bits
    pads: Annotated[int, Field(ge=4, le=256, strict=True)] = 8


class Design(FileModel):
    """A chip: an embedded macro, or a stand-alone serial chip around one."""

    kind: Literal["chip"]
    name: str
    title: str
    description: str = ""
    type: Literal["embedded", "serial"]
    capacity: Bits
    word: Bits
    technology: Annotated[str, _known("technology", _technology)]
    cell: Annotated[str, _known("cell")]
    organisation: Organisation = Organisation()
    aim: Aim = Aim()
    correction: Correction = Correction()
    write: Write = Write()
    supply: Supplies
    environment: Environment
    requirements: Requirements
    interface: Interface | None = None
    seed: Annotated[int, Field(ge=0, lt=2**64, strict=True)] = 0

    @property
    def code(self) -> Code:
        """The error-correcting code over one word."""
        return code(self.correction.code, self.word)

    @property
    def words(self) -> int:
        """Addressable words."""
        return self.capacity // self.word

    def macro(self) -> Macro:
        """The macro of this design, its organisation completed by search where it says `auto`.

        Raises:
            InputError: no organisation fits.
        """
        from tantala.macro.macro import Macro

        return Macro(self)


def load_design(name: str | Path) -> Design:
    """A design by library name or by the path of a TOML file.

    Cell and technology files named by the design are looked for beside it.

    Raises:
        InputError: with every problem of the file, each with its key.
    """
    path = locate("chip", name)
    data = read_toml(path)
    for key in ("cell", "technology"):
        beside = path.parent / str(data.get(key, ""))
        if beside.suffix == ".toml" and beside.is_file():
            data[key] = str(beside)
    design = validate_model(Design, data, path.name)
    raise_if(conflicts(design, path.name))
    return design


def conflicts(design: Design, file: str) -> list[Problem]:
    """Everything in a design that cannot hold together, although each value by itself may."""
    return [
        *_capacity_conflicts(design, file),
        *_organisation_conflicts(design, file),
        *_other_conflicts(design, file),
    ]


def _capacity_conflicts(design: Design, file: str) -> list[Problem]:
    if design.capacity % design.word:
        return [
            Problem(
                "capacity is not a whole number of words",
                f"{file}: capacity",
                f"{design.capacity} bit",
                f"a multiple of the word, {design.word} bit",
            )
        ]
    return []


def _fixed(value: Any) -> int | None:
    return None if value == AUTO else int(value)


def _organisation_conflicts(design: Design, file: str) -> list[Problem]:
    problems = []
    org, where = design.organisation, f"{file}: organisation"
    banks, subarrays, rows = _fixed(org.banks), _fixed(org.subarrays), _fixed(org.rows)
    columns, mux = _fixed(org.columns), _fixed(org.mux)
    if columns is not None and mux is not None and columns % mux:
        problems.append(
            Problem(
                "columns do not divide into groups of mux",
                f"{where}.mux",
                f"{columns} columns, mux {mux}",
                "a mux that divides the columns",
            )
        )
    if rows is None or columns is None or mux is None or problems:
        return problems
    bits = design.code.word_bits
    together = -(-bits // (columns // mux))  # sub-arrays that are read side by side for one word
    if subarrays is not None and subarrays % together:
        problems.append(
            Problem(
                "sub-arrays of a bank do not divide into groups that hold a word",
                f"{where}.subarrays",
                str(subarrays),
                f"a multiple of {together}",
                f"a word of {bits} stored bits at {columns // mux} sense amplifiers each",
            )
        )
    elif subarrays is not None and banks is not None:
        held = banks * (subarrays // together) * rows * mux
        if held != design.words:
            problems.append(
                Problem(
                    "the organisation does not hold the capacity",
                    where,
                    f"{held} words ({banks} banks x {subarrays} sub-arrays x {rows} rows x "
                    f"{columns} columns)",
                    f"{design.words} words of {design.word} data and "
                    f"{design.code.check_bits} check bits",
                )
            )
    return problems


def _other_conflicts(design: Design, file: str) -> list[Problem]:
    problems = []
    env = design.environment
    if not env.temperature_min <= env.temperature_typical <= env.temperature_max:
        problems.append(
            Problem(
                "temperatures out of order",
                f"{file}: environment",
                f"{env.temperature_min}, {env.temperature_typical}, {env.temperature_max} K",
                "temperature_min <= temperature_typical <= temperature_max",
            )
        )
    if design.supply.high < design.supply.core:
        problems.append(
            Problem(
                "the high supply lies below the core supply",
                f"{file}: supply.high",
                f"{design.supply.high} V",
                f"at least {design.supply.core} V",
            )
        )
    if (design.type == "serial") != (design.interface is not None):
        problems.append(
            Problem(
                "a serial chip needs an interface, an embedded macro has none",
                f"{file}: interface",
                "none" if design.interface is None else "one",
            )
        )
    if not any(design.aim.model_dump().values()):
        problems.append(Problem("the aim weighs nothing", f"{file}: aim"))
    for key, metric in REQUIRED_METRICS.items():
        limit = getattr(design.requirements, "yield_" if key == "yield" else key)
        better = METRICS[metric].better
        if limit is not None and (limit.max is not None) != (better == "lower"):
            wanted = "max" if better == "lower" else "min"
            problems.append(
                Problem(
                    "a limit on the wrong side",
                    f"{file}: requirements.{key}",
                    "min" if wanted == "max" else "max",
                    wanted,
                    f"{better} is better",
                )
            )
    return problems


def library_designs() -> list[str]:
    """Names of the shipped designs."""
    return names("chip")


__all__ = ["Design", "conflicts", "library_designs", "load_design"]
