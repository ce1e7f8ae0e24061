"""Reference current: a trimmed branch for a group of sense amplifiers, mirrored to each."""

from __future__ import annotations

from tantala.circuit.constants import Circuits
from tantala.circuit.cost import Cost
from tantala.technology import Process
from tantala.technology.broadcast import Values


def reference_generator(
    process: Process, circuits: Circuits, current: Values, duration: Values
) -> Cost:
    """One generator of `current` [A] that runs for `duration` [s] in a read.

    Its branches settle before the word line is up, so it adds no delay; it leaks like its devices
    when it is off.
    """
    size = circuits.reference
    core = process.core
    width = size.branches * size.branch_width * core.parameters.minimum_width
    analog = core.area(width) * circuits.sense.length / circuits.calibration.core_layout
    area = analog + size.trim_gates * process.gate_area
    energy = process.supply * current * (1.0 + size.overhead) * duration
    leakage = size.trim_gates * process.gate_leakage + 0.5 * width * core.inverter_leakage
    return Cost(area, 0.0, energy, leakage)
