"""The executable datasheet of a design: figures, page, PDF, and the check of all three.

import tantala as tt
sheet = tt.datasheet("embedded_8mb_28nm")
sheet.key("read_latency_s").maximum; sheet.missed; sheet.write("folder")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tantala.report.compute import Progress, datasheet
    from tantala.report.page import Datasheet

_PUBLIC = {
    "Datasheet": "tantala.report.page",
    "Progress": "tantala.report.compute",
    "datasheet": "tantala.report.compute",
}

__all__ = ["Datasheet", "Progress", "datasheet"]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'tantala.report' has no attribute {name!r}")
