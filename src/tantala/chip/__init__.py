"""A chip with every cell alive: a die, its controller, and the faces that programs talk to."""

from tantala.chip.chip import Chip
from tantala.chip.errors import ImageError, PowerLost, ProtectedError, UncorrectableError
from tantala.chip.meter import Operation, Statistics

__all__ = [
    "Chip",
    "ImageError",
    "Operation",
    "PowerLost",
    "ProtectedError",
    "Statistics",
    "UncorrectableError",
]
