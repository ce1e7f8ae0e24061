"""The figures of a datasheet: what is computed once, printed on the page and stored as JSON.

Field names carry their unit, since they are the JSON's keys. Everything is SI. The page is made
from these records only, so the JSON holds every number that the page shows.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tantala.base.errors import InputError, Problem

Array = NDArray[np.float64]
FORMAT = "tantala datasheet"
_DIGITS = 9  # significant digits kept in the file


@dataclass(frozen=True)
class KeyFigure:
    """One figure over all corners and temperatures; `*_at` names the condition of each extreme."""

    name: str
    title: str
    group: str
    unit: str
    better: Literal["lower", "higher"]
    minimum: float
    typical: float
    maximum: float
    minimum_at: str
    maximum_at: str


@dataclass(frozen=True)
class Outcome:
    """A stated requirement and how the design meets it; `margin` is the distance to the limit,
    as a share of the limit, positive when met.
    """

    name: str
    title: str
    unit: str
    side: Literal["max", "min"]
    limit: float
    value: float
    condition: str
    met: bool
    margin: float


@dataclass(frozen=True)
class Identity:
    """What the datasheet is about."""

    name: str
    title: str
    description: str
    type: Literal["embedded", "serial"]
    capacity_bit: int
    word_bit: int
    word_stored_bit: int
    code: str
    correctable: int
    technology: str
    technology_title: str
    cell: str
    cell_title: str
    scheme: str
    changed_share: float
    core_supply_V: float
    high_supply_V: float
    supply_tolerance: float
    corners: tuple[str, ...]
    temperature_min_K: float
    temperature_typical_K: float
    temperature_max_K: float
    retention_time_s: float
    retention_temperature_K: float
    endurance_cycles: int


@dataclass(frozen=True)
class Organisation:
    """How the cells are cut up: banks, sub-arrays of a bank, and the sizes of one sub-array."""

    banks: int
    bank_columns: int
    bank_rows: int
    subarray_columns: int
    subarray_rows: int
    subarrays_per_word: int
    rows: int
    columns: int
    mux: int
    spare_rows: int
    spare_columns: int
    parallel_bits: int
    width_m: float
    height_m: float
    candidates: int


@dataclass(frozen=True)
class Serial:
    """The serial interface of a stand-alone chip."""

    clock_Hz: float
    lines: int
    page_bit: int
    pads: int


@dataclass(frozen=True)
class StateFigures:
    """One state at one age. `tail_S`: what one cell in a million passes towards the reference;
    `misread`: share of wrong reads; curves: density, and the fraction beyond on the misread side.
    """

    state: Literal["low", "high"]
    aged: bool
    mean_S: float
    median_S: float
    tail_S: float
    misread: float
    conductance_S: Array
    density_per_S: Array
    beyond: Array


@dataclass(frozen=True)
class Margin:
    """Read margin at typical conditions: reference, what the sense amplifier needs, both states as
    written and at the end of life. `usable_A`: current difference that the sense time needs;
    `offset_A`: standard deviation of the amplifier's comparison.
    """

    read_voltage_V: float
    reference_A: float
    reference_S: float
    usable_A: float
    offset_A: float
    states: tuple[StateFigures, ...]


@dataclass(frozen=True)
class SubarrayRead:
    """Reads of drawn cells in one sub-array, solved exactly at the worst corner and temperature.

    `lost_V` (selected rows, solved columns): what lines, multiplexer and leakage take of the read
    voltage; `low_A`, `high_A`: sensed currents of the cells in low and in high resistance, sorted;
    `unwired_..._A`: their mean without lines and leakage; `..._tail_A`: the currents at the tails
    which sensing must reach, a share `tail` of the cells, in the worst row; `leakage_A`: that of a
    column's other rows; `residual`: of the solution.
    """

    corner: str
    temperature_K: float
    rows: int
    columns: int
    selected_rows: Array
    solved_columns: Array
    read_voltage_V: float
    line_ohm: float
    mux_ohm: float
    leakage_A: float
    lost_V: Array
    low_A: Array
    high_A: Array
    unwired_low_A: float
    unwired_high_A: float
    reference_A: float
    low_tail_A: float
    high_tail_A: float
    tail: float
    residual: float


@dataclass(frozen=True)
class ErrorRates:
    """Error rates over storage time and temperature at the stated number of cycles.

    raw, uncorrectable: shape (temperatures, times); calibrated: whether the cell's ageing was
    constrained by measurements up to that age, same shape.
    """

    cycles: int
    time_s: Array
    temperature_K: Array
    raw: Array
    uncorrectable: Array
    calibrated: NDArray[np.bool_]


@dataclass(frozen=True)
class RetentionRow:
    """How long data last at a temperature before the required rate is exceeded; `calibrated` says
    whether the stated time at it lies within the measured ages.
    """

    temperature_K: float
    raw: float
    uncorrectable: float
    time_to_limit_s: float | None
    calibrated: bool


@dataclass(frozen=True)
class EnduranceRow:
    """Window and error rates after a number of cycles, fresh and after the stated retention."""

    cycles: int
    low_median_S: float
    low_tail_S: float
    high_median_S: float
    high_tail_S: float
    raw_fresh: float
    raw_aged: float
    uncorrectable_aged: float


@dataclass(frozen=True)
class WriteDirection:
    """SET or RESET under write-verify: share unfinished after 0, 1, 2, ... pulses.

    `unfinished` is the share after the last pulse, with the 95 % interval of its count among
    `written` cells.
    """

    name: Literal["SET", "RESET"]
    voltage_V: float
    gate_voltage_V: float
    width_s: float
    mean_pulses: float
    energy_J: float
    unfinished: float
    unfinished_low: float
    unfinished_high: float
    written: int
    cell_unfinished: Array
    word_unfinished: Array


@dataclass(frozen=True)
class ShmooFigures:
    """Share of cells that one pulse switches; `switched` has shape (voltages, widths)."""

    name: Literal["SET", "RESET"]
    voltage_V: Array
    width_s: Array
    switched: Array
    gate_voltage_V: float
    nominal_voltage_V: float
    nominal_width_s: float
    cells: int


@dataclass(frozen=True)
class TailCheck:
    """Control of the tail method: counted errors of sampled cells against the computed rate."""

    state: Literal["low", "high"]
    condition: str
    threshold_S: float
    cells: int
    counted: int
    expected: float
    probability: float


@dataclass(frozen=True)
class Influence:
    """An assumed number and what moving it does to the headline figures.

    `effects`: figure -> change of its logarithm over the whole span; `elasticity`: per change of
    the number's own logarithm; `approximate`: estimated from fewer written cells than the figures.
    """

    item: str
    number: str
    value: float
    unit: str
    low: float
    high: float
    span: Literal["stated", "20 %"]
    note: str
    effects: dict[str, float]
    elasticity: dict[str, float]
    approximate: bool = False

    @property
    def rank(self) -> float:
        """The largest change of any headline figure."""
        return max((abs(effect) for effect in self.effects.values()), default=0.0)


def as_data(value: Any) -> Any:
    """Records, arrays and mappings as JSON values; floats to nine significant digits.

    An infinite figure (a read time where the sense window is closed) becomes null: no number.

    Raises: InputError for what is not a number at all.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: as_data(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): as_data(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray):
        return [as_data(entry) for entry in value]
    if isinstance(value, (list, tuple)):
        return [as_data(entry) for entry in value]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        if math.isinf(value):
            return None
        if math.isnan(value):
            raise InputError(Problem("a figure of the datasheet is not a number", got=repr(value)))
        return float(f"{value:.{_DIGITS}g}")
    return value


def as_json(data: Any) -> str:
    """JSON with one key a line, short number lists on one line, and a final newline."""
    text = json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False)
    return _compact(text) + "\n"


def _compact(text: str) -> str:
    """Lists of plain numbers on one line: a curve is read as a row, not as a column."""
    import re

    return re.sub(
        r"\[\n\s*(-?[\d.eE+-]+(?:,\n\s*-?[\d.eE+-]+)*)\n\s*\]",
        lambda match: "[" + re.sub(r"\s*\n\s*", " ", match[1]) + "]",
        text,
    )
