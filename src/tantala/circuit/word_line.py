"""Word-line drivers: the chain from the row gate to the word line, boosted where it must be.

A word line that is written above the core devices' limit is driven by thick-oxide devices behind
a level shifter; in a read the same chain runs from the read voltage.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tantala.base.errors import InputError, Problem
from tantala.circuit.constants import Circuits
from tantala.circuit.cost import Cost
from tantala.circuit.gate import gate_chain, nand_effort
from tantala.technology import Line, Process, Transistor, distributed_delay
from tantala.technology.broadcast import Values, values
from tantala.technology.delay import LN2


@dataclass(frozen=True)
class LevelShifter:
    """One level shifter: `cost` with its delay [s] into an equal gate, `output_width` [m]."""

    cost: Cost
    output_width: Any


@dataclass(frozen=True)
class WordLineDriver:
    """All drivers of an array. `cost`: delay and energy of a read; write ones beside.

    Energies are drawn from the word-line supply (divide by the pump's efficiency).
    """

    cost: Cost
    write_delay: Any
    write_energy: Any
    boosted: bool


def check_stress(device: Transistor, voltage: Values, what: str) -> None:
    """Raise InputError when `voltage` [V] exceeds what the device may bear."""
    worst = voltage if isinstance(voltage, float) else float(np.max(voltage))
    limit = device.parameters.maximum_voltage
    if worst > limit * (1.0 + 1e-9):
        raise InputError(
            Problem(
                f"{what} above the limit of the thick-oxide devices",
                got=f"{worst:.4g} V",
                allowed=f"at most {limit:.4g} V",
                hint="a technology with a higher I/O voltage",
            )
        )


def level_shifter(process: Process, circuits: Circuits, voltage: float) -> LevelShifter:
    """From the core supply to `voltage` [V].

    The thick-oxide n devices are driven by the core supply only, so the delay rises steeply when
    that supply comes near their threshold.
    """
    check_stress(process.io, voltage, "level-shifter voltage")
    io = process.io_at(voltage)
    minimum = io.parameters.minimum_width
    width = circuits.shifter.input_width * minimum
    # One side: drains of the n and the weak (minimum) p device, gate of the other p device, and
    # the gate that is driven, as wide as the n device.
    drains = (width + minimum) * io.drain_capacitance
    load = drains + minimum * io.gate_capacitance + width * io.inverter_input
    pull = io.resistance(width, "n", gate_voltage=process.supply, swing=voltage)
    delay = circuits.shifter.contention * LN2 * pull * load
    area = io.area(2.0 * (width + minimum)) / circuits.calibration.high_voltage_layout
    leakage = voltage * (io.off_current(width, "n") + io.off_current(minimum, "p"))
    cost = Cost(area, delay, load * voltage**2, leakage)
    return LevelShifter(cost, width)


def word_line_driver(
    process: Process,
    circuits: Circuits,
    rows: Values,
    line: Line,
    read_voltage: float,
    write_voltage: float,
    row_width: Values,
    row_inputs: Values,
) -> WordLineDriver:
    """Drivers of `rows` word lines; `line` is one word line with its access gates.

    `row_width` and `row_inputs` are those of the row decoder.
    """
    rows = values(rows)
    highest = max(float(read_voltage), float(write_voltage))
    core = process.core
    boosted = highest > core.parameters.maximum_voltage
    effort = circuits.decoder.driver_effort
    if not boosted:
        chain = gate_chain(core, row_width, line.capacitance, nand_effort(row_inputs), effort)
        wire = distributed_delay(line)
        area = rows * chain.area(core) / circuits.calibration.core_layout
        cost = Cost(area, chain.delay + wire, chain.energy, rows * chain.leakage(core))
        return WordLineDriver(cost, cost.delay, cost.energy, False)
    read = _boosted(process, circuits, line, read_voltage, row_width, row_inputs)
    write = _boosted(process, circuits, line, write_voltage, row_width, row_inputs)
    largest = read if read_voltage > write_voltage else write
    cost = Cost(rows * largest.area, read.delay, read.energy, rows * largest.leakage)
    return WordLineDriver(cost, write.delay, write.energy, True)


def _boosted(
    process: Process,
    circuits: Circuits,
    line: Line,
    voltage: float,
    row_width: Values,
    row_inputs: Values,
) -> Cost:
    """One boosted driver at `voltage`: row gate, level shifter, thick-oxide chain, line."""
    io = process.io_at(voltage)
    shifter = level_shifter(process, circuits, voltage)
    into = shifter.output_width * io.gate_capacitance
    gate = gate_chain(process.core, row_width, into, nand_effort(row_inputs))
    effort = circuits.decoder.driver_effort
    chain = gate_chain(io, shifter.output_width, line.capacitance, stage_effort=effort)
    delay = gate.delay + shifter.cost.delay + chain.delay + distributed_delay(line)
    area = (
        gate.area(process.core) / circuits.calibration.core_layout
        + shifter.cost.area
        + chain.area(io) / circuits.calibration.high_voltage_layout
    )
    leakage = gate.leakage(process.core) + shifter.cost.leakage + chain.leakage(io)
    return Cost(area, delay, gate.energy + shifter.cost.energy + chain.energy, leakage)
