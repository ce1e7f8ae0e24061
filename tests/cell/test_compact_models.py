"""Compact models: finite everywhere, converged in the step, and true to independent solutions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import constants
from scipy.integrate import quad, solve_ivp
from scipy.optimize import brentq

from tantala.base.errors import InputError, RangeViolation
from tantala.cell.compact import SelectTransistor, Waveform, load_compact

NAMES = ["sky130", "stanford_v1", "jart_vcm_1b"]
DRIVE = {"sky130": 1.2, "stanford_v1": 1.5, "jart_vcm_1b": -0.8}  # V, a SET
EV = constants.k / constants.e


def _random_states(model, count, generator):
    low, high = sorted(model.states)
    return low * (high / low) ** generator.random(count)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("heated", [False, True])
def test_no_operating_point_is_nan(name, heated):
    model, generator = load_compact(name), np.random.default_rng(5)
    count = 100_000
    point = model.operating_point(
        generator.uniform(-5.0, 5.0, count),
        _random_states(model, count, generator),
        generator.uniform(50.0, 2000.0, count),
        self_heating=heated,
    )
    for values in (point.current, point.rate, point.temperature, point.cell_voltage):
        assert np.all(np.isfinite(values))


@pytest.mark.parametrize("name", NAMES)
def test_no_transient_is_nan(name):
    model, generator = load_compact(name), np.random.default_rng(6)
    cells = 4 if name == "jart_vcm_1b" else 200
    for _ in range(10):
        trace = model.transient(
            1.0,
            10 ** generator.uniform(-10, 3),
            state=_random_states(model, cells, generator),
            scale=generator.uniform(-3.0, 3.0, cells),
            temperature=generator.uniform(250.0, 500.0),
            series=3e3,
            extrapolate=True,
        )
        for values in (trace.conductance, trace.current, trace.temperature):
            assert np.all(np.isfinite(values))
        assert np.all(trace.conductance > 0.0)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("series", [None, "500 ohm"])
def test_halving_the_step_changes_the_switching_time_by_less_than_1_percent(name, series):
    model = load_compact(name)
    volts = DRIVE[name] * np.array([1.0, 1.2, 1.4])
    start, stop = model.states
    stop = {"jart_vcm_1b": 10e26, "stanford_v1": 1.0e-9}.get(name, stop)
    times = [
        model.switching_time(volts, start, stop, series=series, steps_a_stroke=steps)
        for steps in (100, 200)
    ]
    reached = np.isfinite(times[0])
    assert reached.any()
    assert np.array_equal(reached, np.isfinite(times[1]))
    np.testing.assert_allclose(times[0][reached], times[1][reached], rtol=0.01)


def _sky130_rate(length_nm, volts, ambient, series):
    """The published equations once more, written independently (nm, V, K, ohm)."""

    def amperes(v):
        return 61.4e-6 * np.exp(-(5.0 - length_nm) / (5.0 - 4.7249)) * np.sinh(v / 0.43)

    v = volts
    if series:
        ends = sorted((0.0, volts))
        v = brentq(lambda x: x + series * amperes(x) - volts, *ends, xtol=1e-14)
    kt = EV * (ambient + abs(v * amperes(v)) * 0.23e-9 / 3.1825e-16)
    pull = (16.5 - 1.25 * (5.0 - length_nm) ** 3) * 0.05 * v / kt
    return 150e9 * (np.exp(-1.501 / kt + pull) - np.exp(-1.5 / kt - pull))


@pytest.mark.parametrize(
    ("volts", "ambient", "series"),
    [
        (0.8, 300.0, 0.0),
        (1.6, 398.0, 0.0),
        (-1.2, 300.0, 0.0),
        (2.0, 300.0, 5e3),
        (1.3, 250.0, 1e3),
    ],
)
def test_sky130_agrees_with_a_quadrature_of_its_rate(volts, ambient, series):
    model = load_compact("sky130")
    ends = model.states if volts > 0 else model.states[::-1]
    ours = model.switching_time(volts, *ends, temperature=ambient, series=series)
    nm = np.array(ends) / 1e-9
    oracle, _ = quad(
        lambda w: 1 / _sky130_rate(w, volts, ambient, series), *nm, epsrel=1e-8, limit=200
    )
    assert ours == pytest.approx(oracle, rel=1e-3)


def test_a_ramp_agrees_with_a_general_integrator():
    model = load_compact("sky130")
    rise, top = 1e-3, 1.6
    wave = Waveform((0.0, rise), (0.0, top))
    times = np.linspace(0.9, 1.0, 6) * rise
    ours = model.transient(wave, state=3.5e-9, temperature=358.0, times=times).state / 1e-9
    oracle = solve_ivp(
        lambda t, w: [_sky130_rate(w[0], top * t / rise, 358.0, 0.0)],
        (0.0, rise),
        [3.5],
        method="LSODA",
        t_eval=times,
        rtol=1e-9,
        atol=1e-11,
    )
    np.testing.assert_allclose(ours, np.minimum(oracle.y[0], 4.9), atol=2e-4)


def test_the_thermal_time_constant_is_followed():
    model = load_compact("sky130")
    tau = 0.23e-9
    times = np.array([0.5, 1.0, 2.0, 40.0]) * tau
    trace = model.transient(
        1.0, 1e-8, state=4.7e-9, dynamic_temperature=True, temperature=300.0, times=times
    )
    rise = trace.temperature - 300.0
    np.testing.assert_allclose(rise[:3] / rise[3], 1 - np.exp(-times[:3] / tau), rtol=2e-3)
    steady = model.operating_point(1.0, 4.7e-9, 300.0).temperature
    assert trace.temperature[3] == pytest.approx(float(steady), rel=1e-4)


def test_dynamic_temperature_leaves_slow_switching_unchanged():
    model = load_compact("sky130")
    steady = model.switching_time(1.6, *model.states, series="5 kohm")
    dynamic = model.switching_time(1.6, *model.states, series="5 kohm", dynamic_temperature=True)
    assert dynamic == pytest.approx(float(steady), rel=1e-3)


def test_zero_bias_drift_ends_at_the_shortest_filament():
    # 10 years at 150 degC: the equations ask for d ln G = -6.3, more than the stroke holds.
    model = load_compact("sky130")
    trace = model.transient(0.0, "10 years", state=4.9e-9, temperature="150 degC")
    assert trace.state[-1] == model.states[0]
    slope = model.operating_point(0.0, 4.5e-9, "150 degC").rate
    drift = slope * 10 * 365.25 * 86400 / (5.0e-9 - 4.7249e-9)
    assert float(drift) == pytest.approx(-6.3, rel=0.02)


def test_stanford_does_not_move_below_its_smallest_field():
    model = load_compact("stanford_v1")
    times = model.switching_time([0.1, 1.0, 1.2, 1.3], *model.states, temperature=298.0)
    assert np.all(np.isinf(times))


def _jart_currents(volts, density, kelvin):
    """Every solution of the thermionic branch, found by scanning the barrier voltage densely."""
    e, k, eps0 = constants.e, constants.k, constants.epsilon_0
    area = np.pi * 45e-9**2
    barrier = np.linspace(1e-7, volts * (1 - 1e-9), 400_001)
    room = np.maximum(0.18 - 0.1 - barrier, 0.0)
    lowering = (e**3 * 2 * density * room / (8 * np.pi**2 * (5.5 * eps0) ** 3)) ** 0.25
    height = np.maximum(0.18 - lowering, 0.0)
    kt = k * kelvin / e
    amperes = area * 6.01e5 * kelvin**2 * np.exp(-height / kt) * np.expm1(barrier / kt)
    unit = 1 / (2 * e * 4e-6 * area)
    ohmic = unit * 0.4e-9 / density + unit * 2.6e-9 / 20e26 + 650
    ohmic = ohmic + 719.24 * (1 + 719.24 * 3.92e-3 * np.minimum(amperes, 1.0) ** 2 * 90471)
    excess = barrier + amperes * ohmic - volts
    crossing = np.nonzero(np.diff(np.sign(excess)))[0]
    return amperes[crossing], barrier[crossing]


@pytest.mark.parametrize("volts", [0.02, 0.2, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("density", [0.008e26, 0.2e26, 5e26, 20e26])
def test_jart_takes_the_solution_reached_from_zero_bias(volts, density):
    model = load_compact("jart_vcm_1b")
    ours = float(model.operating_point(volts, density, 400.0, self_heating=False).current)
    solutions, _ = _jart_currents(volts, density, 400.0)
    assert solutions.size >= 1
    assert ours == pytest.approx(solutions[0], rel=2e-3)


def test_jart_has_a_point_with_several_solutions_and_keeps_its_branch():
    from tantala.cell.compact.jart import current

    model = load_compact("jart_vcm_1b")
    kernel = model.parameters.kernel()
    volts, density, kelvin = 0.994, 4.06e26, 549.0
    solutions, barriers = _jart_currents(volts, density, kelvin)
    assert solutions.size == 3
    from_below, _ = current(kernel, np.log(density), kelvin, volts, 0.0)
    from_above, _ = current(kernel, np.log(density), kelvin, volts, barriers[-1])
    assert from_below == pytest.approx(solutions[0], rel=2e-3)
    assert from_above == pytest.approx(solutions[-1], rel=2e-3)


@pytest.mark.parametrize("name", NAMES)
def test_state_and_conductance_are_inverse(name):
    model = load_compact(name)
    states = np.geomspace(*model.states, 50)
    conductance = model.conductance(states)
    assert np.all(np.diff(conductance) > 0.0)
    np.testing.assert_allclose(model.state_at(conductance), states, rtol=1e-9)


def test_the_select_transistor_limits_the_current_of_a_set():
    model = load_compact("sky130")
    transistor = SelectTransistor(threshold=0.6, gain=2e-4, slope_factor=1.3)
    ends = []
    for wordline in (1.0, 1.4, 1.8):
        trace = model.transient("2.4 V", "1 us", series=transistor.at(wordline))
        saturated = transistor.gain / (2 * transistor.slope_factor) * (wordline - 0.6) ** 2
        assert np.max(trace.current) <= 1.05 * saturated
        ends.append(trace.conductance[-1])
    assert ends[0] < ends[1] < ends[2]


def test_divider_conserves_voltage():
    model = load_compact("sky130")
    trace = model.transient(2.0, "1 ms", series="5 kohm")
    np.testing.assert_allclose(trace.cell_voltage + 5e3 * trace.current, 2.0, rtol=1e-9)


def test_a_cell_hotter_than_its_range_is_refused():
    model = load_compact("sky130")
    with pytest.raises(RangeViolation, match="temperature"):
        model.transient("2 V", "1 ms")
    told = model.transient("2 V", "1 ms", extrapolate=True)
    assert "temperature" in told.extrapolated[0]


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.transient(1.0),
        lambda m: m.transient("1 A", "1 us"),
        lambda m: m.transient(1.0, "1 us", state=1e-9),
        lambda m: m.transient(1.0, "1 us", conductance=1.0),
        lambda m: m.transient(1.0, "1 us", state=4e-9, conductance=1e-6),
        lambda m: m.transient(1.0, "1 us", series=-5.0),
        lambda m: m.transient(1.0, "1 us", temperature=-5.0),
        lambda m: m.transient(1.0, "1 us", times=[2e-6]),
        lambda m: m.transient(Waveform((0.0, 1e-6), (1.0, 1.0)), "1 us"),
        lambda m: Waveform((0.0, 2e-6, 1e-6), (1.0, 1.0, 1.0)),
        lambda m: Waveform((0.0,), (1.0,)),
        lambda m: m.switching_time(1.0, *m.states, steps_a_stroke=0),
        lambda m: load_compact("stanford_v1").transient(1.0, "1 us", dynamic_temperature=True),
        lambda m: load_compact("stanfrod_v1"),
    ],
)
def test_bad_input_is_told(call):
    with pytest.raises(InputError):
        call(load_compact("sky130"))


def test_energy_is_the_integral_of_power():
    model = load_compact("sky130")
    wave = Waveform.pulse("1.8 V", "1 ms", edge="0.1 ms")
    times = np.linspace(0.0, 1.2e-3, 4001)
    trace = model.transient(wave, series="5 kohm", times=times)
    power = trace.voltage * trace.current
    whole = np.sum(0.5 * (power[1:] + power[:-1]) * np.diff(times))
    assert trace.energy[-1] == pytest.approx(whole, rel=2e-3)
