"""Buses and H-trees with repeaters (Bakoglu 1990)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tantala.circuit.constants import Circuits
from tantala.circuit.cost import Cost
from tantala.technology import Process, Wire
from tantala.technology.broadcast import Values, maximum, sqrt, values
from tantala.technology.delay import LINE_HALF, LN2


@dataclass(frozen=True)
class Repeaters:
    """Best repeaters of a wire: `spacing` [m], n `width` [m], `delay_per_length` [s/m]."""

    spacing: Any
    width: Any
    delay_per_length: Any


def best_repeaters(process: Process, wire: Wire) -> Repeaters:
    """Spacing sqrt(2 R0 (C0 + Cp) / (r c)) and size sqrt(R0 c / (r C0)) of Bakoglu."""
    core = process.core
    r0, c0, cp = core.inverter_resistance, core.inverter_input, core.inverter_output
    spacing = sqrt(2.0 * r0 * (c0 + cp) / (wire.resistance * wire.capacitance))
    width = sqrt(r0 * wire.capacitance / (wire.resistance * c0))
    return Repeaters(spacing, width, _segment(process, wire, spacing, width) / spacing)


def _segment(process: Process, wire: Wire, length: Any, width: Any) -> Any:
    """Delay [s] of one repeater and its wire into an equal repeater."""
    core = process.core
    resistance = core.inverter_resistance / width
    inputs = core.inverter_input * width
    own = core.inverter_output * width
    r, c = wire.resistance * length, wire.capacitance * length
    return LINE_HALF * r * c + LN2 * (resistance * (c + inputs + own) + r * inputs)


def bus(
    process: Process,
    circuits: Circuits,
    length: Values,
    wires: Values,
    toggled: Values,
    wire: Wire | None = None,
) -> Cost:
    """`wires` parallel lines of `length` [m], of which `toggled` change in one transfer.

    Repeaters of the best size; lines shorter than the best spacing have one driver. The wires run
    above other blocks, so the area is that of the repeaters.
    """
    wire = process.intermediate if wire is None else wire
    core = process.core
    best = best_repeaters(process, wire)
    length = values(length)
    count = maximum(1.0, length / best.spacing)
    delay = count * _segment(process, wire, length / count, best.width)
    load = wire.capacitance * length + count * best.width * (
        core.inverter_input + core.inverter_output
    )
    width = count * best.width
    wires = values(wires)
    area = wires * width * core.inverter_area / circuits.calibration.core_layout
    energy = 0.5 * values(toggled) * load * process.supply**2
    return Cost(area, delay, energy, wires * width * core.inverter_leakage)


def h_tree_path(width: Values, height: Values, leaves_x: Values, leaves_y: Values) -> np.ndarray:
    """Length [m] from the middle of an edge to any leaf's centre over an H-tree.

    Each level halves the previous one; the sum to the centre of a leaf is
    (W/2)(1 - 1/n_x) + (H/2)(1 - 1/n_y), after H/2 from the edge to the middle.
    """
    width, height = values(width), values(height)
    across = 0.5 * width * (1.0 - 1.0 / values(leaves_x))
    down = 0.5 * height * (1.0 - 1.0 / values(leaves_y))
    return 0.5 * height + across + down


def bus_path(width: Values, height: Values, leaves_y: Values) -> np.ndarray:
    """Length [m] from an edge to the farthest leaf over a spine and straight branches."""
    height = values(height)
    return height * (1.0 - 0.5 / values(leaves_y)) + 0.5 * values(width)


def h_tree_wire(width: Values, height: Values, leaves_x: Values, leaves_y: Values) -> np.ndarray:
    """Total length [m] of one signal's H-tree to all leaves: what its repeaters leak and occupy."""
    nx, ny = values(leaves_x), values(leaves_y)
    levels_x, levels_y = np.log2(nx), np.log2(ny)
    # At each halving in x the number of branches doubles and their length halves, so a level adds
    # half of the width times the branches that exist in y by then (alternating x and y).
    across = 0.5 * values(width) * maximum(levels_x, 0.0) * np.sqrt(ny)
    down = 0.5 * values(height) * maximum(levels_y, 0.0) * np.sqrt(nx)
    return 0.5 * values(height) + across + down
