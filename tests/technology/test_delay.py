"""Gate and line delays against theory and an independent RC-ladder solution (MA4)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import eigh_tridiagonal
from scipy.optimize import brentq

from tantala.technology import Line, distributed_delay, horowitz
from tantala.technology.delay import next_ramp

positive = st.floats(1e-13, 1e-8)


def ladder_half_time(resistance, capacitance, driver=0.0, load=0.0, segments=200):
    """Time to half swing at the end of an RC ladder, from its exact modes.

    Nodes 1..n hang on resistors R/n; node capacitances C/n; the step source drives node 1 through
    the driver and the first half segment.
    """
    r, c = resistance / segments, capacitance / segments
    caps = np.full(segments, c)
    caps[-1] += load
    first = 1.0 / (driver + r)
    conductance = 1.0 / r
    diagonal = np.full(segments, 2.0 * conductance)
    diagonal[0], diagonal[-1] = first + conductance, conductance
    scale = 1.0 / np.sqrt(caps)
    values, vectors = eigh_tridiagonal(diagonal * scale**2, -conductance * scale[:-1] * scale[1:])
    start = vectors.T @ (np.ones(segments) / scale)

    def missing(time):
        return float(scale[-1] * (vectors[-1] @ (np.exp(-values * time) * start))) - 0.5

    return brentq(missing, 0.0, 50.0 * (driver + resistance) * (capacitance + load))


def test_step_into_one_time_constant():
    assert horowitz(1e-12, 0.0, 0.3) == pytest.approx(np.log(2.0) * 1e-12, rel=1e-6)


def test_open_line_from_an_ideal_step():
    exact = ladder_half_time(1000.0, 1e-12)
    assert exact == pytest.approx(0.377e-9, rel=0.02)
    assert distributed_delay(Line(1000.0, 1e-12)) == pytest.approx(exact, rel=0.02)


@pytest.mark.parametrize("driver", [0.0, 100.0, 1000.0, 10_000.0])
@pytest.mark.parametrize("load", [0.0, 1e-13, 1e-12])
def test_driven_and_loaded_line(driver, load):
    """The closed form is a sum of limits: exact at both ends, within 5 % of the ladder between."""
    exact = ladder_half_time(1000.0, 1e-12, driver, load)
    assert distributed_delay(Line(1000.0, 1e-12), driver, load) == pytest.approx(exact, rel=0.05)


@given(positive, positive, st.floats(0.0, 1.0))
def test_a_slower_ramp_never_speeds_a_gate_up(tau, ramp, beta):
    assert horowitz(tau, 2.0 * ramp, beta) >= horowitz(tau, ramp, beta)


@given(positive, st.floats(0.0, 1.0))
def test_horowitz_scales_with_time(tau, beta):
    ramp = next_ramp(horowitz(tau, 0.0, beta))
    assert horowitz(3.0 * tau, 3.0 * ramp, beta) == pytest.approx(3.0 * horowitz(tau, ramp, beta))


def test_zero_time_constant_has_no_delay():
    assert horowitz(0.0, 1e-9, 0.5) == 0.0
