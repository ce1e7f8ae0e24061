"""From a cell model to what a macro needs: levels at two ages, pulse trains, geometry."""

from __future__ import annotations

from tantala.macro.bit_cell import BitCell
from tantala.macro.design import Design


def compile_cell(design: Design) -> BitCell:
    """The design's cell, with its statistics at the required life."""
    raise NotImplementedError
