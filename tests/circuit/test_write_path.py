"""Column multiplexer, write driver, charge pump, regulator."""

import numpy as np
import pytest
from blocks import PITCH, bit_line, circuits, process
from hypothesis import given, settings
from hypothesis import strategies as st

from tantala.base.errors import InputError
from tantala.circuit import bandgap, charge_pump, column_mux, regulator, supply_for, write_driver

currents = st.floats(20e-6, 400e-6)


def mux(current=150e-6, ratio=16, write=2.5, p=None):
    return column_mux(p or process(), circuits(), ratio, 32, PITCH, current, write, 1.2)


def pump(voltage=2.5, current=1e-3, source=1.8, node="28nm", **options):
    return charge_pump(process(node), circuits(), voltage, current, source, **options)


@settings(max_examples=40, deadline=None)
@given(currents, st.floats(1.1, 3.0))
def test_more_write_current_needs_larger_gates(current, factor):
    small, large = mux(current), mux(current * factor)
    assert large.cost.area > small.cost.area
    assert large.line_capacitance > small.line_capacitance
    assert large.write_resistance < small.write_resistance


@given(currents)
def test_the_allowed_drop_is_kept(current):
    selected = mux(current)
    assert current * selected.write_resistance <= circuits().column.write_drop * (1 + 1e-9)
    driver = write_driver(process(), circuits(), current, 2.5, bit_line(process()))
    assert current * driver.resistance <= circuits().column.driver_drop * (1 + 1e-9)


def test_mux_nodes_grow_with_the_ratio():
    small, large = mux(ratio=8), mux(ratio=32)
    assert large.read_node == pytest.approx(4.0 * small.read_node)
    assert large.cost.area > small.cost.area


def test_amplifier_does_not_carry_the_write_gates():
    assert mux(300e-6).read_node == mux(100e-6).read_node


def test_write_driver_energy_is_charge_times_voltage():
    line = bit_line(process())
    driver = write_driver(process(), circuits(), 150e-6, 2.5, line)
    charge = line.capacitance * 2.5**2
    assert charge < driver.cost.energy < 3.0 * charge


def test_drop_of_the_write_path():
    assert supply_for(1.5, 100e-6, 2e3) == pytest.approx(1.7)


@settings(max_examples=60, deadline=None)
@given(st.floats(1.85, 3.2), st.floats(0.01, 0.1))
def test_area_grows_with_the_write_voltage(voltage, step):
    """The peers' fourth defect: 1.8 to 4 V changed no area."""
    lower, higher = pump(voltage), pump(min(voltage + step, 3.3))
    assert higher.cost.area > lower.cost.area


@settings(max_examples=40, deadline=None)
@given(st.floats(1.85, 3.3), st.floats(1e-5, 1e-2), st.floats(1.1, 4.0))
def test_pump_scales_with_its_current(voltage, current, factor):
    small, large = pump(voltage, current), pump(voltage, current * factor)
    assert large.capacitance == pytest.approx(factor * small.capacitance)
    assert large.efficiency == small.efficiency


def test_pump_holds_its_voltage_at_its_load():
    """(N + 1) Vin - N^2 I / (f C_T) is the output for which it was sized."""
    p = pump(2.9, 2e-3)
    f = circuits().pump.clock
    assert (p.stages + 1) * 1.8 - p.stages**2 * 2e-3 / (f * p.capacitance) == pytest.approx(2.9)
    assert p.voltage_at(2e-3) == pytest.approx(2.9)
    assert p.voltage_at(1e-3) > p.voltage_at(2e-3)
    assert p.output_resistance * 2e-3 == pytest.approx((p.stages + 1) * 1.8 - 2.9)


def test_efficiency_limits():
    """Never above V / ((N + 1) Vin); falls with more stages; without a pump that of a dropper."""
    p = pump(2.5)
    assert p.efficiency < 2.5 / ((p.stages + 1) * 1.8)
    assert pump(2.5, source=1.0).efficiency < p.efficiency
    unpumped = pump(1.5)
    assert unpumped.stages == 0
    assert unpumped.cost.area == 0.0
    assert unpumped.efficiency == pytest.approx(1.5 / 1.8)


def test_number_of_stages_is_the_one_with_least_capacitance():
    f, current, source, voltage = circuits().pump.clock, 1e-3, 0.9, 2.5
    p = pump(voltage, current, source)
    options = {
        n: n**2 * current / (f * ((n + 1) * source - voltage))
        for n in range(1, 9)
        if (n + 1) * source > voltage
    }
    assert p.capacitance == pytest.approx(min(options.values()))
    assert p.stages == min(options, key=options.get)


def test_start_up_against_a_time_stepped_pump():
    """Charge balance integrated step by step: the closed form within 2 %."""
    p = pump(2.5, 1e-3, load_capacitance=20e-12)
    top, store = (p.stages + 1) * 1.8, p.output_capacitance + p.capacitance / 3.0
    voltage, time, step = 0.0, 0.0, p.start_up / 20_000
    while voltage < 2.5:
        voltage += step * (top - voltage) / (p.output_resistance * store)
        time += step
    assert p.start_up == pytest.approx(time, rel=0.02)


def test_ripple_buffer():
    p = pump(2.5, 1e-3)
    size = circuits().pump
    ripple = 1e-3 / (size.clock * size.phases * p.output_capacitance)
    assert ripple == pytest.approx(size.ripple)
    assert pump(2.5, 1e-3, load_capacitance=1e-9).output_capacitance == pytest.approx(1e-9)


def test_pump_over_arrays():
    voltage = np.array([1.2, 2.0, 2.5, 3.0])
    together = pump(voltage)
    for index, one in enumerate(voltage):
        alone = pump(float(one))
        assert alone.cost.area == together.cost.area[index]
        assert alone.stages == together.stages[index]


def test_impossible_pumps():
    with pytest.raises(InputError, match="thick-oxide"):
        pump(4.0)
    with pytest.raises(InputError, match="cannot reach"):
        pump(3.0, source=0.3)


def test_regulator():
    small = regulator(process(), circuits(), 2.3, 1e-3, 2.5)
    large = regulator(process(), circuits(), 2.3, 3e-3, 2.5)
    assert large.area > small.area
    assert small.leakage > 0.0
    with pytest.raises(InputError, match="too low"):
        regulator(process(), circuits(), 2.45, 1e-3, 2.5)
    assert bandgap(process(), circuits()).leakage == pytest.approx(3e-6 * 0.9)
