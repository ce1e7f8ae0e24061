"""Gated arrays: two-rail ladders against exact arithmetic, sparse LU, limits and symmetries."""

import numpy as np
import pytest
from circuit_oracle import exact_circuit, gated_solution, rail_resistors
from hypothesis import given, settings
from hypothesis import strategies as st

from tantala import InputError
from tantala.array import Array, GatedArray

ENDS = [
    {},
    {"source_top": np.inf, "source_bottom": 0.0},
    {"source_top": 300.0, "source_bottom": 50.0, "bit_top": 200.0, "bit_bottom": 700.0},
]


def random_array(rows, columns, seed, **options):
    rng = np.random.default_rng(seed)
    conductance = 10.0 ** rng.uniform(-6.0, -3.0, (rows, columns))
    options = {"source_wire": 1.5, "bit_wire": 4.0, "access": 2e3} | options
    return GatedArray(conductance, **options), rng.random(rows) < 0.6


@pytest.mark.parametrize("ends", ENDS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (9, 1), (40, 23), (64, 33)])
def test_ladders_equal_sparse_lu(shape, ends):
    array, gates = random_array(*shape, seed=1, **ends)
    gates[0] = True
    high = np.linspace(0.1, 0.3, shape[1])
    answer = array.solve(gates, high, 0.05)
    source, bit, cells, supplied = gated_solution(array, gates, high, 0.05)
    assert answer.source_voltages == pytest.approx(source, rel=1e-11)
    assert answer.bit_voltages == pytest.approx(bit, rel=1e-11)
    assert answer.cell_currents == pytest.approx(cells, rel=1e-10, abs=1e-18)
    # One current, found four ways.
    assert answer.currents == pytest.approx(cells.sum(axis=0), rel=1e-10)
    assert answer.currents == pytest.approx(answer.cell_currents.sum(axis=0), rel=1e-13)
    assert answer.currents == pytest.approx(supplied, rel=1e-10)
    assert np.all(answer.residual < 1e-14)
    assert answer.power().mismatch < 1e-13


def test_ladders_equal_converged_fixed_point():
    array, gates = random_array(24, 5, seed=2, source_wire=0.5, bit_wire=0.5)
    on, _ = array.branch_conductances()
    cells = np.where(gates[:, None], on, 0.0)
    rows = np.arange(24)
    # Ohm a pair of rows share: source from the top, bit line to the bottom.
    shared = 0.5 * (1 + np.minimum.outer(rows, rows)) + 0.5 * (24 - np.maximum.outer(rows, rows))
    across = np.full(cells.shape, 0.2)
    for _ in range(2000):
        across += 0.3 * (0.2 - shared @ (cells * across) - across)
    assert array.solve(gates, 0.2).currents == pytest.approx((cells * across).sum(0), rel=1e-10)


resistance = st.one_of(st.just(0.0), st.floats(1e-3, 100.0))
end = st.one_of(st.just(0.0), st.just(np.inf), st.floats(1e-2, 1e5))
siemens = st.one_of(st.just(0.0), st.just(np.inf), st.floats(-9.0, -1.0).map(lambda x: 10.0**x))


@st.composite
def columns(draw):
    rows = draw(st.integers(1, 6))
    options = {
        "source_wire": draw(resistance),
        "bit_wire": draw(resistance),
        "access": draw(resistance),
        "off": draw(st.sampled_from([0.0, 1e-10])),
    }
    for name in ("source_top", "source_bottom", "bit_top", "bit_bottom"):
        options[name] = draw(end)
    conductance = [[draw(siemens)] for _ in range(rows)]
    return conductance, options, [draw(st.booleans()) for _ in range(rows)]


@settings(max_examples=300, deadline=None)
@given(columns())
def test_every_column_equals_exact_arithmetic(case):
    conductance, options, gates = case
    refusal = ""
    try:
        array = GatedArray(conductance, **options)
        answer = array.solve(gates, 0.25, 0.05)
    except InputError as error:
        refusal = str(error)
    if refusal:
        assert "float" in refusal or "dead short" in refusal
        return
    volts, out = exact_circuit(rail_resistors(array, gates, 0), {"source": 0.25, "bit": 0.05})
    assert answer.currents[0] == pytest.approx(-out["bit"], rel=1e-13, abs=0)
    for i in range(len(gates)):
        assert answer.source_voltages[i, 0] == pytest.approx(volts["s", i], rel=0, abs=1e-14)
        assert answer.bit_voltages[i, 0] == pytest.approx(volts["t", i], rel=0, abs=1e-14)
        if ("m", i) in volts and array.conductance[i, 0] > 0.0:
            element = volts["m", i] - volts["t", i]
            assert answer.cell_voltages[i, 0] == pytest.approx(element, rel=1e-10, abs=1e-14)
    assert answer.residual[0] < 1e-13


@pytest.mark.parametrize("wire", [0.0, 1e-6, 1e-2, 1.0, 100.0])
def test_rounding_alone_over_eight_decades(wire):
    rng = np.random.default_rng(3)
    array = GatedArray(10.0 ** rng.uniform(-9, -1, (12, 8)), wire, wire)
    answer = array.solve(np.ones(12), 1.0)
    for j in range(8):
        volts, out = exact_circuit(rail_resistors(array, [1] * 12, j), {"source": 1, "bit": 0})
        assert answer.currents[j] == pytest.approx(out["source"], rel=1e-14)
        exact = array.conductance[:, j] * [volts["s", i] - volts["t", i] for i in range(12)]
        assert answer.cell_currents[:, j] == pytest.approx(exact, rel=1e-10)


def test_no_wires_is_a_product():
    array, gates = random_array(30, 20, seed=4, source_wire=0.0, bit_wire=0.0)
    on, _ = array.branch_conductances()
    assert array.solve(gates, 0.2).currents == pytest.approx(0.2 * (gates @ on), rel=1e-13)


def test_one_cell_is_a_series_circuit():
    array = GatedArray([[1e-4]], 3.0, 5.0, access=2e3, source_top=70.0, bit_bottom=11.0)
    assert array.solve([1], 1.0).currents[0] == pytest.approx(1 / (1e4 + 2e3 + 3 + 70 + 5 + 11))


def test_ideal_bit_rail_is_a_continued_fraction():
    array, _ = random_array(50, 1, seed=5, bit_wire=0.0)
    on = array.branch_conductances()[0][:, 0]
    behind = 0.0
    for g in on[::-1]:
        behind = 1.0 / (1.5 + 1.0 / (g + behind))
    assert array.solve(np.ones(50), 1.0).currents[0] == pytest.approx(behind, rel=1e-12)


def test_ideal_source_rail_is_a_cross_point_with_ideal_rows():
    array, gates = random_array(40, 9, seed=6, source_wire=0.0, bit_bottom=20.0)
    on, _ = array.branch_conductances()
    plain = Array(np.where(gates[:, None], on, 0.0), 0.0, 4.0, column_sense=20.0)
    expected = plain.compile().solve(np.full(40, 0.2)).currents
    assert array.solve(gates, 0.2).currents == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("ends", ENDS)
def test_exchanged_rails_reverse_the_currents(ends):
    array, gates = random_array(20, 6, seed=7, **ends)
    swapped = GatedArray(
        array.conductance,
        array.bit_wire,
        array.source_wire,
        array.access,
        source_top=array.bit_top,
        source_bottom=array.bit_bottom,
        bit_top=array.source_top,
        bit_bottom=array.source_bottom,
    )
    answer, mirror = array.solve(gates, 0.3, 0.1), swapped.solve(gates, 0.1, 0.3)
    assert mirror.cell_currents == pytest.approx(-answer.cell_currents, rel=1e-10, abs=1e-18)
    assert mirror.source_voltages == pytest.approx(answer.bit_voltages, rel=1e-12)


@pytest.mark.parametrize("ends", ENDS)
def test_array_turned_upside_down(ends):
    array, gates = random_array(20, 6, seed=8, **ends)
    turned = GatedArray(
        array.conductance[::-1],
        array.source_wire,
        array.bit_wire,
        array.access,
        source_top=array.source_bottom,
        source_bottom=array.source_top,
        bit_top=array.bit_bottom,
        bit_bottom=array.bit_top,
    )
    answer, mirror = array.solve(gates, 0.3), turned.solve(gates[::-1], 0.3)
    assert mirror.currents == pytest.approx(answer.currents, rel=1e-12)
    assert mirror.bit_voltages[::-1] == pytest.approx(answer.bit_voltages, rel=1e-11)


def test_scaling_of_all_resistances():
    array, gates = random_array(20, 6, seed=9)
    scaled = GatedArray(array.conductance / 7.0, 7.0 * 1.5, 7.0 * 4.0, access=7.0 * 2e3)
    expected = array.solve(gates, 0.2).currents / 7.0
    assert scaled.solve(gates, 0.2).currents == pytest.approx(expected, rel=1e-12)


def test_one_more_gate_never_lowers_the_current():
    array, _ = random_array(16, 8, seed=10, source_wire=20.0, bit_wire=20.0)
    more = np.tri(16, dtype=bool).T
    currents = array.solve(more, 0.2).currents
    assert np.all(np.diff(currents, axis=1) > 0.0)


def test_many_patterns_equal_one_at_a_time():
    array, _ = random_array(12, 21, seed=11, off=1e-9)
    rng = np.random.default_rng(11)
    gates, high = rng.random((12, 5)) < 0.5, rng.random((21, 5))
    together = array.solve(gates, high, 0.1, nodes=True)
    cells = array.solve(np.broadcast_to(gates[:, None], (12, 21, 5)), high, 0.1, nodes=True)
    for k in range(5):
        alone = array.solve(gates[:, k], high[:, k], 0.1)
        for name in ("currents", "cell_voltages", "access_voltages", "bit_wire_currents"):
            assert np.array_equal(getattr(together, name)[..., k], getattr(alone, name))
            assert np.array_equal(getattr(together, name), getattr(cells, name))
        assert alone.power().mismatch < 1e-13


def test_transistors_share_voltage_and_power():
    array = GatedArray([[1e-4], [0.0], [np.inf], [1e-4]], 0.0, 0.0, access="5 kohm")
    answer = array.solve([1, 1, 1, 0], "0.3 V")
    assert answer.cell_voltages[:, 0] == pytest.approx([0.2, 0.3, 0.0, 0.0])
    assert answer.access_voltages[:, 0] == pytest.approx([0.1, 0.0, 0.3, 0.3])
    balance = answer.power()
    assert balance.cells == pytest.approx(0.2 * 20e-6)
    assert balance.transistors == pytest.approx(0.1 * 20e-6 + 0.3 * 60e-6)


def test_access_resistance_of_every_cell():
    array, gates = random_array(5, 4, seed=12)
    table = np.linspace(1e3, 9e3, 20).reshape(5, 4)
    each = GatedArray(array.conductance, 1.5, 4.0, access=table)
    merged = GatedArray(1.0 / (1.0 / array.conductance + table), 1.5, 4.0)
    expected = merged.solve(gates, 1.0).currents
    assert each.solve(gates, 1.0).currents == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"conductance": [[-1e-6]]}, "negative"),
        ({"access": -1.0}, "access is negative"),
        ({"access": "5 V"}, "access has a wrong unit"),
        ({"access": np.ones((2, 2))}, "access has a wrong shape"),
        ({"access": np.array([[np.nan] * 2] * 3)}, "is no resistance"),
        ({"off": -1e-9}, "off is negative"),
        ({"off": "1 kohm"}, "off has a wrong unit"),
        ({"source_wire": np.inf}, "source_wire is infinite"),
        ({"bit_bottom": [1.0]}, "bit_bottom has a wrong length"),
        ({"source_top": np.inf, "bit_bottom": np.inf}, "both rails of a column float"),
    ],
)
def test_bad_arrays(options, words):
    good = {"conductance": np.full((3, 2), 1e-5), "source_wire": 1.0, "bit_wire": 1.0}
    with pytest.raises(InputError, match=words):
        GatedArray(**(good | options))


def test_all_problems_at_once():
    with pytest.raises(InputError) as caught:
        GatedArray([[1e-5]], -1.0, -2.0, access=-3.0, off=-4.0)
    assert len(caught.value.problems) == 4


@pytest.mark.parametrize(
    ("gates", "sources", "words"),
    [
        ([1, 0], 0.2, "gates has a wrong shape"),
        (np.ones((3, 3, 1)), 0.2, "gates has a wrong shape"),
        ([1, 2, 0], 0.2, "gates are not on or off"),
        (["on"] * 3, 0.2, "gates are not on or off"),
        ([1, 0, 0], "0.2 A", "sources has a wrong unit"),
        ([1, 0, 0], [0.1, 0.2, 0.3], "sources has a wrong shape"),
        ([1, 0, 0], np.nan, "not finite"),
        ([0, 0, 0], 0.2, "leaves a floating rail of column 0"),
    ],
)
def test_bad_patterns(gates, sources, words):
    array = GatedArray(np.full((3, 2), 1e-5), 1.0, 1.0, bit_bottom=[np.inf, 0.0])
    with pytest.raises(InputError, match=words):
        array.solve(gates, sources)


def test_short_between_ideal_drives():
    array = GatedArray([[np.inf], [1e-5]], 0.0, 0.0)
    with pytest.raises(InputError, match="dead short in column 0"):
        array.solve([1, 1], 0.2)
    assert array.solve([0, 1], 0.2).currents[0] == pytest.approx(2e-6)


def test_nodes_of_many_patterns_are_kept_on_request_only():
    array, _ = random_array(4, 3, seed=13)
    with pytest.raises(InputError, match="only on request"):
        _ = array.solve(np.ones((4, 2)), 0.2).cell_currents
    with pytest.raises(InputError, match="of one pattern"):
        array.solve(np.ones((4, 2)), 0.2, nodes=True).power()


@pytest.mark.parametrize("wire", [0.0, 0.3, 30.0])
@pytest.mark.parametrize("shape", [(1, 1), (7, 3), (40, 35)])
@pytest.mark.parametrize("top", [0.0, 5.0, np.inf])
def test_bottom_currents_are_those_of_the_solution(shape, wire, top):
    rng = np.random.default_rng(shape[0])
    array = GatedArray(
        10.0 ** rng.uniform(-8, -3, shape), wire, 2.0 * wire, access=500.0,
        off=1e-9, source_top=top, source_bottom=np.inf if top < 10.0 else 3.0, bit_bottom=7.0,
    )  # fmt: skip
    rows_on = rng.random((6, shape[0])) < 0.5
    solved = array.solve(rows_on.T, sources=1.0).currents.T
    np.testing.assert_allclose(array.bottom_currents(rows_on.T).T, solved, rtol=1e-11)


def test_bottom_currents_of_no_row_are_the_leakage():
    silent = GatedArray(np.full((5, 2), 1e-4), 1.0, 1.0)
    assert (silent.bottom_currents(np.zeros((5, 3))) == 0.0).all()
    leaky = GatedArray(np.full((5, 2), 1e-4), 1.0, 1.0, off=1e-6)
    solved = leaky.solve(np.zeros(5), 1.0).currents
    assert leaky.bottom_currents(np.zeros(5))[:, 0] == pytest.approx(solved, rel=1e-12)


@pytest.mark.parametrize(
    ("array", "gates", "words"),
    [
        ({}, np.zeros((1, 5)), "wrong shape"),
        ({}, np.zeros((5, 2, 3)), "one a row"),
        ({}, np.full(5, 0.5), "not on or off"),
        ({}, np.full(5, np.nan), "not on or off"),
        ({"bit_top": 3.0}, np.ones(5), "at the bottom alone"),
        ({"bit_top": 3.0, "bit_bottom": np.inf}, np.ones(5), "at the bottom alone"),
        ({"source_top": np.inf}, np.ones(5), "source rail floats"),
        ({"conductance": np.full((5, 2), np.inf), "source_wire": 0, "bit_wire": 0},
         np.ones(5), "dead short"),
    ],
)  # fmt: skip
def test_bottom_currents_refuse_what_they_cannot_answer(array, gates, words):
    options = {"conductance": np.full((5, 2), 1e-4), "source_wire": 1.0, "bit_wire": 1.0} | array
    with pytest.raises(InputError, match=words):
        GatedArray(**options).bottom_currents(gates)
