"""Memory questions to gated arrays: exact limits, every pattern of a column, populations."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tantala as tt
from tantala.array import (
    GATED_SCHEMES,
    SCHEMES,
    GatedArray,
    disturb_map,
    largest_array,
    margin_against_size,
    read_margin,
    read_statistics,
    worst_write,
    write_bias,
)
from tantala.array.sensitivity import cell_adjoint, sensed_adjoint

LOW, HIGH, READ, WRITE = 100e-6, 2e-6, 0.2, 1.5
CELL = tt.load_cell("hfox_64k")
SAME_END = {"source_top": np.inf, "source_bottom": 5.0}


def wires(rows=6, columns=4, wire=2.0, **options):
    options = {"access": 3e3} | options
    return GatedArray(np.zeros((rows, columns)), wire, 0.5 * wire, **options)


def test_without_wires_the_margin_is_that_of_cells_with_their_transistors():
    found = read_margin(wires(wire=0.0), LOW, HIGH, READ)
    one, other = (READ / (1.0 / g + 3e3) for g in (LOW, HIGH))
    assert found.margin == pytest.approx(one - other, rel=1e-13)
    assert found.kept == pytest.approx(1.0, rel=1e-13)
    assert found.scheme is GATED_SCHEMES["single"]
    assert np.abs(found.low_sneak).max() == 0.0


def test_without_leakage_a_read_is_a_series_circuit():
    array = wires(7, 3, 40.0, bit_bottom=100.0, source_top=30.0)
    found = read_margin(array, LOW, HIGH, READ, positions="all")
    path = 40.0 * (found.positions[:, 0] + 1) + 20.0 * (7 - found.positions[:, 0])
    expected = READ / (1.0 / LOW + 3e3 + 130.0 + path)
    for currents in found.low_current.T:  # no data of other cells matters
        assert currents == pytest.approx(expected, rel=1e-12)
    assert found.worst_low.row == 6
    near = read_margin(wires(7, 3, 40.0, **SAME_END), LOW, HIGH, READ)
    assert near.worst_low.row == 0


@pytest.mark.parametrize("ends", [{}, SAME_END, {"bit_top": 3.0, "source_bottom": 9.0}])
@pytest.mark.parametrize(("wire", "off"), [(5.0, 1e-9), (500.0, 1e-6), (5e3, 1e-4)])
def test_all_high_and_all_low_are_the_worst_data_of_all(ends, wire, off):
    """Every pattern of a column; columns are independent of each other."""
    array = wires(5, 1, wire, off=off, **ends)
    named = read_margin(array, LOW, HIGH, READ, positions="all", patterns=["all_high", "all_low"])
    searched = read_margin(array, LOW, HIGH, READ, positions="all", search="lines")
    assert searched.proved
    for p, (row, _) in enumerate(named.positions):
        gates = np.arange(5) == row
        for state, bad, currents in (
            (LOW, min, named.low_current[p, 0]),
            (HIGH, max, named.high_current[p, 1]),
        ):
            every = []
            for data in itertools.product((LOW, HIGH), repeat=4):
                cells = np.insert(np.array(data), row, state)[:, None]
                filled = GatedArray(cells, wire, 0.5 * wire, 3e3, off, **ends)
                every.append(filled.solve(gates, READ).currents[0])
            assert currents == pytest.approx(bad(every), rel=1e-12)
    assert searched.margin == pytest.approx(named.margin, rel=1e-12)


def test_sneak_is_what_leaks_through_rows_that_are_off():
    array = wires(9, 2, 0.0, off=1e-7)
    found = read_margin(array, LOW, HIGH, READ, patterns=["all_low"])
    leak = READ * 8 / (1.0 / LOW + 1e7)
    assert found.high_sneak == pytest.approx(np.full((4, 1), leak), rel=1e-10)


@pytest.mark.parametrize("off", [0.0, 1e-6])
def test_what_each_cell_sees_in_a_write(off):
    rng = np.random.default_rng(3)
    cells = np.where(rng.random((6, 4)) < 0.5, LOW, HIGH)
    array = GatedArray(cells, 4.0, 2.0, 3e3, off, bit_bottom=50.0)
    found = write_bias(array, 4, 2, -WRITE)
    answer = array.solve(np.arange(6) == 4, -WRITE * (np.arange(4) == 2), 0.0)
    assert np.array_equal(found.cell_voltages, answer.cell_voltages)
    assert found.selected < 0.0
    assert np.all(found.group("row") == 0.0)
    assert np.all(found.group("unselected") == 0.0)
    column = found.group("column")
    assert np.all(column == 0.0) if off == 0.0 else np.all(column < 0.0)
    assert abs(found.worst_stress) == np.abs(column).max()
    power = found.power()
    assert power.mismatch < 1e-12
    assert found.useful == pytest.approx(found.selected * found.current / power.delivered)
    assert 0.0 < found.lost < 1.0


def test_a_word_is_written_as_its_columns_are_alone():
    array = wires(5, 3, 6.0, off=1e-8)
    array = GatedArray(np.full((5, 3), LOW), 6.0, 3.0, 3e3, 1e-8)
    word = write_bias(array, 1, 0, WRITE, "word")
    alone = [write_bias(array, 1, column, WRITE).selected for column in range(3)]
    assert word.cell_voltages[1] == pytest.approx(alone, rel=1e-13)
    assert word.worst_stress == pytest.approx(alone[1], rel=1e-13)


@pytest.mark.parametrize("ends", [{}, SAME_END])
@pytest.mark.parametrize(("wire", "off"), [(5.0, 1e-9), (500.0, 1e-6), (5e3, 1e-4)])
def test_the_weakest_write_is_that_of_all_patterns(ends, wire, off):
    array = wires(5, 1, wire, off=off, **ends)
    found = worst_write(array, LOW, HIGH, WRITE, positions="all", search="flips")
    assert found.proved
    weakest = np.inf
    for row in range(5):
        for data in itertools.product((LOW, HIGH), repeat=4):
            cells = np.insert(np.array(data), row, LOW)[:, None]
            filled = GatedArray(cells, wire, 0.5 * wire, 3e3, off, **ends)
            answer = filled.solve(np.arange(5) == row, WRITE)
            weakest = min(weakest, answer.cell_voltages[row, 0])
    assert found.weakest.selected == pytest.approx(weakest, rel=1e-12)


def test_sensitivities_are_derivatives():
    rng = np.random.default_rng(4)
    cells = rng.uniform(1e-5, 1e-4, (5, 2))

    def write(table):
        return write_bias(GatedArray(table, 300.0, 500.0, 2e3, 1e-5), 3, 1, WRITE)

    answer = write(cells)
    current = -answer.cell_voltages * sensed_adjoint(answer.solution, 1)
    voltage = -answer.cell_voltages * cell_adjoint(answer.solution, 3, 1)
    for row, column in ((0, 1), (3, 1), (4, 1), (2, 0)):
        step = np.zeros_like(cells)
        step[row, column] = 1e-4 * cells[row, column]
        up, down = write(cells + step), write(cells - step)
        span = 2.0 * step[row, column]
        rise = (up.solution.currents[1] - down.solution.currents[1]) / span
        assert current[row, column] == pytest.approx(rise, rel=1e-6, abs=1e-15)
        rise = (up.selected - down.selected) / span
        assert voltage[row, column] == pytest.approx(rise, rel=1e-5, abs=1e-9)


def test_disturb_is_in_the_selected_column_alone():
    cells = np.full((4, 3), HIGH)
    array = GatedArray(cells, 2.0, 2.0, 3e3, off=1e-6)
    found = disturb_map(array, CELL, {(1, 2): 1e9}, 1.2, "100 ns", extrapolate=True)
    stressed = found.worst_voltage > 0.0
    assert stressed[:, 2].tolist() == [True, False, True, True]
    assert not stressed[:, :2].any()
    seen = write_bias(array, 1, 2, 1.2).cell_voltages[0, 2]
    assert found.worst_voltage[0, 2] == seen
    reads = disturb_map(array, CELL, [(1, 2)], 0.2, "50 ns", "read")
    assert reads.worst == (1, 2)
    cut_off = GatedArray(cells, 2.0, 2.0, 3e3)
    none = disturb_map(cut_off, CELL, {(1, 2): 1e9}, 1.2, "100 ns", extrapolate=True)
    assert none.probability.max() == 0.0


def test_sampled_arrays_lose_on_their_transistors_and_wires():
    whole = read_statistics(wires(), CELL, 8, seed=3)
    rest = read_statistics(wires(), CELL, 3, seed=3, first_array=5)
    assert np.array_equal(rest.low_current, whole.low_current[5:])
    ideal = read_statistics(wires(wire=0.0, access=0.0), CELL, 8, seed=3)
    plain = read_statistics(tt.Array(np.zeros((6, 4)), 0.0, 0.0), CELL, 8, seed=3)
    assert ideal.low_current == pytest.approx(plain.low_current, rel=1e-12)
    assert np.all(whole.low_current < ideal.low_current)
    assert whole.residual < 1e-12


def test_largest_column_for_a_margin():
    found = largest_array(
        wires(1, 2, 5.0, off=1e-9), LOW, HIGH, READ, 0.7, "kept", "rows", most=4096
    )
    assert found.bounded
    assert found.falling
    assert found.size is not None
    rows = found.size[0]
    table = margin_against_size(wires(1, 2, 5.0, off=1e-9), LOW, HIGH, READ, [(rows, 2)])
    assert table["kept_margin"][0] == found.tried[rows, 2].kept
    wide = largest_array(wires(3, 1, 5.0), LOW, HIGH, READ, 0.7, "kept", "columns", most=64)
    assert not wide.bounded, "columns of a gated array do not see each other"


@pytest.mark.parametrize("scheme", ["V/2", "V/3", "grounded", SCHEMES["floating"]])
def test_schemes_that_share_a_voltage_are_refused(scheme):
    with pytest.raises(tt.InputError, match="not one of gated arrays"):
        write_bias(wires(), 0, 0, WRITE, scheme)
    with pytest.raises(tt.InputError, match="not one of gated arrays"):
        read_margin(wires(), LOW, HIGH, READ, scheme)


def test_other_bad_input():
    plain = tt.Array(np.zeros((3, 3)), 1.0, 1.0)
    for scheme in ("word", GATED_SCHEMES["single"]):
        with pytest.raises(tt.InputError, match="not one of cross-point arrays"):
            read_margin(plain, LOW, HIGH, READ, scheme)
    with pytest.raises(tt.InputError, match="unknown bias scheme"):
        read_margin(wires(), LOW, HIGH, READ, "half")
    with pytest.raises(tt.InputError, match="takes no options"):
        read_margin(wires(), LOW, HIGH, READ, solving={"tolerance": 1e-12})
    table = wires(2, 2, access=np.array([[1.0, 2.0], [3.0, 4.0]]))
    with pytest.raises(tt.InputError, match="access differs from cell to cell"):
        largest_array(table, LOW, HIGH, READ, 0.5, "kept")
