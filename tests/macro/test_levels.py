"""Levels, the window between them, and its error rate deep in the tails."""

import math

import numpy as np
import pytest
from scipy.special import log_ndtr
from scipy.stats import norm

from tantala.macro.levels import lognormal, misread, scaled, tabulate
from tantala.macro.read_path import ReadPath


def test_tails_of_a_lognormal_level():
    level = lognormal(100e-6, 0.1)
    for p in (1e-18, 1e-9, 1e-3, 0.5):
        z = norm.ppf(p)
        assert level.low_tail(p) == pytest.approx(100e-6 * math.exp(0.1 * z), rel=1e-3)
        assert level.high_tail(p) == pytest.approx(100e-6 * math.exp(-0.1 * z), rel=1e-3)


def test_a_table_of_a_distribution_keeps_its_tails():
    def below(g):
        return log_ndtr(np.log(g / 1e-4) / 0.1)

    def above(g):
        return log_ndtr(-np.log(g / 1e-4) / 0.1)

    level = tabulate(below, above, 1e-4, 1e-5, 1e-3)
    assert level.low_tail(1e-18) == pytest.approx(1e-4 * math.exp(0.1 * norm.ppf(1e-18)), rel=1e-3)


def test_error_with_a_noisy_decision_is_the_convolution():
    # Both normal in conductance, so the decision's spread adds in quadrature.
    mean, sigma, spread, reference, voltage = 100e-6, 5e-6, 3e-6, 80e-6, 0.2
    low = tabulate(
        lambda g: norm.logcdf((g - mean) / sigma),
        lambda g: norm.logsf((g - mean) / sigma),
        mean,
        1e-5,
        2e-4,
        4000,
    )
    high = lognormal(1e-6, 0.1)
    p, _ = misread(low, high, voltage, reference * voltage, 0.0, spread * voltage)
    assert p == pytest.approx(norm.cdf((reference - mean) / math.hypot(sigma, spread)), rel=1e-3)


def test_counted_errors_agree_with_the_tails():
    rng = np.random.default_rng(3)
    low, high = lognormal(100e-6, 0.25), lognormal(20e-6, 0.5)
    voltage, reference, usable, offset, series, n = 0.2, 10e-6, 0.2e-6, 0.4e-6, 500.0, 400_000
    path = ReadPath(3e-6, 0.98, 150.0)

    def current(cell):
        return voltage / (1.0 / (3e-6 + 0.98 * cell / (1.0 + 150.0 * cell)) + series)

    current_low = current(rng.lognormal(math.log(100e-6), 0.25, n))
    current_high = current(rng.lognormal(math.log(20e-6), 0.5, n))
    noise = rng.normal(0, offset, n)
    counted = (
        (current_low < reference + usable + noise).mean(),
        (current_high >= reference - usable + noise).mean(),
    )
    expected = misread(low, high, voltage, reference, usable, offset, (path, path), series)
    for seen, p in zip(counted, expected, strict=True):
        assert abs(seen - p) < 5 * math.sqrt(p / n)


def test_scaling_moves_every_quantile():
    level = scaled(lognormal(1e-4, 0.2), 0.01)
    assert level.low_tail(1e-6) == pytest.approx(lognormal(1e-6, 0.2).low_tail(1e-6))
    assert level.mean == pytest.approx(lognormal(1e-6, 0.2).mean)
