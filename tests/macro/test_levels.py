"""Levels, the window between them, and its error rate deep in the tails."""

import math

import numpy as np
import pytest
from scipy.special import log_ndtr
from scipy.stats import norm

from tantala.macro.levels import Window, best_reference, lognormal, scaled, tabulate


def test_tails_of_a_lognormal_level():
    level = lognormal(100e-6, 0.1)
    for p in (1e-18, 1e-9, 1e-3, 0.5):
        z = norm.ppf(p)
        assert level.low_tail(p) == pytest.approx(100e-6 * math.exp(0.1 * z), rel=1e-3)
        assert level.high_tail(p) == pytest.approx(100e-6 * math.exp(-0.1 * z), rel=1e-3)


def test_a_table_of_a_distribution_keeps_its_tails():
    def below(g):
        return np.exp(log_ndtr(np.log(g / 1e-4) / 0.1))

    def above(g):
        return np.exp(log_ndtr(-np.log(g / 1e-4) / 0.1))

    level = tabulate(below, above, 1e-4, 1e-5, 1e-3)
    assert level.low_tail(1e-18) == pytest.approx(1e-4 * math.exp(0.1 * norm.ppf(1e-18)), rel=1e-3)


def test_error_with_a_noisy_decision_is_the_convolution():
    # Both normal in conductance, so the decision's spread adds in quadrature.
    mean, sigma, spread, reference = 100e-6, 5e-6, 3e-6, 80e-6
    low = tabulate(
        lambda g: norm.cdf((g - mean) / sigma),
        lambda g: norm.sf((g - mean) / sigma),
        mean, 1e-5, 2e-4, 4000,
    )
    high = lognormal(1e-6, 0.1)
    p, _ = Window(low, high, reference).error_parts(spread, 0.0)
    assert p == pytest.approx(norm.cdf((reference - mean) / math.hypot(sigma, spread)), rel=1e-3)


def test_counted_errors_agree_with_the_tails():
    rng = np.random.default_rng(3)
    low, high = lognormal(100e-6, 0.25), lognormal(20e-6, 0.5)
    reference = best_reference(low, high, 2e-6, 1e-6)
    n = 400_000
    seen_low = rng.lognormal(math.log(100e-6), 0.25, n) + rng.normal(0, 2e-6, n)
    seen_high = rng.lognormal(math.log(20e-6), 0.5, n) + rng.normal(0, 2e-6, n)
    counted = 0.5 * ((seen_low < reference + 1e-6).mean() + (seen_high >= reference - 1e-6).mean())
    p = Window(low, high, reference).error(2e-6, 1e-6)
    assert abs(counted - p) < 5 * math.sqrt(p / (2 * n))


def test_best_reference_is_not_beaten_nearby():
    low, high = lognormal(130e-6, 0.08), lognormal(8e-6, 0.9)
    best = best_reference(low, high, 1e-6, 0.5e-6)
    least = Window(low, high, best).error(1e-6, 0.5e-6)
    for factor in (0.8, 0.95, 1.05, 1.2):
        assert Window(low, high, best * factor).error(1e-6, 0.5e-6) >= least * (1 - 1e-3)


def test_scaling_moves_every_quantile():
    level = scaled(lognormal(1e-4, 0.2), 0.01)
    assert level.low_tail(1e-6) == pytest.approx(lognormal(1e-6, 0.2).low_tail(1e-6))
    assert level.mean == pytest.approx(lognormal(1e-6, 0.2).mean)
