"""Signed weights: differential pairs on two bit lines, interleaved pairs on one."""

import numpy as np
import pytest

from tantala import InputError
from tantala.array import Array, DifferentialPair, GatedArray, InterleavedPair


def tables(rows=12, columns=7, seed=0):
    rng = np.random.default_rng(seed)
    return 10.0 ** rng.uniform(-6.0, -4.0, (2, rows, columns)), rng.uniform(-0.2, 0.2, (rows, 3))


def test_without_wires_both_are_the_signed_product():
    (plus, minus), voltages = tables()
    expected = (plus - minus).T @ voltages
    pair = DifferentialPair(Array(plus, 0.0, 0.0), Array(minus, 0.0, 0.0))
    assert pair.solve(voltages).currents == pytest.approx(expected, rel=1e-11, abs=1e-18)
    interleaved = InterleavedPair.of(plus, minus, 0.0, 0.0)
    assert interleaved.solve(voltages).currents == pytest.approx(expected, rel=1e-11, abs=1e-18)


def test_differential_pair_is_the_difference_of_two_arrays():
    (plus, minus), voltages = tables(seed=1)
    arrays = Array(plus, 2.0, 5.0, row_driver=30.0), Array(minus, 3.0, 4.0)
    pair = DifferentialPair(*arrays)
    answer = pair.solve(voltages, "0 V", tolerance=1e-13)
    one, other = (a.compile().solve(voltages, tolerance=1e-13).currents for a in arrays)
    assert np.array_equal(answer.currents, one - other)
    assert np.array_equal(answer.common, (one + other) / 2)
    product = pair.effective_conductance().T @ voltages
    assert answer.currents == pytest.approx(product, rel=1e-9)


def test_gated_pair():
    (plus, minus), _ = tables(seed=2)
    pair = DifferentialPair(GatedArray(plus, 1.0, 2.0, 1e3), GatedArray(minus, 1.0, 2.0, 1e3))
    gates = np.arange(12) % 2
    answer = pair.solve(gates, 0.2)
    assert pair.shape == (12, 7)
    assert np.array_equal(answer.currents, answer.plus.currents - answer.minus.currents)
    swapped = DifferentialPair(pair.minus, pair.plus).solve(gates, 0.2)
    assert np.array_equal(swapped.currents, -answer.currents)
    with pytest.raises(InputError, match="no single effective conductance"):
        pair.effective_conductance()


def test_interleaved_pair_is_a_cross_point_of_twice_the_rows():
    (plus, minus), voltages = tables(seed=3)
    pair = InterleavedPair.of(plus, minus, 2.0, 5.0, column_sense=10.0)
    both = np.empty((24, 7))
    both[0::2], both[1::2] = plus, minus
    rows = np.empty((24, 3))
    rows[0::2], rows[1::2] = voltages, -voltages
    plain = Array(both, 2.0, 5.0, column_sense=10.0).compile().solve(rows, tolerance=1e-13)
    answer = pair.solve(voltages, tolerance=1e-13)
    assert np.array_equal(answer.currents, plain.currents)
    product = pair.effective_conductance().T @ voltages
    assert answer.currents == pytest.approx(product, rel=1e-9, abs=1e-18)
    off = pair.solve(voltages, np.zeros_like(voltages), tolerance=1e-13).currents
    assert off == pytest.approx(pair.array.compile().effective_conductance()[0::2].T @ voltages)


def test_common_currents_stay_within_an_interleaved_pair():
    (plus, _), voltages = tables(rows=60, seed=4)
    pair = InterleavedPair.of(plus, plus, 0.0, 1.0)
    alone = Array(plus, 0.0, 2.0).compile().solve(voltages[:, 0])
    together = pair.solve(voltages[:, 0])
    largest = np.abs(alone.column_wire_currents).max()
    # What is left flows over the one segment between the two cells.
    assert np.abs(together.column_wire_currents[1::2]).max() < 0.01 * largest


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda g: DifferentialPair(Array(g, 1, 1), GatedArray(g, 1, 1)), "differ in kind"),
        (lambda g: DifferentialPair(Array(g, 1, 1), Array(g[:2], 1, 1)), "differ in kind or shape"),
        (lambda g: DifferentialPair(g, Array(g, 1, 1)), "plus is no array"),
        (lambda g: InterleavedPair.of(g, g[:, :1], 1, 1), "plus and minus differ"),
        (lambda g: InterleavedPair.of(g, -g, 1, 1), "negative"),
        (lambda g: InterleavedPair(Array(g, 1, 1)), "two rows a weight"),
        (lambda g: InterleavedPair.of(g, g, 1, 1).solve([1.0]), "wrong shape"),
        (lambda g: InterleavedPair.of(g, g, 1, 1).solve([1.0] * 3, [1.0]), "wrong shape"),
        (lambda g: Array.gated(g, [1, 0], 1, 1), "gates has a wrong shape"),
        (lambda g: Array.gated(g, [1, 0, 1], 1, 1, access=-1, off=-1), "access is negative"),
        (lambda g: Array.gated(g, [0, 0, 0], 1, 1, column_sense=np.inf), "floating lines"),
    ],
)
def test_bad_pairs(make, words):
    with pytest.raises(InputError, match=words):
        make(np.full((3, 2), 1e-5))


def test_gates_of_a_cross_point_one_a_row_or_one_a_cell():
    (table, _), _ = tables(seed=5)
    gates = np.arange(12) % 3 == 0
    by_row = Array.gated(table, gates, 1.0, 2.0, access="2 kohm", off="1 nS")
    by_cell = Array.gated(table, np.repeat(gates[:, None], 7, 1), 1.0, 2.0, access=2e3, off=1e-9)
    assert np.array_equal(by_row.conductance, by_cell.conductance)
    assert by_row.conductance[0] == pytest.approx(1.0 / (1.0 / table[0] + 2e3), rel=1e-14)
    assert np.all(by_row.conductance[1] < 1e-9)
