"""Claim: a printed influence is what the whole macro says when it is compiled with either end."""

from __future__ import annotations

import math

import pytest

from tantala.cell import load_cell
from tantala.cell.cell import cell_from
from tantala.macro import load_design
from tantala.macro.compile_cell import compile_cell
from tantala.macro.macro import Macro
from tantala.report.influence import moves

from .conftest import DESIGN


@pytest.mark.parametrize(
    ("number", "scatter"),
    # The last by the share worn out, from few written cells: three times its scatter.
    [("relaxation.amplitude", 0.03), ("reset.growth", 0.03), ("set.transistor_gain", 0.3)],
)
def test_influence_is_the_difference_of_two_compiled_macros(sheet, number, scatter):
    design = load_design(DESIGN)
    entry = next(one for one in sheet.influences if one.number == number)
    assert not entry.approximate
    plan = Macro(design).plan
    move = next(m for m in moves([load_cell(design.cell).item]) if m.number.path == number)
    ends = []
    for value in (move.low, move.high):
        cell = compile_cell(design, cell_from(move.item_at(value)))
        macro = Macro(design, cell=cell, plan=plan)
        ends.append(macro.evaluate("typical", design.environment.temperature_typical))
    for name, effect in entry.effects.items():
        # The coarser quadrature of the influences moves the error rate by 2 % of its change.
        whole = math.log(ends[1][name] / ends[0][name])
        close = scatter if name == "raw_bit_error_rate" else 0.03
        assert effect == pytest.approx(whole, rel=0.03, abs=close), name
