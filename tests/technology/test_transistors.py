"""Transistors: signs, limits and temperature laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tantala.technology import load_technology
from tantala.technology.transistor import REFERENCE

TECHNOLOGY = load_technology("28nm")
temperatures = st.floats(233.15, 423.15)
voltages = st.floats(0.0, 0.9)
devices = st.sampled_from(["core", "io"])


def device(name, temperature=REFERENCE, corner="typical"):
    return getattr(TECHNOLOGY.at(corner, temperature), name)


def test_nominal_currents_are_the_library_values():
    core = device("core")
    assert core.current(core.supply, 1e-6) == pytest.approx(650e-6, rel=1e-12)
    assert core.current(core.supply, 1e-6, "p") == pytest.approx(420e-6, rel=1e-12)
    assert core.off_current(1e-6) == pytest.approx(0.1e-9, rel=1e-12)


@given(devices, temperatures, st.floats(0.0, 0.85), st.floats(0.001, 0.05))
def test_current_grows_with_gate_voltage(name, temperature, voltage, step):
    d = device(name, temperature)
    assert d.current(voltage + step, 1e-6) > d.current(voltage, 1e-6)


@settings(max_examples=50)
@given(devices, temperatures, st.floats(0.05, 1.0))
def test_transconductance_is_the_slope_of_the_current(name, temperature, voltage):
    d = device(name, temperature)
    h = 1e-5
    slope = (d.current(voltage + h, 1e-6) - d.current(voltage - h, 1e-6)) / (2 * h)
    assert d.transconductance(d.current(voltage, 1e-6), 1e-6) == pytest.approx(slope, rel=1e-4)


@given(devices, temperatures)
def test_weak_inversion_limit(name, temperature):
    d = device(name, temperature)
    current = 1e-13
    ideal = current / (d.parameters.slope_factor * d.thermal_voltage)
    assert d.transconductance(current, 1e-6) == pytest.approx(ideal, rel=1e-2)


def test_subthreshold_swing():
    """n kT/q ln 10 a decade, well below threshold."""
    d = device("core")
    swing = 0.05 / np.log10(d.current(0.1, 1.0) / d.current(0.05, 1.0))
    ideal = d.parameters.slope_factor * d.thermal_voltage * np.log(10.0)
    assert swing == pytest.approx(ideal, rel=0.02)


@given(devices, st.floats(233.15, 413.0), st.floats(0.5, 10.0))
def test_leakage_grows_with_temperature(name, temperature, step):
    cold, hot = device(name, temperature), device(name, temperature + step)
    assert hot.off_current(1e-6) > cold.off_current(1e-6)


def test_leakage_law_has_the_stated_activation():
    """ln(Ioff/T^2) is linear in 1/T with slope q (Vth + kappa T)/(n k), threshold extrapolated."""
    t = np.array([250.0, 300.0, 350.0, 400.0])
    off = np.array([float(device("core", x).off_current(1.0)) for x in t])
    slope = np.polyfit(1.0 / t, np.log(off / t**2), 1)
    p = TECHNOLOGY.core
    expected = (p.threshold + p.threshold_temperature * REFERENCE) / (
        p.slope_factor * 8.617333262e-5
    )
    assert -slope[0] == pytest.approx(expected, rel=1e-9)


def test_leakage_doubles_every_ten_to_twenty_kelvin():
    hot, cold = device("core", 398.15), device("core", 298.15)
    kelvin = 100.0 / np.log2(hot.off_current(1.0) / cold.off_current(1.0))
    assert 8.0 < kelvin < 20.0


def test_lower_supply_is_slower_and_leaks_less():
    low, high = TECHNOLOGY.at(supply=0.7), TECHNOLOGY.at(supply=0.9)
    assert low.fo4 > high.fo4
    assert low.core.off_current(1.0) < high.core.off_current(1.0)
    assert low.gate_energy < high.gate_energy


@given(st.floats(1e-7, 1e-4), st.floats(1.1, 10.0))
def test_mismatch_falls_with_the_root_of_area(width, factor):
    d = device("core")
    ratio = d.threshold_sigma(width) / d.threshold_sigma(width * factor)
    assert ratio == pytest.approx(np.sqrt(factor))


def test_resistance_factor_is_near_the_published_multipliers():
    """k_r of 1.2 to 2.0, as the tables of NVSim and CACTI list (1.45 to 1.99)."""
    for name in ("180nm", "65nm", "28nm", "22nm"):
        assert 1.2 < load_technology(name).at().core.resistance_factor() < 2.0


def test_arrays_and_floats_agree():
    d = device("core")
    widths = np.array([[1e-7], [2e-7]])
    voltages = np.array([0.3, 0.9])
    table = d.current(voltages, widths)
    assert table.shape == (2, 2)
    assert table[1, 0] == d.current(0.3, 2e-7)
    assert isinstance(float(d.current(0.3, 2e-7)), float)
