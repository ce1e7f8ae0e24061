"""Levels by quadrature: against counting, against closed forms, and a wrong law that is caught."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from ageing_laws import LAW, NOISE, RELAXATION
from scipy.special import log_ndtr, ndtr, ndtri
from scipy.stats import binom

from tantala.base.errors import InputError
from tantala.cell.ageing import Ageing
from tantala.cell.ageing_kernel import tables_of
from tantala.cell.levels import from_samples, level_of
from tantala.cell.relaxation import aged

CELLS = 2_000_000
TEN_YEARS = float(aged(0.0, 3.156e8, 358.15, RELAXATION.attempt_rate))
# Counted against computed: 2 states x 3 ages x 3 points x 2 sides, each with an exact two-sided
# binomial test; the whole family raises a false alarm once in 10,000 runs (and seeds are fixed).
FALSE_ALARM = 1e-4 / 36
SLACK = 0.01  # of a score: interpolation of the kernel's tables and of the level


def low(z):
    return 1.0e-4 * np.exp(0.06 * z)


def high(z):
    return 6e-6 * np.exp(0.6 * (z - 0.3 * np.log1p(np.exp(3.0 * (z - 1.0)))))


def counted(start, age, law=LAW, noise=NOISE, seed=1):
    rng = np.random.default_rng(seed)
    written = start(rng.standard_normal(CELLS)).astype(np.float32)
    out = np.empty_like(written)
    ages = np.full(CELLS, age, np.float32)
    tables_of(law).age(out, written, ages, np.zeros(CELLS, np.uint32), 0, seed)
    return out * (1.0 + noise.relative_deviation(out) * rng.standard_normal(CELLS))


def agrees(count, p):
    """Exact two-sided binomial test of `count` of CELLS against p, known to SLACK of a score."""
    least, most = ndtr(ndtri(p) - SLACK), ndtr(ndtri(p) + SLACK)
    too_few = binom.cdf(count, CELLS, least) < 0.5 * FALSE_ALARM
    too_many = binom.sf(count - 1, CELLS, most) < 0.5 * FALSE_ALARM
    return not (too_few or too_many)


@pytest.mark.parametrize("start", [low, high])
@pytest.mark.parametrize("age", [1e-3, 1e3, TEN_YEARS])
def test_tails_agree_with_counting(start, age):
    level = level_of(start, LAW, age, NOISE)
    sensed = counted(start, age)
    for p in (1e-4, 1e-2, 0.3):
        assert agrees(int((sensed < level.quantile(p)).sum()), p), ("below", p)
        assert agrees(int((sensed >= level.upper_quantile(p)).sum()), p), ("above", p)


def test_control_a_wrong_law_is_caught_by_counting():
    """Events a tenth larger in the cells than in the law: the count must disagree in a tail."""
    larger = tuple(1.1 * a for a in RELAXATION.amplitude)
    wrong = Ageing(dataclasses.replace(RELAXATION, amplitude=larger), LAW.retention)
    level = level_of(low, LAW, 1e3, NOISE)
    sensed = counted(low, 1e3, wrong)
    outcomes = [agrees(int((sensed < level.quantile(p)).sum()), p) for p in (1e-4, 1e-3, 1e-2)]
    assert not all(outcomes)


def test_without_ageing_a_lognormal_comes_back_exactly_far_into_its_tails():
    level = level_of(low)
    for p in (1e-18, 1e-9, 0.5):
        assert level.quantile(p) == pytest.approx(1.0e-4 * np.exp(0.06 * ndtri(p)), rel=1e-6)
        assert level.upper_quantile(p) == pytest.approx(1.0e-4 * np.exp(-0.06 * ndtri(p)), rel=1e-6)
    assert level.mean == pytest.approx(1.0e-4 * np.exp(0.5 * 0.06**2), rel=1e-5)


def test_one_written_conductance_gives_the_conditional_law_to_1e_18():
    """All cells written alike: the quadrature must return the law itself."""
    level = level_of(lambda z: 1.0e-4 * np.exp(1e-7 * z), LAW, 1e4)
    for score in (-8.75, -5.0, 0.0, 3.0):
        wanted = float(LAW.quantile(score, 1.0e-4, 1e4))
        got = float(level.quantile(float(np.exp(log_ndtr(score)))))
        assert np.log(got) == pytest.approx(np.log(wanted), abs=2e-3)


def test_tails_are_each_others_complement_and_the_density_integrates():
    level = level_of(low, LAW, 1e3, NOISE)
    g = np.exp(np.linspace(level.log_g[0], level.log_g[-1], 20_001))
    np.testing.assert_allclose(level.below(g) + level.above(g), 1.0, atol=1e-12)
    total = np.sum(0.5 * (level.pdf(g)[1:] + level.pdf(g)[:-1]) * np.diff(g))
    assert total == pytest.approx(1.0, abs=1e-3)
    assert np.all(np.diff(level.log_below(g)) >= 0.0)


def test_tails_grow_with_age():
    edges = [level_of(low, LAW, age).log_below(5e-5) for age in (1e-3, 1.0, 1e3, 1e6, TEN_YEARS)]
    assert np.all(np.diff(edges) > 0.0)


def test_samples_are_continued_beyond_the_last_ones():
    rng = np.random.default_rng(4)
    start = from_samples(np.exp(rng.standard_normal(20_000)))
    for z, tolerance in ((-1.0, 0.03), (2.0, 0.05), (-6.0, 1.0), (6.0, 1.0)):
        assert np.log(start(np.array([z])))[0] == pytest.approx(z, abs=tolerance)
    scores = np.linspace(-9, 9, 400)
    assert np.all(np.diff(start(scores)) >= 0.0)


@pytest.mark.parametrize("p", [0.0, 1.0, -0.1, 2.0])
def test_a_share_outside_zero_to_one_is_refused(p):
    with pytest.raises(InputError, match="share"):
        level_of(low).quantile(p)
