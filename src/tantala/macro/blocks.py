"""All blocks of a macro, for one plan or for a block of plans: the one place that builds them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from tantala.circuit import (
    ChargePump,
    Cost,
    bandgap,
    bus,
    charge_pump,
    controller,
    repair,
    self_test,
)
from tantala.circuit.ecc_logic import decoder_cost, encoder_cost
from tantala.macro.plan import Plan
from tantala.macro.setting import Setting
from tantala.macro.subarray import (
    CellArray,
    ColumnPath,
    RowPath,
    cell_array,
    column_path,
    row_path,
)
from tantala.macro.write_verify import mean_group_pulses
from tantala.technology.broadcast import ceil, log2, maximum, minimum


@dataclass(frozen=True, slots=True)
class Supplies:
    """Pumps of the write path and the bandgap.

    `line` feeds bit and source lines, `gate` the word lines; `set_draw`, `reset_draw`: energy
    drawn from the high supply for each joule which the cell takes.
    """

    line: ChargePump
    gate: ChargePump
    bandgap: Cost
    line_voltage: Any
    set_draw: Any
    reset_draw: Any


@dataclass(frozen=True, slots=True)
class Blocks:
    """Everything a macro is made of, with its outer dimensions (m).

    `set_pulses`, `reset_pulses`: mean number of pulses a word takes in each direction, all groups
    together.
    """

    array: CellArray
    row: RowPath
    column: ColumnPath
    subarray_width: Any
    subarray_height: Any
    core_width: Any
    core_height: Any
    address_bus: Cost
    data_bus: Cost
    supplies: Supplies
    encoder: Cost
    decoder: Cost
    control: Cost
    test: Cost
    repair: Cost
    set_pulses: Any
    reset_pulses: Any


def build(setting: Setting, plan: Plan) -> Blocks:
    """The blocks of `plan` in `setting`."""
    process, circuits = setting.process, setting.circuits
    array = cell_array(setting, plan)
    row = row_path(setting, plan, array)
    column = column_path(setting, plan, array)
    # Row circuits fill the corner beside the column strip (predecoders, timing), so none is lost.
    height = array.height + column.area / array.width
    width = array.width + row.area / height
    core_width, core_height = plan.across * width, plan.down * height
    # A transfer runs up the spine to the addressed row of sub-arrays and out to the word's group;
    # wires exist along the whole spine and on every branch.
    reach = core_height * (1.0 - 0.5 / plan.down) + 0.5 * core_width
    extent = core_height + plan.down * core_width
    address = math.log2(setting.words)
    used = bus(process, circuits, reach, 1.0, 1.0)
    laid = bus(process, circuits, extent, 1.0, 1.0)
    code = setting.gates
    spare = setting.spare_rows + setting.spare_columns
    share = 0.5 * setting.changed
    groups = ceil(setting.code.word_bits / plan.parallel)
    set_pulses, reset_pulses = (
        groups * mean_group_pulses(train, plan.parallel, share)
        for train in (setting.cell.set, setting.cell.reset)
    )
    return Blocks(
        array,
        row,
        column,
        width,
        height,
        core_width,
        core_height,
        _wires(used, laid, address),
        _wires(used, laid, setting.code.word_bits),
        _supplies(setting, plan, column, array),
        encoder_cost(process, circuits, code) if code else Cost(),
        decoder_cost(process, circuits, code) if code else Cost(),
        controller(process, circuits, setting.code.word_bits),
        self_test(process, circuits),
        repair(process, circuits, plan.subarrays * spare, log2(plan.rows)),
        set_pulses,
        reset_pulses,
    )


def _wires(used: Cost, laid: Cost, wires: float) -> Cost:
    """A bus of `wires` of which half change.

    Delay and energy are those of the length which a transfer uses,
    area and leakage those of the repeaters on all that is laid.
    """
    return Cost(wires * laid.area, used.delay, 0.5 * wires * used.energy, wires * laid.leakage)


def _supplies(setting: Setting, plan: Plan, column: ColumnPath, array: CellArray) -> Supplies:
    """Pumps for the line and the word-line voltage, sized for the bits pulsed together."""
    process, circuits, cell = setting.process, setting.circuits, setting.cell
    limit = process.io.parameters.maximum_voltage
    wanted = maximum(column.set_supply, column.reset_supply)
    voltage = minimum(wanted, limit)
    current = plan.parallel * max(cell.set.current, cell.reset.current)
    lines = plan.parallel * array.bit_line.capacitance
    line = charge_pump(process, circuits, voltage, current, setting.high_supply, lines)
    gate_voltage = max(cell.set.gate_voltage, cell.reset.gate_voltage)
    # The word line takes charge once a pulse; the pump replaces it within the pulse.
    shortest = min(cell.set.width, cell.reset.width)
    gate_charge = plan.together * array.word_line.capacitance * gate_voltage
    gate = charge_pump(
        process,
        circuits,
        gate_voltage,
        gate_charge / shortest,
        setting.high_supply,
        plan.together * array.word_line.capacitance,
    )
    # One pump serves both directions; the lower voltage is taken from it through a regulator.
    per_volt = voltage / line.efficiency
    return Supplies(
        line,
        gate,
        bandgap(process, circuits, setting.high_supply),
        voltage,
        per_volt * cell.set.cell_charge / cell.set.cell_energy,
        per_volt * cell.reset.cell_charge / cell.reset.cell_energy,
    )
