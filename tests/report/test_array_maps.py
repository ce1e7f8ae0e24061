"""Pictures of arrays: valid, repeatable, and with what a reader needs to know."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import tantala as tt
from tantala.array import SCHEMES, disturb_map, margin_against_size, write_bias
from tantala.report import array_maps

LOW, HIGH = 100e-6, 2e-6


def array(rows=6, columns=9, wire=5.0, **ends):
    bits = np.indices((rows, columns)).sum(axis=0) % 2 == 0
    return tt.Array(np.where(bits, LOW, HIGH), wire, wire, **ends)


@pytest.mark.parametrize("scheme", ["grounded", "V/2", "V/3", "floating"])
@pytest.mark.parametrize("shape", [(6, 9), (50, 3), (1, 1)])
def test_state_maps(scheme, shape):
    solution = SCHEMES[scheme].solve(array(*shape), 0, shape[1] - 1, 1.5)
    picture = array_maps.state_maps(solution, (0, shape[1] - 1))
    ElementTree.fromstring(picture)
    for text in ("Cell voltage (V)", "Size of cell current (µA)", "selected cell"):
        assert text in picture
    assert "driven at the left" in picture
    assert "sensed at the bottom" in picture
    assert picture == array_maps.state_maps(solution, (0, shape[1] - 1))


def test_maps_of_what_they_cannot_show_are_refused():
    gated = tt.array.GatedArray(np.full((3, 2), LOW), 1.0, 1.0)
    several = array().compile().solve(np.ones((6, 2)), nodes=True)
    for solution in (gated.solve([1, 0, 0], 0.2), several):
        with pytest.raises(tt.InputError, match="maps show one vector of a cross-point array"):
            array_maps.state_maps(solution, (0, 0))


def test_small_voltages_are_in_millivolts():
    solution = SCHEMES["grounded"].solve(array(), 1, 2, 0.2)
    assert "Cell voltage (mV)" in array_maps.state_maps(solution, (1, 2))


def test_disturb_maps_say_that_the_law_is_assumed():
    cell = tt.load_cell("hfox_64k")
    one = array_maps.disturb_maps(disturb_map(array(), cell, {(1, 2): 1e8}, 1.5, 1e-7), array())
    ElementTree.fromstring(one)
    assert "assumed law" in one
    assert "accessed cell" in one
    several = array_maps.disturb_maps(disturb_map(array(), cell, "all", 1.5, 1e-7), array())
    assert "accessed cell" not in several
    nothing = disturb_map(array(), cell, {(0, 0): 0}, 1.5, 1e-7)
    ElementTree.fromstring(array_maps.disturb_maps(nothing, array()))


def test_margin_curves():
    tables = {
        f"{wire} ohm": margin_against_size(array(wire=wire), LOW, HIGH, 0.2, (2, 4, 8))
        for wire in (1.0, 50.0)
    }
    picture = array_maps.margin_curves(tables, need=0.5)
    ElementTree.fromstring(picture)
    for text in ("1.0 ohm", "50.0 ohm", "required", "Rows and columns"):
        assert text in picture
    alone = array_maps.margin_curves(dict([next(iter(tables.items()))]))
    assert "required" not in alone


def test_the_marked_cell_is_where_the_write_is():
    """The control: another selected cell is another picture."""
    found = write_bias(array(), 1, 2, 1.5)
    here = array_maps.state_maps(found.solution, (1, 2))
    assert here != array_maps.state_maps(found.solution, (2, 1))
