"""Arrays of cells on real wires, solved exactly."""

from __future__ import annotations

from tantala.array.cell_laws import Ohmic, Polynomial
from tantala.array.compiled import CompiledArray
from tantala.array.crosspoint import Array
from tantala.array.gated import GatedArray
from tantala.array.gated_solution import GatedPowerBalance, GatedSolution
from tantala.array.pairs import DifferentialPair, InterleavedPair, PairSolution
from tantala.array.selectors import ExponentialSelector, ThresholdSelector
from tantala.array.solution import PowerBalance, Solution

__all__ = [
    "Array",
    "CompiledArray",
    "DifferentialPair",
    "ExponentialSelector",
    "GatedArray",
    "GatedPowerBalance",
    "GatedSolution",
    "InterleavedPair",
    "Ohmic",
    "PairSolution",
    "Polynomial",
    "PowerBalance",
    "Solution",
    "ThresholdSelector",
]
