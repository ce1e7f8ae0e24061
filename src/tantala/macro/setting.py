"""What stays fixed while organisations vary: process, cell, code, supplies and the read window."""

from __future__ import annotations

from dataclasses import dataclass

from tantala.circuit import Circuits
from tantala.circuit.ecc import Code as CodeLogic
from tantala.macro.bit_cell import BitCell
from tantala.macro.coding import Code
from tantala.macro.constants import Assembly
from tantala.technology import Process


@dataclass(frozen=True, slots=True)
class Setting:
    """One macro's surroundings at one corner, temperature and supply.

    Attributes:
        process: devices and wires under these conditions.
        circuits, assembly: constants of the blocks and of their assembly.
        cell: the bit cell.
        low_tail, high_tail: conductances (S) at the ends of the tails which sensing must reach.
        code: error-correcting code of a word, counted; `gates`: the same as logic, None without
            one.
        words: addressable words.
        high_supply: supply of the pumps and of the read word line, V.
        spare_rows, spare_columns: spares of a sub-array.
        changed: share of a word's bits which a write switches on average.
    """

    process: Process
    circuits: Circuits
    assembly: Assembly
    cell: BitCell
    low_tail: float
    high_tail: float
    code: Code
    gates: CodeLogic | None
    words: int
    high_supply: float
    spare_rows: int
    spare_columns: int
    changed: float
