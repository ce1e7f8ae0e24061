"""The figures of a macro as sums of named parts: the equations that evaluate and search share.

A plan of single numbers gives numbers; a plan of broadcastable arrays gives arrays, each only as
large as the choices it depends on. Parts add up from left to right in the order given here.
"""

from __future__ import annotations

from typing import Any

from tantala.macro.blocks import Blocks
from tantala.macro.plan import Plan
from tantala.macro.setting import Setting
from tantala.macro.subarray import ColumnPath
from tantala.macro.write_verify import PulseTrain
from tantala.technology.broadcast import maximum

Parts = dict[str, Any]


def area_parts(setting: Setting, plan: Plan, blocks: Blocks) -> Parts:
    """Area of the macro by block, m^2."""
    array, cell, code = blocks.array, setting.cell, setting.code
    count = plan.subarrays
    data = setting.words * code.data_bits * cell.area
    check = setting.words * code.check_bits * cell.area
    parts = {
        "data cells": data,
        "check cells": check,
        "spare, reference and edge cells": count * array.width * array.height - data - check,
        "row decoders and word-line drivers": count * blocks.row.area,
        "column multiplexers": count * blocks.column.mux.cost.area,
        "sense amplifiers and references": count
        * (blocks.column.amplifiers * blocks.column.sense.area + blocks.column.reference.area),
        "write drivers": count * blocks.column.drivers * blocks.column.driver.cost.area,
        "buses": blocks.address_bus.area + blocks.data_bus.area,
        "charge pumps": blocks.supplies.line.cost.area + blocks.supplies.gate.cost.area,
        "bandgap": blocks.supplies.bandgap.area,
        "error correction": blocks.encoder.area + blocks.decoder.area,
        "control": plan.banks * blocks.control.area,
        "self test and repair": blocks.test.area + blocks.repair.area,
    }
    inner = sum_parts(parts)
    parts["routing and power rings"] = setting.circuits.calibration.routing_halo * inner
    return parts


def sum_parts(parts: Parts) -> Any:
    """Left-to-right sum, as the sheet does it."""
    value: Any = 0.0
    for part in parts.values():
        value = value + part
    return value


def read_latency_parts(setting: Setting, blocks: Blocks) -> Parts:
    """Address to corrected data, s."""
    row, column = blocks.row, blocks.column
    rows = row.decoder.cost.delay + row.driver.cost.delay
    sensing = column.time
    guard = setting.circuits.calibration.timing_guard - 1.0
    return {
        "address bus": blocks.address_bus.delay,
        "repair compare": blocks.repair.delay,
        "row decoding": row.decoder.cost.delay,
        "word line": row.driver.cost.delay,
        "column select beyond the word line": maximum(column.mux.cost.delay - rows, 0.0),
        "bit-line settling": sensing.settle,
        "signal integration": sensing.integrate,
        "timing guard": guard * (sensing.settle + sensing.integrate),
        "latch": sensing.latch,
        "data bus": blocks.data_bus.delay,
        "error correction": blocks.decoder.delay,
    }


def read_cycle_parts(blocks: Blocks) -> Parts:
    """Least time between reads of one bank, s: buses and decoding of the code are pipelined."""
    row, sensing = blocks.row, blocks.column.time
    return {
        "row path": row.decoder.cost.delay + row.driver.cost.delay,
        "sensing": sensing.total,
        "recovery": row.driver.cost.delay + sensing.settle,
    }


def read_energy_parts(setting: Setting, plan: Plan, blocks: Blocks) -> Parts:
    """Energy of a read per data bit, J."""
    row, column, bits = blocks.row, blocks.column, setting.code.data_bits
    active = plan.together
    return {
        "address bus": blocks.address_bus.energy / bits,
        "row decoding": active * row.decoder.cost.energy / bits,
        "word line": active * row.driver.cost.energy / bits,
        "column select": active * column.mux.cost.energy / bits,
        "cells and sense amplifiers": active * column.amplifiers * column.sense.energy / bits,
        "reference": active * column.reference.energy / bits,
        "data bus": blocks.data_bus.energy / bits,
        "error correction": blocks.decoder.energy / bits,
        "control": blocks.control.energy / bits,
    }


def _verify_time(setting: Setting, blocks: Blocks) -> Any:
    """From the end of a pulse to the verify's decision, s."""
    recovery = setting.assembly.write.recovery
    return recovery + blocks.row.driver.cost.delay + blocks.column.time.total


def pulse_period(setting: Setting, blocks: Blocks, train: PulseTrain) -> Any:
    """Time of one pulse of a train with its verify, s."""
    raise_lines = blocks.row.driver.write_delay + blocks.column.driver.cost.delay
    return raise_lines + train.width + _verify_time(setting, blocks)


def write_time_parts(setting: Setting, blocks: Blocks) -> Parts:
    """Mean time to write a word, s: a first read, then SET and RESET trains of every group."""
    cell = setting.cell
    parts: Parts = {
        "address and encoding": blocks.address_bus.delay + blocks.encoder.delay,
        "read before write": blocks.row.decoder.cost.delay + _verify_time(setting, blocks),
    }
    trains = (("SET", cell.set, blocks.set_pulses), ("RESET", cell.reset, blocks.reset_pulses))
    for name, train, pulses in trains:
        parts[f"{name} pulses"] = pulses * train.width
        parts[f"{name} verify and switching"] = pulses * (
            pulse_period(setting, blocks, train) - train.width
        )
    return parts


def switch_energy_parts(setting: Setting, plan: Plan, blocks: Blocks, name: str) -> Parts:
    """Energy drawn from the supplies per switched cell in one direction, J.

    `name` is "set" or "reset". Word line and verify are shared by the cells of a group that need a
    pulse.
    """
    train: PulseTrain = getattr(setting.cell, name)
    draw = getattr(blocks.supplies, f"{name}_draw")
    per_cell = train.mean_pulses
    pulses = getattr(blocks, f"{name}_pulses")
    switched = 0.5 * setting.changed * setting.code.word_bits
    column, row, supplies = blocks.column, blocks.row, blocks.supplies
    word_line = plan.together * row.driver.write_energy / supplies.gate.efficiency
    verify = plan.parallel * column.sense.energy + plan.together * (
        row.driver.cost.energy + column.mux.cost.energy + column.reference.energy
    )
    select = plan.together * column.mux.write_energy / supplies.line.efficiency
    return {
        "cell": train.cell_energy,
        "pump and path losses": train.cell_energy * (draw - 1.0),
        "lines and drivers": per_cell * column.driver.cost.energy / supplies.line.efficiency,
        "word line and select": pulses * (word_line + select) / switched,
        "verify": pulses * verify / switched,
    }


def write_energy_parts(setting: Setting, plan: Plan, blocks: Blocks) -> Parts:
    """Energy of a write per data bit, J, for the design's share of changed bits."""
    read = read_energy_parts(setting, plan, blocks)
    up, down = (switch_energy_parts(setting, plan, blocks, name) for name in ("set", "reset"))
    return write_energy_of(setting, blocks, read, up, down)


def write_energy_of(setting: Setting, blocks: Blocks, read: Parts, up: Parts, down: Parts) -> Parts:
    """`write_energy_parts` from the energies of a read, of a SET and of a RESET."""
    bits = setting.code.data_bits
    switched = 0.5 * setting.changed * setting.code.word_bits / bits
    return {
        "SET": switched * sum_parts(up),
        "RESET": switched * sum_parts(down),
        "read before write": sum_parts(read),
        "encoding and data bus": (blocks.encoder.energy + blocks.data_bus.energy) / bits,
    }


def power_parts(bits: int, energy: Parts, time: Parts, leakage: Parts) -> Parts:
    """Power of one bank at work without a pause, W: words of `bits`, from the energy of a bit [J]
    and the time of a word [s], and what leaks all the while.
    """
    at_work = bits * sum_parts(energy) / sum_parts(time)
    return {"words": at_work, "leakage": sum_parts(leakage)}


def leakage_parts(plan: Plan, blocks: Blocks) -> Parts:
    """Leakage of the powered, idle macro, W."""
    column, count = blocks.column, plan.subarrays
    return {
        "row decoders and word-line drivers": count * blocks.row.leakage,
        "column multiplexers": count * column.mux.cost.leakage,
        "sense amplifiers and references": count
        * (column.amplifiers * column.sense.leakage + column.reference.leakage),
        "write drivers": count * column.drivers * column.driver.cost.leakage,
        "buses": blocks.address_bus.leakage + blocks.data_bus.leakage,
        "charge pumps": blocks.supplies.line.cost.leakage + blocks.supplies.gate.cost.leakage,
        "bandgap": blocks.supplies.bandgap.leakage,
        "error correction": blocks.encoder.leakage + blocks.decoder.leakage,
        "control, test and repair": plan.banks * blocks.control.leakage
        + blocks.test.leakage
        + blocks.repair.leakage,
    }


def standby_parts(setting: Setting, plan: Plan, blocks: Blocks) -> Parts:
    """Standby power, W: bandgap off, everything but the controller behind power switches.

    Nodes that hardly leak have no power switches: there all of it stays powered.
    """
    standby = setting.assembly.standby
    switched = setting.process.node <= standby.largest_gated * (1.0 + 1e-9)
    residue = standby.gated_residue if switched else 1.0
    gated = {
        name: residue * part
        for name, part in leakage_parts(plan, blocks).items()
        if name not in ("bandgap", "control, test and repair")
    }
    return {**gated, "control": plan.banks * blocks.control.leakage}


def searchable(setting: Setting, plan: Plan, blocks: Blocks) -> dict[str, Any]:
    """The figures a search may aim at or limit, for every candidate of `plan`.

    The entry `feasible` tells which candidates can be built at all: the devices bear the write
    voltage, and the sense amplifiers can tell the states apart.
    """
    read = read_energy_parts(setting, plan, blocks)
    up, down = (switch_energy_parts(setting, plan, blocks, name) for name in ("set", "reset"))
    return {
        "area_m2": sum_parts(area_parts(setting, plan, blocks)),
        "read_latency_s": sum_parts(read_latency_parts(setting, blocks)),
        "read_energy_per_bit_J": sum_parts(read),
        "write_time_s": sum_parts(write_time_parts(setting, blocks)),
        "write_energy_per_bit_J": sum_parts(write_energy_of(setting, blocks, read, up, down)),
        "standby_W": sum_parts(standby_parts(setting, plan, blocks)),
        "feasible": feasible(setting, blocks.column),
    }


def feasible(setting: Setting, column: ColumnPath) -> Any:
    """Whether the devices bear the write voltage and the amplifiers can tell the states apart."""
    limit = setting.process.io.parameters.maximum_voltage * (1.0 + 1e-9)
    borne = maximum(column.set_supply, column.reset_supply) <= limit
    return borne & (column.time.usable > 0.0)
