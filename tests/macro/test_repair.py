"""Yield with repair against closed forms and a counted simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tantala.macro.repair import Faults, gamma_nodes, repaired_yield


def test_gamma_quadrature_integrates_moments():
    x, w = gamma_nodes(2.5)
    assert w.sum() == pytest.approx(1.0)
    assert w @ x == pytest.approx(1.0)
    assert w @ x**2 == pytest.approx(1.0 + 1 / 2.5)


def test_without_spares_the_yield_is_the_negative_binomial_law():
    alpha, mean = 2.0, 0.4
    faults = Faults(rows=mean / 10, columns=0.0, cells=0.0, weak_cells=0.0)
    got = repaired_yield(faults, 0, 0, subarrays=10, fatal=0.0, alpha=alpha)
    assert got == pytest.approx((1 + mean / alpha) ** -alpha, rel=1e-9)


def test_many_sub_arrays_against_a_counted_simulation():
    faults = Faults(rows=0.02, columns=0.03, cells=0.05, weak_cells=0.01)
    alpha, subarrays, fatal, dies = 2.0, 16, 0.05, 20_000
    rng = np.random.default_rng(7)
    density = rng.gamma(alpha, 1 / alpha, dies)[:, None]
    shape = (dies, subarrays)
    rows = rng.poisson(faults.rows * density, shape)
    columns = rng.poisson(faults.columns * density, shape)
    cells = rng.poisson(faults.cells * density + faults.weak_cells, shape)
    good = (rows <= 2) & (columns <= 1) & (rows + columns + cells <= 3)
    alive = good.all(axis=1) & (rng.poisson(fatal * density[:, 0]) == 0)
    got = repaired_yield(faults, 2, 1, subarrays, fatal, alpha)
    sigma = math.sqrt(got * (1 - got) / dies)
    assert abs(alive.mean() - got) < 5 * sigma


@given(st.integers(0, 5), st.integers(0, 5), st.floats(0.001, 1.0), st.floats(0.0, 0.5))
def test_more_spares_and_fewer_defects_never_hurt(rows, columns, mean, fatal):
    faults = Faults(mean, mean, mean, mean)
    base = repaired_yield(faults, rows, columns, 8, fatal, 2.0)
    assert 0.0 <= base <= 1.0
    assert repaired_yield(faults, rows + 1, columns, 8, fatal, 2.0) >= base - 1e-12
    assert repaired_yield(faults, rows, columns + 1, 8, fatal, 2.0) >= base - 1e-12
    assert repaired_yield(faults, rows, columns, 8, fatal + 0.1, 2.0) <= base
