"""Arrays of cells with their own law and selectors: against an independent solution, and limits."""

from __future__ import annotations

import itertools
import math

import nonlinear_oracle as oracle
import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st
from nonlinear_cases import half_select, states

import tantala as tt
from tantala.array import ExponentialSelector, Ohmic, Polynomial, ThresholdSelector
from tantala.array.device import Device, Response
from tantala.array.nonlinear import newton_solver

CELL = tt.load_cell("embedded_28nm")
STEEP = ExponentialSelector(slope="60 mV", current="10 uA", voltage="1 V")
SWITCH = ThresholdSelector(threshold="1.2 V", hold="0.4 V", off=1e-11, on=1e-3)


# --- The linear limit, and published figures


@given(
    rows=st.integers(1, 12),
    columns=st.integers(1, 12),
    row_wire=st.sampled_from([0.0, 1.0, 100.0]),
    column_wire=st.sampled_from([0.0, 1.0, 100.0]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=60, deadline=None)
def test_ohmic_law_is_the_linear_array(rows, columns, row_wire, column_wire, seed):
    rng = np.random.default_rng(seed)
    conductance = 10.0 ** rng.uniform(-8, -3, (rows, columns))
    ends = {"row_driver": rng.uniform(0, 1e4, rows), "column_sense": rng.uniform(0, 1e4, columns)}
    voltages = rng.uniform(-1, 1, rows)
    answers = [
        tt.Array(conductance, row_wire, column_wire, cell=cell, **ends)
        .compile()
        .solve(voltages, 0.1, tolerance=1e-11)
        for cell in (None, Ohmic())
    ]
    scale = np.abs(answers[0].cell_currents).max()
    np.testing.assert_allclose(answers[1].currents, answers[0].currents, atol=1e-10 * scale)
    np.testing.assert_allclose(answers[1].row_voltages, answers[0].row_voltages, atol=1e-10)
    assert answers[0].steps == 0
    # One would do, but every line is judged by itself, and some carry a millionth of the others.
    assert answers[1].steps <= 4


def milo(conductance):
    """Milo et al., IRPS 2021, as CrossSim prints it: terms of V**2 (S/V) and V**3 (S/V**2)."""
    x = np.log10(conductance)
    return Polynomial(
        quadratic=1.388e-4 * x**3 + 1.541e-3 * x**2 + 5.711e-3 * x + 7.063e-3,
        cubic=8.8710e-5 * x**2 + 6.7919e-4 * x + 1.2968e-3,
        limit="0.5 V",
    )


def test_milo_cells_carry_the_published_currents():
    conductance = np.array([[62.5e-6, 76.2e-6, 93.9e-6, 110e-6, 225e-6]])
    device = Device.of(conductance, milo(conductance))
    for volts, published in (
        (0.5, [26.46, 34.75, 44.60, 53.16, 112.06]),
        (-0.5, [-38.37, -42.51, -49.37, -56.42, -112.86]),
    ):
        current = device.evaluate(np.full((1, 5), volts)).current
        np.testing.assert_allclose(current[0] * 1e6, published, atol=0.006)


def test_milo_array_takes_two_steps():
    rng = np.random.default_rng(24)
    conductance = rng.uniform(62.5e-6, 225e-6, (24, 24))
    array = tt.Array(conductance, 1.0, 1.0, cell=milo(conductance))
    answer = array.compile().solve(rng.uniform(0, 0.5, 24))
    assert answer.steps == 2
    assert answer.residual < 1e-10
    with pytest.raises(tt.RangeViolation, match=r"allowed: up to 0\.5 V"):
        array.compile().solve(np.full(24, 0.7))
    assert array.compile().solve(np.full(24, 0.7), extrapolate=True).extrapolated


# --- An independent solution


def cell_law(conductance):
    law = CELL.conduction
    rate = law.curvature(conductance)
    return conductance * law.reference_voltage / np.sinh(rate * law.reference_voltage), rate


def scalar_law(name, conductance):
    """`current(i, j, V)` in plain Python."""
    scale, rate = cell_law(conductance)
    v0 = 0.06 / math.log(10)
    saturation = 1e-5 / math.sinh(1.0 / v0)

    def current(i, j, volts):
        g = conductance[i, j]
        if name == "polynomial":
            return g * volts + 2e-6 * volts**2 + 1e-5 * volts**3
        if name == "cell":
            return oracle.sinh_current(scale[i, j], rate[i, j], volts)
        cell = {
            "selector": lambda current: current / g,
            "selector and cell": lambda current: math.asinh(current / scale[i, j]) / rate[i, j],
        }[name]
        return oracle.series_current(lambda c: v0 * math.asinh(c / saturation), cell, volts)

    return current


LAWS = {
    "polynomial": {"cell": Polynomial(quadratic=2e-6, cubic=1e-5)},
    "cell": {"cell": CELL},
    "selector": {"selector": STEEP},
    "selector and cell": {"cell": CELL, "selector": STEEP},
}


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("floating", [False, True])
def test_every_law_against_the_dense_solution(name, floating):
    conductance = states(3, 4)
    ends = {}
    if floating:
        ends = {"row_driver": [10.0, np.inf, 1e3], "column_far": [np.inf, 5.0, np.inf, 1e4]}
    array = tt.Array(conductance, 20.0, 50.0, **ends, **LAWS[name])
    rows, columns = np.array([2.0, 0.7, -0.4]), np.array([0.0, 0.3, 1.0, 0.0])
    answer = array.compile().solve(rows, columns, extrapolate=True, tolerance=1e-12)
    words, bits, currents = oracle.dense_solution(
        array, scalar_law(name, conductance), rows, columns
    )
    scale = np.abs(currents).max()
    np.testing.assert_allclose(answer.row_voltages, words, atol=1e-9)
    np.testing.assert_allclose(answer.column_voltages, bits, atol=1e-9)
    np.testing.assert_allclose(answer.cell_currents, currents, rtol=1e-9, atol=1e-9 * scale)


@pytest.mark.parametrize("name", LAWS)
def test_single_cell_is_the_scalar_equation(name):
    conductance = np.array([[3e-5]])
    law = scalar_law(name, conductance)
    answer = (
        tt.Array(conductance, 100.0, 50.0, row_driver=850.0, **LAWS[name])
        .compile()
        .solve([2.0], extrapolate=True)
    )
    volts = scipy.optimize.brentq(
        lambda volts: law(0, 0, volts) - (2.0 - volts) / 1000.0, 0.0, 2.0, xtol=1e-15
    )
    assert answer.cell_voltages[0, 0] == pytest.approx(volts, rel=1e-10)
    assert answer.currents[0] == pytest.approx((2.0 - volts) / 1000.0, rel=1e-9)


# --- Physics


@given(
    rows=st.integers(1, 20),
    columns=st.integers(1, 20),
    wires=st.tuples(st.floats(0, 100), st.floats(0, 100)),
    law=st.sampled_from(sorted(LAWS)),
    spread=st.floats(0, 3),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=60, deadline=None)
def test_charge_and_energy_balance(rows, columns, wires, law, spread, seed):
    rng = np.random.default_rng(seed)
    conductance = 1e-5 * 10.0 ** rng.uniform(-spread, 1, (rows, columns))
    ends = {}
    if seed % 2:
        ends = {
            "row_driver": np.where(rng.random(rows) < 0.5, 1e4 * rng.random(rows), np.inf),
            "column_sense": 1e3 * rng.random(columns),
        }
    if law == "polynomial":
        conductance = np.maximum(conductance, 1e-6)  # where its terms leave it monotone
    array = tt.Array(conductance, *wires, **ends, **LAWS[law])
    answer = array.compile().solve(
        rng.uniform(-2.5, 2.5, rows), rng.uniform(-1, 1, columns), extrapolate=True
    )
    assert answer.residual <= 1e-10
    currents = np.abs(answer.cell_currents).sum()
    assert abs(answer.currents.sum() - answer.row_currents.sum()) <= 1e-9 * currents
    floating = np.isinf(array.row_driver)
    along = np.abs(answer.cell_currents[floating]).sum(axis=1)
    leak = 1e-16 * conductance[floating].sum(axis=1)  # what rounding of a volt lets flow
    assert np.all(np.abs(answer.row_currents[floating]) <= 1e-9 * along + 10 * leak)
    power = answer.power()
    assert power.mismatch <= 1e-8 or currents < 1e-16  # rounding: a lone cell on a floating row
    for part in (power.cells, power.row_wires, power.column_wires, power.drivers):
        assert part >= 0.0


def test_turned_polarity_turns_the_answer():
    rows, columns = half_select(12, 9, 2.0)
    for options in (LAWS["selector and cell"], {"selector": SWITCH}):
        ready = tt.Array(states(12, 9), 5.0, 5.0, **options).compile()
        there = ready.solve(rows, columns, extrapolate=True)
        back = ready.solve(-rows, -columns, extrapolate=True)
        np.testing.assert_allclose(back.currents, -there.currents, rtol=1e-8, atol=1e-16)


def test_many_vectors_are_as_one_by_one():
    ready = tt.Array(states(7, 5), 2.0, 3.0, selector=SWITCH).compile()
    voltages = np.random.default_rng(2).uniform(0, 2, (7, 4))
    together = ready.solve(voltages, nodes=True)
    assert together.steps.shape == (4,)
    for k in range(4):
        alone = ready.solve(voltages[:, k])
        assert np.array_equal(together.currents[:, k], alone.currents)
        assert np.array_equal(together.selectors_on[:, :, k], alone.selectors_on)


def test_equal_voltages_drive_no_current():
    answer = tt.Array(states(8, 8), 1.0, 1.0, **LAWS["selector and cell"]).compile()
    answer = answer.solve(np.full(8, 1.5), 1.5)
    assert np.abs(answer.currents).max() < 1e-15
    assert tt.Array(states(3, 3), 1.0, 1.0, cell=CELL).compile().solve(np.zeros(3)).residual == 0.0


# --- Convergence


@pytest.mark.parametrize("lines", [16, 64, 256])
@pytest.mark.parametrize("cell", [None, CELL])
@pytest.mark.parametrize("slope", ["60 mV", "100 mV"])
@pytest.mark.parametrize("voltage", ["1 V", "1.8 V"])
def test_strong_selectors_converge_from_a_cold_start(lines, cell, slope, voltage):
    selector = ExponentialSelector(slope, current="10 uA", voltage=voltage)
    array = tt.Array(states(lines, lines), 1.0, 1.0, cell=cell, selector=selector)
    rows, columns = half_select(lines, lines, 2.5)
    answer = array.compile().solve(rows, columns, extrapolate=True)
    assert answer.steps <= 6
    assert answer.residual <= 1e-10
    if voltage == "1.8 V":  # at "1 V" half the drive already opens the selectors
        selected = answer.cell_currents[0, -1]
        assert selected > 1e3 * np.partition(answer.cell_currents.ravel(), -2)[-2]


def test_floating_lines_among_selectors_that_are_off_find_their_voltage():
    # A millionth of a millionth of the selected cell's current decides the floating lines.
    selector = ExponentialSelector("60 mV", current="10 uA", voltage="2 V")
    ends = {"row_driver": np.full(16, np.inf), "column_sense": np.full(16, np.inf)}
    ends["row_driver"][0] = ends["column_sense"][-1] = 1.0
    array = tt.Array(np.full((16, 16), 1e-4), 1.0, 1.0, selector=selector, **ends)
    answer = array.compile().solve(np.full(16, 2.5))
    # Seen from row 0: 15 columns through one cell each, 225 cells in parallel, 15 rows.
    v0 = 0.06 / math.log(10)

    def balance(volts):
        return math.sinh(volts / v0) - 15 * math.sinh((2.5 - 2 * volts) / v0)

    outer = scipy.optimize.brentq(balance, 0.5, 1.25, xtol=1e-14)
    drop = answer.cell_voltages[0, :-1]
    np.testing.assert_allclose(drop, outer, atol=1e-3)  # wires drop the selected cell's current
    np.testing.assert_allclose(answer.row_currents[1:], 0.0, atol=1e-9 * answer.row_currents[0])
    off = np.abs(answer.cell_currents[1:].sum(axis=1))
    assert np.all(off <= 1e-9 * np.abs(answer.cell_currents[1:]).sum(axis=1))


@pytest.mark.parametrize("law", ["selector", "selector and cell", "cell"])
@pytest.mark.parametrize("wire", [0.0, 1.0, 100.0])
def test_hard_arrays_converge(law, wire):
    rng = np.random.default_rng(7)
    n = 32
    conductance = 10.0 ** rng.uniform(-6, -3.5, (n, n))
    for ends in (
        {"row_driver": 1e6, "column_sense": 1e3},
        {"row_driver": 10 ** rng.uniform(0, 9, n), "column_sense": 10 ** rng.uniform(0, 9, n)},
        {"row_driver": np.where(rng.random(n) < 0.8, np.inf, 100.0), "column_sense": 10.0},
    ):
        array = tt.Array(conductance, wire, wire, **ends, **LAWS[law])
        answer = array.compile().solve(
            rng.uniform(-3, 3, n), rng.uniform(-3, 3, n), extrapolate=True
        )
        assert answer.residual <= 1e-10
        assert answer.steps <= 60


def test_residual_falls_at_every_step_and_squares_at_the_end(monkeypatch):
    residuals = trace(monkeypatch, 1.0)
    for before, after in itertools.pairwise(residuals):
        assert after < max(before**1.5, 1e-12) < before


def test_a_wrong_slope_is_noticed(monkeypatch):
    """The control: with slopes a third too large, steps no longer square the residual."""
    right, wrong = trace(monkeypatch, 1.0), trace(monkeypatch, 4 / 3)
    assert len(wrong) > 2 * len(right)
    assert all(after > before**1.5 for before, after in itertools.pairwise(wrong[2:]))


def trace(monkeypatch, factor):
    """Residuals before each step and at the end, with slopes `factor` times the true ones."""
    from tantala.array import newton

    evaluate, misfit = Device.evaluate, newton.Point.misfit
    kept = []

    def skewed(self, *arguments):
        answer = evaluate(self, *arguments)
        return Response(answer.current, factor * answer.slope, answer.across)

    def watched(self, *arguments):
        kept.append(misfit(self, *arguments).whole)
        return misfit(self, *arguments)

    array = tt.Array(states(24, 24), 5.0, 5.0, cell=CELL)
    solver = newton_solver(array, array.device)
    with monkeypatch.context() as patch:
        patch.setattr(Device, "evaluate", skewed)
        patch.setattr(newton.Point, "misfit", watched)
        solver.solve(np.full(24, 0.6), np.zeros(24), 1e-11)
    return list(dict.fromkeys(kept))  # each is measured in the search and after it


def test_failure_says_how_far_it_came(monkeypatch):
    from tantala.array import newton

    monkeypatch.setattr(newton, "MOST_STEPS", 1)
    ready = tt.Array(states(8, 8), 5.0, 5.0, **LAWS["selector and cell"]).compile()
    with pytest.raises(tt.TantalaError, match=r"residual .* after 1 Newton steps"):
        ready.solve(np.full(8, 2.5), extrapolate=True)


# --- Ranges


def test_the_cells_range_is_kept_unless_asked_otherwise():
    ready = tt.Array(np.full((4, 4), 5e-5), 1.0, 1.0, cell=CELL).compile()
    assert ready.solve(np.full(4, 0.2)).extrapolated == ()
    with pytest.raises(tt.RangeViolation, match=r"voltage outside the range of the conduction law"):
        ready.solve(np.full(4, 1.0))
    answer = ready.solve(np.full(4, 1.0), extrapolate=True)
    assert answer.extrapolated == ("voltage outside the range of the conduction law",)
    ideal = tt.Array(np.full((4, 4), 5e-5), 0.0, 0.0, cell=CELL).compile()
    with pytest.raises(tt.RangeViolation, match="1e100"):
        ideal.solve(np.full(4, 500.0), extrapolate=True)
    with pytest.raises(tt.TantalaError, match="did not reach the tolerance"):
        ready.solve(np.full(4, 500.0), extrapolate=True)


def test_a_nonlinear_array_has_no_linear_map():
    ready = tt.Array(np.full((4, 4), 5e-5), 1.0, 1.0, cell=CELL).compile()
    with pytest.raises(tt.InputError, match="no effective conductance"):
        ready.effective_conductance()
    more = ready.changed([1], [2], [1e-4])
    fresh = tt.Array(more.array.conductance, 1.0, 1.0, cell=CELL).compile()
    voltages = np.full(4, 0.2)
    assert np.array_equal(more.solve(voltages).currents, fresh.solve(voltages).currents)


def test_falling_current_is_refused():
    array = tt.Array(np.full((2, 2), 5e-5), 1.0, 1.0, cell=Polynomial(quadratic=-2e-5))
    array.compile().solve([1.0, 0.5])
    with pytest.raises(tt.RangeViolation, match="current rises with the voltage"):
        array.compile().solve([1.5, 0.5], extrapolate=True)
