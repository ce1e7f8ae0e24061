"""Column multiplexer: pass gates between bit (or source) lines, sense amplifiers and drivers.

Each line has a large write gate, sized by the write current, and a small read gate, so that the
sense amplifier does not carry the drains of the write path.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tantala.circuit.constants import Circuits
from tantala.circuit.cost import Cost
from tantala.circuit.gate import Chain, gate_chain, nand_effort
from tantala.circuit.word_line import check_stress, level_shifter
from tantala.technology import Line, Process, Transistor, distributed_delay
from tantala.technology.broadcast import Values, log2, maximum, minimum, values


@dataclass(frozen=True)
class ColumnMux:
    """`groups` groups of `ratio` lines each onto one read node and one write node.

    `write_resistance`, `read_resistance` [ohm] of a selected line; `line_capacitance` [F] which the
    gates add to each line; `read_node`, `write_node` [F] of the common nodes. `cost`: area and
    leakage of everything, delay and energy of one selection for a read; `write_delay`,
    `write_energy` of one for a write (from the select voltage's supply).
    """

    write_resistance: Any
    read_resistance: Any
    line_capacitance: Any
    read_node: Any
    write_node: Any
    write_delay: Any
    write_energy: Any
    cost: Cost


def column_mux(
    process: Process,
    circuits: Circuits,
    ratio: Values,
    groups: Values,
    column_pitch: Values,
    write_current: Values,
    write_voltage: float,
    read_voltage: float,
) -> ColumnMux:
    """Mux of `ratio`:1 over `groups` groups with lines `column_pitch` [m] apart.

    `write_voltage` and `read_voltage` [V] are the select voltages. All pass gates are thick-oxide:
    the read gate must hold off the write voltage.
    """
    check_stress(process.io, write_voltage, "column select voltage")
    ratio, groups = values(ratio), values(groups)
    io = process.io_at(write_voltage)
    beta = io.pn_ratio
    minimum = io.parameters.minimum_width
    unit = _pass_conductance(io, write_voltage)
    write_width = values(write_current) / (circuits.column.write_drop * unit)
    write_width = maximum(write_width, minimum)
    read_width = circuits.column.read_gate * minimum
    # A bit line is read within some 0.3 V of ground: the n device alone conducts.
    read_unit = process.io.channel_conductance(read_voltage, 1.0, "n")
    drain = io.drain_capacitance * (1.0 + beta)
    wire = process.local.capacitance * ratio * column_pitch
    length = groups * ratio * column_pitch
    read = _select(process, circuits, ratio, length, groups * read_width, read_voltage)
    write = _select(process, circuits, ratio, length, groups * write_width, write_voltage)
    gates = groups * ratio * io.area((write_width + read_width) * (1.0 + beta))
    area = gates / circuits.calibration.high_voltage_layout + ratio * (read.area + write.area)
    return ColumnMux(
        write_resistance=1.0 / (unit * write_width),
        read_resistance=1.0 / (read_unit * read_width),
        line_capacitance=drain * (write_width + read_width),
        read_node=ratio * drain * read_width + wire,
        write_node=ratio * drain * write_width + wire,
        write_delay=write.delay,
        write_energy=write.energy,
        cost=Cost(area, read.delay, read.energy, ratio * (read.leakage + write.leakage)),
    )


def _select(
    process: Process,
    circuits: Circuits,
    ratio: Values,
    length: Values,
    gate_width: Any,
    voltage: float,
) -> Cost:
    """One select line of `length` [m] at `voltage` with pass gates of `gate_width` [m] on it."""
    io = process.io_at(voltage)
    shifter = level_shifter(process, circuits, voltage)
    line = Line.of(process.intermediate, length)
    load = line.capacitance + gate_width * io.gate_capacitance * (1.0 + io.pn_ratio)
    driver = gate_chain(io, shifter.output_width, load)
    decode: Chain = gate_chain(
        process.core,
        process.core.parameters.minimum_width,
        shifter.output_width * io.gate_capacitance,
        nand_effort(maximum(1.0, log2(ratio))),
    )
    wire = distributed_delay(Line(line.resistance, load))
    return Cost(
        shifter.cost.area
        + driver.area(io) / circuits.calibration.high_voltage_layout
        + decode.area(process.core) / circuits.calibration.core_layout,
        decode.delay + shifter.cost.delay + driver.delay + wire,
        decode.energy + shifter.cost.energy + driver.energy,
        shifter.cost.leakage + driver.leakage(io) + decode.leakage(process.core),
    )


def _pass_conductance(io: Transistor, select: float) -> Any:
    """Conductance per n width [S/m] of a transmission gate, the worse of its two levels.

    A line is written near ground, where the n device has the full drive, or near the select
    voltage, where the p device has it.
    """
    low = io.channel_conductance(select, 1.0, "n")
    high = io.channel_conductance(select, io.pn_ratio, "p")
    return minimum(low, high)
