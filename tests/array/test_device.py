"""Laws of cells and selectors: their curves, ranges, expressions for ngspice, and bad input."""

from __future__ import annotations

import math
import re

import nonlinear_oracle as oracle
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tantala as tt
from tantala.array import ExponentialSelector, Ohmic, Polynomial, ThresholdSelector
from tantala.array.device import Device

CELL = tt.load_cell("embedded_28nm")
STEEP = ExponentialSelector(slope="60 mV", current="10 uA", voltage="1 V")
SWITCH = ThresholdSelector(threshold="1.2 V", hold="0.4 V", off=1e-11, on=1e-3)
VOLTS = np.linspace(-3.0, 3.0, 61)[None, :]


def bound(cell=None, selector=None, conductance=5e-5, columns=VOLTS.size):
    return Device.of(np.full((1, columns), conductance), cell, selector)


def test_the_cell_conducts_in_an_array_as_everywhere_else():
    for conductance in (1e-7, 5e-6, 5e-5, 1e-3):
        answer = bound(CELL, conductance=conductance).evaluate(VOLTS)
        np.testing.assert_allclose(
            answer.current, CELL.conduction.current(conductance, VOLTS), rtol=1e-13
        )


@pytest.mark.parametrize(
    ("cell", "selector"),
    [
        (None, None),
        (CELL, None),
        (Polynomial(cubic=1e-5), None),
        (None, STEEP),
        (CELL, STEEP),
        (Polynomial(cubic=1e-5), STEEP),
        (None, SWITCH),
        (CELL, SWITCH),
    ],
)
@pytest.mark.parametrize("on", [False, True])
def test_curves_are_odd_rise_and_have_their_slope(cell, selector, on):
    device = bound(cell, selector)
    state = np.full(VOLTS.shape, on)
    answer = device.evaluate(VOLTS, state)
    np.testing.assert_allclose(answer.current, -answer.current[:, ::-1], rtol=1e-12, atol=1e-300)
    assert np.all(np.diff(answer.current) > 0) or (CELL is cell and selector is None)
    assert np.all(answer.slope > 0)
    step = 1e-6
    above, below = (device.evaluate(VOLTS + d, state).current for d in (step, -step))
    numeric = (above - below) / (2 * step)
    smooth = np.ones(VOLTS.shape, bool)
    if selector is SWITCH:  # not at the kink of the hold voltage, nor where rounding is the slope
        smooth = np.abs(answer.across) > 0.41
    np.testing.assert_allclose(answer.slope[smooth], numeric[smooth], rtol=1e-5)


@given(
    volts=st.floats(-3, 3).filter(lambda volts: abs(volts) > 1e-9),
    conductance=st.floats(-9, -2),
    slope=st.floats(0.03, 0.3),
    reach=st.floats(0.3, 2.0),
)
@settings(max_examples=100, deadline=None)
def test_series_of_selector_and_cell_against_bisection(volts, conductance, slope, reach):
    siemens = 10.0**conductance
    selector = ExponentialSelector(slope=slope, current=1e-5, voltage=reach)
    scale = slope / math.log(10)
    saturation = 1e-5 / math.sinh(reach / scale)
    law = CELL.conduction
    rate = float(law.curvature(siemens))
    factor = siemens * law.reference_voltage / math.sinh(rate * law.reference_voltage)
    for cell, over in (
        (None, lambda current: current / siemens),
        (CELL, lambda current: math.asinh(current / factor) / rate),
    ):
        answer = bound(cell, selector, siemens, 1).evaluate(np.array([[volts]]))
        expected = oracle.series_current(
            lambda current: math.asinh(current / saturation) * scale, over, volts
        )
        assert answer.current[0, 0] == pytest.approx(expected, rel=1e-10, abs=1e-90)


@pytest.mark.parametrize("on", [False, True])
@pytest.mark.parametrize("conductance", [0.0, 1e-12, 1e-6, 1e-3, 1.0])
def test_ohmic_cells_share_with_a_switch_as_any_law_does(conductance, on):
    """The closed form against the iteration, which a term that carries nothing calls up."""
    nothing = 1e-40 if conductance else 0.0
    closed, iterated = (
        bound(cell, SWITCH, conductance).evaluate(VOLTS, np.full(VOLTS.shape, on))
        for cell in (None, Polynomial(cubic=nothing))
    )
    np.testing.assert_allclose(closed.current, iterated.current, rtol=1e-13)
    np.testing.assert_allclose(closed.slope, iterated.slope, rtol=1e-13)
    np.testing.assert_allclose(closed.across, iterated.across, rtol=1e-13, atol=1e-15)


def test_a_guess_saves_work_and_changes_nothing():
    device = bound(CELL, STEEP)
    cold = device.evaluate(VOLTS)
    warm = device.evaluate(VOLTS, near=device.evaluate(VOLTS * 0.9 + 0.05))
    np.testing.assert_allclose(warm.current, cold.current, rtol=1e-11)


def test_steep_curves_do_not_overflow():
    answer = bound(CELL, STEEP).evaluate(VOLTS * 1e5)
    assert np.all(np.isfinite(answer.current))
    assert np.all(np.isfinite(answer.slope))
    assert np.all(np.diff(answer.current) >= 0)


def test_open_cell_carries_nothing():
    for selector in (None, STEEP, SWITCH):
        answer = bound(CELL, selector, 0.0).evaluate(VOLTS)
        assert not answer.current.any()
        assert not answer.slope.any()


def test_on_branch_meets_the_off_branch_at_the_hold_voltage():
    device = bound(None, SWITCH, 1e3)  # a short behind the selector
    volts = np.array([[0.4, 0.4 + 1e-12, 0.5, 1.0]])
    device = bound(None, SWITCH, 1e3, 4)
    off = device.evaluate(volts).current[0]
    on = device.evaluate(volts, np.ones((1, 4), bool)).current[0]
    assert on[0] == pytest.approx(off[0], rel=1e-6)
    assert on[1] == pytest.approx(off[1], rel=1e-3)
    np.testing.assert_allclose(on[2:], [1e-4, 6e-4], rtol=1e-5)


def test_polynomial_is_followed_while_it_rises():
    law = Polynomial(quadratic=-2e-5)
    device = bound(law, conductance=5e-5, columns=3)
    volts = np.array([[1.0, 1.24, 1.26]])  # flat at G / 2 |a| = 1.25 V
    inside = np.full((1, 3), 1.0)
    assert device.check(inside, 0 * inside, False) == ()
    answer = device.evaluate(volts)
    assert np.all(np.diff(answer.current) > 0)
    with pytest.raises(tt.RangeViolation, match=r"column 2.*1\.26 V"):
        device.check(volts, 0 * volts, True)


@pytest.mark.parametrize(
    ("cell", "selector", "on"),
    [
        (Ohmic(), None, False),
        (CELL, None, False),
        (Polynomial(quadratic=-2e-6, cubic=1e-6), None, False),
        (CELL, STEEP, False),
        (Ohmic(), SWITCH, False),
        (Ohmic(), SWITCH, True),
    ],
)
def test_ngspice_expressions_say_what_the_kernels_compute(cell, selector, on):
    device = bound(cell, selector)
    answer = device.evaluate(VOLTS, np.full(VOLTS.shape, on))
    for k in range(0, VOLTS.size, 7):
        lines = device.spice((0, k), "0_0", "u", "v", on)
        inner = answer.across[0, k]
        nodes = {"u": VOLTS[0, k], "v": 0.0, "0_0": VOLTS[0, k] - inner}
        for line in lines:
            _, plus, minus, law = line.split(" ", 3)
            text = re.sub(r"v\((\w+),(\w+)\)", r"(node['\1']-node['\2'])", law.removeprefix("i="))
            value = eval(  # the grammar above, of our own making
                text.replace("^", "**"),
                {"node": nodes, "sinh": math.sinh, "max": max, "min": min},
            )
            assert {plus, minus} <= set(nodes)
            assert value == pytest.approx(answer.current[0, k], rel=1e-6, abs=1e-19)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: ThresholdSelector(0.4, 1.2, 1e-11, 1e-3), "hold voltage is not below"),
        (lambda: ThresholdSelector(1.2, -0.1, 1e-11, 1e-3), "hold is negative"),
        (lambda: ThresholdSelector(1.2, 0.4, 1e-11, 0.0), "on is not positive"),
        (lambda: ThresholdSelector(1.2, 0.4, -1e-11, 1e-3), "off is not positive"),
        (lambda: ThresholdSelector(1.2, 0.4, 1e-3, 1e-11), "on conductance is not above"),
        (lambda: ThresholdSelector("1.2 A", 0.4, 1e-11, 1e-3), "threshold has a wrong unit"),
        (lambda: ThresholdSelector(1.2, 0.4, 1e-11, 1e-3, together=0), "together"),
        (lambda: ThresholdSelector(np.nan, 0.4, 1e-11, 1e-3), "threshold is not finite"),
        (lambda: ExponentialSelector(0.0, 1e-5, 1.0), "slope is not positive"),
        (lambda: ExponentialSelector(0.06, -1e-5, 1.0), "current is not positive"),
        (lambda: ExponentialSelector(0.001, 1e-5, 1.0), "too many decades"),
        (lambda: ExponentialSelector(np.full((2, 2), np.nan), 1e-5, 1.0), "slope is no table"),
        (lambda: Polynomial(cubic="x"), "cubic is not a quantity"),
        (lambda: Polynomial(limit=0.0), "limit is not positive"),
    ],
)
def test_impossible_laws_are_refused(make, says):
    with pytest.raises(tt.InputError, match=says) as caught:
        make()
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"selector": ExponentialSelector(np.full((2, 3), 0.06), 1e-5, 1.0)}, "slope has a wrong"),
        ({"cell": Polynomial(cubic=np.zeros((2, 3)))}, "cubic has a wrong shape"),
        (
            {"cell": Polynomial(quadratic=1e-6), "conductance": np.zeros((3, 3))},
            "no positive slope",
        ),
        ({"cell": "embedded_28nm"}, "cell is no law"),
        ({"selector": CELL}, "selector is no law"),
        ({"cell": tt.load_cell("sky130")}, "no conduction law"),
    ],
)
def test_laws_that_do_not_fit_the_array_are_refused(options, says):
    conductance = options.pop("conductance", np.full((3, 3), 1e-5))
    with pytest.raises(tt.InputError, match=says):
        tt.Array(conductance, 1.0, 1.0, **options)


def test_gated_array_takes_no_law():
    with pytest.raises(tt.InputError, match="gated array has no nonlinear cells"):
        tt.Array.gated(np.full((3, 3), 1e-5), [1, 0, 1], 1.0, 1.0, cell=CELL)
