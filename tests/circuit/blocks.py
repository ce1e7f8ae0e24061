"""Typical blocks that the tests of several circuits share."""

from functools import cache

from tantala.circuit import SenseAmplifier, SenseCurrents, load_circuits
from tantala.technology import Line, load_technology

PITCH = 0.2e-6  # m, a 28 nm cell
READ = 0.2  # V on the bit line


@cache
def process(node="28nm", corner="typical", temperature=300.0, supply=None):
    return load_technology(node).at(corner, temperature, supply)


@cache
def circuits():
    return load_circuits()


def bit_line(p, rows=512):
    return Line.of(p.local, rows * PITCH, 0.4e-9)


def word_line(p, columns=512):
    return Line.of(p.local, columns * PITCH, 1.2e-9)


def amplifier(p=None):
    return SenseAmplifier(p or process(), circuits(), READ)


def currents(low_resistance=12e3, high_resistance=80e3):
    """Tail currents of two resistances [ohm], reference half-way."""
    low, high = READ / low_resistance, READ / high_resistance
    return SenseCurrents(low, high, 0.5 * (low + high))
