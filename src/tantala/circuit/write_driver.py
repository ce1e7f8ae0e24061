"""Write driver: the switch that puts the SET or RESET voltage on a bit or source line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tantala.circuit.constants import Circuits
from tantala.circuit.cost import Cost
from tantala.circuit.gate import gate_chain
from tantala.circuit.word_line import check_stress, level_shifter
from tantala.technology import Line, Process
from tantala.technology.broadcast import Values, maximum, values
from tantala.technology.delay import LN2


@dataclass(frozen=True)
class WriteDriver:
    """One driver with its level shifter and current limit.

    `resistance` [ohm] at its current; `width` [m] of the p device. `cost`: delay from data to a
    settled line, energy of raising driver and line once (drawn from the write supply).
    """

    width: Any
    resistance: Any
    cost: Cost


def write_driver(
    process: Process,
    circuits: Circuits,
    current: Values,
    voltage: float,
    line: Line,
) -> WriteDriver:
    """A driver for `current` [A] at `voltage` [V] onto `line` (with the column mux on it).

    The p device passes the high level with its gate at ground: full drive; it is sized so that
    the write current costs the allowed drop.
    """
    check_stress(process.io, voltage, "write voltage")
    io = process.io_at(voltage)
    drop = circuits.column.driver_drop
    unit = io.channel_conductance(voltage, 1.0, "p")
    width = maximum(values(current) / (drop * unit), io.parameters.minimum_width)
    shifter = level_shifter(process, circuits, voltage)
    # The n device pulls the line back and needs no more width than the p device drive asks for.
    n_width = width / io.pn_ratio
    chain = gate_chain(io, shifter.output_width, n_width * io.inverter_input)
    own = n_width * io.inverter_output
    resistance = 1.0 / (unit * width)
    charge = LN2 * (resistance + line.resistance) * (own + line.capacitance)
    control = circuits.column.driver_control
    area = (
        shifter.cost.area
        + (chain.area(io) + n_width * io.inverter_area) / circuits.calibration.high_voltage_layout
        + control * process.gate_area
    )
    energy = shifter.cost.energy + chain.energy + voltage**2 * (own + line.capacitance)
    leakage = (
        shifter.cost.leakage
        + chain.leakage(io)
        + n_width * io.inverter_leakage
        + control * process.gate_leakage
    )
    delay = shifter.cost.delay + chain.delay + charge
    return WriteDriver(width, resistance, Cost(area, delay, energy, leakage))


def supply_for(cell_voltage: Values, current: Values, path_resistance: Values) -> np.ndarray:
    """Voltage [V] at the driver that leaves `cell_voltage` after the drops of the path [ohm]."""
    return values(cell_voltage) + values(current) * path_resistance
