"""Buses, code logic, controller, pads, and the bookkeeping of costs."""

import numpy as np
import pytest
from blocks import circuits, process
from hypothesis import given, settings
from hypothesis import strategies as st

from tantala.circuit import (
    Cost,
    best_repeaters,
    bus,
    bus_path,
    controller,
    decoder_cost,
    encoder_cost,
    h_tree_path,
    h_tree_wire,
    make_code,
    repair,
    self_test,
    serial_interface,
)
from tantala.circuit.ecc_logic import decoder_gates, encoder_gates


def test_repeaters_are_at_the_optimum():
    """Neither spacing nor size can be changed by 20 % for a shorter delay than 1 % below."""
    from tantala.circuit.bus import _segment

    p = process()
    best = best_repeaters(p, p.intermediate)
    for spacing in (0.8, 1.0, 1.25):
        for size in (0.8, 1.0, 1.25):
            length = spacing * best.spacing
            per_length = _segment(p, p.intermediate, length, size * best.width) / length
            assert per_length > 0.97 * best.delay_per_length


def test_repeated_wires_are_linear_in_length():
    p = process()
    one, two = (bus(p, circuits(), length, 64, 32).delay for length in (5e-3, 10e-3))
    assert two == pytest.approx(2.0 * one, rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.floats(1e-5, 1e-2), st.floats(1.05, 4.0))
def test_longer_buses_cost_more(length, factor):
    short, long = (bus(process(), circuits(), x, 64, 32) for x in (length, length * factor))
    assert long.delay > short.delay
    assert long.energy > short.energy


def test_bus_energy_is_half_the_charge_times_the_supply():
    p = process()
    length = 10e-3
    cost = bus(p, circuits(), length, 64, 32)
    wire = 0.5 * 32 * p.intermediate.capacitance * length * p.supply**2
    assert wire < cost.energy < 3.0 * wire


def test_paths_of_trees():
    assert h_tree_path(1.0, 1.0, 1, 1) == pytest.approx(0.5)
    assert h_tree_path(1.0, 1.0, 2, 2) == pytest.approx(0.5 + 0.25 + 0.25)
    assert h_tree_path(1.0, 1.0, 1e6, 1e6) == pytest.approx(1.5, rel=1e-5)
    assert bus_path(1.0, 1.0, 1) == pytest.approx(1.0)
    assert h_tree_wire(1.0, 1.0, 4, 4) > h_tree_path(1.0, 1.0, 4, 4)


@pytest.mark.parametrize("bits", [32, 64, 128])
def test_stronger_codes_cost_more(bits):
    names = ("secded", "bch2", "bch3")
    codes = [make_code(name, bits) for name in names]
    decoders = [decoder_cost(process(), circuits(), code) for code in codes]
    for figure in ("area", "delay", "energy", "leakage"):
        assert np.all(np.diff([getattr(cost, figure) for cost in decoders]) > 0.0), figure
    for code, decoder in zip(codes, decoders, strict=True):
        encoder = encoder_cost(process(), circuits(), code)
        assert encoder.area < decoder.area
        assert encoder.delay < decoder.delay


def test_gate_counts_come_from_the_matrix():
    code = make_code("secded", 64)
    gates = encoder_gates(code)
    ones = sum(int(column).bit_count() for column in code.columns)
    assert gates.xors == ones - code.r
    assert gates.xor_levels == np.ceil(np.log2(code.parity_weights().max()))
    assert decoder_gates(code).xors > gates.xors


def test_logic_blocks():
    small, large = (controller(process(), circuits(), bits) for bits in (32, 128))
    assert large.area > small.area
    assert self_test(process(), circuits()).energy == 0.0
    assert repair(process(), circuits(), 0, 10).area == 0.0
    assert repair(process(), circuits(), 0, 10).delay == 0.0
    assert repair(process(), circuits(), 4, 10).area > 0.0


def test_pads_follow_the_square_of_the_supply():
    low, high = (serial_interface(process(), circuits(), volt) for volt in (1.8, 3.3))
    assert high.cost.energy / low.cost.energy == pytest.approx((3.3 / 1.8) ** 2, rel=0.05)
    assert low.standby_current < low.active_current


def test_costs_add_in_series_and_side_by_side():
    a, b = Cost(1.0, 2.0, 3.0, 4.0), Cost(10.0, 1.0, 30.0, 40.0)
    assert a.then(b) == Cost(11.0, 3.0, 33.0, 44.0)
    assert a.beside(b) == Cost(11.0, 2.0, 33.0, 44.0)
    assert a.copies(5, active=2) == Cost(5.0, 2.0, 6.0, 20.0)


def test_every_figure_is_positive_at_every_node_corner_and_temperature():
    from blocks import PITCH, amplifier, bit_line, currents

    from tantala.circuit import charge_pump, column_mux, row_decoder

    for node in ("180nm", "65nm", "22nm"):
        for corner in ("slow", "typical", "fast"):
            for temperature in (233.15, 300.0, 423.15):
                p = process(node, corner, temperature)
                sensing = amplifier(p)
                time = sensing.time(currents(), bit_line(p), 1e-14, 1e-6)
                blocks = [
                    row_decoder(p, circuits(), 512, PITCH).cost,
                    column_mux(p, circuits(), 16, 32, PITCH, 150e-6, 2.5, 1.2).cost,
                    sensing.cost(currents(), time, 1e-13, currents().reference),
                    bus(p, circuits(), 1e-3, 64, 32),
                ]
                for cost in blocks:
                    for figure in (cost.area, cost.delay, cost.energy, cost.leakage):
                        assert np.isfinite(figure)
                        assert figure > 0.0
                assert charge_pump(p, circuits(), 2.5, 1e-3, 1.8).cost.area > 0.0
