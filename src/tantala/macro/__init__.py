"""A memory macro: organisation, area, timing, energy, error rates and yield of a design."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tantala.macro.design import Design, load_design
    from tantala.macro.macro import Macro
    from tantala.macro.sheet import Sheet

_PUBLIC = {
    "Design": "tantala.macro.design",
    "Macro": "tantala.macro.macro",
    "Sheet": "tantala.macro.sheet",
    "load_design": "tantala.macro.design",
}

__all__ = ["Design", "Macro", "Sheet", "load_design"]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'tantala.macro' has no attribute {name!r}")
