"""tantala: a workbench for ReRAM chips, from one measured cell to a chip's executable datasheet.

import tantala as tt
cells = tt.load_cell("hfox_64k").sample(100_000, seed=1)
sheet = tt.load_design("embedded_8mb_28nm").macro().evaluate()
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Public names load on first use, so that `import tantala` and `tantala --help` stay fast.
_PUBLIC = {
    "Array": "tantala.array",
    "Chip": "tantala.chip",
    "load_cell": "tantala.cell",
    "load_technology": "tantala.technology",
    "load_design": "tantala.macro",
    "datasheet": "tantala.report",
    "ConvergenceError": "tantala.base.errors",
    "TantalaError": "tantala.base.errors",
    "InputError": "tantala.base.errors",
    "RangeViolation": "tantala.base.errors",
    "FitError": "tantala.base.errors",
}

if TYPE_CHECKING:
    from tantala import cim
    from tantala.array import Array
    from tantala.base.errors import (
        ConvergenceError,
        FitError,
        InputError,
        RangeViolation,
        TantalaError,
    )
    from tantala.cell import load_cell
    from tantala.chip import Chip
    from tantala.macro import load_design
    from tantala.report import datasheet
    from tantala.technology import load_technology

__all__ = [
    "Array",
    "Chip",
    "ConvergenceError",
    "FitError",
    "InputError",
    "RangeViolation",
    "TantalaError",
    "cim",
    "datasheet",
    "load_cell",
    "load_design",
    "load_technology",
]


def __getattr__(name: str) -> Any:
    if name == "cim":
        return importlib.import_module("tantala.cim")
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'tantala' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
