"""Sampled read margins: same seed same arrays, intervals that hold, the levels they come from."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, kstest

import tantala as tt
from tantala.array import read_statistics
from tantala.array.read_statistics import ReadStatistics, Share

CELL = tt.load_cell("hfox_64k")


def wires(rows=6, columns=5, wire=2.0):
    return tt.Array(np.zeros((rows, columns)), wire, wire)


def made(low, high):
    """Statistics with the given currents of one position."""
    place = np.array([[0, 0]])
    return ReadStatistics(None, 0.2, place, low[:, None], high[:, None], 0.0)


def test_same_seed_same_arrays_whatever_the_chunks():
    whole = read_statistics(wires(), CELL, 12, seed=3)
    first = read_statistics(wires(), CELL, 5, seed=3)
    rest = read_statistics(wires(), CELL, 7, seed=3, first_array=5)
    both = np.concatenate([first.low_current, rest.low_current])
    assert np.array_equal(both, whole.low_current)
    one = read_statistics(wires(), CELL, 12, seed=3, positions=[(5, 4)])
    assert np.array_equal(one.high_current[:, 0], whole.high_current[:, -1])
    other = read_statistics(wires(), CELL, 12, seed=4)
    assert not np.array_equal(other.low_current, whole.low_current)


def test_without_wires_currents_are_those_of_the_levels():
    """Kolmogorov-Smirnov at one in a million; fixed seed."""
    found = read_statistics(wires(2, 2, 0.0), CELL, 400, seed=1, positions=[(1, 0)])
    volts = CELL.nominal.read_voltage
    for state in ("low", "high"):
        level = CELL.levels(state)
        conductance = found.currents(state, 0) / volts
        assert kstest(conductance, level.below).pvalue > 1e-6


def test_wires_lower_the_currents_of_every_array():
    ideal = read_statistics(wires(wire=0.0), CELL, 10, seed=2)
    lossy = read_statistics(wires(wire=20.0), CELL, 10, seed=2)
    assert np.all(lossy.low_current < ideal.low_current)
    assert lossy.margin(0.1) < ideal.margin(0.1)
    assert lossy.residual < 1e-9


def test_conditions_and_data_reach_the_levels():
    fresh = read_statistics(wires(), CELL, 6, seed=2, data="all_low", sensed=False)
    aged = read_statistics(
        wires(), CELL, 6, seed=2, data="all_low", sensed=False, time="10 h", temperature="125 degC"
    )
    assert not np.array_equal(fresh.low_current, aged.low_current)
    turned = read_statistics(wires(), CELL, 6, seed=2, data="all_low", sensed=False, voltage=-0.2)
    assert turned.low_current == pytest.approx(fresh.low_current, rel=1e-9)


def test_quantile_intervals_hold_as_often_as_they_say():
    """Of 1000 samples of 60, at least 95 % of the intervals hold the true quantile."""
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(1000):
        sample = rng.normal(size=60)
        found = made(sample, sample).quantile("low", 0.3)
        held += found.lowest <= -0.5244005127080409 <= found.highest
    assert binom.cdf(held, 1000, 0.95) > 1e-6
    assert held < 1000, "the interval is no use"


def test_a_quantile_that_too_few_arrays_show_has_an_open_side():
    found = made(np.arange(10.0), np.arange(10.0))
    assert found.quantile("low", 0.01).lowest is None
    assert found.quantile("high", 0.99).highest is None
    table = found.table()
    assert table.height == 6
    assert table["lowest_A"].null_count() > 0


def test_misread_shares_and_their_intervals():
    found = made(np.arange(1.0, 101.0), np.full(100, 0.5))
    none = found.misread("high", 0.75)
    assert (none.misread, none.lowest) == (0, 0.0)
    assert none.highest == pytest.approx(1.0 - 0.025 ** (1 / 100))
    some = found.misread("low", 10.0)
    assert some == Share(10, 100, some.lowest, some.highest)
    assert binom.sf(9, 100, some.lowest) == pytest.approx(0.025, rel=1e-6)
    assert binom.cdf(10, 100, some.highest) == pytest.approx(0.025, rel=1e-6)
    every = found.misread("high", 0.25)
    assert (every.value, every.highest) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"arrays": 0}, "bad arrays"),
        ({"arrays": True}, "bad arrays"),
        ({"first_array": -1}, "bad first_array"),
        ({"data": "stripes"}, "unknown data pattern"),
        ({"seed": -1}, "bad seed"),
        ({"scheme": "third"}, "unknown bias scheme"),
    ],
)
def test_bad_input(change, told):
    with pytest.raises(tt.InputError, match=told):
        read_statistics(wires(), CELL, **{"arrays": 2, "seed": 1, **change})


def test_bad_questions():
    found = made(np.arange(10.0), np.arange(10.0))
    for ask in (
        lambda: found.quantile("middle", 0.5),
        lambda: found.quantile("low", 1.0),
        lambda: found.misread("low", 0.5, confidence=2.0),
        lambda: found.margin(0.0),
    ):
        with pytest.raises(tt.InputError):
            ask()
