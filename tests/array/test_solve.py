"""The exact solution of cross-point arrays against independent answers, laws and limits."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from examples import arrays, voltages, workload
from hypothesis import given, settings
from oracle import nodal_solution

import tantala as tt

# arrays_cim.md section 4.1: (sum of I, first I, last I) in A for N lines and r ohm a segment.
# Two of the page's figures are misprints: the last current at N = 128, r = 5 (1.424470705803e-4)
# and the sum at N = 512, r = 5 (0.0485938949211). A sparse LU gives what stands here.
REFERENCE = {
    (64, 1): (0.02946372876697, 5.522358767868e-4, 4.449826248549e-4),
    (64, 5): (0.01647241503575, 3.846501488042e-4, 2.122567785179e-4),
    (128, 1): (0.07981739913343, 8.623374317561e-4, 5.389153713745e-4),
    (128, 5): (0.02821597524669, 4.392713462210e-4, 1.424470585804e-4),
    (256, 1): (0.1437263895164, 1.077674397612e-3, 3.703074632585e-4),
    (256, 5): (0.0402180603650, 4.803115430992e-4, 7.001331101308e-5),
    (512, 1): (0.1917209968252, 1.061083796350e-3, 1.733114968316e-4),
    (512, 5): (0.0485939210931, 4.543280744322e-4, 3.301527848329e-5),
}
# Section 6.3: iterations to 1e-10 of the line-preconditioned method, and with a coarse space.
ITERATIONS = {
    (64, 1): (4, 3),
    (64, 5): (6, 4),
    (128, 1): (6, 4),
    (128, 5): (9, 5),
    (256, 1): (8, 4),
    (256, 5): (14, 6),
    (512, 1): (13, 5),
    (512, 5): (24, 8),
}


@pytest.mark.parametrize(("lines", "wire"), REFERENCE)
@pytest.mark.parametrize("method", ["lines", "direct"])
def test_the_reference_workload(lines, wire, method):
    """The page's check values to 1e-9; its iteration counts and two more at most."""
    conductance, inputs = workload(lines)
    answer = tt.Array(conductance, wire, wire).compile().solve(inputs[:, 0], method=method)
    found = answer.currents.sum(), answer.currents[0], answer.currents[-1]
    assert found == pytest.approx(REFERENCE[lines, wire], rel=1e-9)
    assert answer.residual <= 1e-10
    most = max(ITERATIONS[lines, wire]) + 2
    assert answer.iterations <= (most if method == "lines" else 0)


@pytest.mark.parametrize("modes", [0, 8, 16])
def test_the_coarse_space_keeps_the_published_iteration_counts(modes):
    """Both levels of the method, whatever is chosen by default."""
    from tantala.array.conjugate_gradient import LineSolver

    conductance, inputs = workload(256)
    plane = (5.0, np.full(256, 5.0), np.zeros(256))
    solver = LineSolver.of(conductance, plane, plane, modes)
    answer = solver.solve(inputs[:, 0].copy(), np.zeros(256), 1e-10)
    most = {0: 14, 8: 6, 16: 5}[modes]  # section 6.3, N = 256, r = 5
    assert answer.iterations <= most + 2
    assert answer.bits[-1].sum() / 5.0 == pytest.approx(REFERENCE[256, 5][0], rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(arrays(segments=(0.01, 1.0, 100.0), decades=5.0))
def test_every_node_against_a_sparse_lu(array):
    """Node voltages and currents, wires and ends of all kinds."""
    inputs, outputs = voltages(array), voltages(array, 1).sum() * np.ones(array.shape[1])
    u, v, currents = nodal_solution(array, inputs, outputs)
    answer = array.compile().solve(inputs, outputs)
    scale = max(np.abs(currents).max(), 1e-30)
    np.testing.assert_allclose(answer.currents, currents, atol=1e-9 * scale, rtol=0)
    np.testing.assert_allclose(answer.row_voltages, u, atol=1e-9 * np.abs(inputs).max())
    np.testing.assert_allclose(answer.column_voltages, v, atol=1e-8 * np.abs(inputs).max())


def test_the_largest_size_against_a_sparse_lu():
    """256 rows, 200 columns, both methods, several vectors."""
    conductance, inputs = workload(256, 3)
    array = tt.Array(conductance[:, :200], 2.0, 0.5, row_driver=20.0, column_sense="100 ohm")
    expected = np.stack([nodal_solution(array, inputs[:, k])[2] for k in range(3)], axis=1)
    ready = array.compile()
    for method in ("lines", "direct"):
        answer = ready.solve(inputs, method=method)
        np.testing.assert_allclose(answer.currents, expected, rtol=1e-9)
    np.testing.assert_allclose(ready.effective_conductance().T @ inputs, expected, rtol=1e-9)


def test_a_wrong_solver_is_caught():
    """Control of the comparison: a wire of 2 ohm solved as one of 1 ohm differs by far."""
    conductance, inputs = workload(64)
    wrong = tt.Array(conductance, 1.0, 2.0)
    right = nodal_solution(tt.Array(conductance, 1.0, 1.0), inputs[:, 0])[2]
    assert abs(wrong.compile().solve(inputs[:, 0]).currents / right - 1.0).max() > 1e-3


@settings(max_examples=80, deadline=None)
@given(arrays())
def test_kirchhoff_and_energy(array):
    """What flows in flows out, at every line's end and in power, also for ideal wires."""
    answer = array.compile().solve(voltages(array), 0.1)
    scale = np.abs(answer.row_currents).max() + np.abs(answer.currents).max() + 1e-30
    assert abs(answer.row_currents.sum() - answer.currents.sum()) <= 1e-10 * scale
    power = answer.power()
    rounding = 1e-27  # W; one ulp of the voltages across a milliohm, where nothing else flows
    allowed = 1e-8 * abs(power.delivered) + 1e-12 * scale + rounding
    assert abs(power.delivered - power.dissipated) <= allowed
    assert 0.0 <= answer.residual <= 1e-10
    along, down = answer.row_wire_currents, answer.column_wire_currents
    far = answer._far_currents()
    np.testing.assert_allclose(along[:, 0] + far[0], answer.row_currents, atol=1e-12 * scale)
    np.testing.assert_allclose(down[-1] - far[1], answer.currents, atol=1e-12 * scale)


@settings(max_examples=40, deadline=None)
@given(arrays(segments=(0.2, 1.0, 7.0), decades=6.0))
def test_ohms_law_on_every_wire(array):
    """Branch currents are sums of cell currents; the voltages along the wires must agree."""
    answer = array.compile().solve(voltages(array))
    drops = answer.row_voltages[:, :-1] - answer.row_voltages[:, 1:]
    np.testing.assert_allclose(drops, array.row_wire * answer.row_wire_currents[:, 1:], atol=1e-9)
    drops = answer.column_voltages[:-1] - answer.column_voltages[1:]
    np.testing.assert_allclose(
        drops, array.column_wire * answer.column_wire_currents[:-1], atol=1e-9
    )


@settings(max_examples=40, deadline=None)
@given(arrays(decades=6.0))
def test_mirrored_arrays_are_the_same_array(array):
    """Rows and columns change places when the array is mirrored on its anti-diagonal (AC3)."""
    mirrored = tt.Array(
        array.conductance[::-1, ::-1].T,
        array.column_wire,
        array.row_wire,
        row_driver=array.column_sense[::-1],
        row_far=array.column_far[::-1],
        column_sense=array.row_driver[::-1],
        column_far=array.row_far[::-1],
    )
    there = array.compile().effective_conductance()
    back = mirrored.compile().effective_conductance()
    scale = np.abs(there).max() + 1e-30
    np.testing.assert_allclose(there, back[::-1, ::-1].T, atol=1e-10 * scale, rtol=0)


@settings(max_examples=40, deadline=None)
@given(arrays(largest=12, ends=False))
def test_scaling(array):
    """Wires times a, cells over a: currents over a (AC12)."""
    scaled = tt.Array(array.conductance / 8.0, array.row_wire * 8.0, array.column_wire * 8.0)
    inputs = voltages(array)
    currents = array.compile().solve(inputs, tolerance=1e-13).currents
    other = scaled.compile().solve(inputs, tolerance=1e-13).currents * 8.0
    np.testing.assert_allclose(currents, other, atol=1e-12 * np.abs(currents).max() + 1e-30)


@settings(max_examples=30, deadline=None)
@given(arrays(segments=(0.0,), ends=False))
def test_without_wires_it_is_the_plain_product(array):
    """r = 0 on both planes: I = V^T G (AC1)."""
    inputs = voltages(array)
    currents = array.compile().solve(inputs).currents
    expected = inputs @ array.conductance
    np.testing.assert_allclose(currents, expected, atol=1e-13 * np.abs(expected).max() + 1e-30)


def ladder(resistances, wire):
    """Input conductance of a ladder of shunt `resistances`, by continued fraction."""
    conductance = 0.0
    for resistance in resistances[::-1]:
        conductance += 1.0 / resistance
        conductance = 1.0 / (wire + 1.0 / conductance)
    return conductance


def test_one_row_and_one_column_are_ladders():
    """A row over grounded ideal columns, and its mirror image (AC2)."""
    resistances = np.random.default_rng(3).uniform(1e3, 1e5, 40)
    row = tt.Array(1.0 / resistances[None, :], 3.0, 0.0).compile().solve([0.7])
    assert row.row_currents[0] == pytest.approx(0.7 * ladder(resistances, 3.0), rel=1e-12)
    column = tt.Array(1.0 / resistances[:, None], 0.0, 3.0).compile().solve(np.zeros(40), -0.7)
    expected = 0.7 * ladder(resistances[::-1], 3.0)
    assert column.currents[0] == pytest.approx(expected, rel=1e-12)


def test_more_wire_means_less_current():
    """Column currents of a driven array fall as either plane's wires grow."""
    conductance, inputs = workload(32)
    totals = [
        tt.Array(conductance, row, column).compile().solve(inputs[:, 0]).currents.sum()
        for row, column in ((0.0, 0.0), (0.5, 0.0), (0.5, 0.5), (2.0, 0.5), (2.0, 5.0))
    ]
    assert all(np.diff(totals) < 0.0)


def test_floating_lines_take_no_current():
    """Any number of driven lines; a floating line settles where its cells' currents cancel."""
    conductance, inputs = workload(16)
    driver = np.full(16, np.inf)
    driver[[3, 9]] = 25.0
    sense = np.full(16, np.inf)
    sense[5] = 0.0
    array = tt.Array(conductance, 1.0, 2.0, row_driver=driver, column_sense=sense)
    answer = array.compile().solve(inputs[:, 0])
    scale = np.abs(answer.currents).max()
    assert np.abs(np.delete(answer.row_currents, [3, 9])).max() <= 1e-10 * scale
    assert np.abs(np.delete(answer.currents, 5)).max() <= 1e-10 * scale
    u, v, currents = nodal_solution(array, inputs[:, 0])
    np.testing.assert_allclose(answer.currents, currents, atol=1e-9 * scale)
    np.testing.assert_allclose(answer.row_voltages, u, atol=1e-9)
    np.testing.assert_allclose(answer.column_voltages, v, atol=1e-9)


@pytest.mark.parametrize("wires", [(1.0, 2.0), (0.0, 2.0), (1.0, 0.0)])
def test_a_dead_short_is_the_limit_of_a_large_conductance(wires):
    """inf in the conductance: no voltage across that cell, and a limit that converges to it."""
    conductance, inputs = workload(12)
    conductance[2, 3] = conductance[7, 3] = np.inf
    array = tt.Array(conductance, *wires, row_driver=5.0, column_sense=5.0)
    answer = array.compile().solve(inputs[:, 0])
    assert abs(answer.cell_voltages[2, 3]) < 1e-12  # what the tolerance leaves
    assert answer.residual <= 1e-10
    assert answer.power().mismatch < 1e-9
    for large, error in ((1e2, 1e-1), (1e4, 1e-3), (1e6, 1e-5)):
        near = dataclasses.replace(
            array, conductance=np.where(np.isinf(conductance), large, conductance)
        )
        currents = near.compile().solve(inputs[:, 0]).currents
        np.testing.assert_allclose(answer.currents, currents, rtol=error)
    product = array.compile().effective_conductance().T @ inputs[:, 0]
    np.testing.assert_allclose(product, answer.currents, rtol=1e-9)


def test_conductances_over_many_decades_never_diverge():
    """1 nS beside 0.1 S, on wires of 1 mohm and 100 ohm: an answer with its residual."""
    rng = np.random.default_rng(8)
    conductance = 10.0 ** rng.uniform(-9, -1, (96, 80))
    for wires in ((1e-3, 100.0), (100.0, 1e-3), (100.0, 100.0), (1e-3, 1e-3)):
        array = tt.Array(conductance, *wires)
        inputs = rng.normal(size=96)
        answer = array.compile().solve(inputs)
        assert answer.residual <= 1e-10
        expected = nodal_solution(array, inputs)[2]
        np.testing.assert_allclose(answer.currents, expected, atol=1e-9 * np.abs(expected).max())


def test_node_voltages_of_many_vectors_are_kept_on_request():
    """One vector keeps them by itself."""
    conductance, inputs = workload(20, 5)
    ready = tt.Array(conductance, 1.0, 1.0).compile()
    with pytest.raises(tt.InputError, match="nodes=True"):
        _ = ready.solve(inputs).cell_voltages
    kept = ready.solve(inputs, nodes=True)
    assert kept.cell_voltages.shape == (20, 20, 5)
    single = ready.solve(inputs[:, 2])
    np.testing.assert_allclose(kept.cell_voltages[:, :, 2], single.cell_voltages, atol=1e-12)
    np.testing.assert_allclose(kept.row_wire_currents[:, :, 2], single.row_wire_currents)


def test_the_same_whatever_the_number_of_threads_and_vectors():
    """Vectors are solved one by one: a batch holds what each alone gives."""
    conductance, inputs = workload(70, 20)
    ready = tt.Array(conductance, 1.0, 3.0).compile()
    batch = ready.solve(inputs, method="lines").currents
    alone = np.stack([ready.solve(inputs[:, k]).currents for k in range(20)], axis=1)
    np.testing.assert_array_equal(batch, alone)
