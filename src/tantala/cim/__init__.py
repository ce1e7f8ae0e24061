"""Compute in memory: torch networks on tiles of ReRAM cells.

Needs torch (extra `torch`), apart from the tiles themselves.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

from tantala.cim.tile import Tile, load_tile

if TYPE_CHECKING:
    from tantala.cim.budget import within
    from tantala.cim.conversion import convert
    from tantala.cim.effects import EFFECTS
    from tantala.cim.model import AnalogModel
    from tantala.cim.study import ablate, accuracy, correct, layer_errors

# Loaded at first use, so that tile files can be read and checked without torch.
_TORCH = {
    "AnalogModel": "tantala.cim.model",
    "EFFECTS": "tantala.cim.effects",
    "convert": "tantala.cim.conversion",
    "ablate": "tantala.cim.study",
    "accuracy": "tantala.cim.study",
    "correct": "tantala.cim.study",
    "layer_errors": "tantala.cim.study",
    "within": "tantala.cim.budget",
}

__all__ = [
    "EFFECTS",
    "AnalogModel",
    "Tile",
    "ablate",
    "accuracy",
    "convert",
    "correct",
    "layer_errors",
    "load_tile",
    "within",
]


def __getattr__(name: str) -> Any:
    if name not in _TORCH:
        raise AttributeError(f"module 'tantala.cim' has no attribute {name!r}")
    if importlib.util.find_spec("torch") is None:
        from tantala.array.torch_backend import require_torch

        require_torch()
    return getattr(importlib.import_module(_TORCH[name]), name)
