"""Disturb maps: the cell's own law on the voltages of the array, and its label."""

from __future__ import annotations

import numpy as np
import pytest

import tantala as tt
from tantala.array import disturb_map, write_bias

CELL = tt.load_cell("hfox_64k")
LAW = CELL.disturb
WRITE, WIDTH = 1.5, 100e-9


def array(rows=4, columns=5, wire=2.0):
    rng = np.random.default_rng(1)
    return tt.Array(np.where(rng.random((rows, columns)) < 0.5, 134e-6, 6.4e-6), wire, wire)


def test_one_place_many_times():
    found = disturb_map(array(), CELL, {(1, 2): 1e9}, WRITE, WIDTH)
    volts = np.maximum(write_bias(array(), 1, 2, WRITE).cell_voltages, 0.0)
    volts[1, 2] = 0.0
    expected = np.where(volts > 0.0, LAW.disturbed(volts, 1e9 * WIDTH), 0.0)
    assert found.probability == pytest.approx(expected, rel=1e-9)
    assert found.worst_voltage == pytest.approx(volts)
    assert found.probability[1, 2] == 0.0
    row, column = found.worst
    assert (row == 1) != (column == 2)
    assert found.accessed[1, 2] == 1e9


def test_without_wires_half_selected_cells_see_half():
    found = disturb_map(array(wire=0.0), CELL, {(0, 0): 1e8}, WRITE, WIDTH)
    half = float(LAW.disturbed(0.75, 1e8 * WIDTH))
    assert found.probability[0, 1:] == pytest.approx(np.full(4, half), rel=1e-9)
    assert found.probability[1:, 0] == pytest.approx(np.full(3, half), rel=1e-9)
    assert np.all(found.probability[1:, 1:] == 0.0)


def test_stress_adds_as_time_over_life():
    one = disturb_map(array(), CELL, {(0, 0): 1e8}, WRITE, WIDTH)
    other = disturb_map(array(), CELL, {(3, 1): 2e8}, WRITE, WIDTH)
    both = disturb_map(array(), CELL, {(0, 0): 1e8, (3, 1): 2e8}, WRITE, WIDTH)
    used = [(-np.log1p(-m.probability)) ** (1 / LAW.shape) for m in (one, other, both)]
    assert used[2] == pytest.approx(used[0] + used[1], rel=1e-9)


def test_every_cell_once_is_all():
    whole = disturb_map(array(), CELL, "all", WRITE, WIDTH)
    counted = {(i, j): 1 for i in range(4) for j in range(5)}
    assert np.array_equal(
        whole.probability, disturb_map(array(), CELL, counted, WRITE, WIDTH).probability
    )
    assert whole.accessed.sum() == 20


def test_a_read_stresses_its_own_cell_and_a_write_does_not():
    read = disturb_map(array(), CELL, {(1, 1): 1e12}, 0.2, "1 us", "read", "grounded")
    assert read.probability[1, 1] == read.probability.max() > 0.0
    write = disturb_map(array(), CELL, {(1, 1): 1e12}, 0.2, "1 us", "write", "grounded")
    assert write.probability[1, 1] == 0.0


def test_only_the_set_polarity_disturbs():
    assert np.all(disturb_map(array(), CELL, {(0, 0): 1e9}, -WRITE, WIDTH).probability[0] == 0.0)
    turned = disturb_map(array(), CELL, {(0, 0): 1e9}, -WRITE, WIDTH, set_polarity=-1)
    plain = disturb_map(array(), CELL, {(0, 0): 1e9}, WRITE, WIDTH)
    assert turned.probability == pytest.approx(plain.probability, rel=1e-9)


def test_the_map_says_that_its_law_is_assumed():
    found = disturb_map(array(), CELL, {(0, 0): 1}, WRITE, WIDTH)
    assert len(found.basis) == 4
    assert all("assumed" in text for text in found.basis)
    high = np.ones((4, 5), bool)
    assert found.expected(high) == pytest.approx(found.probability.sum())
    assert found.expected(~high) == 0.0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"kind": "erase"}, "unknown kind of access"),
        ({"width": "0 s"}, "without width"),
        ({"set_polarity": 0}, "no polarity"),
        ({"accesses": {(0, 0): -1}}, "no count"),
        ({"accesses": {(9, 0): 1}}, "no cells of the array"),
        ({"cell": tt.load_cell("sky130")}, "no disturb law"),
    ],
)
def test_bad_input(change, told):
    given = {"cell": CELL, "accesses": {(0, 0): 1}, "voltage": WRITE, "width": WIDTH, **change}
    with pytest.raises(tt.InputError, match=told):
        disturb_map(array(), **given)
