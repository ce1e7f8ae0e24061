"""Synthesised logic of a macro: controller, write control, self test, repair."""

from __future__ import annotations

from tantala.circuit.constants import Circuits
from tantala.circuit.cost import Cost
from tantala.technology import Process
from tantala.technology.broadcast import Values, ceil, log2, maximum, values, where


def logic_block(
    process: Process,
    circuits: Circuits,
    gates: Values,
    depth: Values = 0.0,
    activity: float | None = None,
) -> Cost:
    """A block of `gates` two-input NANDs whose longest path is `depth` FO4 delays.

    Energy is that of one clock cycle at `activity` (fraction of gates with an up-and-down pair).
    """
    activity = circuits.logic.activity if activity is None else activity
    gates = values(gates)
    return Cost(
        gates * process.gate_area,
        values(depth) * process.fo4,
        activity * gates * process.gate_energy,
        gates * process.gate_leakage,
    )


def controller(process: Process, circuits: Circuits, data_bits: Values) -> Cost:
    """Macro controller with the write-verify state of `data_bits` written at once."""
    logic = circuits.logic
    registers = 2.0 * logic.register * values(data_bits)
    gates = logic.controller + logic.write_control * values(data_bits) + registers
    return logic_block(process, circuits, gates)


def self_test(process: Process, circuits: Circuits) -> Cost:
    """Built-in self test and test access; idle in normal use (no energy)."""
    block = logic_block(process, circuits, circuits.logic.self_test)
    return Cost(block.area, 0.0, 0.0, block.leakage)


def repair(process: Process, circuits: Circuits, entries: Values, address_bits: Values) -> Cost:
    """Registers and comparators for `entries` replaced rows or columns.

    The comparison adds a comparator tree to the address path.
    """
    bits = values(address_bits)
    gates = values(entries) * bits * circuits.logic.repair_entry
    levels = ceil(log2(maximum(bits, 2.0)))
    depth = circuits.logic.xor_delay + levels * circuits.logic.and_delay
    return logic_block(process, circuits, gates, where(values(entries) > 0, depth, 0.0))
