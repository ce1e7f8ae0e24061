"""Arrays of cells on real wires, solved exactly."""

from __future__ import annotations

from tantala.array.compiled import CompiledArray
from tantala.array.crosspoint import Array
from tantala.array.gated import GatedArray
from tantala.array.gated_solution import GatedPowerBalance, GatedSolution
from tantala.array.pairs import DifferentialPair, InterleavedPair, PairSolution
from tantala.array.solution import PowerBalance, Solution

__all__ = [
    "Array",
    "CompiledArray",
    "DifferentialPair",
    "GatedArray",
    "GatedPowerBalance",
    "GatedSolution",
    "InterleavedPair",
    "PairSolution",
    "PowerBalance",
    "Solution",
]
