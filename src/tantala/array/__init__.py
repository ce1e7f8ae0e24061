"""Arrays of cells on real wires, solved exactly."""

from __future__ import annotations

from tantala.array.approximations import Comparison, compare
from tantala.array.bias import GATED_SCHEMES, SCHEMES, Bias, GatedBias
from tantala.array.cell_laws import Ohmic, Polynomial
from tantala.array.compiled import CompiledArray
from tantala.array.crosspoint import Array
from tantala.array.disturb_map import DisturbMap, disturb_map
from tantala.array.gated import GatedArray
from tantala.array.gated_solution import GatedPowerBalance, GatedSolution
from tantala.array.pairs import DifferentialPair, InterleavedPair, PairSolution
from tantala.array.pattern import PATTERNS
from tantala.array.read_margin import ReadMargin, WorstRead, read_margin
from tantala.array.read_statistics import ReadStatistics, read_statistics
from tantala.array.selectors import ExponentialSelector, ThresholdSelector
from tantala.array.sizing import SizeSearch, largest_array, margin_against_size
from tantala.array.solution import PowerBalance, Solution
from tantala.array.write_bias import WorstWrite, WriteBias, worst_write, write_bias

__all__ = [
    "GATED_SCHEMES",
    "PATTERNS",
    "SCHEMES",
    "Array",
    "Bias",
    "Comparison",
    "CompiledArray",
    "DifferentialPair",
    "DisturbMap",
    "ExponentialSelector",
    "GatedArray",
    "GatedBias",
    "GatedPowerBalance",
    "GatedSolution",
    "InterleavedPair",
    "Ohmic",
    "PairSolution",
    "Polynomial",
    "PowerBalance",
    "ReadMargin",
    "ReadStatistics",
    "SizeSearch",
    "Solution",
    "ThresholdSelector",
    "WorstRead",
    "WorstWrite",
    "WriteBias",
    "compare",
    "disturb_map",
    "largest_array",
    "margin_against_size",
    "read_margin",
    "read_statistics",
    "worst_write",
    "write_bias",
]
