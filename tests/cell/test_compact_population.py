"""A compact model behind the population interface: the equations, seen through pulses."""

import numpy as np
import pytest

from tantala.base.errors import InputError, RangeViolation
from tantala.cell import load_cell


def test_pulses_move_the_filament_and_a_weak_one_does_not() -> None:
    cells = load_cell("sky130").sample(3, seed=1)
    low = cells.conductance.copy()
    cells.place("0.5 uS")
    weak = cells.set_pulse("0.5 V", "1.7 V", "1 us")
    assert not weak.switched.any()
    strong = cells.set_pulse("2.4 V", "2.5 V", "1 ms")
    assert strong.switched.all()
    assert np.all(cells.conductance > 20e-6)
    assert np.all(cells.conductance <= low)
    assert np.all(strong.energy > weak.energy)
    cells.reset_pulse("3.3 V", "3.3 V", "10 ms")
    assert np.all(cells.conductance < 20e-6)


def test_waiting_is_the_published_zero_bias_drift() -> None:
    # reference value: d(ln G) after 10 years at 125 degC is -0.51, from the longest filament
    cells = load_cell("sky130").sample(1, seed=1)
    before = cells.conductance[0]
    cells.wait("10 years", "125 degC")
    assert np.log(cells.conductance[0] / before) == pytest.approx(-0.51, abs=0.03)


def test_what_no_state_has_is_refused() -> None:
    cells = load_cell("sky130").sample(1, seed=1)
    with pytest.raises(RangeViolation):
        cells.place(1e-3)
    with pytest.raises(InputError, match="bitline of no pulse"):
        cells.set_pulse("-1 V", "2 V", "1 us")
    with pytest.raises(InputError, match="width of no pulse"):
        cells.reset_pulse("3 V", "3 V", 0.0)


def test_a_deterministic_cell_repeats_its_cycle() -> None:
    cells = load_cell("sky130").sample(2, seed=1)
    first = cells.cycle(1, reset_width="50 us")
    again = cells.cycle(1000, reset_width="50 us")
    assert np.array_equal(first.high_resistance, again.high_resistance)
    assert np.array_equal(first.low_resistance, again.low_resistance)
    assert cells.cycles[0] == 1001


def test_reading_is_the_models_current() -> None:
    cells = load_cell("sky130").sample(1, seed=1)
    assert cells.read(0.2)[0] == pytest.approx(0.2 * cells.conductance[0], rel=1e-3)
