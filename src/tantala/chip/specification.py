"""What a chip takes from its macro: where sensing decides, and what operations cost.

The macro is the one of the datasheet, at typical conditions; its operations are those whose times
and energies the datasheet prints, so both tell the same.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tantala.macro import figures, serial
from tantala.macro.blocks import Blocks
from tantala.macro.design import Controller, Design
from tantala.macro.macro import Macro
from tantala.macro.read_path import ReadPath
from tantala.macro.setting import Setting
from tantala.macro.write_verify import PulseTrain

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sensing:
    """Where a sense amplifier decides, as its cell's conductance.

    A cell above `low` reads as low-resistance, one below `high` as high-resistance; between them
    the amplifier has no time to decide. `z`: standard scores of an amplifier's offset, (n,), at
    which `low` and `high` [S] (n,) are given. `voltage`: V over the cell.
    """

    z: Floats
    low: Floats
    high: Floats
    voltage: float

    def thresholds(self, offset: Floats) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(low, high) [S] of amplifiers with these standard scores of the offset."""
        low, high = (np.interp(offset, self.z, edge) for edge in (self.low, self.high))
        return low.astype(np.float32), high.astype(np.float32)


@dataclass(frozen=True)
class Direction:
    """One direction of writing: s a pulse with its verify; J a joule in the cell, J a pulsed cell,
    J a pulse of a group.
    """

    period: float
    draw: float
    cell_energy: float
    pulse_energy: float


@dataclass(frozen=True)
class Specification:
    """A macro as its controller sees it.

    banks: that read side by side. read_latency: s from an address to corrected data.
    words: addressable. set_words, set_spares: data and spare words of a group of sub-arrays, which
    share sense amplifiers. parallel: bits pulsed together. read_time [s], read_energy [J] a word;
    start_time, start_energy: of a write before its first pulse. pump_time, pump_energy: of a write
    command before its first word. standby_power: W. transfer_energy: J a bit read over the serial
    interface at the design's clock, beside the macro's own and the standby power, which is counted
    while the bus clocks; program_power: W that a serial chip draws while it writes, beside the
    macro's energies; both 0 of an embedded macro. temperature: K.
    """

    design: Design
    words: int
    banks: int
    set_words: int
    set_spares: int
    parallel: int
    sensing: Sensing
    read_time: float
    read_latency: float
    read_energy: float
    start_time: float
    start_energy: float
    pump_time: float
    pump_energy: float
    set: Direction
    reset: Direction
    standby_power: float
    transfer_energy: float
    program_power: float
    temperature: float

    def groups(self, words: int) -> int:
        """Groups of sub-arrays that hold so many data words."""
        return -(-words // self.set_words)


@functools.lru_cache(maxsize=8)
def _compiled(stated: str) -> tuple[Macro, Setting, Blocks]:
    macro = Macro(Design.model_validate_json(stated))
    kelvin = macro.design.environment.temperature_typical
    return macro, macro.setting("typical", kelvin), macro.blocks("typical", kelvin)


@functools.lru_cache(maxsize=8)
def _of(stated: str) -> Specification:
    macro, setting, blocks = _compiled(stated)
    design, kelvin = macro.design, macro.design.environment.temperature_typical
    sheet = macro.evaluate("typical", kelvin)
    plan, bits = macro.plan, setting.code.data_bits
    rows = int(plan.rows) * int(plan.mux)
    start = figures.write_time_parts(setting, blocks)
    energy = figures.write_energy_parts(setting, plan, blocks)
    supplies = blocks.supplies
    transfer, program = _beside_the_macro(macro, setting, blocks, sheet["standby_W"])
    return Specification(
        design=design,
        words=design.words,
        banks=int(plan.banks),
        set_words=rows,
        set_spares=design.organisation.spare_rows * int(plan.mux),
        parallel=int(plan.parallel),
        sensing=_sensing(setting, blocks),
        read_time=sheet["read_cycle_s"],
        read_latency=sheet["read_latency_s"],
        read_energy=sheet["read_energy_per_bit_J"] * bits,
        start_time=float(start["address and encoding"] + start["read before write"]),
        start_energy=float(energy["read before write"] + energy["encoding and data bus"]) * bits,
        pump_time=float(supplies.line.start_up),
        pump_energy=float(supplies.line.cost.energy),
        set=_direction(macro, setting, blocks, "set"),
        reset=_direction(macro, setting, blocks, "reset"),
        standby_power=sheet["standby_W"],
        transfer_energy=transfer,
        program_power=program,
        temperature=kelvin,
    )


def specification(design: Design) -> Specification:
    """The specification of a design; compiled once a process for each, whatever its controller."""
    return replace(_of(_macro_of(design)), design=design)


def pulse_trains(design: Design) -> dict[str, PulseTrain]:
    """The trains of its "set" and "reset": pulses that the cells need when they are new."""
    cell = _compiled(_macro_of(design))[1].cell
    return {"set": cell.set, "reset": cell.reset}


def _macro_of(design: Design) -> str:
    """What of a design its macro depends on."""
    plain = design.model_copy(update={"controller": Controller()})
    return plain.model_dump_json(by_alias=True, exclude_none=True)


def _beside_the_macro(
    macro: Macro, setting: Setting, blocks: Blocks, standby: float
) -> tuple[float, float]:
    """(J a bit read, W while writing) of what makes a serial chip of a macro."""
    interface = macro.design.interface
    if interface is None:
        return 0.0, 0.0
    read = serial.read_energy_parts(setting, macro.plan, blocks, interface)
    write = serial.write_current_parts(setting, macro.plan, blocks, interface)
    standing = figures.sum_parts(write) - write["words"] - write["pump start-up"]
    standby_of_a_bit = standby / (interface.clock * interface.lines)
    transfer = figures.sum_parts(read) - read["macro"] - standby_of_a_bit
    return float(transfer), float(standing * setting.high_supply)


def _direction(macro: Macro, setting: Setting, blocks: Blocks, name: str) -> Direction:
    train = getattr(setting.cell, name)
    parts = figures.switch_energy_parts(setting, macro.plan, blocks, name)
    pulses = float(getattr(blocks, f"{name}_pulses"))
    switched = 0.5 * setting.changed * setting.code.word_bits
    shared = float(parts["word line and select"] + parts["verify"]) * switched / pulses
    return Direction(
        period=float(figures.pulse_period(setting, blocks, train)),
        draw=float(getattr(blocks.supplies, f"{name}_draw")),
        cell_energy=float(parts["lines and drivers"]) / train.mean_pulses,
        pulse_energy=shared,
    )


def _sensing(setting: Setting, blocks: Blocks) -> Sensing:
    """The macro's own rule of `macro.levels.misread`, over the offset of an amplifier."""
    column, voltage = blocks.column, setting.cell.read_voltage
    reference, offset = float(column.currents.reference), float(column.offset)
    usable = float(np.maximum(column.time.usable, 0.0))
    series = float(column.mux.read_resistance)
    z = np.linspace(-8.0, 8.0, 129)

    def edge(path: ReadPath, distance: float) -> Floats:
        current = np.maximum(reference + distance + offset * z, 1e-15)
        return path.cell(1.0 / np.maximum(voltage / current - series, 1e-3))

    low, high = column.paths
    return Sensing(z, edge(low, usable), edge(high, -usable), voltage)
