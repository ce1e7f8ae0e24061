"""Sense amplifier: time follows the cell, and grows without bound as the window closes."""

import numpy as np
import pytest
from blocks import READ, amplifier, bit_line, circuits, currents, process
from hypothesis import given, settings
from hypothesis import strategies as st

from tantala.circuit import SenseCurrents, WindowClosed, reference_generator
from tantala.circuit.sense_amplifier import deviations
from tantala.technology.delay import LINE_HALF

NODE = 10e-15  # F at the amplifier
FAIL = 1e-6


def sense(currents_, fail=FAIL, rows=512, p=None, **options):
    a = amplifier(p)
    return a.time(currents_, bit_line(p or process(), rows), NODE, fail, **options)


def test_a_hundredfold_cell_resistance_reads_much_slower():
    """The peers' first defect: x100 in resistance changed their read by 0.4 %."""
    fast, slow = sense(currents(12e3, 80e3)), sense(currents(1.2e6, 8e6))
    assert slow.total > 20.0 * fast.total


@settings(max_examples=60, deadline=None)
@given(st.floats(5e3, 50e3), st.floats(4.0, 30.0), st.floats(1.05, 5.0))
def test_higher_resistance_is_never_faster(low, window, factor):
    base = sense(currents(low, low * window))
    higher = sense(currents(low * factor, low * window * factor))
    assert higher.total > base.total


@settings(max_examples=60, deadline=None)
@given(st.floats(5e3, 50e3), st.floats(4.0, 10.0), st.floats(1.05, 5.0))
def test_a_wider_window_is_never_slower(low, window, factor):
    """At the same reference current: only the signal grows."""
    narrow = currents(low, low * window)
    wide = SenseCurrents(
        narrow.reference + factor * (narrow.low_resistance - narrow.reference),
        narrow.reference - (narrow.reference - narrow.high_resistance) / 1.0,
        narrow.reference,
    )
    assert sense(wide).total <= sense(narrow).total * (1 + 1e-12)


def test_time_diverges_as_the_window_closes():
    """t - > infinity like 1/usable: near closing, halving the usable signal doubles the time."""
    a = amplifier()
    reference = 10e-6
    allowance = deviations(FAIL) * a.offset_current(reference)

    def integrate(usable):
        signal = allowance + usable
        window = SenseCurrents(reference + signal, reference - signal, reference)
        return a.time(window, bit_line(process()), NODE, FAIL).integrate

    times = [float(integrate(usable)) for usable in (1e-6, 1e-8, 1e-10, 1e-12)]
    assert np.allclose(np.diff(np.log10(times)), 2.0, atol=0.01)


def test_a_closed_window_is_an_error():
    closed = currents(12e3, 12.5e3)
    with pytest.raises(WindowClosed, match="cannot tell"):
        sense(closed)
    endless = sense(closed, closed="infinite")
    assert np.isinf(endless.total)
    assert endless.usable < 0.0


def test_only_the_closed_members_of_an_array_are_endless():
    low, high = np.array([17e-6, 17e-6]), np.array([2e-6, 16.5e-6])
    window = SenseCurrents(low, high, 0.5 * (low + high))
    total = sense(window, closed="infinite").total
    assert np.isfinite(total[0])
    assert np.isinf(total[1])


@settings(max_examples=40, deadline=None)
@given(st.floats(1e-12, 1e-2), st.floats(1.5, 100.0))
def test_a_lower_failure_rate_takes_longer(fail, factor):
    assert sense(currents(), fail / factor).total > sense(currents(), fail).total


def test_longer_bit_lines_are_slower():
    totals = [float(sense(currents(), rows=rows).total) for rows in (64, 256, 1024, 4096)]
    assert np.all(np.diff(totals) > 0.0)


def test_settling_is_an_exponential_of_the_clamp():
    """RC limit: settle = ln(error ratio) C / gm + the line's own delay."""
    p, a = process(), amplifier()
    window, line = currents(), bit_line(p)
    c = circuits().sense
    gm = p.core.transconductance(
        window.reference,
        c.clamp_width * p.core.parameters.minimum_width,
        "n",
        c.length * p.core.length,
    )
    time = a.time(window, line, NODE, FAIL)
    ratio = window.reference / (c.settling_error * time.usable)
    expected = np.log(ratio) * (line.capacitance + NODE) / gm
    wire = LINE_HALF * line.resistance * line.capacitance
    assert time.settle == pytest.approx(expected + wire, rel=1e-12)


def test_offset_statistics():
    """Two-sided: at fail probability p an offset exceeds z sigma, of either sign, with p."""
    from scipy.stats import norm

    for p in (0.3, 1e-3, 1e-9, 1e-15):
        assert 2.0 * norm.sf(deviations(p)) == pytest.approx(p, rel=1e-9)


def test_misreads_against_a_count_of_amplifiers():
    """A million amplifiers with drawn offsets: the count is within 4 sigma of the probability."""
    a = amplifier()
    rng = np.random.default_rng(1)
    reference, time, count = 10e-6, 0.2e-9, 1_000_000
    comparison = rng.normal(0.0, a.offset_current(reference), count)
    latch = rng.normal(0.0, a.offset_voltage, count)
    for difference in (0.1e-6, -0.3e-6, 0.5e-6):
        seen = (difference + comparison) * time / a.sense_capacitance + latch
        wrong = np.count_nonzero(np.sign(seen) != np.sign(difference))
        p = a.misread_probability(reference + difference, reference, time)
        assert abs(wrong - count * p) < 4.0 * np.sqrt(count * p * (1.0 - p))


def test_the_timed_read_meets_its_failure_rate():
    """An amplifier that is given the time of its worst state misreads no oftener than allowed."""
    a, window = amplifier(), currents()
    time = a.time(window, bit_line(process()), NODE, FAIL)
    for cell in (window.low_resistance, window.high_resistance):
        assert a.misread_probability(cell, window.reference, time.integrate) <= FAIL
    assert a.misread_probability(window.reference, window.reference, 1e-9) == 0.5


def test_reading_costs_the_energy_of_its_currents():
    a = amplifier()
    window = currents()
    time = a.time(window, bit_line(process()), NODE, FAIL)
    mean = READ / 12e3
    cost = a.cost(window, time, 40e-15, mean)
    flowing = process().supply * (mean + window.reference) * time.total
    assert 0.3 * flowing < cost.energy < 3.0 * flowing
    twice = a.cost(window, time, 80e-15, mean)
    assert twice.energy - cost.energy == pytest.approx(40e-15 * READ * process().supply)


def test_tails_set_how_long_a_read_lasts_and_the_mean_cell_what_it_draws():
    a = amplifier()
    window = currents()
    time = a.time(window, bit_line(process()), NODE, FAIL)
    energies = [a.cost(window, time, 0.0, mean).energy for mean in (10e-6, 12e-6)]
    drawn = process().supply * 2e-6 * (time.total - time.latch)
    assert energies[1] - energies[0] == pytest.approx(drawn, rel=1e-9)
    # Tails closer to the same reference: the read lasts longer, at the same current.
    closer = SenseCurrents(window.reference + 2e-6, window.reference - 2e-6, window.reference)
    longer = a.time(closer, bit_line(process()), NODE, FAIL)
    more = a.cost(closer, longer, 0.0, 10e-6).energy - energies[0]
    lasted = (longer.total - longer.latch) - (time.total - time.latch)
    current = 10e-6 + window.reference
    assert more == pytest.approx(process().supply * current * lasted, rel=1e-9)


def test_scaling_goes_the_right_way_between_nodes():
    """Peers step up below 31 nm; ours must be smooth in node for the same line and cell."""
    nodes = np.geomspace(22, 180, 40)
    line = bit_line(process())
    times = [
        float(amplifier(process(f"{node:.4f}nm")).time(currents(), line, NODE, FAIL).total)
        for node in nodes
    ]
    steps = np.diff(np.log(times))
    assert np.max(np.abs(steps)) < 0.15
    assert np.max(np.abs(np.diff(steps))) < 0.03


def test_reference_runs_as_long_as_the_read():
    short = reference_generator(process(), circuits(), 9e-6, 5e-9)
    long = reference_generator(process(), circuits(), 9e-6, 10e-9)
    assert long.energy == pytest.approx(2.0 * short.energy)
    assert short.area > 0.0
    assert short.leakage > 0.0
