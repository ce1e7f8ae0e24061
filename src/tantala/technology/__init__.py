"""Process nodes: transistors, wires and logic at a corner, a temperature and a supply."""

from tantala.technology.delay import Line, distributed_delay, horowitz
from tantala.technology.node import HIGHEST_SUPPLY, Technology, load_technology
from tantala.technology.process import CORNERS, Process
from tantala.technology.transistor import Transistor
from tantala.technology.wire import Wire, wire_capacitance, wire_resistance

__all__ = [
    "CORNERS",
    "HIGHEST_SUPPLY",
    "Line",
    "Process",
    "Technology",
    "Transistor",
    "Wire",
    "distributed_delay",
    "horowitz",
    "load_technology",
    "wire_capacitance",
    "wire_resistance",
]
