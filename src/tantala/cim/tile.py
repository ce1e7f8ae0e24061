"""A tile: an array of cells with its converters, read from one library file.

A tile file says how a weight becomes cells (mapping, weight bits, bits a cell, levels), how an
input becomes voltages (input bits, bits a phase), how a column current becomes a code (converter,
bits, range rule, columns that share one), and what lies between (wires). Cell and technology are
named.

The two cells of a differential weight lie on two columns whose codes are subtracted, or on one
(2T2R: two row lines at opposite voltages, so that what both have in common flows in the pair).
Inputs are voltages on the rows, or bits on the word lines: then source lines run along the columns
at the read voltage, and a digit has one bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from tantala.base.binding import bind, quantity
from tantala.base.errors import InputError, Problem, raise_if, unknown
from tantala.base.library import load_item
from tantala.base.record import Item
from tantala.cell.cell import Cell, load_cell

Mapping_ = Literal["differential", "offset"]
RangeRule = Literal["calibrated", "full"]
Pairs = Literal["two_columns", "one_column"]
Inputs = Literal["row_voltage", "word_line"]

_WHOLE = {
    "rows": (1, 4096),
    "columns": (1, 4096),
    "weight_bits": (2, 24),
    "bits_per_cell": (1, 6),
    "input_bits": (1, 24),
    "bits_per_phase": (1, 24),
    "adc_bits": (1, 24),
    "columns_per_adc": (1, 4096),
    "spare_outputs": (0, 1024),
}
_CHOICES = {
    "mapping": get_args(Mapping_),
    "adc": ("sar", "ramp"),
    "adc_range": get_args(RangeRule),
    "pairs": get_args(Pairs),
    "inputs": get_args(Inputs),
    "scheme": ("ispp", "fppv", "radar"),
}
_NAMES = ("cell", "technology")


@dataclass(frozen=True)
class Levels:
    """The conductances of a digit, equally spaced, and the window of their verify (`levels`)."""

    lowest: float = quantity("S", "conductance of digit 0", minimum=0)
    highest: float = quantity("S", "conductance of the largest digit", minimum=0)
    half_window: float = quantity("S", "half the width of the verify window", minimum=0)


@dataclass(frozen=True)
class TileWires:
    """Array wires (`wires`): resistance of one segment, and of driver and sense node."""

    row_segment: float = quantity("ohm", "row wire from one cell to the next", minimum=0)
    column_segment: float = quantity("ohm", "column wire from one cell to the next", minimum=0)
    driver: float = quantity("ohm", "output resistance of a row driver", minimum=0)
    sense: float = quantity("ohm", "input resistance of a column's current sensing", minimum=0)


@dataclass(frozen=True)
class ConverterErrors:
    """What a converter does wrong (`converter`), in parts of one code unless said otherwise."""

    gain_sigma: float = quantity("1", "deviation of gain from converter to converter", minimum=0)
    offset_sigma: float = quantity("1", "deviation of offset between converters, codes", minimum=0)
    noise: float = quantity("1", "noise of one conversion, codes rms", minimum=0)
    nonlinearity: float = quantity("1", "largest integral nonlinearity, codes", minimum=0)


@dataclass(frozen=True)
class Read:
    """How a column is read (`read`)."""

    voltage: float = quantity("V", "cell voltage at the largest input digit", minimum=0)
    voltage_sigma: float = quantity("1", "relative deviation between tiles", minimum=0, maximum=1)
    integration: float = quantity("s", "time for which one phase integrates", minimum=0)


@dataclass(frozen=True)
class Tile:
    """One tile. Whole numbers and choices as the file names them; laws bound to cited numbers.

    `item` holds every number with its source, `model` the cell.
    """

    item: Item
    model: Cell
    technology: str
    rows: int
    columns: int
    weight_bits: int
    bits_per_cell: int
    input_bits: int
    bits_per_phase: int
    adc_bits: int
    columns_per_adc: int
    spare_outputs: int
    mapping: Mapping_
    adc: str
    adc_range: RangeRule
    pairs: Pairs
    inputs: Inputs
    scheme: str
    levels: Levels
    wires: TileWires
    converter: ConverterErrors
    read: Read

    @property
    def name(self) -> str:
        """The library name."""
        return self.item.name

    @property
    def polarities(self) -> int:
        """Cells a digit: 2 for a differential weight, 1 for one with an offset."""
        return 2 if self.mapping == "differential" else 1

    @property
    def columns_per_digit(self) -> int:
        """Columns a digit: 2 where each cell of a differential weight has its own."""
        return self.polarities if self.pairs == "two_columns" else 1

    @property
    def lines_per_row(self) -> int:
        """Lines that carry one input: 2 where both cells of a pair lie on one column."""
        return self.polarities // self.columns_per_digit

    @property
    def cells(self) -> int:
        """Cells of a tile."""
        return self.rows * self.lines_per_row * self.columns

    @property
    def digit_bits(self) -> int:
        """Bits of the magnitude that the slices share."""
        return self.weight_bits - 1 if self.mapping == "differential" else self.weight_bits

    @property
    def slices(self) -> int:
        """Digits a weight."""
        return -(-self.digit_bits // self.bits_per_cell)

    @property
    def radix(self) -> int:
        """Levels a cell."""
        return 1 << self.bits_per_cell

    @property
    def largest_weight(self) -> int:
        """The largest whole weight; the smallest is its negative."""
        return (1 << (self.weight_bits - 1)) - 1

    @property
    def offset(self) -> int:
        """What is added to a weight so that an offset mapping stores no sign."""
        return 0 if self.mapping == "differential" else 1 << (self.weight_bits - 1)

    @property
    def phases(self) -> int:
        """Conversions a column takes for one input."""
        return -(-self.input_bits // self.bits_per_phase)

    @property
    def step(self) -> float:
        """Conductance of one digit, S."""
        return (self.levels.highest - self.levels.lowest) / (self.radix - 1)

    @property
    def outputs(self) -> int:
        """Weights that lie side by side in one tile, spare ones included."""
        return self.columns // (self.slices * self.columns_per_digit)

    @property
    def cells_per_weight(self) -> int:
        """Cells of one weight."""
        return self.slices * self.polarities

    @property
    def settings(self) -> dict[str, int | str]:
        """Every whole number and choice, by its key in the file, and the names of file and cell."""
        keys = (*_WHOLE, *_CHOICES)
        return {key: getattr(self, key) for key in keys} | {
            "tile": self.name, "cell": self.model.name
        }  # fmt: skip

    def varied(self, **changes: Any) -> Tile:
        """This tile with other whole numbers or choices. Raises InputError for what cannot be."""
        allowed = (*_WHOLE, *_CHOICES)
        raise_if([unknown("tile setting", key, allowed) for key in changes if key not in allowed])
        texts = {key: changes.get(key, getattr(self, key)) for key in allowed}
        problems = _wrong_settings(texts, self.item.path.name)
        raise_if(problems)
        tile = replace(self, **changes)
        raise_if(_conflicts(tile))
        return tile


def load_tile(name: str | Path | Tile, **changes: Any) -> Tile:
    """A tile by library name or path of a TOML file, with some of its settings changed.

    Raises InputError with every problem of the file and of the changes.
    """
    tile = name if isinstance(name, Tile) else _tile_from(load_item("tile", name))
    return tile.varied(**changes) if changes else tile


def _tile_from(item: Item) -> Tile:
    problems: list[Problem] = []
    known = (*_WHOLE, *_CHOICES, *_NAMES)
    problems += [
        unknown("key", key, known, item.path.name) for key in item.texts if key not in known
    ]
    missing = [key for key in known if key not in item.texts]
    problems += [Problem("missing key", f"{item.path.name}: {key}") for key in missing]
    problems += _wrong_settings(
        {key: value for key, value in item.texts.items() if key in known}, item.path.name
    )
    laws: dict[str, Any] = {}
    for field in fields(Tile):
        law = _LAWS.get(field.name)
        if law is not None:
            try:
                laws[field.name] = bind(law, item, field.name)
            except InputError as error:
                problems.extend(error.problems)
    raise_if(problems)
    values = {key: item.texts[key] for key in (*_WHOLE, *_CHOICES)}
    tile = Tile(
        item=item,
        model=load_cell(item.texts["cell"]),
        technology=item.texts["technology"],
        **values,
        **laws,
    )
    raise_if(_conflicts(tile))
    return tile


_LAWS: dict[str, type] = {
    "levels": Levels,
    "wires": TileWires,
    "converter": ConverterErrors,
    "read": Read,
}


def _wrong_settings(given: Mapping[str, Any], file: str) -> list[Problem]:
    """A problem for every setting that is of the wrong kind or outside its limits."""
    problems = []
    for key, value in given.items():
        where = f"{file}: {key}"
        if key in _WHOLE:
            low, high = _WHOLE[key]
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                problems.append(
                    Problem("not a whole number in its limits", where, repr(value), f"{low}-{high}")
                )
        elif key in _CHOICES and value not in _CHOICES[key]:
            problems.append(unknown(key, str(value), _CHOICES[key], file))
        elif key in _NAMES and not isinstance(value, str):
            problems.append(Problem("not a name", where, repr(value), "a library name or a path"))
    return problems


def _conflicts(tile: Tile) -> list[Problem]:
    """What settings, each fine by itself, do wrong together."""
    file = tile.item.path.name
    problems = []

    def conflict(what: str, key: str, got: Any, allowed: str, hint: str = "") -> None:
        problems.append(Problem(what, f"{file}: {key}", str(got), allowed, hint=hint))

    if tile.levels.highest <= tile.levels.lowest:
        conflict("no room between the levels", "levels.highest", tile.levels.highest, "> lowest")
    elif 2.0 * tile.levels.half_window > tile.step * (1.0 + 1e-9):
        conflict(
            "verify windows of neighbouring levels overlap",
            "levels.half_window",
            f"{tile.levels.half_window * 1e6:g} uS",
            f"at most {tile.step * 5e5:g} uS, half the distance of the {tile.radix} levels",
            "fewer bits_per_cell, or a narrower window",
        )
    if tile.outputs <= tile.spare_outputs:
        conflict(
            "the tile holds no weight beside its spares",
            "columns",
            tile.columns,
            f"more than {tile.spare_outputs * tile.slices * tile.columns_per_digit}"
            f" ({tile.slices * tile.columns_per_digit} columns a weight)",
            "more columns, fewer weight_bits, or more bits_per_cell",
        )
    if tile.bits_per_phase > tile.input_bits:
        conflict("more bits a phase than an input has", "bits_per_phase", tile.bits_per_phase,
                 f"at most input_bits = {tile.input_bits}")  # fmt: skip
    if tile.pairs == "one_column" and tile.mapping != "differential":
        conflict("pairs on one column need two cells a weight", "pairs", tile.pairs,
                 "two_columns", 'mapping = "differential"')  # fmt: skip
    if tile.inputs == "word_line" and tile.bits_per_phase != 1:
        conflict("a word line is on or off", "bits_per_phase", tile.bits_per_phase,
                 "1 with inputs on word lines", "more phases instead")  # fmt: skip
    if tile.inputs == "word_line" and tile.pairs == "one_column":
        conflict("pairs on one column need inputs of opposite voltage", "inputs", tile.inputs,
                 'row_voltage, or pairs = "two_columns"')  # fmt: skip
    return problems
