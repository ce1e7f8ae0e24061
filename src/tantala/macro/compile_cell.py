"""From a cell model to what a macro needs: levels at two ages, pulse trains, geometry."""

from __future__ import annotations

import numpy as np

from tantala.base.errors import InputError, Problem, raise_if
from tantala.cell import Cell, load_cell
from tantala.cell.levels import LevelDistribution
from tantala.cell.write_statistics import TrainStatistics, write_statistics
from tantala.macro.bit_cell import BitCell, Levels
from tantala.macro.design import Design
from tantala.macro.levels import Level, tabulate
from tantala.macro.write_verify import PulseTrain

GEOMETRY = {
    "geometry.width": "cell pitch along the word line",
    "geometry.height": "cell pitch along the bit line",
    "geometry.access_width": "width of the access transistor",
}
FRESH = 1.0  # s after the write: the relaxation that no controller can wait for has happened
DEEPEST = 1e-18  # smallest tail probability that the tables resolve
WRITTEN = 20_000  # cells written to find the statistics of writing
RARE = 20.0  # written cells below which a counted share is continued by its law instead


def compile_cell(design: Design, cell: Cell | None = None, cells: int = WRITTEN) -> BitCell:
    """The design's cell, with its statistics at the required life and its write scheme's pulses.

    Args:
        design: what the cell must do.
        cell: in place of the design's own.
        cells: how many are written to find the pulses that writing takes.

    Raises:
        InputError: the cell lacks a law or its geometry, with everything that is missing.
    """
    cell = load_cell(design.cell) if cell is None else cell
    _require_geometry(cell)
    need = design.requirements
    scheme = design.write.scheme
    statistics = write_statistics(cell, scheme, seed=design.seed, cells=cells)
    ages = {
        "fresh": (FRESH, design.environment.temperature_typical, 0),
        "aged": (need.retention.time, need.retention.temperature, need.endurance),
    }
    levels = {
        name: levels_of(cell, scheme, *age, extrapolate=design.extrapolate)
        for name, age in ages.items()
    }
    trains = [train(part, statistics.cells) for part in (statistics.set, statistics.reset)]
    return BitCell(
        name=cell.name,
        width=cell.item.value("geometry.width", "m"),
        height=cell.item.value("geometry.height", "m"),
        access_width=cell.item.value("geometry.access_width", "m"),
        read_voltage=cell.nominal.read_voltage,
        read_gate_voltage=min(design.supply.high, statistics.set.gate_voltage),
        fresh=levels["fresh"],
        aged=levels["aged"],
        set=trains[0],
        reset=trains[1],
        stuck=trains[0].residue + trains[1].residue,
        records=tuple(cell.item.numbers.values()),
        model=cell,
    )


def _require_geometry(cell: Cell) -> None:
    raise_if(
        [
            Problem("a macro needs the cell's geometry", f"{cell.item.path.name}: {path}", "", what)
            for path, what in GEOMETRY.items()
            if path not in cell.item.numbers
        ],
        InputError,
    )


def levels_of(
    cell: Cell, scheme: str, time: float, temperature: float, cycles: int, extrapolate: bool = False
) -> Levels:
    """Both levels of a cell after a time (s) at a temperature (K) and `cycles` writes before.

    Raises:
        RangeViolation: an age beyond the cell's measurements, unless `extrapolate`.
    """
    condition = {"time": time, "temperature": temperature, "cycles": cycles, "scheme": scheme}
    low, high = (
        _table(cell.levels(state, **condition, extrapolate=extrapolate))
        for state in ("low", "high")
    )
    return Levels(low, high, _worn(cell, cycles))


def _worn(cell: Cell, cycles: int) -> float:
    """Share of cells that so many nominal cycles leave stuck in the low-resistance state."""
    if cell.endurance is None or cycles == 0:
        return 0.0
    return float(cell.endurance.stuck_fraction(cycles, cell.nominal.set_wordline))


def _table(distribution: LevelDistribution) -> Level:
    return tabulate(
        distribution.log_below,
        distribution.log_above,
        distribution.mean,
        0.5 * float(distribution.quantile(DEEPEST)),
        2.0 * float(distribution.quantile(1.0 - 1e-15)),
    )


def train(counted: TrainStatistics, cells: int) -> PulseTrain:
    """A pulse train from counted cells; where few were left, their last rate is continued.

    The share of cells that is still unfinished falls by about the same factor with each of the late
    pulses. That factor is taken where the count is still good, and carried on below it, so that
    words in a million can be told from a few thousand written cells.
    """
    share = np.array(counted.unfinished, dtype=float)
    good = np.flatnonzero(share * cells >= RARE)
    last = int(good[-1]) if len(good) else 0
    if 0 < last < len(share) - 1:
        first = max(last - 3, 0)
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
        counted.voltage,
        counted.gate_voltage,
        counted.current,
        counted.width,
    )
