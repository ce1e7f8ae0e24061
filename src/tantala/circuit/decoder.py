"""Row address decoding: predecoders, predecode lines down the array, one NAND a row.

Groups of three address bits are decoded once; each of the eight lines of a group runs along all
rows and loads one eighth of the row gates (reference macro model, step 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tantala.circuit.constants import Circuits
from tantala.circuit.cost import Cost
from tantala.circuit.gate import gate_chain, nand_effort
from tantala.technology import Line, Process, distributed_delay
from tantala.technology.broadcast import Values, ceil, log2, maximum, values

GROUP_BITS = 3


@dataclass(frozen=True)
class RowDecoder:
    """`cost`: delay from address to row gate input; energy of one access; `row_width` [m] of the
    n devices of a row gate, and `row_inputs`, what the word-line driver chain starts from."""

    cost: Cost
    row_width: Any
    row_inputs: Any


def row_decoder(
    process: Process, circuits: Circuits, rows: Values, row_pitch: Values
) -> RowDecoder:
    """The decoder of an array of `rows` rows, `row_pitch` [m] apart."""
    core = process.core
    minimum = core.parameters.minimum_width
    rows = values(rows)
    bits = log2(rows)
    groups = maximum(1.0, ceil(bits / GROUP_BITS))
    lines = 2.0 ** (bits / groups)
    row_width = circuits.decoder.row_gate * minimum
    row_input = core.inverter_input * row_width * nand_effort(groups)
    line = Line.of(process.intermediate, rows * row_pitch)
    load = line.capacitance + rows / lines * row_input
    input_width = circuits.decoder.input_gate * minimum
    chain = gate_chain(core, input_width, load, nand_effort(bits / groups) * lines / 2.0)
    delay = (
        circuits.decoder.front_end * process.fo4
        + chain.delay
        + distributed_delay(line, load=rows / lines * row_input)
    )
    # Series devices of a NAND are widened by the number of inputs.
    row_gates = rows * row_width * groups
    drivers = groups * lines * chain.width
    area = (row_gates + drivers) * core.inverter_area / circuits.calibration.core_layout
    leakage = (rows * row_width + drivers) * core.inverter_leakage
    return RowDecoder(Cost(area, delay, groups * chain.energy, leakage), row_width, groups)
