"""Pads and serial interface of a stand-alone chip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tantala.circuit.constants import Circuits
from tantala.circuit.cost import Cost
from tantala.circuit.digital import logic_block
from tantala.technology import Process
from tantala.technology.broadcast import Values, values
from tantala.technology.delay import LN2


@dataclass(frozen=True)
class SerialInterface:
    """SPI pads and logic. `cost`: energy a bit read out (`write_energy` a bit taken in), delay
    from clock edge to output; `active_current` and `standby_current` [A] beside the bits."""

    cost: Cost
    write_energy: Any
    active_current: Any
    standby_current: Any


def serial_interface(
    process: Process, circuits: Circuits, supply: float, pads: Values = 8
) -> SerialInterface:
    """SPI with one data line out, at an I/O `supply` [V], with `pads` bond pads.

    A data line changes in half of the bits; the clock input swings in each.
    """
    size = circuits.interface
    logic = logic_block(process, circuits, size.spi_gates)
    output = 0.5 * 0.5 * size.pad_capacitance * supply**2
    clock = size.input_capacitance * supply**2
    taken = 0.5 * 0.5 * size.input_capacitance * supply**2
    delay = LN2 * size.output_resistance * size.pad_capacitance + 10.0 * process.io.fo4
    area = values(pads) * size.pad_area + logic.area
    cost = Cost(area, delay, output + clock + logic.energy, logic.leakage)
    return SerialInterface(
        cost, taken + clock + logic.energy, size.oscillator_current, size.standby_current
    )
