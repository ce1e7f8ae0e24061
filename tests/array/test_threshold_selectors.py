"""Threshold selectors: which switch, in which order, and what the array then does."""

from __future__ import annotations

import numpy as np
import pytest
from nonlinear_cases import half_select, states

import tantala as tt
from tantala.array import ThresholdSelector
from tantala.array.nonlinear import newton_solver

CELL = tt.load_cell("embedded_28nm")


def fine_rise(array, rows, columns, levels=4000):
    """States after a rise in small steps, one selector at a time: the plain way."""
    solver = newton_solver(array, array.device)
    selector = array.selector
    on = np.zeros(array.shape, bool)
    for level in np.linspace(0, 1, levels + 1)[1:]:
        while True:
            found = solver.solve(level * rows, level * columns, 1e-10, on)
            across = np.abs(found.answer.across)
            on &= across > selector.hold
            near = np.where(on, 0.0, across / selector.threshold)
            if near.max() <= 1.0:
                break
            on[np.unravel_index(near.argmax(), near.shape)] = True
    return on, found


@pytest.mark.parametrize("seed", range(4))
def test_events_are_those_of_a_slow_rise(seed):
    rng = np.random.default_rng(seed)
    selector = ThresholdSelector(
        rng.normal(1.0, 0.15, (3, 4)), hold=0.3, off=1e-9, on=1e-2, together=1e-6
    )
    array = tt.Array(rng.uniform(1e-5, 2e-4, (3, 4)), 50.0, 50.0, row_driver=5e3, selector=selector)
    rows, columns = np.array([1.5, 1.1, 1.3]), np.zeros(4)
    on, found = fine_rise(array, rows, columns, 1000)
    answer = array.compile().solve(rows, columns)
    assert np.array_equal(answer.selectors_on, on)
    assert 0 < on.sum() < on.size
    np.testing.assert_allclose(answer.cell_currents, found.answer.current, rtol=1e-6)


@pytest.mark.parametrize("cell", [None, CELL])
def test_coarse_solutions_on_the_way_change_no_event(monkeypatch, cell):
    """The control solves every event to the full tolerance; nearly all selectors switch on."""
    from tantala.array import ramp

    rng = np.random.default_rng(3)
    selector = ThresholdSelector(rng.normal(1.0, 0.05, (20, 20)), hold=0.3, off=1e-9, on=1e-3)
    array = tt.Array(states(20, 20), 1.0, 1.0, row_driver=500.0, cell=cell, selector=selector)
    ready, rows = array.compile(), np.full(20, 1.5)
    coarse = ready.solve(rows, extrapolate=True)
    monkeypatch.setattr(ramp, "ON_THE_WAY", 0.0)
    fine = ready.solve(rows, extrapolate=True)
    assert 0.5 < coarse.selectors_on.mean() < 1.0
    assert np.array_equal(coarse.selectors_on, fine.selectors_on)
    np.testing.assert_allclose(coarse.currents, fine.currents, rtol=1e-9)
    assert coarse.residual <= 1e-10
    assert coarse.steps < fine.steps


def test_a_selector_that_switched_first_keeps_its_neighbours_off():
    # Behind one weak driver the first to switch takes the voltage from the others.
    selector = ThresholdSelector(np.array([[1.0, 1.05, 1.1]]), hold=0.3, off=1e-12, on=1e-2)
    array = tt.Array(np.full((1, 3), 1e-4), 1.0, 1.0, row_driver=1e5, selector=selector)
    answer = array.compile().solve([1.5])
    assert answer.selectors_on.tolist() == [[True, False, False]]
    assert answer.row_currents[0] == pytest.approx((1.5 - 0.3) / (1e5 + 1e4 + 100 + 2), rel=1e-4)


@pytest.mark.parametrize("lines", [8, 64, 256])
def test_threshold_selectors_in_half_select(lines):
    rng = np.random.default_rng(1)
    selector = ThresholdSelector(rng.normal(1.2, 0.03, (lines, lines)), 0.4, off=1e-11, on=1e-3)
    array = tt.Array(states(lines, lines), 1.0, 1.0, selector=selector)
    rows, columns = half_select(lines, lines, 1.8)
    answer = array.compile().solve(rows, columns)
    assert np.argwhere(answer.selectors_on).tolist() == [[0, lines - 1]]
    assert answer.residual <= 1e-10
    assert answer.power().mismatch < 1e-9
    still = array.compile().solve(rows * 0.6, columns * 0.6)
    assert not still.selectors_on.any()


def test_whole_array_switched_on_agrees_with_its_linear_array():
    selector = ThresholdSelector(1.2, hold=0.0, off=1e-9, on=1e-3)
    conductance = states(10, 12)
    answer = tt.Array(conductance, 1.0, 2.0, selector=selector).compile().solve(np.full(10, 1.6))
    assert answer.selectors_on.all()
    series = 1 / (1 / conductance + 1 / 1e-3)
    linear = tt.Array(series, 1.0, 2.0).compile().solve(np.full(10, 1.6))
    np.testing.assert_allclose(answer.currents, linear.currents, rtol=1e-9)
