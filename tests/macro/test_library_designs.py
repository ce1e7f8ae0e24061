"""The shipped designs meet, at every corner and temperature, the limits that they state."""

from __future__ import annotations

import pytest

from tantala.base.library import names
from tantala.macro import load_design
from tantala.macro.metrics import METRICS

DENSE = ("28nm", "22nm")  # nodes of the published macros


@pytest.fixture(scope="module", params=names("chip"))
def sheets(request):
    macro = load_design(request.param).macro()
    env = macro.design.environment
    temperatures = (env.temperature_min, env.temperature_typical, env.temperature_max)
    return macro, [macro.evaluate(corner, t) for corner in env.corners for t in temperatures]


def test_every_stated_limit_is_met(sheets):
    macro, found = sheets
    for name, limit in macro.design.requirements.limits().items():
        worst = METRICS[name].worst(sheet[name] for sheet in found)
        assert METRICS[name].meets(worst, limit), f"{name}: {worst:.4g} against {limit:.4g}"


def test_the_life_lies_within_the_cell_s_range(sheets):
    _, found = sheets
    assert all(sheet.extrapolated == () for sheet in found)


def test_the_macro_is_of_the_size_of_its_kind(sheets):
    # Published macros of this class use a sixth to a half of their area for cells.
    macro, found = sheets
    # Serial parts of coarse nodes have cells of 20 F^2, in the same periphery, and no upper bound.
    highest = 0.5 if macro.design.technology in DENSE else 1.0
    assert 1 / 6 < found[0]["array_efficiency"] < highest
