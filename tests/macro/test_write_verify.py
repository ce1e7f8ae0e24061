"""Pulses of a word: mean and tail of the slowest bit, against closed forms and simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tantala.macro.write_verify import geometric_train, mean_group_pulses, tail_pulses


def train(success, pulses=60):
    return geometric_train(
        success, pulses, energy=1e-12, voltage=2.0, gate_voltage=2.5, current=1e-4, width=1e-7
    )


def test_one_bit_is_the_geometric_law():
    t = train(0.4)
    assert t.mean_pulses == pytest.approx(1 / 0.4, rel=1e-9)
    assert mean_group_pulses(t, 1, 1.0) == pytest.approx(1 / 0.4, rel=1e-9)
    assert t.cell_energy == pytest.approx(1e-12 / 0.4, rel=1e-9)


@given(st.integers(1, 200), st.floats(0.05, 1.0), st.floats(0.1, 1.0))
def test_mean_of_the_slowest_of_many_by_simulation(bits, success, share):
    t = train(success, 400)
    n = 4000
    rng = np.random.default_rng(bits)
    needs = rng.random((n, bits)) < share
    pulses = np.where(needs, rng.geometric(success, (n, bits)), 0).max(axis=1)
    spread = max(pulses.std(), 0.05) / math.sqrt(n)
    assert abs(pulses.mean() - mean_group_pulses(t, bits, share)) < 6 * spread


def test_tail_of_several_groups_by_simulation():
    t, groups, bits = train(0.5, 80), 4, 16
    rng = np.random.default_rng(5)
    pulses = rng.geometric(0.5, (400_000, groups, bits)).max(axis=2).sum(axis=1)
    bound = tail_pulses(t, bits, groups, 1.0, 1e-3)
    assert (pulses > bound).mean() <= 1e-3 + 5 * math.sqrt(1e-3 / 400_000)
    assert (pulses > bound - 1).mean() > 1e-3 - 5 * math.sqrt(1e-3 / 400_000)


@given(st.floats(0.1, 0.9), st.integers(1, 128))
def test_more_bits_together_never_finish_sooner(success, bits):
    t = train(success, 200)
    assert mean_group_pulses(t, bits + 1, 0.5) >= mean_group_pulses(t, bits, 0.5)


def test_residue_is_what_the_last_pulse_leaves():
    assert train(0.5, 10).residue == pytest.approx(2.0**-10)
