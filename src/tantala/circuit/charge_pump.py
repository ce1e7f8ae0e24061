"""Charge pump (Dickson), regulator and bandgap: the supply of the write path.

Output of N stages at load I: V = (N + 1) Vin - N I / (f C). Total capacitance for a wanted V and I:
C_T = N^2 I / (f ((N + 1) Vin - V)); efficiency V / (Vin (N + 1 + a N^2 / (N + 1 - V/Vin))) with a
the bottom-plate ratio (Palumbo and Pappalardo 2010; checked against a switched-capacitor simulation
in the tests). Start-up charges the output and a third of the stage capacitors through the output
resistance N^2 / (f C_T). The number of stages is the one that needs
the least capacitance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tantala.base.errors import InputError, Problem
from tantala.circuit.constants import Circuits
from tantala.circuit.cost import Cost
from tantala.circuit.word_line import check_stress
from tantala.technology import Process
from tantala.technology.broadcast import Values, maximum, minimum, values, where


@dataclass(frozen=True)
class ChargePump:
    """A pump at its load. `stages` 0 where the input is high enough without one.

    `capacitance` [F] of all stages, `output_capacitance` [F] for the ripple, `efficiency`,
    `output_resistance` [ohm], `start_up` [s] into the output capacitance; `cost` has the area
    and the standby leakage (its delay is the start-up, its energy that of one start-up).
    """

    stages: Any
    capacitance: Any
    output_capacitance: Any
    efficiency: Any
    output_resistance: Any
    start_up: Any
    no_load_voltage: Any
    cost: Cost

    def voltage_at(self, current: Values) -> Any:
        """Unregulated output [V] at another load `current` [A]: (N + 1) Vin - R_out I."""
        return self.no_load_voltage - self.output_resistance * values(current)


def charge_pump(
    process: Process,
    circuits: Circuits,
    output_voltage: Values,
    load_current: Values,
    input_voltage: float,
    load_capacitance: Values = 0.0,
) -> ChargePump:
    """A pump from `input_voltage` to `output_voltage` [V] at `load_current` [A].

    `load_capacitance` [F] of word and bit lines counts as output capacitance. Raises InputError
    when the voltage is above the devices' limit or needs more stages than allowed.
    """
    check_stress(process.io, output_voltage, "pump output")
    size = circuits.pump
    voltage, current = values(output_voltage), values(load_current)
    if np.any(voltage >= (size.most_stages + 1.0) * input_voltage):
        raise _too_many_stages(np.asarray(voltage), input_voltage, size.most_stages)
    # N^2 / ((N + 1) Vin - V) is convex in N and least at 2 (V/Vin - 1), so the best whole number of
    # stages is one of its two neighbours.
    fewer = minimum(maximum(np.floor(2.0 * (voltage / input_voltage - 1.0)), 1.0), size.most_stages)
    more = minimum(fewer + 1.0, size.most_stages)
    need_fewer = _capacitance(fewer, voltage, input_voltage)
    need_more = _capacitance(more, voltage, input_voltage)
    pumped = voltage > input_voltage
    count = where(need_more < need_fewer, more, fewer) * pumped
    need = minimum(need_more, need_fewer)
    capacitance = where(pumped, need, 0.0) * current / size.clock
    return _assemble(
        process,
        circuits,
        voltage,
        current,
        input_voltage,
        count,
        capacitance,
        values(load_capacitance),
    )


def _capacitance(stages: Values, voltage: Values, input_voltage: float) -> Values:
    """Total capacitance of a number of stages, over load current and clock period [1/V]."""
    headroom = (stages + 1.0) * input_voltage - voltage
    enough = headroom > 0.0
    return where(enough, stages**2 / where(enough, headroom, 1.0), np.inf)


def _assemble(
    process: Process,
    circuits: Circuits,
    voltage: Values,
    current: Values,
    input_voltage: float,
    count: np.ndarray,
    capacitance: np.ndarray,
    load_capacitance: Values,
) -> ChargePump:
    """Efficiency, start-up and cost of a pump whose stages and capacitance are chosen."""
    size = circuits.pump
    ratio = voltage / input_voltage
    pumped = count > 0.0
    gain = where(pumped, count + 1.0 - ratio, 1.0)
    loss = process.capacitor.bottom_plate * count**2 / gain
    efficiency = where(pumped, ratio / (count + 1.0 + loss), minimum(ratio, 1.0))
    buffer = maximum(current / (size.clock * size.phases * size.ripple) - load_capacitance, 0.0)
    buffer = buffer * pumped
    output = buffer + load_capacitance
    resistance = where(
        capacitance > 0.0, count**2 / (size.clock * where(capacitance > 0, capacitance, 1.0)), 0
    )
    # Rise towards (N+1) Vin through the output resistance; a third of the stage capacitors
    # is charged along with the output.
    swing = -np.log1p(-ratio / where(pumped, count + 1.0, np.inf)) * pumped
    start_up = resistance * (output + capacitance / 3.0) * swing
    capacitor_area = (capacitance * (1.0 + size.switch_area) + buffer) / process.capacitor.density
    gates = size.control_gates * pumped
    cost = Cost(
        area=capacitor_area + gates * process.gate_area,
        delay=start_up,
        energy=0.5 * (output + capacitance / 3.0) * voltage**2 / efficiency,
        leakage=gates * process.gate_leakage,
    )
    return ChargePump(
        count,
        capacitance,
        output,
        efficiency,
        resistance,
        start_up,
        (count + 1.0) * input_voltage,
        cost,
    )


def _too_many_stages(voltage: np.ndarray, input_voltage: float, most: float) -> InputError:
    return InputError(
        Problem(
            "charge pump cannot reach its output voltage",
            got=f"{float(np.max(voltage)):.4g} V from {input_voltage:.4g} V",
            allowed=f"less than {(most + 1.0) * input_voltage:.4g} V with {most:g} stages",
        )
    )


def regulator(
    process: Process,
    circuits: Circuits,
    output_voltage: float,
    load_current: Values,
    input_voltage: float,
) -> Cost:
    """A linear regulator to `output_voltage` from `input_voltage` [V] at `load_current` [A].

    Its efficiency is the ratio of the voltages (`output_voltage / input_voltage`); the standing
    current of its amplifier is in `leakage` and can be switched off in standby. Raises InputError
    below the dropout voltage.
    """
    size = circuits.regulator
    if input_voltage - output_voltage < size.dropout - 1e-12:
        raise InputError(
            Problem(
                "regulator input too low",
                got=f"{input_voltage:.4g} V for {output_voltage:.4g} V",
                allowed=f"at least {output_voltage + size.dropout:.4g} V",
            )
        )
    check_stress(process.io, input_voltage, "regulator input")
    io = process.io
    gate = io.threshold("p") + size.pass_overdrive
    width = values(load_current) / io.current(gate, 1.0, "p")
    area = io.area(width) / circuits.calibration.high_voltage_layout + size.amplifier_area
    standing = size.amplifier_current * input_voltage
    return Cost(area, 0.0, 0.0, standing + io.off_current(width, "p") * input_voltage)


def bandgap(process: Process, circuits: Circuits, supply: float | None = None) -> Cost:
    """The voltage and current reference of a macro; its standing current is in `leakage`."""
    supply = process.supply if supply is None else supply
    return Cost(
        circuits.regulator.bandgap_area, 0.0, 0.0, circuits.regulator.bandgap_current * supply
    )
