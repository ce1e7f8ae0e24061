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


@pytest.mark.parametrize("shape", [(1, 30), (17, 5), (9, 70), (130, 33), (96, 96)])
@pytest.mark.parametrize("ends", [{}, {"row_far": 3.0, "column_far": 7.0}])
def test_the_tree_gives_every_node_whatever_its_shape(shape, ends):
    """One leaf, one patch, many; open and driven far ends; groups of vectors that are not full."""
    rng = np.random.default_rng(shape[0])
    conductance = rng.uniform(1e-5, 2e-4, shape)
    ready = tt.Array(conductance, 1.0, 2.0, **ends).compile()
    inputs, outputs = rng.uniform(0.0, 0.2, (shape[0], 11)), rng.uniform(0.0, 0.1, (shape[1], 11))
    direct = ready.solve(inputs, outputs, method="direct", nodes=True)
    lines = ready.solve(inputs, outputs, method="lines", nodes=True, tolerance=1e-13)
    assert (direct.iterations == 0).all()
    assert (direct.residual <= 1e-13).all()
    np.testing.assert_allclose(direct.column_voltages, lines.column_voltages, rtol=1e-11)
    np.testing.assert_allclose(direct.row_voltages, lines.row_voltages, rtol=1e-11)
    np.testing.assert_allclose(direct.currents, lines.currents, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(direct.cell_currents.sum(axis=1), direct.row_currents, rtol=1e-9)


def test_a_wrong_tree_shows_in_the_residual_and_goes_on_by_iteration():
    """The control of the reported residual: a tree that is a little wrong."""
    conductance, inputs = workload(150)
    inputs = np.outer(inputs, np.linspace(0.5, 1.0, 20))
    ready = tt.Array(conductance, 1.0, 1.0).compile()
    wanted = ready.solve(inputs, method="direct")
    assert (wanted.iterations == 0).all()
    for common in ready._kept.levels[-1].commons:
        common *= 1.0 + 1e-4
    loose = ready.solve(inputs, method="direct", tolerance=1e-2)
    assert (loose.iterations == 0).all()
    assert (loose.residual > 1e-8).all()
    found = ready.solve(inputs, method="direct")
    assert (found.iterations > 0).all()
    assert (found.residual <= 1e-10).all()
    np.testing.assert_allclose(found.currents, wanted.currents, rtol=1e-8)


def test_vectors_go_down_the_tree_in_as_many_batches_as_memory_allows(monkeypatch):
    from tantala.array import direct

    rng = np.random.default_rng(4)
    ready = tt.Array(workload(40)[0], 1.0, 1.0).compile()
    inputs = rng.uniform(0.0, 0.2, (40, 43))
    at_once = ready.solve(inputs, method="direct", nodes=True)
    monkeypatch.setattr(direct, "HELD", 1)
    one_by_one = ready.solve(inputs, method="direct", nodes=True)
    assert np.array_equal(at_once.currents, one_by_one.currents)
    assert np.array_equal(at_once.row_voltages, one_by_one.row_voltages)


def test_a_column_that_hangs_on_next_to_nothing_leaves_the_tree():
    """Its cells are below what float64 can eliminate, so lines take over."""
    conductance, _ = workload(20)
    conductance[:, 7] = 0.0
    conductance[3, 7] = 1e-300
    sense = np.zeros(20)
    sense[7] = np.inf
    array = tt.Array(conductance, 1.0, 1.0, column_sense=sense)
    inputs = np.full((20, 30), 0.1)
    answer = array.compile().solve(inputs)
    np.testing.assert_allclose(
        answer.currents,
        array.compile().solve(inputs, method="lines").currents,
        rtol=1e-9,
        atol=1e-20,
    )
    assert (answer.residual <= 1e-10).all()
    np.testing.assert_allclose(
        array.compile().effective_conductance().T @ inputs, answer.currents, rtol=1e-9, atol=1e-20
    )


def test_a_slender_array_is_no_tree(monkeypatch):
    """Its blocks would be as large as the square of its length: 7 GB for 30,000 columns."""
    from tantala.array.compiled import CompiledArray

    monkeypatch.setattr(CompiledArray, "_dissect", None)
    ready = tt.Array(np.full((1, 30_000), 1e-5), 1.0, 1.0).compile()
    inputs = np.ones((1, 24))
    answer = ready.solve(inputs)
    assert answer.method == "lines"
    found = ready.effective_conductance().T @ inputs
    np.testing.assert_allclose(found, answer.currents, atol=1e-9 * found.max(), rtol=0)


def test_the_map_is_made_anew_where_little_of_it_is_left():
    conductance = np.full((8, 8), 1e-9)
    conductance[3, 3] = 1e-3
    ready = tt.Array(conductance, 1.0, 1.0).compile()
    ready.effective_conductance()
    opened = ready.changed([3], [3], [0.0])
    conductance[3, 3] = 0.0
    anew = tt.Array(conductance, 1.0, 1.0).compile().effective_conductance()
    np.testing.assert_allclose(opened.effective_conductance(), anew, rtol=1e-9)


def test_an_array_keeps_its_own_conductances():
    conductance, _ = workload(10)
    ready = tt.Array(conductance, 1.0, 1.0).compile()
    before = ready.solve(np.ones(10)).currents
    conductance *= 2.0
    assert np.array_equal(ready.solve(np.ones(10)).currents, before)


def map_node_by_node(conductance, row_wire, column_wire):
    """K by eliminating every node in turn, in extended precision and without subtraction."""
    n, m = conductance.shape
    nodes = 2 * n * m
    y = np.zeros((nodes + n + m,) * 2, np.longdouble)
    row = np.arange(n * m).reshape(n, m)
    column = row + n * m
    for a, b, siemens in (
        (row, column, conductance),
        (row[:, :-1], row[:, 1:], 1.0 / np.longdouble(row_wire)),
        (column[:-1], column[1:], 1.0 / np.longdouble(column_wire)),
        (row[:, 0], nodes + np.arange(n), 1.0 / np.longdouble(row_wire)),
        (column[-1], nodes + n + np.arange(m), 1.0 / np.longdouble(column_wire)),
    ):
        y[a, b] = y[b, a] = siemens
    for k in range(nodes):
        rest = y[k, k + 1 :]
        y[k + 1 :, k + 1 :] += np.outer(rest, rest / rest.sum())
        np.fill_diagonal(y[k + 1 :, k + 1 :], 0.0)
    return y[nodes : nodes + n, nodes + n :]


@pytest.mark.parametrize("wires", [(1e-3, 1e-3), (1.0, 5.0), (100.0, 0.01)])
def test_every_entry_of_the_map_is_exact(wires):
    """To 1e-13 of itself however good the wires are: nothing cancels on the way."""
    conductance, _ = workload(18)
    found = tt.Array(conductance, *wires).compile().effective_conductance()
    np.testing.assert_allclose(found, map_node_by_node(conductance, *wires), rtol=1e-13)


def test_panels_side_by_side_give_the_same_map():
    """The joins of few large blocks are split over threads; the map hardly notices."""
    import numba

    conductance, _ = workload(200)
    found = []
    before = numba.get_num_threads()
    try:
        for threads in (1, numba.config.NUMBA_NUM_THREADS):
            numba.set_num_threads(threads)
            found.append(tt.Array(conductance, 1.0, 1.0).compile().effective_conductance())
    finally:
        numba.set_num_threads(before)
    if numba.config.NUMBA_NUM_THREADS == 1:
        pytest.skip("one thread: nothing to compare")
    np.testing.assert_allclose(found[0], found[1], rtol=1e-13)


@pytest.mark.parametrize(("lines", "most"), [(256, 13.0), (512, 15.5)])
def test_the_multiplications_of_the_tree(lines, most):
    """What the joins above the patches cost, over the cube of the lines: 17 for all of a large one.

    Also how deep the tree is and what it keeps for going down again.
    """
    from tantala.array.dissection import Dissection, Wires

    ones = np.ones(lines)
    wires = Wires(1.0, 1.0, ones, ones, 0.0 * ones, 0.0 * ones)
    tree = Dissection(workload(lines)[0], wires, keep=True)
    assert len(tree.levels) == 1 + 2 * np.log2(lines / 64)
    shapes = [shape for level in tree.levels[1:] for shape in level.shapes()]
    assert sum(c**3 / 6 + c**2 * p / 2 + c * p**2 / 2 for p, c in shapes) <= most * lines**3
    kept = sum(common.size for level in tree.levels for common in level.commons)
    assert kept == sum(p * c for p, c in shapes) <= 24 * lines**2
