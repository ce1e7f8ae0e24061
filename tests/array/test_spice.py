"""Netlists of every topology, solved by ngspice and, read back, in exact arithmetic."""

import re

import numpy as np
import pytest
from circuit_oracle import exact_circuit
from hypothesis import given, settings
from hypothesis import strategies as st

import tantala as tt
from tantala import InputError
from tantala.array import (
    Array,
    DifferentialPair,
    ExponentialSelector,
    GatedArray,
    InterleavedPair,
    Polynomial,
    ThresholdSelector,
)


def conductances(rows, columns, seed, opens=0.1):
    rng = np.random.default_rng(seed)
    table = 10.0 ** rng.uniform(-6.0, -3.5, (rows, columns))
    return np.where(rng.random(table.shape) < opens, 0.0, table), rng.uniform(0.0, 0.2, rows)


def printed(answer, name, count):
    return np.array([answer[f"i(vo{j}{name})"] for j in range(count)])


CROSSPOINTS = {
    "plain": {},
    "wide": {"shape": (3, 20)},
    "one row": {"shape": (1, 9)},
    "ideal rows": {"row_wire": 0.0, "row_driver": 50.0},
    "ideal columns": {"column_wire": 0.0},
    "no wires": {"row_wire": 0.0, "column_wire": 0.0},
    "drivers": {"row_driver": 120.0, "column_sense": 35.0},
    "both ends": {"row_driver": 10.0, "row_far": 0.0, "column_far": 77.0},
    "no wires, both ends": {"row_wire": 0.0, "column_wire": 0.0, "row_far": 9.0, "row_driver": 3.0},
    "floating": {"row_driver": [0.0] * 5 + [np.inf] * 2, "column_sense": [np.inf] * 3 + [1.0] * 6},
}


@pytest.mark.parametrize("name", CROSSPOINTS)
def test_crosspoint(ngspice, name):
    options = {"row_wire": 1.3, "column_wire": 4.0, "shape": (7, 9)} | CROSSPOINTS[name]
    table, voltages = conductances(*options.pop("shape"), seed=1)
    array = Array(table, **options)
    columns = np.linspace(0.0, 0.05, array.shape[1])
    answer = array.compile().solve(voltages, columns, tolerance=1e-13)
    found = ngspice(array.to_spice(voltages, columns))
    for j, current in enumerate(answer.currents):
        if f"i(vo{j})" in found:
            assert found[f"i(vo{j})"] == pytest.approx(current, rel=1e-9, abs=1e-18)
        else:
            assert np.isinf(array.column_sense[j])
    for i, current in enumerate(answer.row_currents):
        if f"i(vd{i})" in found:
            assert -found[f"i(vd{i})"] == pytest.approx(current, rel=1e-9, abs=1e-15)


def test_crosspoint_of_64_lines(ngspice):
    table, voltages = conductances(64, 64, seed=2)
    array = Array(table, 1.0, 5.0, row_driver=20.0, column_sense="10 ohm")
    answer = array.compile().solve(voltages, tolerance=1e-13)
    found = ngspice(array.to_spice(voltages))
    assert printed(found, "", 64) == pytest.approx(answer.currents, rel=1e-9)


def test_short_in_crosspoint(ngspice):
    table, voltages = conductances(6, 5, seed=3)
    table[2, 3] = np.inf
    array = Array(table, 1.0, 2.0)
    netlist = array.to_spice(voltages)
    found = printed(ngspice(netlist), "", 5)
    _, out = exact_circuit(*read_back(netlist))
    assert found == pytest.approx([-out[f"o{j}"] for j in range(5)], rel=1e-9)


def test_gated_crosspoint(ngspice):
    table, voltages = conductances(8, 6, seed=4)
    gates = voltages > 0.08
    array = Array.gated(table, gates, 2.0, 1.0, access="3 kohm", off=1e-9)
    series = 1.0 / np.where(gates, 3e3, 1e9)[:, None]
    with np.errstate(divide="ignore"):
        expected = Array(1.0 / (1.0 / table + 1.0 / series), 2.0, 1.0)
    assert array.conductance == pytest.approx(expected.conductance, rel=1e-14)
    found = ngspice(array.to_spice(voltages))
    currents = expected.compile().solve(voltages, tolerance=1e-13).currents
    assert printed(found, "", 6) == pytest.approx(currents, rel=1e-9)


GATED = {
    "opposite ends": {},
    "same end": {"source_top": np.inf, "source_bottom": 40.0},
    "every end": {"source_bottom": 5.0, "source_top": 11.0, "bit_top": 7.0, "bit_bottom": 3.0},
    "ideal source": {"source_wire": 0.0},
    "ideal bit": {"bit_wire": 0.0, "bit_bottom": 100.0},
    "no wires": {"source_wire": 0.0, "bit_wire": 0.0, "bit_bottom": 10.0},
    "no transistor": {"access": 0.0},
    "leaking": {"off": 1e-8},
    "large": {"shape": (64, 64)},
}


@pytest.mark.parametrize("name", GATED)
def test_gated(ngspice, name):
    options = {"source_wire": 2.0, "bit_wire": 3.0, "access": 2e3, "shape": (9, 7)} | GATED[name]
    shape = options.pop("shape")
    table, _ = conductances(*shape, seed=5)
    array = GatedArray(table, **options)
    gates = np.arange(shape[0]) % 3 != 1
    high = np.linspace(0.1, 0.3, shape[1])
    answer = array.solve(gates, high, 0.05)
    found = ngspice(array.to_spice(gates, high, 0.05))
    assert printed(found, "", shape[1]) == pytest.approx(answer.currents, rel=1e-9)


def test_shorted_cells_in_gated_array(ngspice):
    array = GatedArray([[1e-4, np.inf], [np.inf, 1e-5], [0.0, 1e-5]], 1.0, 2.0)
    found = ngspice(array.to_spice([1, 1, 1], 0.2))
    assert printed(found, "", 2) == pytest.approx(array.solve([1, 1, 1], 0.2).currents, rel=1e-9)


def test_differential_pair_of_crosspoints(ngspice):
    plus, voltages = conductances(10, 6, seed=6)
    minus, _ = conductances(10, 6, seed=7)
    pair = DifferentialPair(Array(plus, 1.0, 3.0), Array(minus, 1.0, 3.0, column_sense=20.0))
    answer = pair.solve(voltages, tolerance=1e-13)
    found = ngspice(pair.to_spice(voltages))
    assert printed(found, "p", 6) == pytest.approx(answer.plus.currents, rel=1e-9)
    assert printed(found, "n", 6) == pytest.approx(answer.minus.currents, rel=1e-9)


def test_differential_pair_of_gated_arrays(ngspice):
    tables = [conductances(10, 6, seed)[0] for seed in (8, 9)]
    pair = DifferentialPair(*(GatedArray(table, 1.0, 3.0, 1e3) for table in tables))
    gates = np.arange(10) % 2
    found = ngspice(pair.to_spice(gates, 0.2))
    difference = printed(found, "p", 6) - printed(found, "n", 6)
    answer = pair.solve(gates, 0.2)
    assert np.max(np.abs(difference - answer.currents)) < 1e-9 * np.max(answer.common)


def test_interleaved_pair(ngspice):
    plus, voltages = conductances(10, 6, seed=10)
    minus, _ = conductances(10, 6, seed=11)
    pair = InterleavedPair.of(plus, minus, 1.0, 3.0, column_sense=20.0)
    answer = pair.solve(voltages, tolerance=1e-13)
    found = ngspice(pair.to_spice(voltages))
    assert printed(found, "", 6) == pytest.approx(answer.currents, rel=1e-9, abs=1e-15)


CELL = tt.load_cell("embedded_28nm")
LAWS = {
    "cell": {"cell": CELL},
    "polynomial": {"cell": Polynomial(quadratic=-2e-6, cubic=3e-5)},
    "selector": {"selector": ExponentialSelector("100 mV", current="10 uA", voltage="0.6 V")},
    "threshold": {"selector": ThresholdSelector(0.6, hold=0.2, off=1e-8, on=1e-3)},
    "cell and selector": {
        "cell": CELL,
        "selector": ThresholdSelector(0.6, hold=0.2, off=1e-8, on=1e-3),
    },
}


@pytest.mark.parametrize("name", LAWS)
def test_cells_with_a_law(ngspice, name):
    siemens, _ = conductances(6, 8, seed=12, opens=0.0 if name == "polynomial" else 0.1)
    array = Array(siemens, 5.0, 20.0, row_driver=100.0, column_sense=70.0, **LAWS[name])
    rows = np.linspace(0.3, 0.9, 6)
    answer = array.compile().solve(rows, 0.05, tolerance=1e-12, extrapolate=True)
    found = printed(ngspice(array.to_spice(rows, 0.05, answer.selectors_on)), "", 8)
    if answer.selectors_on is not None:
        assert 0 < answer.selectors_on.sum() < 48
    assert found == pytest.approx(answer.currents, rel=1e-8)


@pytest.mark.parametrize("name", LAWS)
def test_shorts_among_cells_with_a_law(ngspice, name):
    siemens = np.random.default_rng(17).uniform(1e-5, 1e-4, (5, 4))
    siemens[[1, 3, 4], [2, 2, 0]] = np.inf, np.inf, 20.0
    array = Array(siemens, 5.0, 20.0, row_driver=100.0, column_sense=70.0, **LAWS[name])
    rows = np.linspace(-0.7, 0.7, 5)  # a netlist with powers in place of products fails here
    answer = array.compile().solve(rows, 0.05, tolerance=1e-12, extrapolate=True)
    found = printed(ngspice(array.to_spice(rows, 0.05, answer.selectors_on)), "", 4)
    assert found == pytest.approx(answer.currents, rel=1e-8)


def read_back(netlist):
    """(resistors, {node: V}) of a netlist, sources of 0 V between nodes as 0 ohm."""
    resistors, fixed = [], {}
    for line in netlist.splitlines()[1:]:
        if match := re.match(r"[rv](\S+) (\S+) (\S+) (\S+)$", line):
            _, plus, minus, value = match.groups()
            if line[0] == "v" and minus == "0":
                fixed[plus] = float(value)
            else:
                assert line[0] == "r" or float(value) == 0.0
                resistors.append((plus, minus, float(value)))
    return resistors, fixed


ohm = st.one_of(st.just(0.0), st.floats(0.1, 100.0))
end = st.one_of(st.just(0.0), st.just(np.inf), st.floats(1.0, 1e4))


@settings(max_examples=150, deadline=None)
@given(
    st.data(), st.integers(1, 4), st.integers(1, 4), ohm, ohm, st.lists(end, min_size=4, max_size=4)
)
def test_read_back_netlist_of_any_crosspoint(data, rows, columns, row_wire, column_wire, ends):
    cell = st.one_of(st.just(0.0), st.floats(-8.0, -2.0).map(lambda x: 10.0**x))
    table = [[data.draw(cell) for _ in range(columns)] for _ in range(rows)]
    try:
        array = Array(table, row_wire, column_wire, *ends)
    except InputError:
        return
    voltages = np.linspace(0.1, 0.4, rows)
    answer = array.compile().solve(voltages, 0.02, tolerance=1e-12)
    volts, out = exact_circuit(*read_back(array.to_spice(voltages, 0.02)))
    # The residual is of currents: it decides a floating line's voltage to its part of the largest
    # that may flow, over the smallest conductance.
    conducting = array.conductance[array.conductance > 0.0]
    floating = 1e-12 * 0.4 * conducting.sum() / conducting.min(initial=np.inf)
    loose = np.where(np.isinf(array.row_driver) & np.isinf(array.row_far), floating, 1e-12)
    for j, current in enumerate(answer.currents):
        if f"o{j}" in out:
            assert -out[f"o{j}"] == pytest.approx(current, rel=1e-8, abs=1e-13)
        for i in range(rows):
            if row_wire and array.conductance[i].any():
                assert volts[f"u{i}_{j}"] == pytest.approx(
                    answer.row_voltages[i, j], rel=1e-9, abs=loose[i]
                )


def test_netlist_is_readable():
    array = Array([[1e-4, 0.0], [np.inf, 1e-5]], 1.0, 0.0, row_driver="50 ohm")
    text = array.to_spice([0.1, 0.2])
    assert text.splitlines()[:4] == [
        "tantala: cross-point array of 2 x 2 cells",
        "* 2 rows driven at the left, 2 columns read at the bottom",
        "* wire 1 ohm a row segment, 0 a column's",
        "* row 0",
    ]
    for line in (
        "vd1 d1 0 0.20000000000000001",
        "rw1_left d1 d1_left 50",
        "rw1_0 d1_left u1_0 1",
        "rw1_1 u1_0 u1_1 1",
        "rc0_0 u0_0 o0 10000",
        "vc1_0 u1_0 o0 0",
    ):
        assert line in text.splitlines()
    assert "c0_1" not in text


def test_netlists_are_of_one_vector():
    array = Array(np.full((3, 2), 1e-5), 1.0, 1.0)
    with pytest.raises(InputError, match="of one vector"):
        array.to_spice(np.ones((3, 2)))
    gated = GatedArray(np.full((3, 2), 1e-5), 1.0, 1.0)
    with pytest.raises(InputError, match="of one pattern"):
        gated.to_spice(np.ones((3, 2)), 0.2)
