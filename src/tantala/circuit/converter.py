"""Periphery of a compute-in-memory tile: converters, row drivers, accumulation, buffers.

Every block gives a `Cost`: area [m^2], time of one operation [s], energy of one operation [J],
leakage [W]. Sizes follow from noise and matching in the process; bits may be arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tantala.circuit.converter_constants import Converters
from tantala.circuit.cost import Cost
from tantala.technology import Process
from tantala.technology.broadcast import Values, values

BOLTZMANN = 1.380649e-23  # J/K, exact (SI)


def sampling_capacitance(process: Process, constants: Converters, bits: Values) -> np.ndarray:
    """Capacitor array [F] of a converter: the larger of what noise and matching ask for.

    Noise: kT/C <= share * LSB^2 / 12. Matching: the largest step of a binary array of 2^bits units
    deviates by sigma_u 2^(bits/2) codes, sigma_u = A_C / sqrt(unit area).
    """
    sar = constants.sar
    codes = 2.0 ** values(bits)
    step = sar.full_scale * process.supply / codes
    noise = BOLTZMANN * process.temperature / (sar.noise_share * step**2 / 12.0)
    sigma = 0.5 / (sar.deviations * np.sqrt(codes))
    unit = np.maximum((sar.matching / sigma) ** 2 * sar.density, sar.minimum_unit)
    return np.maximum(noise, unit * codes)


def _comparator(process: Process, constants: Converters, bits: Values) -> Cost:
    """A dynamic comparator whose input noise takes the same share as the array's."""
    sar, core = constants.sar, process.core
    step = sar.full_scale * process.supply / 2.0 ** values(bits)
    noise = BOLTZMANN * process.temperature / (sar.noise_share * step**2 / 12.0)
    width = core.parameters.minimum_width
    least = 8.0 * width * (core.gate_capacitance + core.drain_capacitance)
    load = np.maximum(sar.comparator_noise * noise, least)
    # The load is made of the gates and drains of the latch itself.
    devices = load / (core.gate_capacitance + core.drain_capacitance)
    area = core.area(devices)
    return Cost(area, 0.0, load * process.supply**2, 0.25 * devices * core.inverter_leakage)


def sar_converter(process: Process, constants: Converters, bits: Values) -> Cost:
    """Successive approximation: one bit a cycle. Energy and time of one conversion."""
    sar = constants.sar
    bits = values(bits)
    total = sampling_capacitance(process, constants, bits)
    comparator = _comparator(process, constants, bits)
    gates = bits * sar.bit_gates
    swing = sar.full_scale * process.supply
    charge = total * swing * process.supply  # taking the sample
    energy = (
        charge
        + sar.switching * total * process.supply**2
        + bits * comparator.energy
        + bits * sar.activity * gates * process.gate_energy
    )
    area = total / sar.density + comparator.area + gates * process.gate_area
    leakage = comparator.leakage + gates * process.gate_leakage
    return Cost(area, (bits + 1.0) * sar.bit_time * process.fo4, energy, leakage)


def ramp_converter(process: Process, constants: Converters, bits: Values) -> Cost:
    """Ramp: 2^bits steps against a ramp that is shared; comparator and latch of one column.

    The ramp generator is shared by all columns of a tile and not counted.
    """
    ramp = constants.ramp
    bits = values(bits)
    steps = 2.0**bits
    time = steps * ramp.step_time * process.fo4
    register = 6.0 * process.gate_energy
    comparator = _comparator(process, constants, bits)
    total = sampling_capacitance(process, constants, bits)
    energy = (
        ramp.bias * process.supply * time
        + ramp.counter_toggles * steps * register / 2.0
        + total * constants.sar.full_scale * process.supply**2
    )
    gates = 2.0 * 6.0 * bits
    area = total / constants.sar.density + comparator.area + gates * process.gate_area
    return Cost(area, time, energy, comparator.leakage + gates * process.gate_leakage)


def converter(process: Process, constants: Converters, bits: Values, kind: str = "sar") -> Cost:
    """The converter of a kind, "sar" or "ramp"."""
    return (sar_converter if kind == "sar" else ramp_converter)(process, constants, bits)


def column_clamp(process: Process, constants: Converters, time: Values) -> Cost:
    """Clamp of one column, which works for `time` [s] an operation."""
    gates = constants.column.clamp_gates
    energy = constants.column.clamp * process.supply * values(time)
    return Cost(gates * process.gate_area, 0.0, energy, gates * process.gate_leakage)


def row_driver(
    process: Process,
    constants: Converters,
    bits: Values,
    line: Values,
    voltage: Values,
    largest_current: Values,
    time: Values,
    mean_square: Any = 1.0 / 3.0,
    switched: bool = False,
) -> Cost:
    """Input register, level select and buffer of one row that drives for `time` [s].

    `line` [F] of the row, `voltage` [V] of the largest digit, `largest_current` [A] for which the
    buffer is sized, `mean_square` of the digits in parts of the largest. A `switched` row sends a
    digit of one bit, or its value as pulses, through a switch to the read voltage: no levels, no
    buffer. What the array itself draws from the rail is not in here.
    """
    drive = constants.driver
    bits = values(bits)
    rail = values(voltage) + (0.0 if switched else drive.headroom)
    # A switched digit of several bits counts its pulses: as many gates again as its register.
    analog = 2.0**bits * drive.level_gates + drive.buffer_gates
    gates = 6.0 * bits + (6.0 * bits if switched else analog)
    standing = 0.0 if switched else drive.standing * values(largest_current) * rail * time
    charging = values(line) * values(voltage) * rail * np.sqrt(mean_square)
    if switched:
        charging = charging * np.sqrt(mean_square) * (2.0**bits - 1.0)  # once a pulse
    register = 0.5 * 6.0 * bits * process.gate_energy
    delay = 10.0 * process.fo4
    return Cost(
        gates * process.gate_area,
        delay,
        standing + charging + register,
        gates * process.gate_leakage,
    )


def shift_add(process: Process, constants: Converters, bits: Values) -> Cost:
    """Adder and register of `bits`: one addition."""
    adder = constants.adder
    bits = values(bits)
    gates = bits * (adder.gates + 6.0)
    return Cost(
        gates * process.gate_area,
        bits * adder.delay * process.fo4,
        adder.activity * gates * process.gate_energy,
        gates * process.gate_leakage,
    )


def sram_buffer(process: Process, constants: Converters, bits: Values) -> Cost:
    """SRAM of `bits`; energy of moving ONE bit in or out."""
    buffer = constants.buffer
    bits = values(bits)
    return Cost(
        bits * buffer.bit_area * process.node**2,
        20.0 * process.fo4,
        buffer.bit_energy * process.gate_energy,
        bits * buffer.bit_leakage * process.gate_leakage,
    )


def multiply_accumulate(
    process: Process, constants: Converters, weight_bits: Values, input_bits: Values
) -> Cost:
    """One digital product and its accumulation, with its share of a weight read from SRAM."""
    digital, adder = constants.digital, constants.adder
    product = values(weight_bits) + input_bits
    gates = digital.multiplier_gates * values(weight_bits) * input_bits
    accumulate = shift_add(process, constants, product + digital.guard_bits)
    weight = sram_buffer(process, constants, weight_bits)
    energy = (
        adder.activity * gates * process.gate_energy
        + accumulate.energy
        + (values(weight_bits) / digital.weight_reuse + input_bits) * weight.energy
    )
    return Cost(
        gates * process.gate_area + accumulate.area,
        digital.cycle * process.fo4,
        energy,
        gates * process.gate_leakage + accumulate.leakage,
    )
