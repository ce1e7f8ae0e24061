"""From a cell model to what a macro needs: levels at two ages, pulse trains, geometry."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tantala.base.errors import InputError, Problem, RangeViolation, raise_if
from tantala.cell import Cell, load_cell
from tantala.cell.levels import LevelDistribution
from tantala.cell.write_statistics import TrainStatistics, write_statistics
from tantala.cell.write_wear import WriteWear, write_wear
from tantala.macro.bit_cell import BitCell, Levels
from tantala.macro.constants import load_assembly
from tantala.macro.design import Design
from tantala.macro.levels import Level, tabulate
from tantala.macro.write_verify import PulseTrain

GEOMETRY = {
    "geometry.width": "cell pitch along the word line",
    "geometry.height": "cell pitch along the bit line",
    "geometry.access_width": "width of the access transistor",
}
DEEPEST = 1e-18  # smallest tail probability that the tables resolve
WRITTEN = 1_000_000  # new cells written to find the statistics of writing
WRITTEN_AGED = 50_000  # likewise after cycles, of which a datasheet compares several numbers
RARE = 20.0  # written cells below which a counted share is continued by its law instead


def compile_cell(design: Design, cell: Cell | None = None) -> BitCell:
    """The design's cell, with its statistics at the required life and its write scheme's pulses.

    Raises:
        InputError: the cell lacks a law or its geometry, with everything that is missing.
        RangeViolation: the required life is beyond the cell's measurements and the design does not
            ask to extrapolate.
    """
    cell = load_cell(design.cell) if cell is None else cell
    need = design.requirements
    life = (need.retention.time, need.retention.temperature, need.endurance)
    try:
        compiled = compile_life(cell, design.write.scheme, life, design.extrapolate)
    except RangeViolation as violation:
        where, hint = f"{design.origin}: requirements", "extrapolate = true above the tables"
        told = [replace(problem, where=where, hint=hint) for problem in violation.problems]
        raise RangeViolation(told) from None
    gate = min(design.supply.high, compiled.set.gate_voltage)
    return replace(compiled, read_gate_voltage=gate)


def compile_life(
    cell: Cell,
    scheme: str,
    life: tuple[float, float, int],
    extrapolate: bool = False,
) -> BitCell:
    """A cell as written and at the end of a life of (time in s, temperature in K, cycles).

    Its read word line stands at the SET gate voltage; see `compile_cell`. The share of cells that
    stay unwritten is the residue of their pulse trains, counted or continued (`train`).
    """
    raise_if(_no_geometry(cell))
    set_train, reset_train = _trains(cell, scheme, 0)
    room, settled = cell.nominal.temperature, load_assembly().write.settled
    return BitCell(
        name=cell.name,
        width=cell.item.value("geometry.width", "m"),
        height=cell.item.value("geometry.height", "m"),
        access_width=cell.item.value("geometry.access_width", "m"),
        read_voltage=cell.nominal.read_voltage,
        read_gate_voltage=set_train.gate_voltage,
        fresh=levels_of(cell, scheme, settled, room, 0, extrapolate),
        aged=levels_of(cell, scheme, *life, extrapolate),
        set=set_train,
        reset=reset_train,
        stuck=set_train.residue + reset_train.residue,
        records=tuple(cell.item.numbers.values()),
        model=cell,
    )


def cell_problems(name: str) -> list[Problem]:
    """What keeps a cell file from being read, or its cell from being that of a macro."""
    try:
        return _no_geometry(load_cell(name))
    except InputError as error:
        return list(error.problems)


def _no_geometry(cell: Cell) -> list[Problem]:
    return [
        Problem("a macro needs the cell's geometry", f"{cell.item.path.name}: {path}", "", what)
        for path, what in GEOMETRY.items()
        if path not in cell.item.numbers
    ]


def levels_of(
    cell: Cell,
    scheme: str,
    time: float,
    temperature: float,
    cycles: int,
    extrapolate: bool = False,
    failed: tuple[float, float] | None = None,
    **effort: Any,
) -> Levels:
    """Both levels of a cell after a time (s) at a temperature (K) and `cycles` writes before.

    With the share of cells that so many cycles have left stuck, or beyond what `scheme` can write.

    `failed`: the shares `Levels.worn` and `unwritten`, where they are not to be counted; `effort`:
    `cells` and `resolution` of `Cell.levels`, where less than the whole will do.

    Raises:
        RangeViolation: an age beyond the cell's measurements, unless `extrapolate`.
    """
    condition = {"time": time, "temperature": temperature, "cycles": cycles, "scheme": scheme}
    low, high = (
        _table(cell.levels(state, **condition, extrapolate=extrapolate, **effort))
        for state in ("low", "high")
    )
    if cycles == 0:
        return Levels(low, high)
    if failed is None:
        failed = worn(cell, scheme, cycles), _unwritten(cell, scheme, cycles)
    return Levels(low, high, *failed)


def worn(
    cell: Cell, scheme: str, cycles: int, ranked_as: Cell | None = None, **effort: Any
) -> float:
    """Share of cells that the pulses of so many writes by `scheme` leave stuck in the
    low-resistance state, of those that could be written when new; `ranked_as` and `effort`: of
    `write_wear`.
    """
    if cell.endurance is None:
        return 0.0
    if ranked_as is not None and ranked_as is not cell:
        found = write_wear(cell, scheme, ranked_as=ranked_as, **effort)
    else:
        memo: dict[Any, WriteWear] = cell.__dict__.setdefault("_wear", {})
        key = (scheme, *sorted(effort.items()))
        found = (
            memo[key] if key in memo else memo.setdefault(key, write_wear(cell, scheme, **effort))
        )
    return found.stuck(cell.endurance, cycles)[0]


def _unwritten(cell: Cell, scheme: str, cycles: int) -> float:
    """Share of cells that `scheme` wrote when they were new and writes no more."""
    fresh, later = (_trains(cell, scheme, count) for count in (0, cycles))
    return sum(_grown(now, before) for now, before in zip(later, fresh, strict=True))


def _grown(now: PulseTrain, before: PulseTrain) -> float:
    """What the share that a train leaves has grown by; 0 where counts that differ by chance alone
    would say as much (their 95 % intervals overlap).
    """
    counted = now.residue * now.cells >= 1.0
    if counted and now.interval[0] <= before.interval[1]:
        return 0.0
    return max(now.residue - before.residue, 0.0)


def _trains(cell: Cell, scheme: str, cycles: int) -> tuple[PulseTrain, PulseTrain]:
    """SET and RESET trains of cells after `cycles` cycles; kept with the cell object."""
    memo: dict[Any, tuple[PulseTrain, PulseTrain]] = cell.__dict__.setdefault("_trains", {})
    key = (scheme, cycles)
    if key not in memo:
        cells = WRITTEN_AGED if cycles else WRITTEN
        found = write_statistics(cell, scheme, cells=cells, cycles=cycles)
        memo[key] = train(found.set), train(found.reset)
    return memo[key]


def _table(distribution: LevelDistribution) -> Level:
    return tabulate(
        distribution.log_below,
        distribution.log_above,
        distribution.mean,
        0.5 * float(distribution.quantile(DEEPEST)),
        2.0 * float(distribution.quantile(1.0 - 1e-15)),
    )


def train(counted: TrainStatistics) -> PulseTrain:
    """A pulse train from counted cells; where few were left, their last rate is continued.

    The share of cells that is still unfinished falls by about the same factor with each of the late
    pulses. That factor is taken where the count is still good, and carried on below it where less
    is counted, so that the slowest of a million words, rarer than one cell in a million, can be
    told. The share that the last pulse leaves keeps the interval of its count.
    """
    share, cells = np.array(counted.unfinished, dtype=float), counted.count
    good = np.flatnonzero(share * cells >= RARE)
    last = int(good[-1]) if len(good) else 0
    if 0 < last < len(share) - 1:
        # Over so many pulses that the cells left fall to a quarter: the factor is known no better
        # than the counts at both ends.
        first = int(np.flatnonzero(share[:last] >= min(4.0 * share[last], 1.0))[-1])
        factor = (share[last] / share[first]) ** (1.0 / (last - first))
        late = share[last] * factor ** np.arange(1, len(share) - last)
        # The continuation may not promise more than was counted there.
        share[last + 1 :] = np.maximum(
            late, np.where(share[last + 1 :] * cells >= 1, share[last + 1 :], 0)
        )
        share = np.minimum.accumulate(share)
    return PulseTrain(
        share,
        np.array(counted.energy, dtype=float),
        np.array(counted.charge, dtype=float),
        counted.voltage,
        counted.gate_voltage,
        counted.current,
        counted.width,
        counted.count,
        counted.interval(),
    )
