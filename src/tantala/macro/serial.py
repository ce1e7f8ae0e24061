"""A stand-alone serial chip around a macro: pads, interface, page write, whole-chip currents."""

from __future__ import annotations

from typing import Any

import numpy as np

from tantala.circuit import regulator, serial_interface
from tantala.macro import figures
from tantala.macro.blocks import Blocks
from tantala.macro.design import Interface
from tantala.macro.plan import Plan
from tantala.macro.setting import Setting

Parts = dict[str, Any]


def core_current(setting: Setting, plan: Plan, blocks: Blocks, interface: Interface) -> Any:
    """Mean current of the core supply while a page is read at the serial clock, A."""
    energy = figures.sum_parts(figures.read_energy_parts(setting, plan, blocks))
    rate = interface.clock * interface.lines
    return energy * rate / setting.process.supply


def area_parts(
    setting: Setting, plan: Plan, blocks: Blocks, interface: Interface, macro: Parts
) -> Parts:
    """Area of the die, m^2: the macro's parts, then what makes it a chip of its own."""
    pads = serial_interface(setting.process, setting.circuits, setting.high_supply, interface.pads)
    current = core_current(setting, plan, blocks, interface)
    regulated = regulator(
        setting.process,
        setting.circuits,
        setting.process.supply,
        current,
        setting.high_supply,
    )
    parts = {**macro, "pads and serial interface": pads.cost.area, "regulator": regulated.area}
    inner = figures.sum_parts(parts)
    ring = setting.circuits.interface.seal_ring
    parts["seal ring"] = 4.0 * ring * (np.sqrt(inner) + ring)
    return parts


def read_energy_parts(setting: Setting, plan: Plan, blocks: Blocks, interface: Interface) -> Parts:
    """Whole-chip energy per bit read serially, J, all drawn from the high supply.

    The core is fed by a series regulator, so its charge is paid at the high voltage; standing
    currents are shared by the bits that pass in the meantime.
    """
    process, high = setting.process, setting.high_supply
    serial = serial_interface(process, setting.circuits, high, interface.pads)
    rate = interface.clock * interface.lines
    ratio = high / process.supply
    macro = figures.sum_parts(figures.read_energy_parts(setting, plan, blocks))
    leakage = figures.sum_parts(figures.leakage_parts(plan, blocks))
    return {
        "macro": macro,
        "series regulator": macro * (ratio - 1.0),
        "pads and interface": serial.cost.energy,
        "oscillator, power-on reset, regulator": (
            serial.active_current + setting.circuits.regulator.amplifier_current
        )
        * high
        / rate,
        "leakage and bandgap": ratio * leakage / rate,
    }


def read_current_parts(setting: Setting, plan: Plan, blocks: Blocks, interface: Interface) -> Parts:
    """Supply current of a serial read, A."""
    rate = interface.clock * interface.lines
    energy = read_energy_parts(setting, plan, blocks, interface)
    return {name: part * rate / setting.high_supply for name, part in energy.items()}


def page_words(setting: Setting, interface: Interface) -> float:
    """Words of a page."""
    return interface.page / setting.code.data_bits


def page_write_time_parts(
    setting: Setting, plan: Plan, blocks: Blocks, interface: Interface
) -> Parts:
    """Mean time to write a full page from the buffer, s; words are written one after another."""
    words = page_words(setting, interface)
    word = figures.write_time_parts(setting, blocks)
    start = {"pump start-up": blocks.supplies.line.start_up}
    return {**start, **{name: words * part for name, part in word.items()}}


def write_current_parts(
    setting: Setting, plan: Plan, blocks: Blocks, interface: Interface
) -> Parts:
    """Mean supply current of a page write, A."""
    high = setting.high_supply
    time = figures.sum_parts(page_write_time_parts(setting, plan, blocks, interface))
    words = page_words(setting, interface)
    bits = setting.code.data_bits
    word = figures.sum_parts(figures.write_energy_parts(setting, plan, blocks)) * bits
    serial = serial_interface(setting.process, setting.circuits, high, interface.pads)
    return {
        "words": words * word / (time * high),
        "pump start-up": blocks.supplies.line.cost.energy / (time * high),
        "pump clocks, regulators and control": setting.circuits.interface.program_current,
        "oscillator, power-on reset, regulator": serial.active_current
        + setting.circuits.regulator.amplifier_current,
        "leakage and bandgap": figures.sum_parts(figures.leakage_parts(plan, blocks))
        / setting.process.supply,
    }


def standby_parts(setting: Setting, interface: Interface, macro: Parts) -> Parts:
    """Standby power of the chip, W: the macro behind its regulator, and what watches the bus."""
    high = setting.high_supply
    serial = serial_interface(setting.process, setting.circuits, high, interface.pads)
    ratio = high / setting.process.supply
    return {
        **{name: ratio * part for name, part in macro.items()},
        "serial interface": serial.standby_current * high,
    }
