"""Write biases: exact limits, an independent solution, every pattern, and the power balance."""

from __future__ import annotations

import numpy as np
import pytest
from enumeration import dense_solutions, every_pattern
from oracle import nodal_solution

import tantala as tt
from tantala.array import SCHEMES, worst_write, write_bias
from tantala.array.sensitivity import cell_adjoint, sensed_adjoint

LOW, HIGH, WRITE = 100e-6, 2e-6, 1.5
SCHEME_NAMES = ("V/2", "V/3", "floating")


def filled(rows, columns, wire=2.0, seed=0, **ends):
    rng = np.random.default_rng(seed)
    data = rng.random((rows, columns)) < 0.5
    return tt.Array(np.where(data, LOW, HIGH), wire, 0.7 * wire, **ends)


def test_half_voltage_is_exact_without_wires():
    found = write_bias(filled(6, 5, 0.0), 2, 3, WRITE, "V/2")
    assert found.selected == pytest.approx(WRITE, rel=1e-14)
    assert np.all(found.group("row") == WRITE / 2)
    assert np.all(found.group("column") == WRITE / 2)
    assert np.all(found.group("unselected") == 0.0)
    assert found.lost == pytest.approx(0.0, abs=1e-14)
    assert found.worst_stress == WRITE / 2


def test_third_voltage_is_exact_without_wires():
    found = write_bias(filled(6, 5, 0.0), 2, 3, -WRITE, "V/3")
    assert found.selected == pytest.approx(-WRITE, rel=1e-14)
    assert found.group("row") == pytest.approx(np.full(4, -WRITE / 3), rel=1e-12)
    assert found.group("column") == pytest.approx(np.full(5, -WRITE / 3), rel=1e-12)
    assert found.group("unselected") == pytest.approx(np.full(20, WRITE / 3), rel=1e-12)


def test_floating_equal_cells_without_wires():
    """Lines settle where currents cancel: by symmetry of an equal square array, near V/2."""
    n = 8
    array = tt.Array(np.full((n, n), LOW), 0.0, 0.0)
    found = write_bias(array, 1, 1, WRITE, "floating")
    half = found.group("row")
    assert found.group("column") == pytest.approx(half, rel=1e-9)
    inner = -found.group("unselected")[0]
    assert 2 * half[0] + inner == pytest.approx(WRITE, rel=1e-9)
    assert half[0] == pytest.approx((n - 1) * inner, rel=1e-9)


@pytest.mark.parametrize("scheme", SCHEME_NAMES)
def test_against_the_independent_solution(scheme):
    array = filled(7, 6, 5.0, row_driver=100.0, column_sense=60.0)
    found = write_bias(array, 0, 5, "1.5 V", scheme)
    ready, rows, columns = SCHEMES[scheme].applied(array, 0, 5)
    u, v, _ = nodal_solution(ready, WRITE * rows, WRITE * columns)
    assert found.cell_voltages == pytest.approx(u - v, rel=1e-7, abs=1e-9)
    power = found.power()
    assert power.mismatch < 1e-9
    assert found.useful == pytest.approx(found.selected * found.current / power.delivered)
    assert 0.0 < found.useful < 1.0
    assert found.useful + found.sneak == pytest.approx(power.cells / power.delivered)


@pytest.mark.parametrize("scheme", SCHEME_NAMES)
def test_groups_hold_every_cell_once(scheme):
    found = write_bias(filled(4, 5), 3, 2, WRITE, scheme)
    parts = [found.group(name) for name in ("row", "column", "unselected")]
    assert [part.size for part in parts] == [4, 3, 12]
    every = np.concatenate([*parts, [found.selected]])
    assert np.sort(every) == pytest.approx(np.sort(found.cell_voltages.ravel()))
    assert abs(found.worst_stress) == pytest.approx(np.abs(every[:-1]).max())


def test_a_single_cell_has_no_half_selected_ones():
    found = write_bias(tt.Array([[LOW]], 1000.0, 1000.0), 0, 0, WRITE)
    assert found.selected == pytest.approx(WRITE / 1.2)
    assert found.worst_stress == 0.0


@pytest.mark.parametrize("scheme", SCHEME_NAMES)
@pytest.mark.parametrize("shape", [(2, 2), (3, 3), (4, 3)])
@pytest.mark.parametrize("wire", [1.0, 1000.0])
def test_the_weakest_write_is_that_of_all_patterns(shape, scheme, wire):
    array = tt.Array(np.ones(shape), wire, 0.7 * wire)
    found = worst_write(array, LOW, HIGH, WRITE, scheme, "all", search="lines")
    assert found.proved
    weakest = np.inf
    for row in range(shape[0]):
        for column in range(shape[1]):
            ready, rows, columns = SCHEMES[scheme].applied(array, row, column)
            every = np.where(every_pattern(shape, (row, column), True), LOW, HIGH)
            volts = dense_solutions(ready, every, WRITE * rows, WRITE * columns)[0]
            weakest = min(weakest, volts[:, row, column].min())
    assert found.weakest.selected == pytest.approx(weakest, rel=1e-7)


def test_polarities_mirror():
    one = worst_write(filled(5, 5), LOW, HIGH, WRITE, search="flips")
    other = worst_write(filled(5, 5), LOW, HIGH, -WRITE, search="flips")
    assert other.weakest.selected == pytest.approx(-one.weakest.selected, rel=1e-9)
    assert other.stressed.worst_stress == pytest.approx(-one.stressed.worst_stress, rel=1e-9)
    power = one.costliest.power().delivered
    assert other.costliest.power().delivered == pytest.approx(power, rel=1e-9)


def test_the_far_corner_gets_least_and_low_cells_cost_most():
    found = worst_write(filled(12, 9), LOW, HIGH, WRITE, "V/2", "all", ["all_low", "all_high"])
    assert (found.weakest.row, found.weakest.column) == (0, 8)
    assert found.weakest_data == found.costliest_data == "all_low"
    assert found.proved is None
    assert abs(found.stressed.worst_stress) <= WRITE / 2 * (1 + 1e-9)


def test_sensitivities_are_derivatives():
    array = filled(4, 5, 50.0, row_driver=30.0)
    bias = SCHEMES["V/3"]
    answer = bias.solve(array, 1, 2, WRITE)
    current = -answer.cell_voltages * sensed_adjoint(answer, 2)
    voltage = -answer.cell_voltages * cell_adjoint(answer, 1, 2)
    for row, column in ((0, 0), (1, 4), (3, 2), (2, 3)):
        step = 1e-4 * array.conductance[row, column]
        moved = []
        for side in (step, -step):
            conductance = array.conductance.copy()
            conductance[row, column] += side
            other = tt.Array(conductance, 50.0, 35.0, row_driver=30.0)
            moved.append(bias.solve(other, 1, 2, WRITE))
        rise = (moved[0].currents[2] - moved[1].currents[2]) / (2 * step)
        assert current[row, column] == pytest.approx(rise, rel=1e-4)
        rise = (moved[0].cell_voltages[1, 2] - moved[1].cell_voltages[1, 2]) / (2 * step)
        assert voltage[row, column] == pytest.approx(rise, rel=1e-4)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"scheme": "V/4"}, "unknown bias scheme"),
        ({"voltage": "0 V"}, "no voltage"),
        ({"row": 3}, "no cells of the array"),
        ({"column": -1}, "no cells of the array"),
    ],
)
def test_bad_input(change, told):
    given = {"row": 0, "column": 0, "voltage": WRITE, **change}
    with pytest.raises(tt.InputError, match=told):
        write_bias(filled(3, 4), **given)
    with pytest.raises(tt.InputError, match="unknown search"):
        worst_write(filled(3, 4), LOW, HIGH, WRITE, search="some")
