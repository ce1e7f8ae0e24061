"""Peripheral circuits of a macro: behaviour, and area, delay, energy and leakage of each block."""

from tantala.circuit.bus import best_repeaters, bus, bus_path, h_tree_path, h_tree_wire
from tantala.circuit.charge_pump import ChargePump, bandgap, charge_pump, regulator
from tantala.circuit.column_mux import ColumnMux, column_mux
from tantala.circuit.constants import Calibration, Circuits, load_circuits
from tantala.circuit.cost import Cost
from tantala.circuit.decoder import RowDecoder, row_decoder
from tantala.circuit.digital import controller, logic_block, repair, self_test
from tantala.circuit.ecc import CODES, Bch, Code, Decoded, Hsiao, make_code
from tantala.circuit.ecc_logic import decoder_cost, encoder_cost
from tantala.circuit.interface import SerialInterface, serial_interface
from tantala.circuit.reference import reference_generator
from tantala.circuit.sense_amplifier import (
    SenseAmplifier,
    SenseCurrents,
    SenseTime,
    WindowClosed,
)
from tantala.circuit.word_line import (
    LevelShifter,
    WordLineDriver,
    level_shifter,
    word_line_driver,
)
from tantala.circuit.write_driver import WriteDriver, supply_for, write_driver

__all__ = [
    "CODES",
    "Bch",
    "Calibration",
    "ChargePump",
    "Circuits",
    "Code",
    "ColumnMux",
    "Cost",
    "Decoded",
    "Hsiao",
    "LevelShifter",
    "RowDecoder",
    "SenseAmplifier",
    "SenseCurrents",
    "SenseTime",
    "SerialInterface",
    "WindowClosed",
    "WordLineDriver",
    "WriteDriver",
    "bandgap",
    "best_repeaters",
    "bus",
    "bus_path",
    "charge_pump",
    "column_mux",
    "controller",
    "decoder_cost",
    "encoder_cost",
    "h_tree_path",
    "h_tree_wire",
    "level_shifter",
    "load_circuits",
    "logic_block",
    "make_code",
    "reference_generator",
    "regulator",
    "repair",
    "row_decoder",
    "self_test",
    "serial_interface",
    "supply_for",
    "word_line_driver",
    "write_driver",
]
