"""The exact linear map of an array, and its cheap change."""

from __future__ import annotations

import numpy as np
import pytest
from examples import arrays, voltages, workload
from hypothesis import given, settings

import tantala as tt


@settings(max_examples=60, deadline=None)
@given(arrays(largest=40))
def test_the_map_is_the_solution(array):
    """K^T V equals the solved currents, whatever the wires and ends (AC6)."""
    inputs = voltages(array, count=3)
    ready = array.compile()
    solved = ready.solve(inputs, method="lines").currents
    scale = np.abs(solved).max() + 1e-30
    product = ready.effective_conductance().T @ inputs
    np.testing.assert_allclose(product, solved, atol=1e-9 * scale, rtol=0)


@settings(max_examples=40, deadline=None)
@given(arrays(largest=20))
def test_no_current_flows_backwards(array):
    """K >= 0, and no row or column of it sums to more than the cells' (AC5)."""
    found = array.compile().effective_conductance()
    slack = 1e-10 * array.conductance.max() * max(array.shape) + 1e-30
    assert (found >= -slack).all()
    assert (found.sum(axis=0) <= array.conductance.sum(axis=0) + slack).all()
    assert (found.sum(axis=1) <= array.conductance.sum(axis=1) + slack).all()


def test_an_open_cell_still_has_a_sneak_path():
    """K is positive also where G is zero: the bound above does not hold cell by cell."""
    conductance, _ = workload(8)
    conductance[2, 2] = 0.0
    found = tt.Array(conductance, 5.0, 5.0, column_sense=100.0).compile().effective_conductance()
    assert found[2, 2] > 0.0


def test_both_sides_ideal_gives_the_conductances_themselves():
    """No wire, no driver: K = G."""
    conductance, _ = workload(9)
    found = tt.Array(conductance, 0.0, 0.0).compile().effective_conductance()
    np.testing.assert_allclose(found, conductance, rtol=1e-13)


@pytest.mark.parametrize("cells", [1, 3])
def test_a_few_changed_cells_update_the_map(cells):
    """A low-rank update equals the map made anew (AC6), and makes no new dissection."""
    conductance, _ = workload(64)
    rng = np.random.default_rng(2)
    places = rng.choice(64 * 64, cells, replace=False)
    rows, columns = np.divmod(places, 64)
    values = rng.uniform(0.0, 5e-4, cells)
    ready = tt.Array(conductance, 1.0, 2.0).compile()
    ready.effective_conductance()
    changed = ready.changed(rows, columns, values)
    assert "_map" in changed.__dict__
    conductance[rows, columns] = values
    anew = tt.Array(conductance, 1.0, 2.0).compile().effective_conductance()
    np.testing.assert_allclose(changed.effective_conductance(), anew, rtol=1e-9)


@pytest.mark.parametrize("axis", [0, 1])
def test_a_changed_line_gives_the_map_made_anew(axis):
    """A whole row or column."""
    conductance, _ = workload(48)
    line = np.random.default_rng(4).uniform(1e-5, 2e-4, 48)
    ready = tt.Array(conductance, 1.0, 2.0).compile()
    ready.effective_conductance()
    places = (5, np.arange(48)) if axis == 0 else (np.arange(48), 5)
    changed = ready.changed(*places, line)
    conductance[places] = line
    anew = tt.Array(conductance, 1.0, 2.0).compile().effective_conductance()
    np.testing.assert_allclose(changed.effective_conductance(), anew, rtol=1e-12)


def test_a_cell_may_open_and_close():
    """To zero, to a dead short, and back to where it was."""
    conductance, _ = workload(20)
    ready = tt.Array(conductance, 1.0, 1.0).compile()
    first = ready.effective_conductance()
    shorted = ready.changed([4], [7], [np.inf])
    opened = shorted.changed([4], [7], [0.0])
    back = opened.changed([4], [7], [conductance[4, 7]])
    assert (
        shorted.effective_conductance()[4, 7] > first[4, 7] > opened.effective_conductance()[4, 7]
    )
    np.testing.assert_allclose(back.effective_conductance(), first, rtol=1e-9)


def test_a_wrong_map_is_caught():
    """Control: the map of the array with one cell changed does not give its currents."""
    conductance, inputs = workload(32)
    stale = tt.Array(conductance, 1.0, 1.0).compile().effective_conductance()
    conductance[3, 3] *= 2.0
    solved = tt.Array(conductance, 1.0, 1.0).compile().solve(inputs[:, 0]).currents
    assert np.abs(stale.T @ inputs[:, 0] / solved - 1.0).max() > 1e-6


@pytest.mark.parametrize(
    ("rows", "columns", "values", "message"),
    [
        ([9], [0], [1e-4], "outside the array"),
        ([0], [-1], [1e-4], "outside the array"),
        ([0, 0], [1, 1], [1e-4, 2e-4], "more than once"),
        ([0.5], [0], [1e-4], "whole numbers"),
        ([0, 1], [0, 1, 2], [1e-4], "do not match"),
        ([0], [0], [-1e-4], "negative"),
        ([0], [0], [np.nan], "not a number"),
    ],
)
def test_bad_changes_are_told(rows, columns, values, message):
    """One clear error each."""
    ready = tt.Array(np.full((8, 8), 1e-4), 1.0, 1.0).compile()
    with pytest.raises(tt.InputError, match=message):
        ready.changed(rows, columns, values)
