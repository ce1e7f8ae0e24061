"""What stays fixed while organisations vary: process, cell, code, supplies and the read window."""

from __future__ import annotations

from dataclasses import dataclass

from tantala.circuit.constants import Circuits
from tantala.macro.bit_cell import BitCell
from tantala.macro.coding import Code
from tantala.macro.constants import Assembly
from tantala.macro.levels import Window
from tantala.technology import Process


@dataclass(frozen=True, slots=True)
class Setting:
    """One macro's surroundings at one corner, temperature and supply.

    Attributes:
        process: devices and wires under these conditions.
        circuits, assembly: constants of the blocks and of their assembly.
        cell: the bit cell.
        window: aged levels of the cell and the reference between them.
        low_tail, high_tail: conductances (S) at the ends of the tails which sensing must reach.
        code: error-correcting code of a word.
        words: addressable words.
        high_supply: supply of the pumps and of the read word line, V.
        spare_rows, spare_columns: spares of a sub-array.
        changed: share of a word's bits which a write switches on average.
    """

    process: Process
    circuits: Circuits
    assembly: Assembly
    cell: BitCell
    window: Window
    low_tail: float
    high_tail: float
    code: Code
    words: int
    high_supply: float
    spare_rows: int
    spare_columns: int
    changed: float
