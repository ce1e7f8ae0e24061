"""SET and RESET: physics of the laws, and the published tables on simulated populations."""

from __future__ import annotations

import numpy as np
import pytest

from tantala.cell import Cell, load_cell

COUNT = 20_000


@pytest.fixture(scope="module")
def cell() -> Cell:
    return load_cell("hfox_64k")


def _after_set(cell: Cell, resistance: float, *pulse: object, seed: int = 1) -> np.ndarray:
    cells = cell.sample(COUNT, seed=seed)
    cells.place(1.0 / resistance)
    cells.set_pulse(*pulse)
    return 1.0 / cells.conductance


def _reset_ratio(cell: Cell, *pulse: object, resistance: float = 9.4e3) -> np.ndarray:
    cells = cell.sample(COUNT, seed=1)
    cells.place(1.0 / resistance)
    cells.reset_pulse(*pulse)
    return 1.0 / cells.conductance / resistance


# -- SET -----------------------------------------------------------------------------------------


def test_no_set_at_half_a_volt(cell: Cell) -> None:
    assert (_after_set(cell, 9e4, "0.5 V", "2.5 V", "2 us") == np.float32(9e4)).mean() > 0.9999


def test_set_grows_with_voltage_width_and_temperature(cell: Cell) -> None:
    def probability(volts: float, width: float, celsius: float) -> float:
        after = _after_set(cell, 9e4, volts, "2.5 V", width, celsius + 273.15)
        return float(np.mean(after < 2e4))

    by_voltage = [probability(v, 2e-7, 25.0) for v in (0.8, 1.0, 1.1, 1.2, 1.3, 1.5)]
    by_width = [probability(1.1, w, 25.0) for w in (2e-8, 5e-8, 2e-7, 5e-7, 2e-6)]
    by_temperature = [probability(1.1, 2e-7, t) for t in (-40.0, 0.0, 25.0, 85.0, 150.0)]
    for series in (by_voltage, by_width, by_temperature):
        assert all(np.diff(series) > 0.0), series


def test_the_critical_voltage_is_arrhenius(cell: Cell) -> None:
    """ln(time to switch) is linear in 1/T at fixed voltage, with slope (E - a V) / k."""
    law = cell.law("set")
    kelvin = np.array([250.0, 300.0, 350.0, 420.0])
    volts = 0.9
    time = law.attempt_time * np.exp((law.barrier - law.lowering * volts) / (8.617333e-5 * kelvin))
    for t, temperature in zip(time, kelvin, strict=True):
        critical = law.critical_voltage(t, temperature, law.reference_resistance, 0.0)
        assert critical == pytest.approx(volts, rel=1e-5)


def test_the_transistor_is_a_transistor(cell: Cell) -> None:
    law = cell.law("set")
    drop = np.linspace(0.0, 2.5, 60)
    for gate in (0.6, 1.0, 1.5, 2.5):
        current = law.current(gate, drop)
        assert current[0] == pytest.approx(0.0, abs=1e-12)
        assert (np.diff(current) > 0.0).all()
    assert (np.diff(law.current(np.linspace(0.4, 3.4, 60), 0.5)) > 0.0).all()


def test_low_state_follows_the_compliance(cell: Cell) -> None:
    medians = [np.median(_after_set(cell, 1e5, 2.5, gate, 1e-6)) for gate in (0.9, 1.2, 1.6, 2.4)]
    assert all(np.diff(medians) < 0.0)
    spreads = [np.std(np.log(_after_set(cell, 1e5, 2.5, gate, 1e-6))) for gate in (1.0, 2.0)]
    assert spreads[0] > 1.5 * spreads[1]


def test_a_closed_cell_moves_down_but_not_as_far(cell: Cell) -> None:
    fresh = np.median(_after_set(cell, 1e5, 2.5, 2.0, 1e-6))
    closed = _after_set(cell, 9.5e3, 2.5, 2.0, 1e-6)
    assert fresh < np.median(closed) <= 9.5e3
    already_low = _after_set(cell, 5.6e3, 2.5, 2.0, 1e-6)
    assert (already_low == np.float32(5.6e3)).mean() > 0.99


def test_repeated_set_pulses_settle(cell: Cell) -> None:
    cells = cell.sample(COUNT, seed=1)
    cells.place(1e-5)
    medians = []
    for _ in range(6):
        cells.set_pulse(1.2, 2.0, 1e-7)
        medians.append(float(np.median(cells.conductance)))
    assert all(np.diff(medians) >= 0.0)
    assert medians[-1] < 1.35 * medians[-2]


# -- RESET ---------------------------------------------------------------------------------------


def test_no_gross_reset_in_200_ns_at_3_V(cell: Cell) -> None:
    assert np.mean(_reset_ratio(cell, 3.0, 3.0, 2e-7) > 1.5) < 1e-4


def test_reset_grows_with_voltage_width_and_temperature(cell: Cell) -> None:
    def gross(volts: float, gate: float, width: float, celsius: float) -> float:
        return float(np.mean(_reset_ratio(cell, volts, gate, width, celsius + 273.15) > 1.5))

    by_voltage = [gross(v, 3.2, 1e-6, 25.0) for v in (2.25, 2.5, 2.75, 3.0, 3.25)]
    by_gate = [gross(3.0, g, 1e-6, 25.0) for g in (2.2, 2.5, 2.8, 3.2)]
    by_width = [gross(3.0, 3.0, w, 25.0) for w in (3e-7, 5e-7, 1e-6, 2e-6, 1e-5)]
    by_temperature = [gross(2.7, 3.0, 1e-6, t) for t in (-40.0, 0.0, 25.0, 85.0, 150.0)]
    for series in (by_voltage, by_gate, by_width, by_temperature):
        assert all(np.diff(series) > 0.0), series


def test_reset_goes_deeper_with_time(cell: Cell) -> None:
    medians = [np.median(_reset_ratio(cell, 3.5, 3.2, w)) for w in (2e-6, 1e-5, 1e-4)]
    assert medians[1] > 1.5 * medians[0]
    assert medians[2] > 1.5 * medians[1]


def test_a_small_fall_comes_before_reset(cell: Cell) -> None:
    ratio = _reset_ratio(cell, 2.5, 3.0, 1e-6)
    assert 0.93 < np.median(ratio) < 0.99


def test_pulses_add_up(cell: Cell) -> None:
    """Ten pulses past the onset are one ten times as long, but for the oxide in parallel."""
    law = cell.law("reset")
    tau = law.time_constant(3.0, 298.15, 0.0)
    one = law.grown(2e4, 1e-5, tau, 0.45)
    many = 2e4
    for _ in range(10):
        many = law.grown(many, 1e-6, tau, 0.45)
    assert float(many) == pytest.approx(float(one), rel=0.03)


def test_thick_filaments_wait_longer(cell: Cell) -> None:
    law = cell.law("reset")
    assert law.onset(7e3, 1e-6) > law.onset(9e3, 1e-6) > law.onset(1.2e4, 1e-6)


# -- energy --------------------------------------------------------------------------------------


def test_set_energy_is_of_its_final_current(cell: Cell) -> None:
    """At 2 V a microsecond into 7 kohm is V^2 t / R = 0.6 nJ; a tenth of the time, a tenth."""
    cells = cell.sample(COUNT, seed=1)
    cells.place(1e-5)
    long = cells.set_pulse(2.0, 1.6, 1e-6).energy
    ohmic = 4.0 * 1e-6 * cells.conductance
    np.testing.assert_allclose(np.median(long), np.median(ohmic), rtol=0.05)
    assert 0.4e-9 < np.median(long) < 0.8e-9


def test_energy_lies_between_the_two_states(cell: Cell) -> None:
    cells = cell.sample(COUNT, seed=1)
    cells.place(1e-5)
    energy = cells.set_pulse(1.2, 2.0, 1e-7).energy
    low, high = 1.2**2 * 1e-7 * 1e-5, 1.2**2 * 1e-7 * cells.conductance
    assert (energy >= low * (1 - 1e-5)).all()
    assert (energy <= high * (1 + 1e-5)).all()


def test_a_cell_that_resets_early_takes_less(cell: Cell) -> None:
    cells = cell.sample(COUNT, seed=1)
    cells.place(1 / 9.4e3)
    outcome = cells.reset_pulse(3.0, 3.0, 2e-6)
    assert outcome.energy[outcome.switched].mean() < outcome.energy[~outcome.switched].mean()
