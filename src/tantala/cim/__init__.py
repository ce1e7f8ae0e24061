"""Compute in memory: torch networks on tiles of ReRAM cells.

torch is imported with the first name that needs it; tiles and their cost do without.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tantala.cim.tile import Tile, load_tile

if TYPE_CHECKING:
    from tantala.cim.conversion import convert
    from tantala.cim.matrix import EFFECTS
    from tantala.cim.model import AnalogModel

__all__ = ["EFFECTS", "AnalogModel", "Tile", "convert", "load_tile"]

_PLACES = {"EFFECTS": "matrix", "AnalogModel": "model", "convert": "conversion"}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
