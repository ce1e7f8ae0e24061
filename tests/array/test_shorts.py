"""Dead shorts and stiff cells: ohmic arrays in exact arithmetic, limits of nonlinear ones."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import scipy.optimize
from circuit_oracle import exact_circuit
from hypothesis import given, settings
from hypothesis import strategies as st

import tantala as tt
from tantala.array import ExponentialSelector, Ohmic, Polynomial, ThresholdSelector

CELL = tt.load_cell("embedded_28nm")
STEEP = ExponentialSelector(slope="60 mV", current="10 uA", voltage="1 V")
SWITCH = ThresholdSelector(threshold="0.8 V", hold="0.3 V", off=1e-11, on=1e-3)
LAWS = {
    "cell": {"cell": CELL},
    "polynomial": {"cell": Polynomial(quadratic=2e-6, cubic=1e-5)},
    "exponential": {"selector": STEEP},
    "exponential and cell": {"selector": STEEP, "cell": CELL},
    "threshold": {"selector": SWITCH},
    "threshold and cell": {"selector": SWITCH, "cell": CELL},
}


def resistors(array):
    """The array between nodes ("u", i, j), ("v", i, j), ("row", i) and ("column", j)."""
    n, m = array.shape
    found = []
    for i in range(n):
        found += [(("u", i, j), ("u", i, j + 1), array.row_wire) for j in range(m - 1)]
        found += [
            (("row", i), ("u", i, 0), array.row_wire + array.row_driver[i]),
            (("row", i), ("u", i, m - 1), array.row_wire + array.row_far[i]),
        ]
    for j in range(m):
        found += [(("v", i, j), ("v", i + 1, j), array.column_wire) for i in range(n - 1)]
        found += [
            (("column", j), ("v", n - 1, j), array.column_wire + array.column_sense[j]),
            (("column", j), ("v", 0, j), array.column_wire + array.column_far[j]),
        ]
    with np.errstate(divide="ignore"):
        cells = 1.0 / array.conductance
    found += [(("u", i, j), ("v", i, j), cells[i, j]) for i, j in np.ndindex(n, m)]
    return found


@st.composite
def shorted(draw):
    """A small array with shorts, stiff and open cells, and floating lines; row voltages."""
    n, m = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    cell = st.sampled_from([0.0, np.inf, 1e-6, 3e-5, 2e-4, 50.0])
    end = st.sampled_from([0.0, 20.0, np.inf])
    wire = st.sampled_from([0.0, 0.5, 7.0])
    array = tt.Array(
        [[draw(cell) for _ in range(m)] for _ in range(n)],
        draw(wire),
        draw(wire),
        row_driver=[draw(end) for _ in range(n)],
        column_sense=[draw(end) for _ in range(m)],
    )
    return array, np.array([draw(st.sampled_from([0.0, 0.2, -1.0])) for _ in range(n)])


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_shorts_against_exact_arithmetic(data):
    refusal = ""
    try:
        array, rows = data.draw(shorted())
        law = data.draw(st.sampled_from([None, Ohmic()]))
        # With a law the tolerance holds for every line by itself.
        tolerance = 1e-12 if law is None else 1e-10
        ready = dataclasses.replace(array, cell=law).compile()
        answer = ready.solve(rows, 0.1, tolerance=tolerance)
    except tt.InputError as error:
        refusal = str(error)
    if refusal:
        assert any(word in refusal for word in ("floating lines", "joins two", "closes a loop"))
        return
    fixed = {("row", i): volts for i, volts in enumerate(rows)}
    fixed |= {("column", j): 0.1 for j in range(array.shape[1])}
    volts, out = exact_circuit(resistors(array), fixed)
    # The residual is relative to all currents; at worst 1 uS takes it at the node of a lone cell.
    scale = max(map(abs, out.values()))
    near = 1e-9 + tolerance * scale / 1e-6
    for i, j in np.ndindex(array.shape):
        assert answer.row_voltages[i, j] == pytest.approx(volts["u", i, j], abs=near)
        assert answer.column_voltages[i, j] == pytest.approx(volts["v", i, j], abs=near)
    # Ideal sources that share one node divide its current as the circuit does not say.
    if max(array.row_wire, array.column_wire) > 0.0:
        for j, current in enumerate(answer.currents):
            assert current == pytest.approx(-out["column", j], abs=1e-9 * scale + 1e-14)
    assert answer.residual <= tolerance


@pytest.mark.parametrize("wires", [(2.0, 3.0), (0.0, 3.0), (2.0, 0.0), (0.0, 0.0)])
@pytest.mark.parametrize("law", LAWS)
def test_a_short_among_nonlinear_cells_is_the_limit_of_a_large_conductance(law, wires):
    rng = np.random.default_rng(5)
    conductance = 10.0 ** rng.uniform(-5.5, -4.0, (12, 9))
    conductance[[2, 7, 5], [3, 3, 1]] = np.inf
    array = tt.Array(conductance, *wires, row_driver=50.0, column_sense=20.0, **LAWS[law])
    rows = rng.uniform(0.0, 1.5 if "selector" in LAWS[law] else 0.3, 12)
    answer = array.compile().solve(rows, extrapolate=True)
    assert answer.residual <= 1e-10
    assert answer.power().mismatch <= 1e-9
    if "selector" not in LAWS[law]:
        assert np.abs(answer.cell_voltages[np.isinf(conductance)]).max() < 1e-11
    for large, error in ((1e2, 1e-3), (1e4, 1e-5), (1e6, 1e-7)):
        near = np.where(np.isinf(conductance), large, conductance)
        near = dataclasses.replace(array, conductance=near).compile()
        currents = near.solve(rows, extrapolate=True).currents
        np.testing.assert_allclose(answer.currents, currents, rtol=error)


@pytest.mark.parametrize("siemens", [np.inf, 1e3])
def test_behind_a_selector_a_short_leaves_it_the_voltage(siemens):
    v0 = 0.06 / np.log(10)
    saturation = 1e-5 / np.sinh(1.0 / v0)
    for cell in (None, CELL, Polynomial(cubic=1e-5)):
        array = tt.Array([[siemens]], 100.0, 50.0, row_driver=850.0, cell=cell, selector=STEEP)
        answer = array.compile().solve([1.3])
        ohm = 1000.0 + 1.0 / siemens
        current = scipy.optimize.brentq(
            lambda current, ohm=ohm: v0 * np.arcsinh(current / saturation) + ohm * current - 1.3,
            0.0,
            1e-3,
            xtol=1e-18,
        )
        assert answer.currents[0] == pytest.approx(current, rel=1e-9)


def test_a_short_decides_a_floating_line():
    array = tt.Array([[np.inf, 0.0], [5e-5, 5e-5]], 1.0, 1.0, row_driver=[np.inf, 0.0], cell=CELL)
    answer = array.compile().solve([9.0, 0.2])
    assert answer.row_voltages[0] == pytest.approx(np.full(2, answer.column_voltages[0, 0]))
    assert answer.row_currents[0] == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize("cell", [None, CELL])
@pytest.mark.parametrize(
    ("shorts", "ends", "says"),
    [
        ([(0, 1)], {}, r"cell \(row 0, column 1\) joins two ideal sources"),
        ([(0, 0), (1, 0)], {"column_sense": 5.0}, r"cell \(row 1, column 0\) joins two"),
        (
            [(0, 0), (0, 1), (1, 0), (1, 1)],
            {"row_driver": 5.0, "column_sense": 5.0},
            r"cell \(row 1, column 1\) closes a loop",
        ),
    ],
)
def test_currents_that_nothing_limits_or_decides_are_told(shorts, ends, says, cell):
    conductance = np.full((3, 3), 5e-5)
    conductance[tuple(np.transpose(shorts))] = np.inf
    ready = tt.Array(conductance, 0.0, 0.0, cell=cell, **ends).compile()
    with pytest.raises(tt.InputError, match=says):
        ready.solve([0.1, 0.0, 0.0])
    held = tt.Array(conductance, 0.0, 1e-3, cell=cell, **ends).compile()
    assert held.solve([0.1, 0.0, 0.0], extrapolate=True).residual <= 1e-10


def test_the_map_holds_floating_lines_tied_by_shorts():
    conductance = np.array([[np.inf, 0.0, 1e-5], [2e-5, 3e-5, 1e-4], [1e-5, np.inf, 0.0]])
    array = tt.Array(conductance, 2.0, 3.0, row_driver=[np.inf, 5.0, 5.0])
    rows = np.array([0.0, 0.2, -0.1])
    ready = array.compile()
    product = ready.effective_conductance().T @ rows
    np.testing.assert_allclose(product, ready.solve(rows).currents, rtol=1e-9)
