"""Gates, delay and energy of encoders and decoders, counted from the real code matrices.

Encoder: one XOR tree a check bit. SECDED decoder: the same trees over the received word, one
column match a data bit. BCH decoder: power-sum trees, Peterson's locator with field multipliers,
and a parallel Chien search with constant multipliers (Lin and Costello 2004).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from tantala.circuit.constants import Circuits
from tantala.circuit.cost import Cost
from tantala.circuit.digital import logic_block
from tantala.circuit.ecc import Bch, Code
from tantala.technology import Process

# Field multipliers of the locator's direct solution, which is scaled by its denominator to avoid an
# inverter, and the longest path through them; for t = 4 both are assumed, by the trend of the rest.
LOCATOR_MULTIPLIERS = {1: 0, 2: 3, 3: 8, 4: 22}
LOCATOR_LEVELS = {1: 0, 2: 2, 3: 3, 4: 5}
AND_GATES = 1.5  # two-input AND in NAND gates: a NAND and an inverter of half its size


@dataclass(frozen=True)
class GateCount:
    """Two-input XOR and AND gates, and the longest path in levels of each.

    `busy_xors` of the XOR gates see new data in each word; the others move only on an error.
    """

    xors: float
    ands: float
    xor_levels: float
    and_levels: float
    busy_xors: float = 0.0


@functools.lru_cache(maxsize=64)
@functools.cache
def encoder_gates(code: Code) -> GateCount:
    """XOR trees of the check equations."""
    weights = code.parity_weights()
    levels = int(np.ceil(np.log2(max(2, int(weights.max())))))
    xors = float(np.maximum(weights - 1, 0).sum())
    return GateCount(xors, 0.0, levels, 0.0, xors)


@functools.lru_cache(maxsize=64)
@functools.cache
def decoder_gates(code: Code) -> GateCount:
    """Check, locate and correct."""
    check = encoder_gates(code)
    locate = _bch_locate(code) if isinstance(code, Bch) else _column_match(code)
    compare = check.xors + code.r
    return GateCount(
        compare + locate.xors + code.k,
        locate.ands,
        check.xor_levels + locate.xor_levels + 2,
        locate.and_levels,
        compare,
    )


def _column_match(code: Code) -> GateCount:
    """SECDED: an AND of all syndrome bits a data bit, and the parity of the syndrome."""
    return GateCount(code.r - 1.0, code.k * (code.r - 1.0), 0.0, float(np.ceil(np.log2(code.r))))


def _bch_locate(code: Bch) -> GateCount:
    """BCH: power sums from the syndrome, locator by Peterson, Chien search over data bits."""
    field, m = code.field, code.field.degree
    sums = 0
    for index in range(code.t):
        images = [field.power((2 * index + 1) * bit) for bit in range(code.r)]
        sums += sum(image.bit_count() for image in images) - m
    multiplier_xors, multiplier_ands = (m - 1) ** 2 + 3 * m, m * m
    multipliers = LOCATOR_MULTIPLIERS[code.t]
    constants = sum(
        field.constant_weight(-power * int(exponent)) - m
        for exponent in code.exponents[: code.k]
        for power in range(1, code.t + 1)
    )
    combine = code.k * m * code.t
    xors = sums + multipliers * multiplier_xors + constants + combine
    ands = multipliers * multiplier_ands + code.k * (m - 1)
    levels = (
        np.ceil(np.log2(code.r))
        + LOCATOR_LEVELS[code.t] * (np.ceil(np.log2(m)) + 1)
        + np.ceil(np.log2(m))
        + np.ceil(np.log2(code.t + 1))
    )
    and_levels = LOCATOR_LEVELS[code.t] + np.ceil(np.log2(m))
    return GateCount(float(xors), float(ands), float(levels), float(and_levels))


def _cost(process: Process, circuits: Circuits, gates: GateCount) -> Cost:
    logic = circuits.logic
    count = logic.sharing * (gates.xors * logic.xor_gates + gates.ands * AND_GATES)
    depth = gates.xor_levels * logic.xor_delay + gates.and_levels * logic.and_delay
    block = logic_block(process, circuits, count, depth)
    # Random data toggles half of the nodes of an XOR tree, up or down.
    busy = logic.sharing * gates.busy_xors * logic.xor_gates
    return Cost(block.area, block.delay, 0.25 * busy * process.gate_energy, block.leakage)


def encoder_cost(process: Process, circuits: Circuits, code: Code) -> Cost:
    """The encoder of one word: delay before a write, energy a word."""
    return _cost(process, circuits, encoder_gates(code))


def decoder_cost(process: Process, circuits: Circuits, code: Code) -> Cost:
    """The decoder of one word: delay from sensed to corrected data, energy a word."""
    return _cost(process, circuits, decoder_gates(code))
