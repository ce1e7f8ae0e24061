"""Read margins: limits, symmetry, an independent solution, and every pattern of small arrays."""

from __future__ import annotations

import numpy as np
import pytest
from enumeration import dense_solutions, every_pattern
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import nodal_solution

import tantala as tt
from tantala.array import PATTERNS, SCHEMES, Bias, read_margin
from tantala.array.pattern import Search, random_data

LOW, HIGH, READ = 100e-6, 2e-6, 0.2
READS = ("grounded", "floating_rows", "floating_columns", "floating")


def wires(rows, columns, row_wire=2.0, column_wire=2.0, **ends):
    return tt.Array(np.zeros((rows, columns)), row_wire, column_wire, **ends)


@pytest.mark.parametrize("scheme", ["grounded", "floating_rows", "floating_columns"])
def test_without_wires_nothing_is_lost_and_nothing_sneaks(scheme):
    found = read_margin(wires(6, 5, 0.0, 0.0), LOW, HIGH, READ, scheme)
    assert found.margin == pytest.approx(READ * (LOW - HIGH), rel=1e-12)
    assert found.kept == pytest.approx(1.0, rel=1e-12)
    assert found.relative == pytest.approx(1.0 - HIGH / LOW, rel=1e-12)
    assert np.abs(found.low_sneak).max() < 1e-12 * READ * LOW


def test_the_sneak_path_of_three_cells_without_wires():
    """2 x 2, all lines floating: the other three cells are in series beside the selected one."""
    found = read_margin(
        wires(2, 2, 0.0, 0.0), LOW, HIGH, READ, "floating", [(0, 1)], ["all_low", "all_high"]
    )
    assert found.high_current[0] == pytest.approx(READ * (HIGH + np.array([LOW, HIGH]) / 3))
    assert found.high_sneak[0] == pytest.approx(READ * np.array([LOW, HIGH]) / 3)


def test_large_floating_array_without_wires():
    """Row to all columns, columns to all rows: N-1, (N-1)^2 and N-1 equal cells in series."""
    n = 12
    found = read_margin(wires(n, n, 0.0, 0.0), LOW, HIGH, READ, "floating", "corners", ["all_low"])
    side = (n - 1) * LOW
    path = 1.0 / (2.0 / side + 1.0 / ((n - 1) * side))
    assert found.high_sneak == pytest.approx(np.full((4, 1), READ * path), rel=1e-9)


def test_open_cells_let_nothing_sneak():
    found = read_margin(wires(5, 7), LOW, 0.0, READ, "grounded", "all", ["all_high"])
    assert np.all(found.low_sneak == pytest.approx(0.0, abs=1e-18))
    path = 2.0 * (found.positions[:, 1] + 1 + 5 - found.positions[:, 0])
    assert found.low_current[:, 0] == pytest.approx(READ / (1.0 / LOW + path), rel=1e-10)
    assert (found.worst_low.row, found.worst_low.column) == (0, 6)
    assert np.all(found.high_current == 0.0)


@pytest.mark.parametrize("scheme", READS)
@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_against_the_independent_solution(scheme, name):
    array = wires(7, 5, 3.0, 1.5, row_driver=40.0, column_sense=25.0)
    found = read_margin(array, LOW, HIGH, READ, scheme, [(2, 3)], [name], seed=4)
    data = PATTERNS[name](array.shape, 2, 3, 4)
    for state, current, sneak in (
        (LOW, found.low_current, found.low_sneak),
        (HIGH, found.high_current, found.high_sneak),
    ):
        conductance = np.where(data, LOW, HIGH)
        conductance[2, 3] = state
        filled = tt.Array(conductance, 3.0, 1.5, row_driver=40.0, column_sense=25.0)
        ready, rows, columns = SCHEMES[scheme].applied(filled, 2, 3)
        u, v, currents = nodal_solution(ready, READ * rows, READ * columns)
        assert current[0, 0] == pytest.approx(currents[3], rel=1e-8)
        own = state * (u[2, 3] - v[2, 3])
        assert sneak[0, 0] == pytest.approx(currents[3] - own, rel=1e-6, abs=1e-9 * own)


def missed(shape, wire, scheme, search):
    """By what part of the current the search misses the worst of all patterns, at any position."""
    array = tt.Array(np.ones(shape), wire, 0.6 * wire, row_driver=wire)
    found = read_margin(array, LOW, HIGH, READ, scheme, "all", search=search)
    assert found.proved
    parts = []
    for p, (row, column) in enumerate(found.positions):
        ready, rows, columns = SCHEMES[scheme].applied(array, row, column)
        for low, currents, bad in (
            (True, found.low_current, np.min),
            (False, found.high_current, np.max),
        ):
            every = np.where(every_pattern(shape, (row, column), low), LOW, HIGH)
            sensed = dense_solutions(ready, every, READ * rows, READ * columns)[1]
            worst = bad(sensed[:, column])
            part = (bad(currents[p]) / worst - 1.0) * (1.0 if low else -1.0)
            assert part > -1e-8, "no pattern is worse than the worst"
            parts.append(part)
    return max(parts)


@pytest.mark.parametrize("scheme", READS)
@pytest.mark.parametrize("shape", [(2, 2), (2, 3), (3, 3), (4, 3)])
@pytest.mark.parametrize(("wire", "most"), [(100.0, 1e-4), (5000.0, 0.03)])
def test_how_far_the_search_is_from_the_worst_of_all_patterns(shape, scheme, wire, most):
    assert missed(shape, wire, scheme, "lines") < most


def test_flips_alone_miss_more():
    assert 1e-3 < missed((4, 3), 100.0, "floating_columns", "flips") < 0.01


def test_named_patterns_alone_miss_the_worst():
    """The control of the search: of a lossy array no named pattern is the worst one."""
    array = wires(4, 3, 5000.0, 3000.0)
    named = read_margin(array, LOW, HIGH, READ, "floating_rows")
    found = read_margin(array, LOW, HIGH, READ, "floating_rows", search="lines")
    assert found.worst_low.pattern == "search" or found.worst_high.pattern == "search"
    assert found.margin < named.margin


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 2**31),
    scheme=st.sampled_from(READS),
    wire=st.floats(0.1, 1e4),
    ratio=st.floats(1.5, 1e3),
    selected=st.tuples(st.integers(0, 2), st.integers(0, 2)),
)
def test_a_search_is_at_least_as_bad_as_the_named(seed, scheme, wire, ratio, selected):
    array = wires(3, 3, wire, wire)
    found = read_margin(
        array, LOW, LOW / ratio, READ, scheme, [selected], search="lines", seed=seed
    )
    assert found.low_current[0, -1] <= found.low_current[0].min() * (1 + 1e-12)
    assert found.high_current[0, -1] >= found.high_current[0].max() * (1 - 1e-12)


def test_transposed_arrays_have_transposed_margins():
    """Rows and columns swap roles when the array is mirrored on its anti-diagonal."""
    one = read_margin(wires(6, 4, 3.0, 1.0), LOW, HIGH, READ, "floating_rows", "all", ["all_low"])
    other = read_margin(
        wires(4, 6, 1.0, 3.0), LOW, HIGH, READ, "floating_columns", "all", ["all_low"]
    )
    for currents in ("low_current", "high_current"):
        first = getattr(one, currents)[:, 0].reshape(6, 4)
        second = getattr(other, currents)[:, 0].reshape(4, 6)
        assert second == pytest.approx(first[::-1, ::-1].T, rel=1e-8)


def test_currents_count_in_the_direction_of_the_voltage():
    one = read_margin(wires(5, 5), LOW, HIGH, READ, "floating", search="lines")
    other = read_margin(wires(5, 5), LOW, HIGH, -READ, "floating", search="lines")
    assert other.low_current == pytest.approx(one.low_current, rel=1e-12)
    assert other.margin == pytest.approx(one.margin, rel=1e-12)
    assert other.ideal == one.ideal


def test_a_parallel_read_is_the_read_of_each_column():
    array = wires(5, 6)
    data = random_data((5, 6), 7)
    data[2] = True
    ready = tt.Array(np.where(data, LOW, HIGH), 2.0, 2.0).compile()
    together = ready.solve(READ * (np.arange(5) == 2)).currents
    for column in range(6):
        bias = SCHEMES["grounded"]
        assert bias.solve(ready.array, 2, column, READ).currents[column] == pytest.approx(
            together[column], rel=1e-12
        )
    assert read_margin(array, LOW, HIGH, READ).scheme is SCHEMES["grounded"]


def test_all_positions_hold_the_corners():
    array = wires(5, 4)
    whole = read_margin(array, LOW, HIGH, READ, positions="all")
    corners = read_margin(array, LOW, HIGH, READ)
    assert len(whole.positions) == 20
    assert whole.margin <= corners.margin
    assert whole.margin == pytest.approx(corners.margin, rel=1e-6)
    assert whole.position_margin.min() >= whole.margin
    assert corners.margin <= corners.same_data_margin


def test_table_and_worst_reads_agree():
    found = read_margin(wires(4, 4), LOW, HIGH, READ, search="lines")
    table = found.table()
    assert table.height == 4 * (len(PATTERNS) + 1)
    assert table["low_current_A"].min() == found.worst_low.current
    assert table["high_current_A"].max() == found.worst_high.current
    data = found.worst_low.data
    assert data[found.worst_low.row, found.worst_low.column]
    assert found.residual < 1e-9


def test_random_data_is_the_seeds():
    assert np.array_equal(random_data((9, 9), 1), random_data((9, 9), 1))
    assert not np.array_equal(random_data((9, 9), 1), random_data((9, 9), 2))
    assert not np.array_equal(random_data((9, 9), 1), random_data((9, 9), 1, array=1))
    assert 0.4 < random_data((100, 100), 1).mean() < 0.6


def test_a_search_that_is_misled_says_so():
    """The control of `proved`: derivatives of the wrong sign never gain."""

    def evaluate(mask):
        return float(mask.sum()), -np.ones(mask.shape)

    found = Search((0, 0), lambda mask: evaluate(mask)[0], evaluate, True, 1.0, False).best(
        [np.ones((2, 2), bool)]
    )
    assert not found.proved
    assert found.value == 4.0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"scheme": "V3"}, "unknown bias scheme"),
        ({"voltage": 0.0}, "no voltage"),
        ({"voltage": "0.2 A"}, "wrong unit"),
        ({"low": HIGH, "high": LOW}, "wrong order"),
        ({"low": "10 kohm"}, "wrong unit"),
        ({"high": -1.0}, "wrong order"),
        ({"positions": "middle"}, "unknown choice of positions"),
        ({"positions": [(0, 4)]}, "no cells of the array"),
        ({"positions": [(0.5, 1.0)]}, "no cells of the array"),
        ({"positions": []}, "no cells of the array"),
        ({"patterns": ["stripes"]}, "unknown data pattern"),
        ({"search": "all"}, "unknown search"),
        ({"patterns": []}, "no data pattern"),
    ],
)
def test_bad_input(change, told):
    given = {"low": LOW, "high": HIGH, "voltage": READ, **change}
    with pytest.raises(tt.InputError, match=told):
        read_margin(wires(3, 4), **given)


def test_a_scheme_of_ones_own():
    held = Bias("biased rows", 0.5, 0.0)
    found = read_margin(wires(3, 3, 0.0, 0.0), LOW, HIGH, READ, held, patterns=["all_low"])
    assert found.high_sneak == pytest.approx(np.full((4, 1), 2 * 0.5 * READ * LOW), rel=1e-12)
