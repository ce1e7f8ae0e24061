"""What an array refuses, and what it says."""

from __future__ import annotations

import numpy as np
import pytest

import tantala as tt

CELLS = np.full((3, 4), 1e-4)


def cells(**places):
    """CELLS with changed places, keyed r<row>c<column>."""
    table = CELLS.copy()
    for key, value in places.items():
        row, column = key[1:].split("c")
        table[int(row), int(column)] = value
    return table


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"conductance": cells(r1c2=-1e-5)}, r"cell \(row 1, column 2\) is negative"),
        ({"conductance": cells(r2c0=np.nan)}, r"cell \(row 2, column 0\) is not a number"),
        ({"conductance": np.zeros(5)}, r"wrong shape.*\(5,\)"),
        ({"conductance": np.zeros((0, 3))}, "wrong shape"),
        ({"conductance": "1e-4"}, "conductance has no unit"),
        ({"conductance": "10 uS"}, "conductance has a wrong shape"),
        ({"conductance": [[1e-4, "x"]]}, r"conductance\[0, 1\] is not a quantity"),
        ({"conductance": [[1e-4, 2e-4], [1e-4]]}, "no table of numbers"),
        ({"conductance": CELLS + 1e-5j}, "conductance is complex"),
        ({"row_wire": -1.0}, "row_wire is negative"),
        ({"column_wire": "2 V"}, "column_wire has a wrong unit"),
        ({"row_wire": np.nan}, "row_wire is not finite"),
        ({"row_wire": np.inf}, "row_wire is infinite"),
        ({"row_driver": [1.0, 2.0]}, "row_driver has a wrong length; got 2"),
        ({"column_sense": [1.0, -2.0, 1.0, 1.0]}, "column 1: column_sense is negative"),
        ({"column_sense": "many"}, "column_sense is not a quantity"),
        ({"row_driver": np.inf, "column_sense": np.inf}, "no path to any driver"),
        (
            {"conductance": cells(r1c0=0, r1c1=0, r1c2=0, r1c3=0), "row_driver": [1, np.inf, 1]},
            "no path to any driver or sense end; got row 1",
        ),
        (
            {"conductance": np.zeros((3, 4)), "column_sense": np.inf},
            "column 0, column 1, column 2, column 3",
        ),
    ],
)
def test_a_bad_array_is_told(arguments, message):
    """The line or cell is named."""
    given = {"conductance": CELLS, "row_wire": 1.0, "column_wire": 1.0} | arguments
    with pytest.raises(tt.InputError, match=message):
        tt.Array(**given)


def test_every_problem_at_once():
    """Two wrong wires and a wrong driver are three problems."""
    with pytest.raises(tt.InputError) as caught:
        tt.Array(CELLS, -1.0, "3 V", row_driver=[1.0])
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    ("voltages", "options", "message"),
    [
        (np.zeros(4), {}, r"voltages has a wrong shape; got \(4,\); allowed: .* \(3,\)"),
        (np.zeros((3, 2, 2)), {}, "wrong shape"),
        (np.full(3, 0.1 + 0.1j), {}, "voltages is complex"),
        ([0.1, "0.1 V", 0.1j], {}, "voltages is complex"),
        (np.zeros(3), {"columns": 1j}, "columns is complex"),
        ([0.1, np.nan, 0.1], {}, "voltages of row 1 is not finite"),
        (["0.1 V", "0.1 A", "0.1 V"], {}, r"voltages\[1\] has a wrong unit"),
        (np.zeros(3), {"columns": np.zeros(3)}, "columns has a wrong shape"),
        (np.zeros((3, 2)), {"columns": np.zeros((4, 3))}, "another number of vectors"),
        (np.zeros(3), {"columns": "1 ohm"}, "columns has a wrong unit"),
        (np.zeros(3), {"tolerance": 0.0}, "tolerance"),
        (np.zeros(3), {"method": "fast"}, "unknown method"),
    ],
)
def test_bad_voltages_are_told(voltages, options, message):
    """One clear error each, never a silent NaN."""
    with pytest.raises(tt.InputError, match=message):
        tt.Array(CELLS, 1.0, 1.0).compile().solve(voltages, **options)


def test_a_direct_solution_needs_wires():
    """The message says which method does it."""
    with pytest.raises(tt.InputError, match="method='lines'"):
        tt.Array(CELLS, 0.0, 1.0).compile().solve(np.zeros(3), method="direct")


def test_a_short_between_ideal_sources_is_told():
    """Nothing limits its current."""
    with pytest.raises(tt.InputError, match=r"short at cell \(row 0, column 1\)"):
        tt.Array(cells(r0c1=np.inf), 0.0, 0.0).compile().solve([1.0, 0.0, 0.0])


def test_text_with_units_is_taken_everywhere():
    """Resistances and voltages, one or one a line."""
    text = tt.Array(
        CELLS, "1 ohm", "2 ohm", row_driver="1 kohm", column_sense=["1 ohm", 2.0, 3.0, "4 ohm"]
    )
    number = tt.Array(CELLS, 1.0, 2.0, row_driver=1e3, column_sense=[1.0, 2.0, 3.0, 4.0])
    one = text.compile().solve(["100 mV", 0.2, "0.3 V"], "50 mV").currents
    other = number.compile().solve([0.1, 0.2, 0.3], 0.05).currents
    np.testing.assert_array_equal(one, other)


def test_tables_of_texts():
    """Conductances and vectors of voltages, mixed with numbers; an infinite one is a dead short."""
    text = tt.Array([["10 uS", 2e-6], ["30 uS", np.inf]], "2 ohm", 1.0).compile()
    number = tt.Array([[1e-5, 2e-6], [3e-5, np.inf]], 2.0, 1.0).compile()
    one = text.solve([["0.1 V", 0.2], ["100 mV", "0 V"]], ["50 mV", 0.0]).currents
    np.testing.assert_array_equal(one, number.solve([[0.1, 0.2], [0.1, 0.0]], [0.05, 0.0]).currents)


@pytest.mark.parametrize("voltage", [0.2, "0.2 V", np.float64(0.2)])
def test_one_voltage_is_that_of_all_rows(voltage):
    """As one number for the columns is."""
    ready = tt.Array(CELLS, 1.0, 1.0).compile()
    np.testing.assert_array_equal(
        ready.solve(voltage).currents, ready.solve(np.full(3, 0.2)).currents
    )
    assert ready.solve(voltage).currents.shape == (4,)


def test_texts_reach_gated_arrays_and_pairs():
    """Transistors, rails and both polarities of a pair."""
    gated = tt.array.GatedArray([["10 uS", "20 uS"]], 1.0, 1.0, access=[["1 kohm", 2e3]])
    same = tt.array.GatedArray([[1e-5, 2e-5]], 1.0, 1.0, access=[[1e3, 2e3]])
    np.testing.assert_array_equal(
        gated.solve([1], ["0.1 V", 0.2]).currents, same.solve([1], [0.1, 0.2]).currents
    )
    with pytest.raises(tt.InputError, match="sources is complex"):
        gated.solve([1], 1j)
    pair = tt.array.InterleavedPair(tt.Array(np.full((4, 2), 1e-5), 1.0, 1.0))
    np.testing.assert_array_equal(pair.rows("0.1 V"), [0.1, -0.1, 0.1, -0.1])
    with pytest.raises(tt.InputError, match="opposite is complex"):
        pair.rows(0.1, [1j, 0.0])


@pytest.mark.parametrize("vectors", [1, 3])
def test_a_solution_prints_short(vectors):
    """Size, currents with their unit, residual and iterations, whatever the size."""
    ready = tt.Array(np.full((40, 70), 1e-4), 1.0, 1.0).compile()
    told = repr(ready.solve(0.2 * np.ones((40, vectors))))
    assert "40 x 70 cells" in told
    assert f"{vectors} vectors" in told
    assert "µA" in told
    assert "residual" in told
    assert "iterations" in told
    assert len(told) < 200


def test_nothing_driven_is_nothing_flowing():
    """Zero volts everywhere: zero currents, zero residual."""
    answer = tt.Array(CELLS, 1.0, 1.0).compile().solve(np.zeros(3))
    assert not answer.currents.any()
    assert answer.residual == 0.0
