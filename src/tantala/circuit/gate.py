"""Chains of gates by logical effort (Sutherland, Sproull and Harris 1999).

The number of stages is taken as a real number, log4 of the path effort but at least one: the
delay and the size of a chain are then smooth in its load, and within a few per cent of the best
whole number of stages.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from tantala.technology import Transistor
from tantala.technology.broadcast import Values, log, maximum, values, where

STAGE_EFFORT = 4.0  # best stage effort of inverters with their own parasitics (logical effort)


@dataclass(frozen=True)
class Chain:
    """Delay [s], energy [J] of one cycle (up and down, load included), total n width [m]."""

    delay: Any
    energy: Any
    width: Any

    def area(self, device: Transistor) -> Any:
        """Drawn area [m^2]."""
        return self.width * device.inverter_area

    def leakage(self, device: Transistor) -> Any:
        """Leakage power [W]."""
        return self.width * device.inverter_leakage


def gate_chain(
    device: Transistor,
    input_width: Values,
    load: Values,
    effort: Values = 1.0,
    stage_effort: float = STAGE_EFFORT,
) -> Chain:
    """A chain from a gate of n width `input_width` [m] to `load` [F].

    `effort` is the logical effort of the first gate times the branching of the path;
    `stage_effort` above 4 trades delay for area.
    """
    input_width = values(input_width)
    first = device.inverter_input * input_width
    path = values(effort) * load / first
    stages = maximum(1.0, log(maximum(path, 1.0)) / math.log(stage_effort))
    stage = where(stages > 1.0, stage_effort, path)
    delay = stages * device.tau * (stage + device.parasitic)
    inputs = maximum(1.0, (path - 1.0) / (stage_effort - 1.0))
    energy = device.supply**2 * (first * inputs * (1.0 + device.parasitic) + load)
    return Chain(delay, energy, input_width * inputs)


def nand_effort(inputs: Values) -> np.ndarray:
    """Logical effort of a NAND gate, (inputs + 2)/3."""
    return (values(inputs) + 2.0) / 3.0
