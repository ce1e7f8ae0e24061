"""Decoder, level shifter and word-line driver."""

import numpy as np
import pytest
from blocks import PITCH, circuits, process, word_line
from hypothesis import given, settings
from hypothesis import strategies as st

from tantala.base.errors import InputError
from tantala.circuit import level_shifter, row_decoder, word_line_driver
from tantala.circuit.gate import gate_chain
from tantala.technology import Line


def decoder(rows, p=None):
    return row_decoder(p or process(), circuits(), rows, PITCH)


def driver(columns=512, read=1.2, write=2.5, p=None, rows=512):
    p = p or process()
    d = decoder(rows, p)
    return word_line_driver(
        p, circuits(), rows, word_line(p, columns), read, write, d.row_width, d.row_inputs
    )


def test_chain_is_near_the_best_whole_number_of_stages():
    """Continuous stage count against the explicit minimum over 1 to 12 stages."""
    core = process().core
    width = 1e-7
    for load in np.geomspace(1e-15, 1e-11, 30):
        path = load / (core.inverter_input * width)
        whole = min(n * core.tau * (path ** (1.0 / n) + core.parasitic) for n in range(1, 13))
        assert gate_chain(core, width, load).delay == pytest.approx(whole, rel=0.08)


@settings(max_examples=60, deadline=None)
@given(st.floats(1e-16, 1e-11), st.floats(1.01, 3.0))
def test_more_load_costs_more(load, factor):
    core = process().core
    small, large = gate_chain(core, 1e-7, load), gate_chain(core, 1e-7, load * factor)
    assert large.delay > small.delay
    assert large.energy > small.energy
    assert large.width >= small.width


def test_chain_energy_is_at_least_that_of_its_load():
    core = process().core
    chain = gate_chain(core, 1e-7, 1e-13)
    assert chain.energy > 1e-13 * core.supply**2
    assert chain.energy < 2.0 * 1e-13 * core.supply**2


def test_decoder_grows_with_rows():
    rows = np.array([64, 128, 256, 512, 1024, 2048, 4096])
    cost = decoder(rows).cost
    for figure in (cost.area, cost.delay, cost.energy, cost.leakage):
        assert np.all(np.diff(figure) > 0.0)


def test_arrays_give_what_single_values_give():
    rows = np.array([128, 512])
    together = decoder(rows).cost
    for index, one in enumerate(rows):
        alone = decoder(float(one)).cost
        assert alone.delay == together.delay[index]
        assert alone.area == together.area[index]


def test_longer_word_lines_are_slower_and_dearer():
    costs = [driver(columns) for columns in (128, 512, 2048)]
    assert np.all(np.diff([d.cost.delay for d in costs]) > 0)
    assert np.all(np.diff([d.cost.energy for d in costs]) > 0)
    assert np.all(np.diff([d.write_energy for d in costs]) > 0)


def test_boost_costs_energy_of_the_square_and_helps_speed():
    low, high = driver(write=2.0), driver(write=2.5)
    assert high.write_energy / low.write_energy == pytest.approx((2.5 / 2.0) ** 2, rel=0.1)
    assert driver(read=2.0).cost.delay < driver(read=1.2).cost.delay


def test_core_driver_where_no_boost_is_needed():
    plain = driver(read=0.9, write=0.9)
    assert not plain.boosted
    assert plain.cost.area < driver().cost.area


def test_level_shifter_slows_when_the_core_supply_nears_the_threshold():
    delays = [
        level_shifter(process(supply=volt), circuits(), 2.5).cost.delay
        for volt in (1.1, 0.9, 0.7, 0.5)
    ]
    assert np.all(np.diff(np.log(delays)) > 0)
    assert delays[3] / delays[2] > delays[1] / delays[0]


def test_stress_limit():
    with pytest.raises(InputError, match="thick-oxide"):
        driver(write=4.0)


def test_distributed_line_bounds():
    """A word line is never faster than its own RC, 0.377 R C."""
    line = Line(20e3, 200e-15)
    d = decoder(512)
    cost = word_line_driver(
        process(), circuits(), 512, line, 1.2, 2.5, d.row_width, d.row_inputs
    ).cost
    assert cost.delay > 0.377 * 20e3 * 200e-15
