"""The polynomials of the kernels against numpy and scipy, to their stated errors."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit
from scipy.special import ndtri

from tantala.cell import elementary


@njit
def _map_log(x, y):
    for i in range(len(x)):
        y[i] = elementary.log32(x[i])


@njit
def _map_exp(x, y):
    for i in range(len(x)):
        y[i] = elementary.exp32(x[i])


@njit
def _map_soft(x, y):
    for i in range(len(x)):
        y[i] = elementary.soft32(x[i])


@njit
def _map_normal(words, y):
    for i in range(len(words)):
        y[i] = elementary.normal32(words[i])


@njit
def _map_uniform(words, y):
    for i in range(len(words)):
        y[i] = elementary.uniform32(words[i])


@pytest.fixture
def scatter() -> np.ndarray:
    return np.random.default_rng(11).uniform(-85.0, 85.0, 100_000).astype(np.float32)


def test_logarithm(scatter: np.ndarray) -> None:
    x = np.exp(scatter.astype(np.float64)).astype(np.float32)
    y = np.empty_like(x)
    _map_log(x, y)
    exact = np.log(x.astype(np.float64))
    assert np.abs(y - exact).max() <= 1.2e-7 * np.maximum(np.abs(exact), 1.0).max()
    near_one = np.linspace(0.5, 2.0, 10_001).astype(np.float32)
    y = np.empty_like(near_one)
    _map_log(near_one, y)
    assert np.abs(y - np.log(near_one.astype(np.float64))).max() < 1e-7


def test_exponential(scatter: np.ndarray) -> None:
    y = np.empty_like(scatter)
    _map_exp(scatter, y)
    assert np.abs(y / np.exp(scatter.astype(np.float64)) - 1.0).max() < 1.2e-7


def test_soft_corner(scatter: np.ndarray) -> None:
    y = np.empty_like(scatter)
    _map_soft(scatter, y)
    assert np.abs(y / np.logaddexp(0.0, scatter.astype(np.float64)) - 1.0).max() < 3e-7
    ends = np.array([-1e30, 1e30], np.float32)
    y = np.empty_like(ends)
    _map_soft(ends, y)
    assert 0.0 <= y[0] < 1e-30
    assert y[1] == ends[1]


def test_exponential_saturates_and_stays_finite() -> None:
    x = np.array([-1e30, -100.0, 100.0, 1e30], np.float32)
    y = np.empty_like(x)
    _map_exp(x, y)
    assert np.isfinite(y).all()
    assert (y[:2] > 0.0).all()
    assert (y[:2] < 2e-38).all()
    assert (y[2:] > 1e38).all()


def test_normal_quantile_in_the_centre_and_in_both_tails() -> None:
    centre = np.random.default_rng(5).integers(0, 2**32, 200_000, dtype=np.uint64)
    ends = np.concatenate([np.arange(2000), 2**32 - 1 - np.arange(2000)]).astype(np.uint64)
    words = np.concatenate([centre, ends]).astype(np.uint32)
    y = np.empty(len(words), np.float32)
    _map_normal(words, y)
    exact = ndtri((words.astype(np.float64) + 0.5) / 2.0**32)
    assert np.abs(y - exact).max() < 5e-6
    assert np.abs(y - exact)[np.abs(exact) < 3.0].max() < 3e-6


def test_normal_is_odd() -> None:
    words = np.random.default_rng(6).integers(0, 2**31, 1000, dtype=np.uint64).astype(np.uint32)
    low, high = np.empty(1000, np.float32), np.empty(1000, np.float32)
    _map_normal(words, low)
    _map_normal(~words, high)
    assert np.array_equal(low, -high)


def test_uniform_never_reaches_its_ends() -> None:
    words = np.array([0, 511, 2**32 - 1], np.uint32)
    y = np.empty(3, np.float32)
    _map_uniform(words, y)
    assert 0.0 < y[0] == y[1]
    assert y[2] < 1.0
