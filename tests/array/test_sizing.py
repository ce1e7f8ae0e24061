"""The largest array for a margin: both sides of the limit solved, monotone, bounded."""

from __future__ import annotations

import numpy as np
import pytest

import tantala as tt
from tantala.array import largest_array, margin_against_size, read_margin
from tantala.array.sizing import resized

LOW, HIGH, READ = 100e-6, 2e-6, 0.2


def wires(rows=4, columns=4, wire=20.0, **ends):
    return tt.Array(np.ones((rows, columns)), wire, wire, **ends)


@pytest.mark.parametrize("measure", ["margin", "relative", "kept"])
def test_the_size_keeps_the_margin_and_one_more_does_not(measure):
    need = {"margin": "10 uA", "relative": 0.9, "kept": 0.5}[measure]
    found = largest_array(wires(), LOW, HIGH, READ, need, measure)
    assert found.bounded
    assert found.falling
    side = found.size[0]
    assert found.size == (side, side)
    for size, keeps in ((side, True), (side + 1, False)):
        margin = read_margin(resized(wires(), size, size), LOW, HIGH, READ)
        assert (getattr(margin, measure) >= found.need) is keeps
        assert found.tried[size, size].margin == margin.margin


def test_against_trying_every_size():
    found = largest_array(wires(), LOW, HIGH, READ, 0.6, "kept")
    table = margin_against_size(wires(), LOW, HIGH, READ, range(1, found.size[0] + 4))
    keeps = table["kept_margin"].to_numpy() >= 0.6
    assert keeps.sum() == found.size[0]
    assert np.all(np.diff(table["margin_A"].to_numpy()) < 0.0)


def test_rows_or_columns_alone():
    rows = largest_array(wires(1, 6), LOW, HIGH, READ, 0.5, "kept", "rows")
    columns = largest_array(wires(6, 1), LOW, HIGH, READ, 0.5, "kept", "columns")
    square = largest_array(wires(), LOW, HIGH, READ, 0.5, "kept")
    assert rows.size[1] == 6
    assert columns.size[0] == 6
    assert rows.size[0] > square.size[0]
    assert columns.size[1] > square.size[1]
    assert list(rows.table()["rows"]) == sorted(rows.table()["rows"])


def test_a_margin_that_no_array_keeps():
    found = largest_array(wires(), LOW, HIGH, READ, "1 mA")
    assert found.size is None
    assert len(found.tried) == 1


@pytest.mark.parametrize("most", [1, 7, 8, 9])
def test_a_bound_that_is_reached_is_told(most):
    found = largest_array(wires(wire=0.0), LOW, HIGH, READ, 0.9, "kept", most=most)
    assert found.size == (most, most)
    assert not found.bounded


@pytest.mark.parametrize("most", [5, 6, 7, 11])
def test_a_limit_below_the_bound_is_found(most):
    free = largest_array(wires(wire=200.0), LOW, HIGH, READ, 0.6, "kept")
    held = largest_array(wires(wire=200.0), LOW, HIGH, READ, 0.6, "kept", most=most)
    assert held.size[0] == min(most, free.size[0])
    assert held.bounded is (free.size[0] < most)


def test_floating_lines_allow_smaller_arrays():
    grounded = largest_array(wires(), LOW, HIGH, READ, 0.1, "relative", most=64)
    floating = largest_array(wires(), LOW, HIGH, READ, 0.1, "relative", scheme="floating")
    assert floating.size[0] < grounded.size[0]


def test_ends_go_along():
    found = resized(wires(row_driver=50.0, column_sense=70.0), 3, 9)
    assert found.shape == (3, 9)
    assert np.all(found.row_driver == 50.0)
    assert np.all(found.column_sense == 70.0)
    assert np.all(np.isinf(found.row_far))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"measure": "snr"}, "unknown measure"),
        ({"grow": "diagonal"}, "unknown way to grow"),
        ({"most": 0}, "bad largest side"),
        ({"need": "1 uV"}, "wrong unit"),
        ({"array": wires(row_driver=[1.0, 2.0, 3.0, 4.0])}, "differs from line to line"),
    ],
)
def test_bad_input(change, told):
    given = {"array": wires(), "need": 1e-6, **change}
    with pytest.raises(tt.InputError, match=told):
        largest_array(low=LOW, high=HIGH, voltage=READ, **given)
    with pytest.raises(tt.InputError, match="no size"):
        margin_against_size(wires(), LOW, HIGH, READ, [0])
