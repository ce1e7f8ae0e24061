"""The design file of a chip: what is wanted, from capacity to requirements, as one frozen value.

A design states intentions, so its numbers need no source; everything about the physical world is
named (technology, cell, circuits) and comes from cited library files.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    PrivateAttr,
    ValidationError,
    WrapValidator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from tantala.base.errors import InputError, Problem, raise_if, unknown
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
    has,
    sound_part,
    validate_model,
    wording,
)
from tantala.macro.coding import Code, CodeKind, code
from tantala.macro.conflicts import AUTO, REQUIRED_METRICS, conflicts

if TYPE_CHECKING:
    from collections.abc import Callable

    from tantala.macro.macro import Macro

Auto = Literal["auto"]


def _technology(name: str) -> Any:
    from tantala.technology import load_technology

    return load_technology(name)


def _corner(name: str) -> str:
    from tantala.technology import CORNERS

    if name not in CORNERS:
        raise wording("tantala.name", unknown("corner", name, CORNERS))
    return name


def _known(kind: str, find: Callable[[str], Any] | None = None) -> AfterValidator:
    """A library name of `kind` that `find` can find, or a path to a file of the user's own."""

    def check(name: str) -> str:
        try:
            locate(kind, name) if find is None else find(name)
        except InputError as error:
            problem = error.problems[0]
            allowed = problem.allowed or ", ".join(names(kind)) or "none shipped"
            raise wording("tantala.name", replace(problem, allowed=allowed)) from None
        return name

    return AfterValidator(check)


Supply = Annotated[Volt, Field(gt=0.0, le=10.0)]
Temperature = Annotated[Kelvin, Field(ge=200.0, le=500.0)]
Probability = Annotated[Fraction, Field(gt=0.0, lt=1.0)]
Share = Annotated[Fraction, Field(gt=0.0, le=1.0)]
Weight = Annotated[float, Field(ge=0.0, le=100.0)]
Count = Annotated[int, Field(gt=0, le=1 << 40, strict=True)]
Spares = Annotated[int, Field(ge=0, le=256, strict=True)]


def _one_complaint(value: Any, handler: Callable[[Any], Any]) -> Any:
    """The alternatives of a count tell their fault as one, under the key itself."""
    try:
        return handler(value)
    except ValidationError as error:
        text = f"neither 'auto' nor a whole number: {error.errors()[-1]['msg']}"
        raise PydanticCustomError("tantala.count", "{text}", {"text": text}) from None


AutoCount = Annotated[Auto | Count, WrapValidator(_one_complaint)]


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

    code: CodeKind = "secded"


class Write(FileModel):
    """Write scheme and how many bits are pulsed at once."""

    scheme: str = "ispp"
    parallel_bits: AutoCount = AUTO
    changed: Share = 1.0  # of a word's bits on average need a pulse; half of them SET, half RESET


class Controller(FileModel):
    """What the chip's controller does with words: where they lie, how they are kept.

    Lines are what wear levelling moves and the wear map counts. Start-Gap moves one line each
    `gap_interval` line writes. Scrubbing rewrites what a read had to correct. With `compare`, a
    write pulses the bits that differ from what is read first. `order` "ones_first" writes a word to
    ones before its data.
    """

    line: Bits = 1024
    scramble: bool = False
    wear_levelling: Literal["none", "start_gap"] = "none"
    gap_interval: Count = 100
    scrub: Literal["none", "on_read"] = "on_read"
    compare: bool = True
    order: Literal["changed", "ones_first"] = "changed"
    otp: Bits = 2048


class Supplies(FileModel):
    """Supply voltages; the pumps run from `high`, logic and sensing from `core`."""

    core: Supply
    high: Supply
    tolerance: Annotated[Fraction, Field(ge=0.0, lt=0.5)] = 0.1


class Environment(FileModel):
    """Corners and junction temperatures over which every requirement must hold."""

    corners: Annotated[tuple[Annotated[str, AfterValidator(_corner)], ...], Field(min_length=1)] = (
        "slow",
        "typical",
        "fast",
    )
    temperature_min: Temperature
    temperature_typical: Temperature
    temperature_max: Temperature


class Retention(FileModel):
    """How long data must last, and how hot."""

    time: Annotated[Second, Field(gt=0.0, le=3.2e10)]
    temperature: Temperature


class Limit(FileModel):
    """A requirement on one figure: an upper or a lower limit.

    Each unit has its own class, since classes made from a template cannot be sent between
    processes.
    """

    max: float | None = None
    min: float | None = None

    @model_validator(mode="after")
    def _one_side(self) -> Self:
        if (self.max is None) == (self.min is None):
            raise PydanticCustomError("tantala.limit", "exactly one of max and min is needed", {})
        return self

    @property
    def value(self) -> float:
        """The limit itself."""
        limit = self.min if self.max is None else self.max
        assert limit is not None  # the validator admits no limit without a side
        return limit


class ProbabilityLimit(Limit):
    """A limit in the unit of its name."""

    max: Probability | None = None
    min: Probability | None = None


class ShareLimit(Limit):
    """A limit in the unit of its name."""

    max: Share | None = None
    min: Share | None = None


class SecondLimit(Limit):
    """A limit in the unit of its name."""

    max: Second | None = None
    min: Second | None = None


class JouleLimit(Limit):
    """A limit in the unit of its name."""

    max: Joule | None = None
    min: Joule | None = None


class WattLimit(Limit):
    """A limit in the unit of its name."""

    max: Watt | None = None
    min: Watt | None = None


class AreaLimit(Limit):
    """A limit in the unit of its name."""

    max: SquareMetre | None = None
    min: SquareMetre | None = None


class AmpereLimit(Limit):
    """A limit in the unit of its name."""

    max: Ampere | None = None
    min: Ampere | None = None


class Requirements(FileModel):
    """What the chip must do; every limit is checked at the worst corner and temperature."""

    retention: Retention
    endurance: Annotated[int, Field(ge=1, le=10**16, strict=True)]
    uber: ProbabilityLimit
    raw_bit_error_rate: ProbabilityLimit | None = None
    read_latency: SecondLimit | None = None
    read_cycle: SecondLimit | None = None
    read_energy_per_bit: JouleLimit | None = None
    write_time: SecondLimit | None = None
    write_time_tail: SecondLimit | None = None
    write_energy_per_bit: JouleLimit | None = None
    area: AreaLimit | None = None
    array_efficiency: ShareLimit | None = None
    leakage_power: WattLimit | None = None
    standby_power: WattLimit | None = None
    yield_: Annotated[ShareLimit | None, Field(alias="yield")] = None
    page_write_time: SecondLimit | None = None
    serial_read_current: AmpereLimit | None = None

    def limits(self) -> dict[str, float]:
        """Metric name -> limit, for the requirements that are stated."""
        stated = {}
        for key, metric in REQUIRED_METRICS.items():
            limit = getattr(self, "yield_" if key == "yield" else key)
            if limit is not None:
                stated[metric] = limit.value
        return stated


class Interface(FileModel):
    """Serial interface of a stand-alone chip; `face` names the commands that it understands."""

    clock: Annotated[Hertz, Field(gt=0.0, le=1e9)]
    lines: Literal[1, 2, 4] = 1
    page: Bits
    pads: Annotated[int, Field(ge=4, le=256, strict=True)] = 8
    face: Annotated[str, _known("face")] = "sfdp"


class Design(FileModel):
    """A chip: an embedded macro, or a stand-alone serial chip around one."""

    kind: Literal["chip"]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
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
    controller: Controller = Controller()
    supply: Supplies
    environment: Environment
    requirements: Requirements
    interface: Interface | None = None
    extrapolate: bool = False  # beyond the cell's measured ages; the sheet then says so
    seed: Annotated[int, Field(ge=0, lt=2**64, strict=True)] = 0

    @property
    def code(self) -> Code:
        """The error-correcting code over one word."""
        return code(self.correction.code, self.word)

    _file: str = PrivateAttr(default="")

    @property
    def origin(self) -> str:
        """Where the design comes from, for messages: its file, or its name."""
        return self._file or self.name

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

    Cell, technology and face files named by the design are looked for beside it.

    Raises:
        InputError: with every problem of the file, each with its key.
    """
    path = locate("chip", name)
    data = read_toml(path)
    interface = data.get("interface")
    bus = interface if isinstance(interface, dict) else {}
    for part, key in ((data, "cell"), (data, "technology"), (bus, "face")):
        beside = path.parent / str(part.get(key, ""))
        if beside.suffix == ".toml" and beside.is_file():
            part[key] = str(beside)
    try:
        design = validate_model(Design, data, path.name)
        raise_if(conflicts(design, path.name))
    except InputError as error:
        part = sound_part(Design, data)
        part._file = path.name
        # What the schema tells, then what does not hold together, each once.
        found = [*error.problems, *conflicts(part, path.name)]
        raise InputError(list(dict.fromkeys([*found, *_beyond(part, found)]))) from None
    design._file = path.name
    return design


def _beyond(part: Design, found: list[Problem]) -> list[Problem]:
    """What a faulty design will meet once the faults `found` are mended, as far as can be told.

    An organisation that holds nothing, and a cell that is none of a macro; a sound design meets
    them when its macro is made.
    """
    from tantala.macro.compile_cell import cell_problems
    from tantala.macro.plan import space

    problems: list[Problem] = []
    counts = [f"organisation.{name}" for name in Organisation.model_fields]
    whole = ("capacity", "word", "correction.code", "write.parallel_bits", *counts)
    told = any(": organisation" in p.where or ": capacity" in p.where for p in found)
    if all(has(part, path) for path in whole) and not told:
        try:
            space(part)
        except InputError as error:
            problems.extend(error.problems)
    if has(part, "cell"):
        problems.extend(cell_problems(part.cell))
    return problems
